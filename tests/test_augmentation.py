"""Seeded changes of batches."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tutorial_utils as tu
from tutorial_utils.augmentation import Augmentation, Batches


def batch(seed=0, size=4, sources=3):
    return torch.randn(size, sources, 2, 50, generator=torch.manual_seed(seed))


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 6))
def test_the_same_batch_comes_out_the_same(seed, step, size):
    sources = batch(size=size)
    augment = Augmentation(seed=seed)
    mixture, changed = augment(sources, step)
    torch.randn(3)  # what else is drawn has no part in it
    again = Augmentation(seed=seed)(sources, step)
    assert torch.equal(mixture, again[0]) and torch.equal(changed, again[1])
    assert torch.equal(mixture, changed.sum(1))
    assert changed.shape == sources.shape


def test_steps_and_seeds_differ():
    sources = batch()
    made = [Augmentation(seed=seed)(sources, step)[1] for seed in (0, 1) for step in (0, 1)]
    for i in range(4):
        for j in range(i):
            assert not torch.equal(made[i], made[j])


def test_every_stem_is_one_of_the_batch_with_a_gain():
    sources = batch()
    _, changed = Augmentation(gain_db=(-3, 3))(sources, 5)
    found = []
    for i in range(4):
        for j in range(3):
            stem = changed[i, j]
            for k in range(4):
                for other in (sources[k, j], sources[k, j].flip(0)):
                    gain = (stem * other).sum() / other.square().sum()
                    if torch.allclose(stem, gain * other, atol=1e-5):
                        assert 10 ** (-3 / 20) - 1e-4 <= abs(gain) <= 10 ** (3 / 20) + 1e-4
                        found.append((j, k))
    # Each source's stems are dealt out once.
    assert sorted(found) == [(j, k) for j in range(3) for k in range(4)]


def test_nothing_can_be_asked_for():
    sources = batch()
    _, changed = Augmentation((0, 0), swap=0, flip=0, remix=0)(sources, 3)
    torch.testing.assert_close(changed, sources)


def test_all_can_be_asked_for():
    sources = batch()
    _, changed = Augmentation((0, 0), swap=1, flip=1, remix=0)(sources, 3)
    torch.testing.assert_close(changed, -sources.flip(2))


def test_how_often():
    sources = torch.ones(1, 1, 2, 1)
    sources[:, :, 1] = 2
    counts = torch.zeros(2)
    for step in range(400):
        _, changed = Augmentation((0, 0), swap=0.25, flip=0.75, remix=0)(sources, step)
        counts += torch.tensor([changed[0, 0, 0].abs() == 2, changed.sum() < 0]).float()
    assert abs(counts[0] / 400 - 0.25) < 0.08 and abs(counts[1] / 400 - 0.75) < 0.08


@pytest.mark.parametrize("wrong", [{"swap": 1.5}, {"flip": -1}, {"remix": 2}, {"gain_db": (1, 0)}])
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augmentation(**wrong)


def test_batches_are_the_same_each_time():
    sources = batch(size=10)
    for augment in (None, Augmentation()):
        first, again = (list(Batches(sources, 5, 3, seed=1, augment=augment)) for _ in range(2))
        assert len(first) == 5
        for (mixture, stems), (other, _) in zip(first, again, strict=True):
            assert torch.equal(mixture, other) and torch.equal(mixture, stems.sum(1))
            assert stems.shape == (3, 3, 2, 50)
    other = list(Batches(sources, 5, 3, seed=2))
    assert not torch.equal(other[0][0], next(iter(Batches(sources, 5, 3, seed=1)))[0])
    # A longer training begins as a shorter one does.
    longer = list(Batches(sources, 9, 3, seed=2))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(other, longer, strict=False))
    with pytest.raises(ValueError, match="must be segments of shape"):
        Batches(sources[0], 5)


def test_segments_are_stacked(tmp_path):
    songs = tu.data.open_songs(tu.data.tinystems.build())[:2]
    made = tu.data.stack(songs, [1.0, 3.0], 0.5)
    assert made.shape == (4, 4, 2, 22050) and made.dtype == torch.float32
    for i, song in enumerate(songs):
        for j, label in enumerate(song.labels):
            expected = torch.from_numpy(song.stem(label, 3.0, 0.5))
            torch.testing.assert_close(made[2 * i + 1, j], expected)
    mono = tu.data.stack(songs, [1.0], 0.5, sample_rate=22050, mono=True)
    assert mono.shape == (2, 4, 1, 11025)
    with pytest.raises(ValueError, match="nothing to stack"):
        tu.data.stack(songs, [], 1.0)
