"""Training mixtures as a PyTorch dataset."""

from collections.abc import Sequence

import numpy as np
import torch

from tutorial_utils.data import mixing
from tutorial_utils.data.songs import FolderSong


class MixtureDataset(torch.utils.data.Dataset):
    """Mixtures drawn and rendered when they are asked for, none of them stored.

    Item ``i`` is a pair of tensors: the mixture of shape (channels, samples), and its sources of
    shape (sources, channels, samples) in the order of the songs' labels. It depends on ``seed`` and
    ``i`` alone, so it is the same in any order and in any worker of a ``DataLoader``.

    Parameters
    ----------
    songs : sequence of FolderSong
    n : int
        The number of mixtures.
    seed : int
    **settings
        Passed on to :func:`tutorial_utils.data.mixing.draw`.
    """

    def __init__(self, songs: Sequence[FolderSong], n: int, seed: int = 0, **settings):
        self.songs = list(songs)
        self.n = n
        self.seed = seed
        self.settings = settings

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if not 0 <= i < self.n:
            raise IndexError(f"There are {self.n} mixtures, and {i} is not one of them.")
        seed = int(np.random.SeedSequence([self.seed, i]).generate_state(1)[0])
        mix = mixing.render(mixing.draw(self.songs, seed, **self.settings))
        sources = np.stack([mix.sources[label] for label in self.songs[0].labels])
        return torch.from_numpy(mix.mixture), torch.from_numpy(sources)
