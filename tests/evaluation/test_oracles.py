import numpy as np
import pytest
from helpers import RATE, noise
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tutorial_utils import evaluation, tinystems
from tutorial_utils.data import open_songs

SUMMING = ("ideal_binary_mask", "ideal_ratio_mask", "ideal_least_squares_mask")
ORACLES = (*SUMMING, "phase_sensitive_mask", "multichannel_wiener")


def tone(frequency, seconds=2.0):
    time = np.arange(round(seconds * RATE)) / RATE
    return np.stack([np.sin(2 * np.pi * frequency * time)] * 2).astype(np.float32)


@pytest.mark.parametrize("name", ORACLES)
def test_what_does_not_overlap_is_separated(name):
    references = {"low": tone(300), "high": tone(2000)}
    estimates = getattr(evaluation, name)(references, references["low"] + references["high"])
    for label in references:
        assert (evaluation.si_sdr(references[label], estimates[label]) > 30).all()


@pytest.mark.parametrize("name", SUMMING)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_masks_that_sum_to_one_give_estimates_that_sum_to_the_mixture(name, seed):
    random = np.random.default_rng(seed)
    references = {label: noise(random, 1.0) for label in "abc"}
    mixture = sum(references.values())
    estimates = getattr(evaluation, name)(references, mixture)
    assume(np.abs(mixture).max() > 0)
    np.testing.assert_allclose(sum(estimates.values()), mixture, atol=1e-5)


def test_the_order_of_the_oracles_on_a_song():
    """Whatever knows the phases does better than magnitudes alone, of masks within [0, 1] too."""
    song = next(song for song in open_songs(tinystems.build()) if song.split == "test")
    stems = {label: song.stem(label, 4.0, 4.0) for label in song.labels}
    mixture = sum(stems.values())
    methods = {name: getattr(evaluation, name)(stems, mixture) for name in ORACLES}
    methods["mixture"] = dict.fromkeys(stems, mixture)
    table = evaluation.compare(stems, methods, song.sample_rate, [evaluation.SNR])
    mean = table.groupby("method")["value"].mean()
    assert mean["mixture"] + 8 < mean["ideal_binary_mask"] < mean["ideal_ratio_mask"] + 3
    for better in ("ideal_least_squares_mask", "phase_sensitive_mask", "multichannel_wiener"):
        assert mean[better] > mean["ideal_ratio_mask"] + 0.5
    # Without the wish to sum to one, a bin can be closer still.
    assert mean["phase_sensitive_mask"] > mean["ideal_least_squares_mask"] - 0.1


def test_one_source_is_the_mixture(random):
    references = {"all": noise(random, 0.5)}
    for name in ORACLES:
        found = getattr(evaluation, name)(references, references["all"])["all"]
        np.testing.assert_allclose(found, references["all"], atol=2e-3)


def test_silence_stays_silent():
    references = {label: np.zeros((2, RATE), np.float32) for label in "ab"}
    for name in ORACLES:
        found = getattr(evaluation, name)(references, references["a"])
        assert not any(x.any() for x in found.values())
