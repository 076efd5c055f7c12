"""Pitch shift and time stretch, fast enough for every source of every mixture.

Both are made of two simple things. *Time-scaling* makes audio longer or shorter at the same pitch:
pieces of it are laid side by side closer or farther apart than they were, each where it continues
the one before as if nothing had happened (WSOLA). *Resampling* changes length and pitch together,
like a tape that runs faster. A pitch shift is the first followed by the second, which undo each
other's change of length.

References
----------
W. Verhelst and M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high
quality time-scale modification of speech", ICASSP 1993.
"""

import functools
import math

import numba
import numpy as np
import torch

PIECE = 0.04
"""Seconds from the beginning of one piece to the next, in the output."""

OVERLAP = 0.014
"""Seconds over which one piece is faded into the next."""

REACH = 0.0125
"""How far from its place, in seconds, a piece may be looked for: to both sides together one period
of the lowest note of a bass guitar (41 Hz)."""

NEARER = 0.1
"""How much a piece from the edge of the reach has to be more like what it continues than one from
the middle, as a share of the energy. It keeps hits where they belong."""

MAX_PITCH = 24.0
MIN_STRETCH, MAX_STRETCH = 0.25, 4.0
_COARSE = 4  # samples of the first search that are looked at as one
_ZEROS = 16  # zero crossings of the resampling filter on either side
_ROLLOFF = 0.95  # its cut-off, relative to the lower Nyquist frequency
_TINY = 1e-9
_CENTS = 2.0  # what a pitch may be off, so that the ratio of the resampling stays simple


def change(
    audio: np.ndarray,
    sample_rate: int,
    pitch_shift: float | None = None,
    time_stretch: float | None = None,
) -> np.ndarray:
    """Shift the pitch and stretch the time of audio.

    All channels are cut at the same places, so that the stereo image stays.

    Parameters
    ----------
    audio : array of shape (channels, samples), float32
    sample_rate : int, in Hz
    pitch_shift : float, in semitones, optional
    time_stretch : float, optional
        Factor on the duration: 1.2 makes it a fifth longer, and slower.

    Returns
    -------
    array of shape (channels, round(samples · time_stretch)), float32

    Raises
    ------
    ValueError
        If the shift or the stretch is out of range.
    """
    pitch_shift, time_stretch = pitch_shift or 0.0, time_stretch or 1.0
    if not abs(pitch_shift) <= MAX_PITCH:
        raise ValueError(f"pitch_shift={pitch_shift} is not within ±{MAX_PITCH:g} semitones.")
    if not MIN_STRETCH <= time_stretch <= MAX_STRETCH:
        raise ValueError(
            f"time_stretch={time_stretch} is not within {MIN_STRETCH:g} and {MAX_STRETCH:g}."
        )
    samples = round(audio.shape[1] * time_stretch)
    down, up = _ratio(2 ** (pitch_shift / 12))
    if down == up:
        return _time_scaled(audio, sample_rate, samples, (0, 0))
    filters, width = _filters(up, down)
    longer = math.ceil(samples * down / up)
    padded = _time_scaled(audio, sample_rate, longer, (width, width + down))
    return _resampled(padded, down, filters)[:, :samples]


def _time_scaled(audio, sample_rate, samples, margins):
    """Audio of the same pitch with another number of samples, between margins of silence."""
    if samples == audio.shape[1]:
        return np.pad(audio, ((0, 0), margins))
    piece, overlap, reach = (round(s * sample_rate) for s in (PIECE, OVERLAP, REACH))
    length = audio.shape[1]
    padded = np.zeros((len(audio), length + piece + overlap + 2 * reach), np.float32)
    padded[:, :length] = audio
    return _overlap_add(padded, length, samples, piece, overlap, reach, margins)


@numba.njit(cache=True, fastmath=True)
def _overlap_add(audio, length, samples, piece, overlap, reach, margins):
    """Lay pieces of the first ``length`` samples side by side until there are ``samples``."""
    mono = audio[0].copy()
    for channel in range(1, len(audio)):
        mono += audio[channel]
    coarse = np.empty(len(mono) // _COARSE, np.float32)
    for i in range(len(coarse)):
        coarse[i] = mono[i * _COARSE : (i + 1) * _COARSE].sum()
    padded = np.zeros((len(audio), margins[0] + samples + margins[1]), np.float32)
    output = padded[:, margins[0] : margins[0] + samples]
    output[:, :piece] = audio[:, : min(piece, samples)]
    begin = 0
    for target in range(piece, samples, piece):
        there = min(begin + piece, len(mono) - overlap)  # Where the last piece would go on.
        ideal = (target + piece // 2) * length // samples - piece // 2
        first = max(0, ideal - reach)
        last = max(first, min(ideal + reach, len(mono) - piece - overlap))
        window = (there // _COARSE, first // _COARSE, last // _COARSE, ideal // _COARSE)
        begin = _COARSE * _likest(coarse, *window, overlap // _COARSE, reach // _COARSE)
        window = (there, max(first, begin - _COARSE), min(last, begin + _COARSE), ideal)
        begin = _likest(mono, *window, overlap, reach)
        for channel in range(len(audio)):
            old, new = audio[channel, there:], audio[channel, begin:]
            for i in range(min(overlap, samples - target)):
                weight = np.float32((i + 0.5) / overlap)
                output[channel, target + i] = old[i] + weight * (new[i] - old[i])
            for i in range(overlap, min(piece, samples - target)):
                output[channel, target + i] = new[i]
    return padded


@numba.njit(cache=True, fastmath=True)
def _likest(signal, template, first, last, ideal, length, reach):
    """The position from ``first`` to ``last`` whose next samples are most like the template's."""
    like = signal[template : template + length]
    energy = np.float32(_TINY)
    for i in range(length):
        energy += like[i] ** 2
    best, found = np.inf, first
    for position in range(first, min(last, len(signal) - length) + 1):
        candidate = signal[position : position + length]
        difference = np.float32(0)
        for i in range(length):
            difference += (like[i] - candidate[i]) ** 2
        cost = difference + energy * NEARER * ((position - ideal) / reach) ** 2
        if cost < best:
            best, found = cost, position
    return found


def _ratio(factor):
    """The simplest fraction within 2 cents of a ratio of frequencies: (numerator, denominator)."""
    denominator = 1
    while True:
        numerator = max(1, round(factor * denominator))
        if abs(1200 * math.log2(numerator / denominator / factor)) <= _CENTS:
            return numerator, denominator
        denominator += 1


def _resampled(audio, down, filters):
    """Audio read ``down`` samples for as many as there are filters."""
    windows = torch.from_numpy(audio).unfold(1, len(filters), down)  # (channels, steps, taps)
    return (windows @ filters).flatten(1).numpy()  # (channels, steps · filters)


@functools.lru_cache(512)
def _filters(up, down):
    """Windowed sinc filters of shape (taps, up), which turn ``down`` samples into ``up``.

    Returns the filters, and how many samples before the first they need.
    """
    cutoff = min(1.0, up / down) * _ROLLOFF
    width = math.ceil(_ZEROS / cutoff)
    time = np.arange(-width, width + down)[:, None] - np.arange(up) * (down / up)
    # Exactly zero outside: denormal products would be slow.
    window = np.where(np.abs(time) < width, np.cos(time / width * np.pi / 2) ** 2, 0)
    filters = cutoff * np.sinc(cutoff * time) * window
    return torch.from_numpy(filters.astype(np.float32)), width
