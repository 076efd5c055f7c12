"""Audio as arrays: what is asked of them, and what is done to them."""

from contextlib import suppress

import numpy as np
import soxr

from tutorial_utils.text import shown

_LOWEST_RATE = 4000  # Hz; at 3 kHz the filters of the loudness measure are no longer stable.


class AudioError(ValueError):
    """A sound file or an array of samples that cannot be used; the message says why."""


def resample(audio: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Change the sample rate (soxr, high quality).

    Parameters
    ----------
    audio : array of shape (channels, samples)
    from_rate, to_rate : int, in Hz

    Returns
    -------
    array of shape (channels, samples · to_rate / from_rate), float32

    Raises
    ------
    AudioError
        If the array has another shape, or a rate is not a whole number above 0.
    """
    audio = as_channels(audio)
    from_rate, to_rate = hertz(from_rate), hertz(to_rate)
    if from_rate == to_rate:
        return audio
    return np.ascontiguousarray(soxr.resample(audio.T, from_rate, to_rate).T, dtype=np.float32)


def with_channels(audio: np.ndarray, channels: int) -> np.ndarray:
    """Mix channels down or repeat them, as SoX does.

    Parameters
    ----------
    audio : array of shape (channels, samples), of any type
    channels : int, at least 1
        With fewer than there are, channel ``i`` is the mean of channels ``i``, ``i + channels`` and
        so on; with more, the channels are repeated in turn.

    Returns
    -------
    array of shape (channels, samples)
        The same numbers in the same units; in float32 if it had to be computed.

    Raises
    ------
    AudioError
        If fewer than one channel is asked for.
    """
    if channels < 1:
        raise AudioError(f"Audio has at least one channel, not {channels}.")
    if len(audio) <= channels:
        return audio if len(audio) == channels else audio[np.arange(channels) % len(audio)]
    down = np.empty((channels, audio.shape[1]), np.float32)
    for i in range(channels):
        first, *rest = audio[i::channels]
        down[i] = first
        for other in rest:
            down[i] += other
        down[i] /= 1 + len(rest)
    return down


def loudness(audio: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness in LUFS, after ITU-R BS.1770.

    Parameters
    ----------
    audio : array of shape (channels, samples)
        At least 0.4 s long, since the measure looks at blocks of that length, and of one to five
        channels.
    sample_rate : int, in Hz

    Returns
    -------
    float
        Minus infinity for silence.

    Raises
    ------
    AudioError
        If the array has another shape, is too short, has more than five channels or samples that
        are not finite, or if the sample rate is below 4 kHz.

    See Also
    --------
    tutorial_utils.loudness : the measure itself, and its source.
    """
    audio, sample_rate = require_finite(as_channels(audio), "The audio"), hertz(sample_rate)
    if audio.shape[1] < 0.4 * sample_rate:
        raise AudioError(
            "Loudness needs at least 0.4 s of audio, and here are only "
            f"{audio.shape[1] / sample_rate:.3f} s."
        )
    if sample_rate < _LOWEST_RATE:
        raise AudioError(
            f"Loudness is weighted by frequency up to some kHz, so a sample rate of {sample_rate} "
            f"Hz is too low for it. It needs at least {_LOWEST_RATE} Hz."
        )
    if len(audio) > 5:
        raise AudioError(f"Loudness is defined for up to five channels, not for {len(audio)}.")
    from tutorial_utils import loudness  # Compiled code, which takes a moment to load.

    return loudness.integrated(audio, sample_rate)


def as_channels(audio: np.ndarray) -> np.ndarray:
    """Give audio of shape (samples,) or (channels, samples) as (channels, samples), float32.

    Raises
    ------
    AudioError
        If the array has another shape or does not hold real numbers, or if it has more channels
        than samples, which almost always means that its axes are swapped.
    """
    try:
        given = np.asarray(audio)
        if np.iscomplexobj(given):
            raise TypeError("complex numbers")
        with np.errstate(over="ignore"):  # What is too large becomes infinite.
            audio = given.astype(np.float32, copy=False)
    except (RuntimeError, TypeError, ValueError) as error:
        raise AudioError(f"Audio must be an array of real numbers ({shown(error)}).") from error
    if audio.ndim == 1:
        audio = audio[None]
    if audio.ndim != 2 or len(audio) == 0 or (audio.shape[0] > audio.shape[1] > 0):
        raise AudioError(
            f"Audio must have the shape (channels, samples), not {audio.shape}. "
            "Transpose it if its samples come first."
        )
    return audio


def segment(start: float, duration: float | None, sample_rate: int, samples: int, what):
    """Turn seconds into the first sample and the number of samples, checked against the length.

    ``what`` names the sound in the error's text.
    """
    with suppress(OverflowError, ValueError):  # Of what is infinite, or not a number.
        first = round(start * sample_rate)
        count = samples - first if duration is None else round(duration * sample_rate)
        if start >= 0 and count > 0 and first + count <= samples:
            return first, count
    length = samples / sample_rate
    end = length if duration is None else start + duration
    raise AudioError(
        f"{what}: the segment from {start:.9g} s to {end:.9g} s does not lie within its "
        f"{length:.3f} s. Choose a start and a duration within them."
    )


def require_finite(audio: np.ndarray, what) -> np.ndarray:
    """Return ``audio`` if every sample is a number; ``what`` names it in the error's text."""
    if not np.isfinite(audio).all():
        channel, sample = np.argwhere(~np.isfinite(audio))[0]
        raise AudioError(
            f"{what} holds NaN or infinite samples, the first in channel {channel} at sample "
            f"{sample}. Export or download it again."
        )
    return audio


def hertz(sample_rate) -> int:
    """Give a sample rate as an int.

    Raises
    ------
    AudioError
        If it is no whole number above 0, of at most 31 bits.
    """
    try:
        whole = int(sample_rate)
    except (TypeError, ValueError, OverflowError):
        whole = 0
    if whole != sample_rate or not 0 < whole < 2**31:
        raise AudioError(
            "A sample rate is a whole number of Hz above 0, such as 44100, not "
            f"{shown(sample_rate)}."
        )
    return whole
