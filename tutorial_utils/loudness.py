"""Loudness after ITU-R BS.1770, fast enough to be measured for every source of every mixture.

The measure is that of pyloudnorm, which Scaper uses: the audio is filtered (K-weighting), its
energy is taken in blocks of 400 ms, one every 100 ms, and the blocks that are much quieter than the
rest are left out of the mean (gating). Nearly all of the time goes into the filter. It is compiled
here, and for a stem of which many segments will be cut it is run once: see :class:`Profile`.
"""

import functools
from collections.abc import Iterable

import numpy as np
import pyloudnorm

from tutorial_utils.audio import AudioError
from tutorial_utils.cache import compiled

BLOCK = 0.4
"""Length of a block in seconds."""

STEP = 0.1
"""Seconds from one block to the next."""

GRID = 0.02
"""A :class:`Profile` measures segments that start at multiples of this many seconds."""

SETTLED = 0.1
"""Seconds after which the filter has forgotten how it began, to one part in 1e9."""

_ABSOLUTE_GATE = -70.0  # LUFS
_RELATIVE_GATE = -10.0  # LU
_OFFSET = -0.691  # dB, so that a sine of 997 Hz at full scale on one channel reads -3.01 LUFS
_FLOOR = 1e-20  # Keeps a filter that dies away in silence from denormal numbers, which are slow.


