"""Songs, and the training mixtures made of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["datasets", "export", "mixing", "songs", "sounds", "table", "tinystems"],
    submod_attrs={
        "datasets": ["MixtureDataset", "StoredDataset"],
        "decoding": ["decoded"],
        "links": ["label_folders"],
        "songs": ["Song", "open_songs"],
        "sounds": ["Sound", "open_sounds"],
        "table": ["MixtureTable"],
    },
)
