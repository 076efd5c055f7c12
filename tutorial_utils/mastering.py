"""A compressor and a limiter: the two processors that make a mastered mix more than a sum.

Both are given as what they do to the signal, a *gain curve* with one factor a sample. Processing is
then a multiplication that the reader sees, ``gain * mixture``, and the same curve can be applied to
every stem.

The compressor is the feed-forward design that Giannoulis, Massberg and Reiss recommend in "Digital
Dynamic Range Compressor Design -- A Tutorial and Analysis", Journal of the Audio Engineering
Society 60(6), 2012: the level is taken in dB, a gain computer with a soft knee says how much of it
is too much, and only that is smoothed over time. The limiter puts a look-ahead in front, after
Hämäläinen, "Smoothing of the Control Signal without Clipped Output in Digital Peak Limiters",
DAFx 2002: the largest reduction needed in the near future, smoothed over as long a time, is never
less than the reduction needed now.
"""

import math
from numbers import Real

import numpy as np
from scipy.ndimage import maximum_filter1d

from tutorial_utils.audio import AudioError, as_channels, hertz, require_finite
from tutorial_utils.text import shown

_SILENCE = 1e-6  # -120 dB; the logarithm needs a floor


def compressor_gain(
    audio: np.ndarray,
    sample_rate: int,
    threshold_db: float = -20.0,
    ratio: float = 4.0,
    knee_db: float = 6.0,
    attack: float = 0.01,
    release: float = 0.1,
) -> np.ndarray:
    """Gain curve of a compressor, the same for all channels.

    Parameters
    ----------
    audio : array of shape (channels, samples)
        What the compressor listens to.
    sample_rate : int, in Hz
    threshold_db : float, in dB relative to full scale
        Peaks above it are reduced.
    ratio : float, at least 1
        So many dB above the threshold come out as 1 dB above it.
    knee_db : float, not negative
        Width of the range around the threshold over which compression sets in.
    attack, release : float, in seconds
        Time constants with which the reduction grows and shrinks.

    Returns
    -------
    array of shape (samples,), float32
        Factors from 0 to 1.

    Raises
    ------
    AudioError
        If the audio is not finite or not of the shape (channels, samples), or a setting is out of
        its range.

    Examples
    --------
    >>> tone = np.sin(np.arange(44100) / 10)            # peaks at 0 dB, 20 dB above the threshold
    >>> gain = compressor_gain(tone, 44100, release=10.0)
    >>> round(20 * float(np.log10(gain[-1])))           # 20 dB come out as 5
    -15
    """
    _check(threshold_db, ratio, knee_db, attack, release)
    sample_rate = hertz(sample_rate)
    if not (ratio >= 1 and knee_db >= 0):
        raise AudioError(
            f"A compressor needs a ratio of at least 1 and a knee of at least 0 dB, not {ratio:g} "
            f"and {knee_db:g} dB."
        )
    needed = reduction(_peak_db(audio) - threshold_db, ratio, knee_db)
    _check_times(attack, release)
    return _factors(smoothed(needed, 1 / sample_rate, attack, release, needed[0]))


def limiter_gain(
    audio: np.ndarray,
    sample_rate: int,
    ceiling_db: float = -1.0,
    look_ahead: float = 0.005,
    release: float = 0.05,
) -> np.ndarray:
    """Gain curve of a look-ahead limiter, the same for all channels.

    No sample of ``gain * audio`` exceeds the ceiling. (What a converter draws between the samples
    may still do so: that is the business of a true-peak limiter.)

    Parameters
    ----------
    audio : array of shape (channels, samples)
        What the limiter listens to.
    sample_rate : int, in Hz
    ceiling_db : float, in dB relative to full scale
    look_ahead : float, in seconds
        How long before a peak the gain begins to fall, at most 1 s. The curve is not delayed
        against the audio.
    release : float, in seconds
        Time constant with which the reduction shrinks after a peak.

    Returns
    -------
    array of shape (samples,), float32
        Factors from 0 to 1.

    Raises
    ------
    AudioError
        If the audio is not finite or not of the shape (channels, samples), or a setting is out of
        its range.

    Examples
    --------
    >>> clap = np.exp(-np.arange(44100) / 1000)
    >>> float(np.abs(limiter_gain(clap, 44100, ceiling_db=-6.0) * clap).max()) <= 10 ** (-6 / 20)
    True
    """
    _check(ceiling_db, look_ahead, release)
    sample_rate = hertz(sample_rate)
    if not 0 <= look_ahead <= 1:
        raise AudioError(f"A limiter cannot look {look_ahead:g} s ahead; give 0 to 1 s.")
    _check_times(0.0, release)
    needed = np.maximum(_peak_db(audio) - ceiling_db, 0)
    window = round(look_ahead * sample_rate) + 1
    # The filter's window is centred; shifted by half of itself, it begins with the sample itself.
    coming = maximum_filter1d(needed, window, origin=-(window // 2), mode="nearest")
    held = smoothed(coming, 1 / sample_rate, attack=0.0, release=release, start=coming[0])
    # Each of the values averaged here is at least what is needed now, hence so is their mean.
    before = np.full(window - 1, held[0])
    smooth = np.convolve(np.concatenate([before, held]), np.full(window, 1 / window), mode="valid")
    return _factors(smooth)


def reduction(over_db: np.ndarray, ratio: float, knee_db: float) -> np.ndarray:
    """Gain computer: by how many dB a level is to be reduced (Giannoulis et al., eq. 4).

    Parameters
    ----------
    over_db : array, in dB
        Levels relative to the threshold.
    ratio : float, at least 1
    knee_db : float, not negative
    """
    half = knee_db / 2
    in_knee = (over_db + half) ** 2 / (2 * max(knee_db, _SILENCE))
    kept = np.where(over_db > half, over_db, np.where(over_db < -half, 0.0, in_knee))
    return kept * (1 - 1 / ratio)


def smoothed(
    reduction_db: np.ndarray, interval: float, attack: float, release: float, start: float = 0.0
) -> np.ndarray:
    """Follow a curve with one pole that is quick on the way up and slow on the way down.

    Parameters
    ----------
    reduction_db : array of shape (values,), in dB
    interval : float, in seconds
        From one value to the next.
    attack, release : float, in seconds
        Time constants; with 0 the curve is followed at once.
    start : float, in dB
        What it was before.
    """
    rise, fall = (float(np.exp(-interval / time)) if time else 0.0 for time in (attack, release))
    state = float(start)
    followed = []
    for value in reduction_db.tolist():  # plain floats: several times faster than NumPy's scalars
        state = value + (rise if value > state else fall) * (state - value)
        followed.append(state)
    return np.array(followed)


def _peak_db(audio):
    """Level of every sample, the loudest channel's, in dB relative to full scale."""
    audio = require_finite(as_channels(audio), "The audio").astype(np.float64)
    if audio.shape[1] == 0:
        raise AudioError("The audio has no samples.")
    return 20 * np.log10(np.maximum(np.abs(audio).max(axis=0), _SILENCE))


def _check(*settings):
    for value in settings:
        if not (isinstance(value, Real) and math.isfinite(value)):
            raise AudioError(f"A setting is a finite number, not {shown(value)}.")


def _check_times(attack, release):
    if attack < 0 or release < 0:
        raise AudioError(f"Attack ({attack:g} s) and release ({release:g} s) must not be negative.")


def _factors(reduction_db):
    return (10 ** (-reduction_db / 20)).astype(np.float32)
