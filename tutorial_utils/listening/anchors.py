"""Sounds of a known, low quality, by which the listeners of a test find their scale."""

import numpy as np
import scipy.signal

from tutorial_utils.audio import as_channels

_STEEP = 1 / 8  # from the end of the pass band to full attenuation, of the cut-off frequency
_ATTENUATION = 70.0  # dB


def low_pass(audio: np.ndarray, sample_rate: int, cutoff: float = 3500.0) -> np.ndarray:
    """What is below a frequency, as the anchors of MUSHRA are made.

    Parameters
    ----------
    audio : array of shape (channels, samples) or (samples,)
    sample_rate : int, in Hz
    cutoff : float
        In Hz; 3500 for the low anchor and 7000 for the mid anchor.

    Returns
    -------
    array of shape (channels, samples), float32
        Not delayed. The level is kept within 0.1 dB up to the cut-off, and lies more than 50 dB
        lower from 9/8 of it, which is stricter than the recommendation.

    Raises
    ------
    ValueError
        If the audio has nothing to take away, since the cut-off is at or beyond half of the sample
        rate.

    References
    ----------
    Recommendation ITU-R BS.1534-3, 2015: the low anchor has a pass band up to 3.5 kHz.
    """
    if not 0 < cutoff * (1 + _STEEP) < sample_rate / 2:
        raise ValueError(
            f"An anchor of {cutoff:g} Hz needs a sample rate above {2 * cutoff * (1 + _STEEP):.0f} "
            f"Hz, and this is {sample_rate} Hz."
        )
    width = cutoff * _STEEP
    taps, beta = scipy.signal.kaiserord(_ATTENUATION, width / (sample_rate / 2))
    taps += 1 - taps % 2  # odd, so that the delay is a whole number of samples
    filter_ = scipy.signal.firwin(taps, cutoff + width / 2, window=("kaiser", beta), fs=sample_rate)
    audio = as_channels(np.asarray(audio))
    return scipy.signal.oaconvolve(audio, filter_[None], mode="same", axes=1).astype(np.float32)
