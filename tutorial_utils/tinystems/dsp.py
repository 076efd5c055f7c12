"""Small signal-processing tools that the instruments and the mixing desk share.

Signals are float32, mono ``(samples,)`` or stereo ``(2, samples)``, at :data:`SAMPLE_RATE`.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal

SAMPLE_RATE = 44100


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


def butter(kind: str, frequency, order: int = 2) -> np.ndarray:
    """Butterworth ``"lowpass"``, ``"highpass"`` or ``"bandpass"`` as second-order sections."""
    return scipy.signal.butter(order, frequency, kind, fs=SAMPLE_RATE, output="sos")


def peak(frequency: float, decibels: float, q: float = 1.0) -> np.ndarray:
    """A bell of an equaliser (R. Bristow-Johnson, "Audio EQ Cookbook") as one section."""
    a = 10.0 ** (decibels / 40.0)
    w = 2 * np.pi * frequency / SAMPLE_RATE
    alpha = np.sin(w) / (2 * q)
    c = -2 * np.cos(w)
    b = np.array([1 + alpha * a, c, 1 - alpha * a, 1 + alpha / a, c, 1 - alpha / a])
    return (b / b[3])[None]


def shelf(kind: str, frequency: float, decibels: float) -> np.ndarray:
    """A ``"low"`` or ``"high"`` shelf with slope 1 (the same cookbook) as one section."""
    a = 10.0 ** (decibels / 40.0)
    w = 2 * np.pi * frequency / SAMPLE_RATE
    s = 1 if kind == "low" else -1
    c = np.cos(w)
    beta = 2 * np.sqrt(a) * np.sin(w) / np.sqrt(2)
    section = np.array(
        [
            a * ((a + 1) - s * (a - 1) * c + beta),
            s * 2 * a * ((a - 1) - s * (a + 1) * c),
            a * ((a + 1) - s * (a - 1) * c - beta),
            (a + 1) + s * (a - 1) * c + beta,
            -s * 2 * ((a - 1) + s * (a + 1) * c),
            (a + 1) + s * (a - 1) * c - beta,
        ]
    )
    return (section / section[3])[None]


def equalise(sound: np.ndarray, *sections: np.ndarray) -> np.ndarray:
    """Filter with all the sections, one after the other."""
    # In double precision: the poles of a 30 Hz filter lie too near the unit circle for float32.
    return scipy.signal.sosfilt(np.concatenate(sections), sound).astype(np.float32)


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
    """Feed-forward compressor with a soft knee.

    The level is the peak of blocks of 64 samples, both channels together. ``threshold`` is in dB
    re the level that a twentieth of the sounding blocks exceed, so that it does not matter how
    loud the sound comes in.
    """
    return sound * compressor_gain(sound, threshold, ratio, attack, release)


def compressor_gain(sound, threshold, ratio, attack=0.005, release=0.12) -> np.ndarray:
    """The gain curve of :func:`compress`, one value a sample."""
    block = 64
    count = sound.shape[-1]
    edges = np.arange(0, count, block)
    level = np.maximum.reduceat(np.abs(np.atleast_2d(sound)).max(axis=0), edges)
    sounding = level[level >= 1e-3 * level.max()]
    loud = np.sort(sounding)[int(0.95 * (len(sounding) - 1))]
    over = 20 * np.log10(level / max(float(loud), 1e-9) + 1e-6) - threshold
    over = np.where(over > 6, over, np.where(over < -6, 0.0, (over + 6) ** 2 / 24))
    target = -over * (1 - 1 / ratio)
    up, down = (float(np.exp(-block / SAMPLE_RATE / t)) for t in (attack, release))
    state = 0.0
    smoothed = []
    for value in target.tolist():
        keep = up if value < state else down
        state = value + (state - value) * keep
        smoothed.append(state)
    curve = gain(np.interp(np.arange(count), edges + block // 2, smoothed))
    return curve.astype(np.float32)
