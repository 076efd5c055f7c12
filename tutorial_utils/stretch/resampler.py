"""Resampling by a simple ratio, as a product of matrices: a windowed sinc.

Its time does not depend on whether a ratio was met before, as that of resamplers does that plan
first. So it suits shifts that are drawn at random.
"""

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import torch

CROSSINGS = 16  # zero crossings on each side
ROLLOFF = 0.9
KAISER = 6.0
OUTPUTS = 32  # that one matrix makes, at most
CENTS = 1.0  # the error of the pitch: the ratio is a fraction of small numbers


def ratio_of(semitones):
    """Output samples per input sample of the resampler: the simplest fraction within CENTS."""
    exact = 2 ** (-semitones / 12)
    margin = 2 ** (CENTS / 1200)
    down = 1
    while not exact / margin <= (up := round(exact * down)) / down <= exact * margin:
        down += 1
    return Fraction(up, down)


def margins(samples: int, ratio: Fraction) -> tuple[int, int]:
    """How many zeros :func:`resampled` wants before the sound, and how many samples in all."""
    up, down, reach, _ = _matrices(ratio)
    return reach, _frames(samples, up) * down


def resampled(audio: np.ndarray, samples: int, ratio: Fraction) -> np.ndarray:
    """Resample audio, with zeros around it as :func:`margins` says, to a number of samples."""
    up, down, _, matrices = _matrices(ratio)
    # A frame of `down` samples becomes one of `up` samples, all frames of all channels at once.
    frames = _frames(samples, up)
    rows = len(audio) * frames
    source, target = torch.from_numpy(audio), torch.empty((rows, up))
    with torch.inference_mode():
        for start, first, matrix in matrices:
            windows = source.as_strided((rows - 1, len(matrix)), (down, 1), start)
            torch.mm(windows, matrix, out=target[: rows - 1, first : first + matrix.shape[1]])
    return target.numpy().reshape(len(audio), frames * up)[:, :samples]


def _frames(samples, up):
    return -(-samples // up) + 1  # one more, into which the last but one reads


@lru_cache(maxsize=1024)
def _matrices(ratio):
    """The matrices that resample by a ratio, each of which makes some outputs of a frame.

    Returns how many samples a frame has after and before, how many zeros have to come before the
    first sample, and for every matrix the first sample that it reads, the first one that it makes,
    and itself. An output is the sum of the inputs around its place, weighted by a windowed sinc
    that lets through what both rates can hold.
    """
    cutoff = min(1.0, float(ratio))
    reach = math.ceil(CROSSINGS / cutoff)
    reads = math.ceil(OUTPUTS / ratio) + 2 * reach + 1
    # A frame is no shorter than what is read: the rows of a matrix product may not overlap.
    times = -(-reads // ratio.denominator)
    up, down = ratio.numerator * times, ratio.denominator * times
    groups = -(-up // OUTPUTS)
    outputs = np.arange(groups * -(-up // groups)).reshape(groups, 1, -1)
    places = outputs * (down / up)
    starts = places[:, :, :1].astype(int)
    distance = starts + np.arange(reads)[:, None] - reach - places
    weights = np.sinc(ROLLOFF * cutoff * distance) * _window(distance / reach)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    matrices = [
        (start, first, torch.from_numpy(matrix[:, : up - first]))
        for start, first, matrix in zip(
            starts.ravel().tolist(), outputs[:, 0, 0].tolist(), weights, strict=True
        )
    ]
    return up, down, reach, matrices


def _window(places):
    """A Kaiser window from -1 to 1, looked up: computing it takes longer than all the rest."""
    curve = _kaiser()
    middle = len(curve) // 2
    indices = np.rint(np.clip(places, -1, 1) * middle).astype(int) + middle
    return curve[indices]


@lru_cache(maxsize=1)
def _kaiser():
    return np.pad(np.kaiser(2**15 - 1, KAISER), 1)
