import numpy as np
import pytest
import torch
from helpers import RATE

from tutorial_utils.data.datasets import MixtureDataset
from tutorial_utils.data.songs import open_songs


@pytest.fixture
def songs(tmp_path, write_song):
    for name in "ab":
        write_song(tmp_path / "train" / name)
    return open_songs(tmp_path)


def test_items_sum_and_depend_on_seed_and_number_alone(songs):
    dataset = MixtureDataset(songs, n=3, seed=5, duration=1.0)
    assert len(dataset) == 3
    mixture, sources = dataset[2]
    assert mixture.shape == (2, RATE) and sources.shape == (4, 2, RATE)
    assert mixture.dtype == sources.dtype == torch.float32
    np.testing.assert_allclose(sources.sum(0), mixture, atol=1e-6)
    again = MixtureDataset(songs, n=30, seed=5, duration=1.0)[2]
    torch.testing.assert_close(again, (mixture, sources), rtol=0, atol=0)
    assert not torch.equal(mixture, MixtureDataset(songs, 3, seed=6, duration=1.0)[2][0])
    assert not torch.equal(mixture, dataset[1][0])
    with pytest.raises(IndexError, match="There are 3 mixtures"):
        dataset[3]


def test_workers_give_the_same(songs):
    dataset = MixtureDataset(songs, n=4, duration=0.5)
    alone, together = (
        list(torch.utils.data.DataLoader(dataset, batch_size=2, num_workers=workers))
        for workers in (0, 2)
    )
    torch.testing.assert_close(alone, together, rtol=0, atol=0)
