"""Songs, and the training mixtures made of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["datasets", "mixing", "songs", "tinystems"],
    submod_attrs={"songs": ["Song", "open_songs"]},
)
