"""Least-squares filters between signals, and what the filtered signals are like, frame by frame.

BSS Eval takes an estimate apart by projecting it on delayed versions of the references. Here are
the correlations that this needs, the filters, and the energies of what they let through. Nothing
here grows with the length of the signals.

Signals are lists of sources, each an array of shape (samples, channels) of any type. Wherever one
array holds all of them, its first axis is (sources · channels).
"""

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import joblib
import numpy as np
import scipy.fft
import scipy.linalg

from tutorial_utils.evaluation import toeplitz

_TRANSFORM = 16384  # samples of a transform for correlations
_AT_ONCE = 8  # transforms of each signal
_LONGEST = 1 << 17  # samples of a transform for filtering
_NOTHING = 1e-26
"""Energy of a channel, relative to its source, that is only the rounding of the others."""


@dataclass(frozen=True)
class Frame:
    """The samples from ``start`` up to ``stop``; all before and after them is taken as zero."""

    start: int
    stop: int

    def read(self, signals: Sequence[np.ndarray], start: int, stop: int) -> np.ndarray:
        """All signals from ``start`` to ``stop``, in float64: (sources · channels, samples)."""
        channels = signals[0].shape[1]
        block = np.zeros((len(signals), channels, stop - start))
        first, last = max(start, self.start), min(stop, self.stop)
        if first < last:
            for source, samples in zip(block, signals, strict=True):
                source[:, first - start : last - start] = samples[first:last].T
        return block.reshape(-1, stop - start)


@dataclass(frozen=True)
class Projection:
    """Filters that make of all references what comes closest to each estimate.

    Attributes
    ----------
    basis : array of shape (sources · channels, sources · channels)
        Turns the channels of each source into uncorrelated ones, which span the same signals.
    together : array of shape (taps, inputs, estimates · channels)
        From all channels of that basis to each estimate.
    alone : array of shape (pairs, taps, inputs, channels)
        For each pair of a reference and an estimate, from that reference alone.
    """

    basis: np.ndarray
    together: np.ndarray
    alone: np.ndarray


def project(
    references: Sequence[np.ndarray],
    estimates: Sequence[np.ndarray],
    frame: Frame,
    taps: int,
    pairs: Sequence[tuple[int, int]],
) -> Projection:
    """The filters of ``taps`` taps that bring references closest to estimates within a frame.

    Where two channels of a source are nearly the same, as those of a voice in the middle, the
    equations for both would be nearly singular. So each source is first turned to its principal
    axes, which changes nothing of what its filtered channels can be. What is left to be singular,
    or nearly so, comes from spectra with nothing in some range, or from signals that are shorter
    than the filters. Then all solutions fit equally well to the precision of the numbers, and the
    smallest one is taken, from the eigenvalues of the whole matrix, which takes much longer.

    Parameters
    ----------
    references, estimates : lists of arrays of shape (samples, channels)
    frame : Frame
    taps : int
    pairs : sequence of (reference, estimate)
        For which the reference alone is projected on.

    Returns
    -------
    Projection
    """
    channels = references[0].shape[1]
    basis = _principal_axes(references, frame)
    correlations = _correlations(references, estimates, basis, frame, taps)
    inputs = len(basis)
    blocks, right = correlations[..., :inputs], correlations[..., inputs:]
    together = _filters(blocks, right, _audible(blocks, channels))
    alone = np.zeros((len(pairs), taps, inputs, channels))
    for number, (reference, estimate) in enumerate(pairs):
        own = slice(reference * channels, (reference + 1) * channels)
        to = slice(estimate * channels, (estimate + 1) * channels)
        block = blocks[:, own, own]
        alone[number, :, own] = _filters(block, right[:, own, to], _audible(block, channels))
    return Projection(basis, together, alone)


@dataclass(frozen=True)
class Energies:
    """What BSS Eval's ratios are made of, each of shape (pairs,).

    The estimate is called :math:`e`, the reference :math:`s`, its projection on the reference alone
    :math:`p`, and that on all references :math:`q`.
    """

    reference: np.ndarray  # |s|²
    error: np.ndarray  # |e − s|²
    spatial: np.ndarray  # |p − s|²
    own: np.ndarray  # |p|²
    interference: np.ndarray  # |q − p|²
    all: np.ndarray  # |q|²
    artefacts: np.ndarray  # |e − q|²
    foreign: np.ndarray  # |e − p|²


