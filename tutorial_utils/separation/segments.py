"""A long recording goes through a model in overlapping segments.

A network sees an edge where a segment begins or ends, and what it makes of the samples there is
worse: a crossfade alone would leave it in. So each segment is computed with more signal on both
sides, its *context*, and what comes out there is thrown away. Only then are segments joined, by
windows that sum to one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Grid:
    """Where the segments of a recording lie, all of them of one length; in samples.

    They are spread evenly from the first sample to the last, with at least the overlap that was
    asked for. At the ends of the recording, where there is nothing on one side, the context lies on
    the other side: so a model is never given silence that nobody played. A recording that is not
    longer than a segment with its contexts is a single one.
    """

    samples: int
    segment: int
    overlap: int
    context: int

    @property
    def is_whole(self) -> bool:
        return self.samples <= self.segment + 2 * self.context

    @property
    def length(self) -> int:
        """Samples that the model is given at a time."""
        return self.samples if self.is_whole else self.segment + 2 * self.context

    @cached_property
    def starts(self) -> list[int]:
        """The first sample of each segment, without its context."""
        if self.is_whole:
            return [0]
        last = self.samples - self.segment
        steps = -(-last // max(1, self.segment - self.overlap))
        return [round(step * last / steps) for step in range(steps + 1)]

    def begins(self, start: int) -> int:
        """The first sample that the model is given for the segment from ``start``."""
        return min(max(0, start - self.context), self.samples - self.length)

    def window(self, number: int) -> np.ndarray:
        """The weights of a segment: a ramp where it overlaps its neighbours. Not normalised."""
        starts = self.starts
        kept = self.samples if self.is_whole else self.segment
        weights = np.ones(kept)
        place = np.arange(1, kept + 1)
        if number > 0:
            shared = starts[number - 1] + kept - starts[number]
            if shared > 0:
                weights = np.minimum(weights, place / (shared + 1))
        if number < len(starts) - 1:
            shared = starts[number] + kept - starts[number + 1]
            if shared > 0:
                weights = np.minimum(weights, place[::-1] / (shared + 1))
        return weights


def joined(
    grid: Grid,
    read: Callable[[int, int], np.ndarray],
    estimate: Callable[[np.ndarray], np.ndarray],
    batch_size: int,
    shifts: list[int],
) -> Iterator[np.ndarray]:
    """Estimates of a recording, part by part, from its beginning to its end.

    Parameters
    ----------
    grid : Grid
    read : callable
        ``read(first, count)`` gives samples of shape (channels, count), and zeros where there are
        none. ``first`` never decreases.
    estimate : callable
        From (batch, channels, samples) to (batch, sources, channels, samples).
    batch_size : int
        Segments that are estimated at once.
    shifts : list of int
        So many samples earlier the model is given each segment; the mean counts.

    Yields
    ------
    array of shape (sources, channels, some samples), float32
    """
    starts = grid.starts
    kept = grid.samples if grid.is_whole else grid.segment
    room = max(shifts)
    total = weight = None
    done = 0
    for first in range(0, len(starts), batch_size):
        batch = starts[first : first + batch_size]
        begins = [grid.begins(start) - room for start in batch]
        span = read(begins[0], begins[-1] - begins[0] + grid.length + 2 * room)
        mean = 0.0
        for shift in shifts:
            places = [begin - begins[0] + room - shift for begin in begins]
            found = estimate(
                np.stack([span[:, place : place + grid.length + room] for place in places])
            )
            parts = []
            for start, part in zip(batch, found, strict=True):
                skip = start - grid.begins(start) + shift
                parts.append(part[..., skip : skip + kept])
            mean = mean + np.stack(parts) / np.float32(len(shifts))
        for number, part in enumerate(mean, first):
            if total is None:
                total = np.zeros((*part.shape[:-1], kept))
                weight = np.zeros(kept)
            window = grid.window(number)
            total += window * part
            weight += window
            ready = (starts[number + 1] if number + 1 < len(starts) else grid.samples) - done
            yield (total[..., :ready] / weight[:ready]).astype(np.float32)
            done += ready
            total = np.concatenate([total[..., ready:], np.zeros((*total.shape[:-1], ready))], -1)
            weight = np.concatenate([weight[ready:], np.zeros(ready)])
