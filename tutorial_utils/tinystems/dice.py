"""Random choices that come out the same on every machine.

NumPy promises that its bit generators never change, but not what its ``Generator`` makes of the
bits. Everything that decides *which notes are played* therefore goes through the few methods of
:class:`Dice`, which turn raw bits into numbers by integer shifts and one multiplication.
"""

from __future__ import annotations

import zlib

import numpy as np


class Dice:
    """A stream of random choices, named by a key.

    Parameters
    ----------
    *key : int or str
        What the stream is for, such as ``Dice(0, "train", 3, "drums")``. The same key gives the
        same choices; another key gives choices that have nothing to do with them.
    wide : bool
        Draw :meth:`setting` from wider ranges (the test songs do).

    Examples
    --------
    >>> Dice(0, "melody").whole(1, 6) == Dice(0, "melody").whole(1, 6)
    True
    """

    def __init__(self, *key: int | str, wide: bool = False):
        self.key = key
        self.wide = wide
        words = [zlib.crc32(str(part).encode()) for part in key]
        self._bits = np.random.PCG64(np.random.SeedSequence(words))

    def child(self, name: int | str) -> Dice:
        """A stream of its own, so that a change in one part of a song leaves the others alone."""
        return Dice(*self.key, name, wide=self.wide)

    def random(self) -> float:
        """A number in [0, 1)."""
        return (int(self._bits.random_raw()) >> 11) * 2.0**-53

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.random()

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.random() < probability

    def pick(self, options, weights=None):
        """One of the options, all as likely as each other or by weight."""
        options = list(options)
        if weights is None:
            return options[self.whole(0, len(options) - 1)]
        mark = self.random() * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            mark -= weight
            if mark < 0:
                return option
        return options[-1]

    def sample(self, options, count: int) -> list:
        """``count`` different options, in random order."""
        left = list(options)
        return [left.pop(self.whole(0, len(left) - 1)) for _ in range(min(count, len(left)))]

    def setting(self, low: float, high: float) -> float:
        """A setting of an instrument: from [low, high], or a range half as wide again.

        Test songs draw from the wider range, so that some of them hold sounds which no training
        song comes near.
        """
        extra = 0.25 * (high - low) if self.wide else 0.0
        lowest = max(low - extra, 0.0) if low >= 0 else low - extra
        return round(self.uniform(lowest, high + extra), 4)

    def noise(self, *shape: int) -> np.ndarray:
        """White Gaussian noise, float32, of the given shape."""
        return np.random.Generator(self._bits).standard_normal(shape, dtype=np.float32)
