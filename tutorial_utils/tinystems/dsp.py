"""Small signal-processing tools that the instruments and the mixing desk share.

Signals are float32, mono ``(samples,)`` or stereo ``(2, samples)``, at :data:`SAMPLE_RATE`.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import scipy.fft
import scipy.signal

from tutorial_utils import effects

SAMPLE_RATE = 44100

# The equaliser, at this rate.
equalise = effects.equalise
butter = partial(effects.butter, sample_rate=SAMPLE_RATE)
peak = partial(effects.peak, sample_rate=SAMPLE_RATE)
shelf = partial(effects.shelf, sample_rate=SAMPLE_RATE)


def samples(seconds: float) -> int:
    """Number of samples in a time."""
    return round(seconds * SAMPLE_RATE)


def gain(decibels):
    """Factor of a level in dB."""
    return 10.0 ** (np.asarray(decibels) / 20.0)


def hertz(pitch):
    """Frequency of a MIDI pitch (69 is 440 Hz)."""
    return 440.0 * 2.0 ** ((np.asarray(pitch, dtype=np.float64) - 69.0) / 12.0)


def add(track: np.ndarray, sound: np.ndarray, start: float) -> None:
    """Add a sound to a track, in place, from a time on; what sticks out at the end is lost."""
    first = samples(start)
    count = min(sound.shape[-1], track.shape[-1] - first)
    if count > 0:
        track[..., first : first + count] += sound[..., :count]


def fade(sound: np.ndarray, attack: float, release: float) -> np.ndarray:
    """Raised-cosine fade-in and fade-out, in seconds, in place."""
    rise, fall = (min(samples(t), sound.shape[-1] // 2) for t in (attack, release))
    if rise:
        sound[..., :rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(rise, dtype=np.float32) / rise)
    if fall:
        ramp = 0.5 + 0.5 * np.cos(np.pi * np.arange(fall, dtype=np.float32) / fall)
        sound[..., -fall:] *= ramp
    return sound


def wander(count: int, rate: float, dice, hop: int = 1) -> np.ndarray:
    """Slow random movement around zero: noise at ``rate`` Hz, linearly interpolated.

    There are ``count`` values, one every ``hop`` samples.
    """
    at = np.arange(count) * (rate * hop / SAMPLE_RATE)
    knots = dice.noise(int(at[-1]) + 2)
    return np.interp(at, np.arange(len(knots)), knots).astype(np.float32)


def convolve(sound: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Convolve along the last axis and keep the sound's length; mono is spread to stereo."""
    count = sound.shape[-1]
    size = scipy.fft.next_fast_len(count + response.shape[-1] - 1, real=True)
    spectrum = scipy.fft.rfft(sound, size) * scipy.fft.rfft(response, size)
    return scipy.fft.irfft(spectrum, size)[..., :count]


def delayed(sound: np.ndarray, delay: np.ndarray) -> np.ndarray:
    """Read a mono sound through a delay that varies in time (in samples), linearly interpolated."""
    at = np.maximum(np.arange(len(sound)) - delay, 0)
    whole = at.astype(np.int32)
    part = (at - whole).astype(np.float32)
    return sound[whole] * (1 - part) + sound[np.minimum(whole + 1, len(sound) - 1)] * part


def pan(sound: np.ndarray, position: float) -> np.ndarray:
    """Place a mono sound between left (-1) and right (1) with constant power."""
    angle = (position + 1) * np.pi / 4
    return np.stack([sound * np.float32(np.cos(angle)), sound * np.float32(np.sin(angle))])


def saturate(sound: np.ndarray, drive: float, bias: float = 0.0) -> np.ndarray:
    """A valve-like curve (tanh) at twice the sample rate, so that less of it folds back.

    The louder the sound for a given ``drive``, the more overtones; ``bias`` adds even ones.
    """
    double = scipy.signal.resample_poly(sound, 2, 1, axis=-1)
    bent = np.tanh(np.float32(drive) * double + np.float32(bias)) - np.float32(np.tanh(bias))
    return scipy.signal.resample_poly(bent, 1, 2, axis=-1).astype(np.float32)


def compress(
    sound: np.ndarray,
    threshold: float,
    ratio: float,
    attack: float = 0.005,
    release: float = 0.12,
) -> np.ndarray:
    """Compress a sound, with the threshold in dB relative to its own loud parts."""
    return sound * effects.compressor_gain(
        sound, threshold, ratio, attack, release, sample_rate=SAMPLE_RATE
    )