def integrated(audio: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness in LUFS; minus infinity for silence.

    Parameters
    ----------
    audio : array of shape (channels, samples), float
        At least 0.4 s long, of one to five channels.
    sample_rate : int, in Hz

    Raises
    ------
    AudioError
        If the audio is too short for a single block, has more than five channels or holds samples
        that are not finite.

    References
    ----------
    Recommendation ITU-R BS.1770-5 (November 2023), annex 1. It supersedes BS.1770-4 (2015), whose
    algorithm for up to five channels is the same.
    """
    samples = audio.shape[1]
    first, last = _blocks(samples, sample_rate)
    edges = np.unique(np.concatenate([[0], first, last]))
    energy = _energies(audio, edges, _filters(sample_rate), *_beginning(len(audio)))
    energy = np.concatenate([[0.0], np.cumsum(energy)])
    blocks = energy[np.searchsorted(edges, last)] - energy[np.searchsorted(edges, first)]
    return _gated(blocks / (BLOCK * sample_rate))


class Profile:
    """The energy of a whole stem, measured once, from which the loudness of any segment follows.

    The result is that of :func:`integrated` on the segment alone: the filter's memory of what came
    before the segment is taken out by filtering its first 0.1 s again.

    Parameters
    ----------
    audio : array of shape (channels, samples), float
    sample_rate : int, in Hz
        A multiple of 50, so that a step of the grid is a whole number of samples.

    Raises
    ------
    AudioError
        If it is no such rate, or the audio has more than five channels.
    """

    def __init__(self, audio: np.ndarray, sample_rate: int):
        self._measure([audio], sample_rate)

    @classmethod
    def of_blocks(cls, blocks: Iterable[np.ndarray], sample_rate: int) -> "Profile":
        """The same of audio that comes in blocks, so that a long file need not fit into memory.

        Parameters
        ----------
        blocks : iterable of arrays of shape (channels, samples), float
            One after the other, of any lengths.
        sample_rate : int, in Hz
        """
        profile = cls.__new__(cls)
        profile._measure(blocks, sample_rate)
        return profile

    def _measure(self, blocks, sample_rate):
        self.sample_rate = sample_rate
        self.hop = grid_samples(sample_rate)
        if not self.hop:
            raise AudioError(
                f"A profile needs a sample rate that is a multiple of 50, not {sample_rate}."
            )
        energies, left = [], None
        for block in blocks:
            if left is None:
                left = block[:, :0]
                self._weights, state = _beginning(len(block))
            # What is left of the block before, less than a step, comes first.
            block = np.concatenate([left, block], axis=1) if left.size else block
            edges = np.arange(0, block.shape[1] + 1, self.hop)
            energies.append(_energies(block, edges, _filters(sample_rate), self._weights, state))
            left = block[:, edges[-1] :]
        self._energy = np.concatenate(energies)

    def loudness(self, start: int, samples: int, onset: np.ndarray | None = None) -> float:
        """Loudness in LUFS of the segment that begins at sample ``start``.

        Parameters
        ----------
        start : int
            A multiple of the grid's step.
        samples : int
            Length of the segment, rounded to the grid.
        onset : array of shape (channels, samples), optional
            The segment's first 0.1 s or more. Without it the result is off by up to 0.01 LU.

        Raises
        ------
        AudioError
            As :func:`integrated`, of the segment.
        """
        first = start // self.hop
        energy = self._energy[first : first + round(samples / self.hop)]
        if onset is not None:
            settled = round(SETTLED / GRID)
            edges = np.arange(settled + 1) * self.hop
            energy = energy.copy()
            energy[:settled] = _energies(
                onset, edges, _filters(self.sample_rate), *_beginning(len(onset))
            )
        total = np.concatenate([[0.0], np.cumsum(energy)])
        block, step = round(BLOCK / GRID), round(STEP / GRID)
        # As in _blocks, the last block may reach beyond the end.
        first = np.arange(round((len(energy) - block) / step) + 1) * step
        blocks = total[np.minimum(first + block, len(energy))] - total[first]
        return _gated(blocks / (block * self.hop))


def grid_samples(sample_rate: int) -> int:
    """The step of the grid in samples; 0 if it is not a whole number at this rate."""
    return 0 if sample_rate % round(1 / GRID) else sample_rate // round(1 / GRID)


def _blocks(samples, sample_rate):
    """First and last sample of each block, rounded as pyloudnorm rounds them."""
    count = int(np.round((samples / sample_rate - BLOCK) / STEP)) + 1
    position = BLOCK * (np.arange(count) * (STEP / BLOCK)) * sample_rate
    end = BLOCK * (np.arange(count) * (STEP / BLOCK) + 1) * sample_rate
    return position.astype(int), np.minimum(end.astype(int), samples)


def _gated(power):
    """Loudness from the mean squares of the blocks, weighted and summed over channels."""
    if not len(power):
        raise AudioError(f"Loudness needs at least {BLOCK} s of audio, and here is less.")
    if not np.isfinite(power).all():
        raise AudioError("Audio with NaN or infinite samples has no loudness.")
    with np.errstate(divide="ignore"):
        loudness = _OFFSET + 10 * np.log10(power)
    audible = power[loudness >= _ABSOLUTE_GATE]
    if not len(audible):
        return -np.inf
    relative = _OFFSET + 10 * np.log10(audible.mean()) + _RELATIVE_GATE
    gated = power[(loudness > relative) & (loudness > _ABSOLUTE_GATE)]
    return float(_OFFSET + 10 * np.log10(gated.mean())) if len(gated) else -np.inf


@functools.lru_cache
def _filters(sample_rate):
    """The two stages of the K-weighting as rows (b0, b1, b2, a1, a2), from pyloudnorm."""
    stages = pyloudnorm.Meter(sample_rate)._filters.values()
    return np.array([[*(stage.passband_gain * stage.b), *stage.a[1:]] for stage in stages])


def _beginning(channels):
    """What each channel counts, the surround channels of five a little more; and filters at rest.

    A filter's state is four numbers.
    """
    if channels > 5:
        raise AudioError(f"Loudness is defined for up to five channels, not for {channels}.")
    return np.array([1.0, 1.0, 1.0, 1.41, 1.41])[:channels], np.zeros((channels, 4))


@compiled
def _energies(audio, edges, filters, weights, state):
    """Energy of the filtered audio between successive ``edges``, summed over channels.

    Two channels are filtered at a time: a filter waits for its own last output, and two keep the
    processor busy. How the filters are left goes to ``state``, from which they go on.
    """
    b0, b1, b2, a1, a2 = filters[0]
    c0, c1, c2, d1, d2 = filters[1]
    channels = len(audio)
    energy = np.zeros(len(edges) - 1)
    for left in range(0, channels, 2):
        right = min(left + 1, channels - 1)
        p1, p2, p3, p4 = state[left]
        q1, q2, q3, q4 = state[right]
        for k in range(len(edges) - 1):
            e = f = 0.0
            for i in range(edges[k], edges[k + 1]):
                x = audio[left, i] + _FLOOR
                y = b0 * x + p1
                z = c0 * y + p3
                p1, p2 = b1 * x - a1 * y + p2, b2 * x - a2 * y
                p3, p4 = c1 * y - d1 * z + p4, c2 * y - d2 * z
                e += z * z
                x = audio[right, i] + _FLOOR
                y = b0 * x + q1
                z = c0 * y + q3
                q1, q2 = b1 * x - a1 * y + q2, b2 * x - a2 * y
                q3, q4 = c1 * y - d1 * z + q4, c2 * y - d2 * z
                f += z * z
            energy[k] += weights[left] * e
            if right > left:
                energy[k] += weights[right] * f
        state[left] = p1, p2, p3, p4
        if right > left:
            state[right] = q1, q2, q3, q4
    return energy
