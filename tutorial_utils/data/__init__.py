"""Songs, and the training mixtures made of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["datasets", "mixing", "songs", "sounds", "table", "tinystems"],
    submod_attrs={
        "datasets": ["MixtureDataset", "StoredDataset"],
        "songs": ["Song", "open_songs"],
        "sounds": ["Sound", "open_sounds"],
        "table": ["MixtureTable"],
    },
)