class Filtering:
    """Filters references, cut to frames of at most ``longest`` samples, and sums up energies."""

    def __init__(
        self, projection: Projection, pairs: Sequence[tuple[int, int]], channels: int, longest: int
    ):
        taps, inputs, _ = projection.together.shape
        self.pairs, self.channels, self.tail = pairs, channels, taps - 1
        self.basis = projection.basis
        wanted = min(longest + 2 * self.tail, max(_LONGEST, 4 * taps))
        self.length = scipy.fft.next_fast_len(wanted, real=True)
        alone = projection.alone.transpose(1, 2, 0, 3).reshape(taps, inputs, -1)
        filters = np.concatenate([projection.together, alone], axis=2).transpose(2, 1, 0)
        spectra = scipy.fft.rfft(filters, self.length, workers=threads())
        self.spectra = np.ascontiguousarray(spectra.transpose(2, 0, 1))  # (bins, outputs, inputs)

    def energies(self, references, estimates, frame: Frame) -> Energies:
        """Energies within a frame, in which filters begin from nothing and end after its end."""
        step = self.length - self.tail
        total = 0.0
        for start in range(frame.start, frame.stop + self.tail, step):
            block = frame.read(references, start - self.tail, start + step)
            spectrum = scipy.fft.rfft(self.basis @ block)
            filtered = self.spectra @ spectrum.T[..., None]  # (bins, outputs, 1)
            filtered = scipy.fft.irfft(filtered[..., 0].T, self.length)[:, self.tail :]
            estimate = frame.read(estimates, start, start + step)
            total = total + self._sums(block[:, self.tail :], estimate, filtered)
        return Energies(*total)

    def _sums(self, references, estimates, filtered):
        sources = len(references) // self.channels
        shape = (-1, self.channels, references.shape[1])
        references, estimates = references.reshape(shape), estimates.reshape(shape)
        together, alone = np.split(filtered.reshape(shape), [sources])
        rows = []
        for p, (reference, estimate) in zip(alone, self.pairs, strict=True):
            s, e, q = references[reference], estimates[estimate], together[estimate]
            rows.append([_energy(x) for x in (s, e - s, p - s, p, q - p, q, e - q, e - p)])
        return np.array(rows).T


def threads() -> int:
    """How many threads work at once: all cores, and one in a process that has others beside it."""
    return joblib.cpu_count() if multiprocessing.parent_process() is None else 1


def _energy(signal):
    return np.vdot(signal, signal)


def _principal_axes(signals, frame):
    """Orthogonal directions in which the channels of each source are uncorrelated."""
    axes = []
    for samples in signals:
        together = 0.0
        for start in range(frame.start, frame.stop, _LONGEST):
            part = samples[start : min(start + _LONGEST, frame.stop)].astype(np.float64)
            together = together + part.T @ part
        axes.append(np.linalg.eigh(together)[1].T)
    return scipy.linalg.block_diag(*axes)


def _correlations(references, estimates, basis, frame, taps):
    """Sums of the products of references with what comes up to ``taps - 1`` samples later.

    Returns an array of shape (taps, inputs, inputs + estimates · channels).
    """
    wanted = min(frame.stop - frame.start + taps - 1, max(_TRANSFORM, 4 * taps))
    length = scipy.fft.next_fast_len(wanted, real=True)
    step = length - taps + 1
    at_once = step * min(_AT_ONCE, -(-(frame.stop - frame.start) // step))

    def product(start):
        stop = start + at_once
        block = np.concatenate(
            [
                basis @ frame.read(references, start, stop + taps - 1),
                frame.read(estimates, start, stop + taps - 1),
            ]
        )
        later = np.lib.stride_tricks.sliding_window_view(block, length, axis=1)[:, ::step]
        now = later[: len(basis)].copy()
        now[..., step:] = 0
        # (signals, parts, bins) to (bins, signals, parts) and (bins, parts, signals)
        now = np.ascontiguousarray(scipy.fft.rfft(now).transpose(2, 0, 1))
        later = np.ascontiguousarray(scipy.fft.rfft(later).transpose(2, 1, 0))
        return np.conj(now, out=now) @ later

    starts = range(frame.start, frame.stop, at_once)
    total = 0.0
    for part in in_threads(product, starts):
        total = total + part
    return scipy.fft.irfft(total, length, axis=0)[:taps]


def in_threads(function, arguments):
    """What ``map`` gives, computed in threads, a few ahead of what is taken."""
    arguments = list(arguments)
    workers = min(threads(), len(arguments))
    if workers <= 1:
        yield from map(function, arguments)
        return
    with ThreadPoolExecutor(workers) as pool:
        ahead = [pool.submit(function, argument) for argument in arguments[: 2 * workers]]
        for argument in [*arguments[2 * workers :], *[None] * len(ahead)]:
            yield ahead.pop(0).result()
            if argument is not None:
                ahead.append(pool.submit(function, argument))


def _audible(blocks, channels):
    """The inputs that are more than what rounding leaves of the other channels of their source."""
    energies = np.diag(blocks[0]).reshape(-1, channels)
    return (energies > _NOTHING * energies.max(axis=1, keepdims=True)).ravel()


def _filters(blocks, right, kept):
    """Solve the normal equations for the inputs that are kept; the other filters are zero."""
    solution = np.zeros_like(right)
    if kept.any():
        blocks = blocks[:, kept][..., kept]
        scale = 1 / np.sqrt(np.diag(blocks[0]))
        blocks = blocks * scale[:, None] * scale
        right = np.ascontiguousarray(right[:, kept] * scale[:, None])
        try:
            filters = toeplitz.solve(blocks, right)
        except toeplitz.IllConditionedError:
            filters = toeplitz.smallest(blocks, right)
        solution[:, kept] = filters * scale[:, None]
    return solution
