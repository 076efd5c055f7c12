"""The mixing desk: equaliser, compressor, width, reverb, and the balance of the stems."""

from __future__ import annotations

import numpy as np

from tutorial_utils import effects

from . import dsp
from .dsp import SAMPLE_RATE


def room(seconds: float, bright: float, dice) -> np.ndarray:
    """Impulse response of a room, (2, samples); see :func:`tutorial_utils.effects.room`."""
    noise = dice.noise(2, effects.room_samples(seconds, SAMPLE_RATE))
    reflections = [
        (dice.uniform(0.004, 0.06), dice.whole(0, 1), dice.pick([-1, 1])) for _ in range(12)
    ]
    return effects.room(seconds, bright, noise, reflections, SAMPLE_RATE)


def level(sound: np.ndarray) -> float:
    """Root mean square of the loud half-seconds, so that rests do not count."""
    size = SAMPLE_RATE // 2
    count = sound.shape[1] // size * size or sound.shape[1]
    power = np.mean(sound[:, :count] ** 2, axis=0).reshape(-1, min(size, count)).mean(axis=1)
    loud = power[power >= 0.1 * power.max()]
    return float(np.sqrt(loud.mean())) if power.max() > 0 else 0.0


def bring_to(sound: np.ndarray, decibels: float) -> np.ndarray:
    """Scale a sound so that its loud parts have a level (dB below full scale)."""
    return sound * np.float32(dsp.gain(decibels) / max(level(sound), 1e-9))


def tone(sound: np.ndarray, low: float, high: float) -> np.ndarray:
    """The two knobs of every channel: bass and treble, in dB."""
    return dsp.equalise(sound, dsp.shelf("low", 250, low), dsp.shelf("high", 3500, high))


def channel(sound: np.ndarray, settings: dict[str, float], dice) -> np.ndarray:
    """One accompaniment instrument: tone, compression, place between the loudspeakers."""
    sound = hiss(sound, -76 + 10 * settings.get("drive", 0.0), dice)
    if settings.get("chorus", 0.0) > 0.2:
        sound = chorus(sound, settings["chorus"])
    stereo = dsp.pan(sound, settings["pan"]) if sound.ndim == 1 else sound
    # What lies below the accompaniment is the bass player's: cut it, as every desk does.
    stereo = dsp.equalise(stereo, dsp.butter("highpass", 150))
    stereo = tone(stereo, settings["low"], settings["high"])
    stereo = dsp.compress(stereo, -8, 2.5, 0.005, 0.15)
    # A little less than all of the width, so that nothing is lost on one loudspeaker.
    stereo = 0.8 * stereo + 0.2 * stereo[::-1]
    return bring_to(stereo, -20 + settings["level"])


def chorus(sound: np.ndarray, depth: float) -> np.ndarray:
    """Make a mono sound wide: two copies whose delay swings slowly, one on each side."""
    swing = 2 * np.pi * 0.7 * np.arange(len(sound)) / SAMPLE_RATE
    copies = [dsp.delayed(sound, 500 + 90 * depth * np.sin(swing + turn)) for turn in (0.0, 1.6)]
    return np.stack([sound + depth * copy for copy in copies]) / np.float32(1 + 0.5 * depth)


def hiss(sound: np.ndarray, decibels: float, dice) -> np.ndarray:
    """Noise of microphone and amplifier, opened and shut by a gate together with the sound."""
    block = 2048
    count = sound.shape[-1]
    edges = np.arange(0, count, block)
    peaks = np.maximum.reduceat(np.abs(np.atleast_2d(sound)).max(axis=0), edges)
    gate = np.convolve(peaks > 0.01 * peaks.max(), np.ones(9), "same") > 0
    smooth = np.convolve(gate, np.hanning(7)[1:-1] / 3, "same")
    curve = np.interp(np.arange(count), edges + block // 2, smooth).astype(np.float32)
    return sound + dice.noise(*sound.shape) * curve * np.float32(peaks.max() * dsp.gain(decibels))


def limiter_gain(mixture: np.ndarray, ceiling: float = 0.97) -> np.ndarray:
    """Gain, one value a sample, that keeps a mixture below the ceiling.

    It is the same for every stem, so the stems still sum to the mixture.
    """
    block = 64
    count = mixture.shape[1]
    edges = np.arange(0, count, block)
    peaks = np.maximum.reduceat(np.abs(mixture).max(axis=0), edges)
    wanted = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    # Hold the smallest gain within reach, then smooth over the same reach: the smoothed curve
    # never lies above what any sample needs.
    reach = 24
    padded = np.pad(wanted, reach, mode="edge")
    held = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
    kernel = np.hanning(2 * reach + 1)[1:-1]
    smooth = np.convolve(np.pad(held, reach - 1, mode="edge"), kernel / kernel.sum(), "valid")
    curve = np.interp(np.arange(count), edges + block / 2, smooth)
    return np.minimum(curve, np.repeat(held, block)[:count]).astype(np.float32)
