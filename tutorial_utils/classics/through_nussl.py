"""nussl's separators, called with arrays."""

import functools

import numpy as np


def outputs(name: str, audio: np.ndarray, sample_rate: int, **options) -> list[np.ndarray]:
    """What one of nussl's separators makes of a recording, in its own order.

    Parameters
    ----------
    name : str
        Such as ``"primitive.Repet"``.
    audio : array of shape (channels, samples)
    sample_rate : int, in Hz
    **options
        Of the separator.

    Returns
    -------
    list of arrays of shape (channels, samples)
    """
    from tutorial_utils.compat import nussl

    separator = functools.reduce(getattr, name.split("."), nussl.separation)
    signal = nussl.AudioSignal(audio_data_array=audio.copy(), sample_rate=sample_rate)
    samples = audio.shape[1]
    found = [one.audio_data[:, :samples] for one in separator(signal, **options)()]
    return [np.pad(one, [(0, 0), (0, samples - one.shape[1])]) for one in found]
