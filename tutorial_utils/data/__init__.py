"""Songs, and the training mixtures made of them."""

import importlib

import lazy_loader

_lazy, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["datasets", "export", "mixing", "render", "songs", "sounds", "table", "tinystems"],
    submod_attrs={
        "datasets": ["MixtureDataset", "StoredDataset"],
        "links": ["label_folders"],
        "songs": ["Song", "open_songs"],
        "songs.decoding": ["decoded"],
        "songs.taxonomy": ["TAXONOMY", "sort_tracks"],
        "sounds": ["Sound", "open_sounds"],
        "stacks": ["stack"],
        "table": ["MixtureTable"],
    },
)


def __getattr__(name):
    # The songs that the package composes are data to whoever uses them, and a package of their own.
    if name == "tinystems":
        return importlib.import_module("tutorial_utils.tinystems")
    return _lazy(name)
