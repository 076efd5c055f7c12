"""Reading, writing, resampling and measuring audio.

Inside the package audio is always an array of shape ``(channels, samples)`` in float32, with full
scale at ±1. This module is where files become such arrays (:mod:`.files`, with the help of
:mod:`.mp3` and :mod:`.containers`), and arrays become files.
"""

from .arrays import (
    AudioError,
    as_channels,
    hertz,
    loudness,
    require_finite,
    resample,
    segment,
    with_channels,
)
from .files import SUFFIXES, Info, info, opened, read, write

__all__ = [
    "SUFFIXES",
    "AudioError",
    "Info",
    "as_channels",
    "hertz",
    "info",
    "loudness",
    "opened",
    "read",
    "require_finite",
    "resample",
    "segment",
    "with_channels",
    "write",
]
