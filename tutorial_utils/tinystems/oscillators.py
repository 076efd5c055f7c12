"""Band-limited oscillators whose spectrum moves in time.

A tone is read from tables that hold one period of a waveform at several stages, from dull to
bright. Each table is summed from only those harmonics that lie below the Nyquist frequency, so
that nothing folds back; moving between the stages is what a filter does in a synthesiser, and
what blowing harder does in a trumpet.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from . import dsp
from .dsp import SAMPLE_RATE

TABLE = 2048
STAGES = 24


def tables(amplitudes: np.ndarray, highest: float) -> np.ndarray:
    """Waveforms from the amplitudes of their harmonics.

    Parameters
    ----------
    amplitudes : (stages, harmonics) array, real or complex
    highest : float
        The highest fundamental in Hz that the tables will be read at.

    Returns
    -------
    (stages, TABLE + 1) float32
        One period each; the last sample repeats the first, for interpolation.
    """
    keep = int(min(amplitudes.shape[1], 0.46 * SAMPLE_RATE / highest, TABLE // 2 - 1))
    spectrum = np.zeros((len(amplitudes), TABLE // 2 + 1), dtype=np.complex64)
    spectrum[:, 1 : keep + 1] = amplitudes[:, : max(1, keep)] * (-0.5j * TABLE)
    waves = scipy.fft.irfft(spectrum, TABLE, axis=1)
    return np.concatenate([waves, waves[:, :1]], axis=1).astype(np.float32)


def read(waves: np.ndarray, phase: np.ndarray, stage: np.ndarray | float) -> np.ndarray:
    """Read tables at a phase (in periods), interpolating along the period and between stages."""
    at = (phase - np.floor(phase)) * TABLE
    column = at.astype(np.int32)
    part = (at - column).astype(np.float32)
    stage = np.clip(stage, 0, len(waves) - 1.001)
    row = np.asarray(stage).astype(np.int32)
    blend = np.asarray(stage - row, dtype=np.float32)
    flat = waves.ravel()
    index = row * (TABLE + 1) + column
    low = flat[index] * (1 - part) + flat[index + 1] * part
    if len(waves) == 1:
        return low
    index += TABLE + 1
    high = flat[index] * (1 - part) + flat[index + 1] * part
    return low * (1 - blend) + high * blend


def read_gliding(amplitudes: np.ndarray, f0: np.ndarray, stage: np.ndarray | float) -> np.ndarray:
    """A tone whose frequency moves: (samples,) frequencies in Hz to (samples,) float32.

    There is a set of tables for every third of an octave, so that low notes keep the high
    harmonics that high notes cannot have.
    """
    band = np.floor(3 * np.log2(f0)).astype(np.int32)
    first, last = int(band.min()), int(band.max())
    waves = [tables(amplitudes, 2 ** ((number + 1) / 3)) for number in range(first, last + 1)]
    count = len(amplitudes)
    row = (band - first) * count + np.clip(stage, 0, count - 1.001)
    phase = np.cumsum(f0) / SAMPLE_RATE
    return read(np.concatenate([*waves, waves[-1][-1:]]), phase, row)


def analogue(shape: float, resonance: float = 1.5, harmonics: int = 400) -> np.ndarray:
    """Harmonics of a sawtooth (shape 0) to square (1) behind a low-pass filter.

    Returns ``(STAGES, harmonics)`` amplitudes; the filter's cutoff rises from 1 to 400 times the
    fundamental over the stages, evenly in octaves.
    """
    k = np.arange(1, harmonics + 1)
    wave = 1 / k * np.where(k % 2 == 0, 1 - 0.97 * shape, 1.0)
    ratio = k / np.geomspace(1.0, 400, STAGES)[:, None]
    response = 1 / np.sqrt((1 - ratio**2) ** 2 + (ratio / resonance) ** 2)
    return wave * response / np.sqrt(1 + ratio**4)


def cutoff_stage(cutoff: np.ndarray | float) -> np.ndarray:
    """The stage of :func:`analogue` whose cutoff is so many times the fundamental."""
    return np.log(np.maximum(cutoff, 1.0)) / np.log(400.0) * (STAGES - 1)


def choir_of(
    frequency: float, amplitudes: np.ndarray, cents: float, dice, seconds: float = 2.97
) -> np.ndarray:
    """A sound like many players of one note, as a stereo loop (2, samples).

    Each harmonic becomes a narrow band of random phases, whose width grows with its number: what
    detuned players and their vibrato make of it. (P. O. Nasca's PADsynth algorithm, of the
    synthesiser ZynAddSubFX.)
    """
    size = scipy.fft.next_fast_len(dsp.samples(seconds), real=True)
    bins = np.zeros(size // 2 + 1, dtype=np.float32)
    step = SAMPLE_RATE / size
    for k, amplitude in enumerate(amplitudes, start=1):
        centre = frequency * k
        if centre > 16000:
            break
        width = max(centre * (2 ** (cents / 1200) - 1), 1.2 * step)
        low, high = int((centre - 3 * width) / step), int((centre + 3 * width) / step) + 2
        f = np.arange(max(low, 1), min(high, len(bins))) * step
        bell = np.exp(-0.5 * ((f - centre) / width) ** 2)
        bins[max(low, 1) : min(high, len(bins))] += amplitude * bell / np.sqrt(np.sum(bell**2))
    noise = dice.noise(2, 2, len(bins))
    spectrum = (noise[0] + 1j * noise[1]) * bins
    loop = scipy.fft.irfft(spectrum, size, axis=1)
    return (loop / np.sqrt(np.mean(loop**2))).astype(np.float32)
