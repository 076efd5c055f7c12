"""Batches from segments in memory, and changes at random, on the device where they are."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Augmentation:
    """Gains, swapped channels, polarities, and stems mixed across the songs of a batch.

    All of it follows from the seed and the number of the step: the same batch at the same step
    comes out the same, on every machine and after a run was resumed.

    Parameters
    ----------
    gain_db : tuple of float
        From which the gain of each stem is drawn, in dB.
    swap : float
        The share of stems whose channels change their order.
    flip : float
        The share of stems whose polarity changes.
    remix : float
        The share of batches in which each source's stems are dealt anew over the batch, so that a
        mixture's sources come from different songs.
    seed : int

    Examples
    --------
    >>> sources = torch.randn(3, 2, 2, 100)
    >>> mixture, changed = Augmentation()(sources, step=7)
    >>> torch.equal(mixture, changed.sum(1)), torch.equal(changed, Augmentation()(sources, 7)[1])
    (True, True)
    """

    gain_db: tuple[float, float] = (-6.0, 6.0)
    swap: float = 0.5
    flip: float = 0.5
    remix: float = 1.0
    seed: int = 0

    def __post_init__(self):
        for name in ("swap", "flip", "remix"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)} must be a share, from 0 to 1.")
        if not self.gain_db[0] <= self.gain_db[1]:
            raise ValueError(f"gain_db={self.gain_db} must be the lowest and the highest gain.")

    def __call__(self, sources: torch.Tensor, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Augment a batch.

        Shape: (batch, sources, channels, samples) to the mixtures (batch, channels, samples) and
        the sources (batch, sources, channels, samples).
        """
        batch, count = sources.shape[:2]
        # Drawn on the CPU, since other devices draw other numbers from the same seed.
        draw = torch.Generator().manual_seed((self.seed * 1_000_003 + step) % 2**63)
        low, high = self.gain_db
        gains = 10 ** ((low + (high - low) * torch.rand(batch, count, generator=draw)) / 20)
        gains *= 1 - 2 * (torch.rand(batch, count, generator=draw) < self.flip).float()
        swapped = torch.rand(batch, count, generator=draw) < self.swap
        dealt = torch.rand((), generator=draw) < self.remix
        orders = [torch.randperm(batch, generator=draw) for _ in range(count)]
        if dealt:
            places = torch.stack(orders, 1).to(sources.device)  # (batch, sources)
            sources = sources[places, torch.arange(count, device=sources.device)]
        swapped = swapped.to(sources.device)[..., None, None]
        sources = torch.where(swapped, sources.flip(2), sources)
        sources = sources * gains.to(sources)[..., None, None]
        return sources.sum(1), sources


class Batches:
    """A fixed number of batches from segments in memory.

    Each is drawn with repetition; which segments it has, and what is done to them, follows from the
    seed and the number of the step.

    Parameters
    ----------
    sources : tensor of shape (segments, sources, channels, samples)
        As :func:`tutorial_utils.data.stack` gives it.
    steps, batch_size, seed : int
    augment : Augmentation, optional
        By default the segments are taken as they are.

    Examples
    --------
    >>> batches = Batches(torch.randn(10, 4, 1, 100), steps=3, batch_size=2)
    >>> [mixture.shape for mixture, sources in batches][0], len(batches)
    (torch.Size([2, 1, 100]), 3)
    """

    def __init__(
        self,
        sources: torch.Tensor,
        steps: int,
        batch_size: int = 8,
        seed: int = 0,
        augment: Augmentation | None = None,
    ):
        if sources.ndim != 4 or len(sources) == 0:
            raise ValueError(
                "sources must be segments of shape (segments, sources, channels, samples), not "
                f"{tuple(sources.shape)}."
            )
        self.sources, self.steps, self.batch_size = sources, steps, batch_size
        self.seed, self.augment = seed, augment

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for step in range(self.steps):
            draw = torch.Generator().manual_seed((self.seed * 1_000_003 + step) % 2**63)
            places = torch.randint(len(self.sources), (self.batch_size,), generator=draw)
            sources = self.sources[places.to(self.sources.device)]
            if self.augment is None:
                yield sources.sum(1), sources
            else:
                yield self.augment(sources, step)
