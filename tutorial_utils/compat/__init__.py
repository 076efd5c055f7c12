"""The one door to nussl 1.1.9 and Scaper 1.6.5, two packages older than the libraries they use.

    from tutorial_utils.compat import nussl, scaper

Each is loaded when first asked for, and runs on today's NumPy, SciPy, librosa, matplotlib, torch,
pandas and zarr, although it calls names that they have since dropped or changed.

Nothing of either package is copied or rewritten, and no library is patched. When Python runs
``import librosa``, it looks up ``__import__`` among the *builtins of the module that says so*. The
modules of nussl and Scaper are given builtins of their own (`loading`), whose ``__import__`` hands
them views of the libraries (`views`): objects that stand for a module, but answer for a few of its
names themselves (`mends`). What nussl writes to disk has its own place (`storage`). All other code
imports, calls and catches what it always did.

Afterwards ``sys.modules["nussl"]`` is the mended package, which a plain ``import nussl`` finds too.
A plain import *before* this one comes too early to be mended, and is an error here. A process that
Python starts afresh (workers of a ``DataLoader`` on macOS and Windows) has to come through this
door as well before it can unpickle an object of nussl's.

``museval`` may be imported through the same door. It wants musdb, which refuses to load without
ffmpeg, although BSS Eval needs neither.
"""

from .loading import load

__all__ = ["museval", "nussl", "scaper"]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return load(name)


def __dir__():
    return sorted({*globals(), *__all__})
