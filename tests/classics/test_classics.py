"""Each method where its assumption holds, the factorisations by their equations, and the table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import classics, evaluation, tinystems
from tutorial_utils.audio import AudioError
from tutorial_utils.classics import METHODS, nmf, robust_pca
from tutorial_utils.data import open_songs

RATE = 22050


def loop_and_voice(seconds=6.0, period=0.5):
    """A loop of chords that repeats exactly, panned left, and a gliding voice in the middle."""
    random = np.random.default_rng(0)
    n = np.arange(round(seconds * RATE)) / RATE
    count = round(period * RATE)
    bar = sum(
        np.sin(2 * np.pi * f * n[:count]) * np.exp(-3 * n[:count]) for f in (220, 277, 330, 3000)
    )
    bar = bar + 0.3 * random.standard_normal(count) * np.exp(-40 * n[:count])
    loop = np.resize(bar, len(n)) * 0.1
    pitch = 600 + 150 * np.sin(2 * np.pi * 0.37 * n) + 10 * np.sin(2 * np.pi * 5.5 * n)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = 0.05 * sum(np.sin(k * phase) / k for k in (1, 2, 3))
    loop, voice = np.stack([loop, 0.2 * loop]), np.stack([voice, voice])
    return loop.astype(np.float32), voice.astype(np.float32)


@pytest.mark.parametrize("name", ["REPET", "REPET-SIM", "2DFT"])
def test_what_repeats_exactly_is_told_from_what_does_not(name):
    loop, voice = loop_and_voice()
    found = classics.separate(name, loop + voice, RATE)
    assert [*found] == ["vocals", "accompaniment"]
    loud = 0  # the channel in which the loop is the louder
    before = evaluation.si_sdr(voice, loop + voice)[loud]
    assert evaluation.si_sdr(voice, found["vocals"])[loud] > before + 5


def test_hits_are_told_from_notes():
    n = np.arange(4 * RATE) / RATE
    notes = 0.2 * np.sin(2 * np.pi * 440 * n) + 0.1 * np.sin(2 * np.pi * 660 * n)
    hits = np.zeros(len(n))
    hits[:: RATE // 4] = 1.0
    mixture = np.stack([notes + hits]).astype(np.float32)
    found = classics.separate("HPSS", mixture, RATE)
    assert evaluation.si_sdr(notes, found["rest"][0]) > 15
    assert evaluation.si_sdr(hits, found["drums"][0]) > 10


@pytest.mark.parametrize("name", ["centre mask", "DUET", "PROJET"])
def test_what_stands_in_the_middle_is_told_from_what_does_not(name):
    loop, voice = loop_and_voice()
    found = classics.separate(name, loop + voice, RATE)
    loud = 0  # the channel in which the loop is the louder
    before = evaluation.si_sdr(voice, loop + voice)[loud]
    assert evaluation.si_sdr(voice, found["vocals"])[loud] > before + 5
    with pytest.raises(AudioError, match="two channels, and here are 1"):
        classics.separate(name, loop[:1], RATE)


@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name].chapter != "spatial"])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_estimates_sum_to_the_mixture_and_are_as_long(name, channels):
    loop, voice = loop_and_voice(3.0)
    mixture = (loop + voice)[:channels, :-7]
    found = classics.separate(name, mixture, RATE)
    assert all(x.shape == mixture.shape and x.dtype == np.float32 for x in found.values())
    inner = slice(4096, -4096)
    error = (sum(found.values()) - mixture)[:, inner]
    assert np.abs(error).max() < 0.05 * np.abs(mixture).max()


@pytest.mark.parametrize("name", METHODS)
def test_silence(name):
    found = classics.separate(name, np.zeros((2, 3 * RATE), np.float32), RATE)
    assert all(np.isfinite(x).all() and np.abs(x).max() < 1e-6 for x in found.values())


def test_bad_input():
    with pytest.raises(ValueError, match=r"no method 'Spleeter'\. There are: REPET, "):
        classics.separate("Spleeter", np.zeros((1, 100)), RATE)
    with pytest.raises(AudioError, match="NaN"):
        classics.separate("REPET", np.full((1, 100), np.nan), RATE)
    with pytest.raises(ValueError, match="No method is of the chapter 'deep'"):
        classics.scoreboard("deep")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_nmf_never_gets_worse_and_keeps_what_it_is_given(seed, components):
    random = np.random.default_rng(seed)
    magnitudes = random.gamma(0.5, 1.0, (12, 20))
    patterns, activations, losses = nmf(magnitudes, components, 40, seed=seed)
    assert (np.diff(losses) <= 1e-9).all()
    assert (patterns >= 0).all() and (activations >= 0).all()
    np.testing.assert_allclose(patterns.sum(0), 1, atol=1e-6)
    kept, _, fewer = nmf(magnitudes, components, 40, patterns=patterns)
    np.testing.assert_allclose(kept, patterns, atol=1e-9)
    assert (np.diff(fewer) <= 1e-9).all()


def test_nmf_finds_an_exact_product():
    random = np.random.default_rng(0)
    magnitudes = random.gamma(0.3, 1.0, (30, 3)) @ random.gamma(0.3, 1.0, (3, 50))
    patterns, activations, losses = nmf(magnitudes, 3, 2000)
    assert losses[-1] < 1e-3 * losses[0]
    error = np.linalg.norm(patterns @ activations - magnitudes) / np.linalg.norm(magnitudes)
    assert error < 0.02


def test_nmf_reaches_the_loss_of_scikit_learn():
    from sklearn.decomposition import NMF

    magnitudes = np.random.default_rng(0).gamma(0.5, 1.0, (40, 60))
    theirs = NMF(5, solver="mu", beta_loss="kullback-leibler", init="random", max_iter=400, tol=0)
    theirs.set_params(random_state=0).fit(magnitudes)
    ours = nmf(magnitudes, 5, 400)[2][-1]
    assert ours == pytest.approx(theirs.reconstruction_err_**2 / 2 / magnitudes.size, rel=0.05)


@pytest.mark.parametrize("wrong", [-np.ones((3, 4)), np.full((3, 4), np.nan), np.ones(3)])
def test_nmf_refuses_what_is_no_magnitude(wrong):
    with pytest.raises(ValueError, match="at least 0"):
        nmf(wrong, 2)
    with pytest.raises(ValueError, match=r"\(3, 2\), not \(2, 3\)"):
        nmf(np.ones((3, 4)), 2, patterns=np.ones((2, 3)))


def test_robust_pca_recovers_low_rank_and_sparse():
    random = np.random.default_rng(0)
    low = random.standard_normal((60, 3)) @ random.standard_normal((3, 80))
    sparse = np.where(random.random((60, 80)) < 0.05, 20 * random.standard_normal((60, 80)), 0)
    found_low, found_sparse = robust_pca(low + sparse)
    assert np.linalg.norm(found_low - low) < 0.01 * np.linalg.norm(low)
    assert np.linalg.norm(found_sparse - sparse) < 0.01 * np.linalg.norm(sparse)


@pytest.mark.slow
def test_the_scoreboard():
    songs = [song for song in open_songs(tinystems.build()) if song.split == "test"][:1]
    table = classics.scoreboard(songs=songs, seconds=6.0)
    assert {*table["method"]} == {"mixture", *METHODS, "ratio mask (oracle)"}
    mean = table[table["metric"] == "SI-SDR"].pivot_table(
        index="method", columns="source", values="value"
    )
    oracle = mean.loc["ratio mask (oracle)"]
    assert (mean.drop("ratio mask (oracle)") < oracle).where(mean.notna(), True).all(axis=None)
    for name in ("REPET", "REPET-SIM", "2DFT"):
        assert mean.loc[name, "vocals"] > mean.loc["mixture", "vocals"]
    assert mean.loc["NMF, learned drums", "drums"] > mean.loc["mixture", "drums"] + 3
    few = classics.scoreboard("repetition", songs=songs, seconds=6.0)
    assert {*few["source"]} == {"vocals", "accompaniment"}
