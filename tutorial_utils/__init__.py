"""The companion package of the music source separation tutorial.

    import tutorial_utils as tu

Submodules and the functions named here are loaded on first use, so that importing the package
costs nothing and nobody waits for PyTorch to draw a waveform.
"""

import lazy_loader

from tutorial_utils import cache

__version__ = "0.1.0"

cache.keep_compiled()

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "audio",
        "augmentation",
        "classics",
        "checkpoint",
        "codecs",
        "compat",
        "config",
        "data",
        "effects",
        "evaluation",
        "listening",
        "losses",
        "loudness",
        "mastering",
        "measures",
        "models",
        "plots",
        "results",
        "separation",
        "stretch",
        "tinystems",
        "training",
        "transforms",
        "widgets",
        "wiener",
    ],
    submod_attrs={
        "inpage": ["in_page"],
        "player": ["player"],
        "separation": ["separate"],
        "training": ["train"],
    },
)
