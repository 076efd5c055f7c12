"""The methods by their names, in the order of their chapters."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tutorial_utils.audio import as_channels, hertz, require_finite
from tutorial_utils.classics import factorisation, harmonic, repetition, spatial

VOICE = ("vocals", "accompaniment")
DRUMS = ("drums", "rest")


@dataclass(frozen=True)
class Method:
    """A way to divide a recording into two sources.

    Attributes
    ----------
    name : str
    chapter : str
        The page that explains it, such as ``"repetition"``.
    sources : tuple of two str
        What it estimates: one source, and all others together.
    function : callable
        From an array of shape (channels, samples) and a sample rate in Hz to estimates of the two
        sources, in their order.
    """

    name: str
    chapter: str
    sources: tuple[str, str]
    function: Callable

    def __call__(self, audio: np.ndarray, sample_rate: int) -> dict[str, np.ndarray]:
        """``{label: (channels, samples)}``, in float32."""
        audio = require_finite(as_channels(audio), "The mixture")
        # Some methods divide by the greatest value there is.
        found = self.function(audio, hertz(sample_rate)) if audio.any() else [0 * audio] * 2
        return {
            label: np.asarray(estimate, np.float32)
            for label, estimate in zip(self.sources, found, strict=True)
        }


METHODS = {
    method.name: method
    for method in (
        Method("REPET", "repetition", VOICE, repetition.repet),
        Method("REPET-SIM", "repetition", VOICE, repetition.repet_sim),
        Method("2DFT", "repetition", VOICE, repetition.ft2d),
        Method("HPSS", "hpss", DRUMS, harmonic.hpss),
        Method("HPSS, two windows", "hpss", VOICE, harmonic.two_windows),
        Method("robust PCA", "factorisation", VOICE, factorisation.low_rank),
        Method("NMF, learned drums", "factorisation", DRUMS, factorisation.learned_drums),
        Method("centre mask", "spatial", VOICE, spatial.centre),
        Method("DUET", "spatial", VOICE, spatial.duet),
        Method("PROJET", "spatial", VOICE, spatial.projet),
    )
}


def separate(name: str, audio: np.ndarray, sample_rate: int) -> dict[str, np.ndarray]:
    """Separate a recording with one of the methods.

    Parameters
    ----------
    name : str
        A key of ``METHODS``.
    audio : array of shape (channels, samples)
    sample_rate : int, in Hz

    Returns
    -------
    dict of str to array of shape (channels, samples), float32

    Raises
    ------
    ValueError
        If there is no method of that name.
    AudioError
        If the audio is no array of finite numbers of that shape, or a spatial method is given
        other than two channels.
    """
    if name not in METHODS:
        raise ValueError(f"There is no method '{name}'. There are: {', '.join(METHODS)}.")
    return METHODS[name](audio, sample_rate)
