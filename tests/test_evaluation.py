import numpy as np
import pytest
from helpers import RATE, noise
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tutorial_utils import evaluation
from tutorial_utils.audio import AudioError


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(0.01, 100),
    offset=st.floats(-10, 10),
    ratio=st.floats(-30, 60),
)
def test_si_sdr_ignores_scale_and_offset_and_finds_the_ratio(seed, scale, offset, ratio):
    random = np.random.default_rng(seed)
    reference = random.standard_normal(500)
    reference -= reference.mean()
    error = random.standard_normal(500)
    error -= error.mean()
    error -= reference * (error @ reference) / (reference @ reference)  # orthogonal to it
    error *= np.linalg.norm(reference) / np.linalg.norm(error) * 10 ** (-ratio / 20)
    estimate = scale * (reference + error) + offset
    assert evaluation.si_sdr(reference, estimate) == pytest.approx(ratio, abs=1e-3)


def test_si_sdr_at_its_limits(random):
    reference = random.standard_normal((2, 100))
    assert (evaluation.si_sdr(reference, 3 * reference) > 250).all()
    assert (evaluation.si_sdr(reference, 0 * reference) != np.inf).all()
    assert np.isnan(evaluation.si_sdr(0 * reference, reference)).all()
    assert evaluation.si_sdr(np.zeros((4, 2, 9)) + reference[0, :9], np.ones((4, 2, 9))).shape == (
        4,
        2,
    )
    with pytest.raises(ValueError, match=r"\(2, 100\) and estimates \(100,\)"):
        evaluation.si_sdr(reference, reference[0])


def tone(frequency, seconds=2.0):
    time = np.arange(round(seconds * RATE)) / RATE
    return np.stack([np.sin(2 * np.pi * frequency * time)] * 2).astype(np.float32)


def test_the_ideal_ratio_mask_separates_what_does_not_overlap():
    references = {"low": tone(300), "high": tone(2000)}
    estimates = evaluation.ideal_ratio_mask(references, references["low"] + references["high"])
    for label in references:
        assert (evaluation.si_sdr(references[label], estimates[label]) > 30).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_ideal_ratio_masks_sum_to_the_mixture(seed):
    random = np.random.default_rng(seed)
    references = {label: noise(random, 1.0) for label in "abc"}
    mixture = sum(references.values())
    estimates = evaluation.ideal_ratio_mask(references, mixture)
    assume(np.abs(mixture).max() > 0)
    np.testing.assert_allclose(sum(estimates.values()), mixture, atol=1e-5)


def test_compare_gives_the_numbers_of_museval(random):
    from tutorial_utils.compat import museval

    references = {"a": noise(random, 3.0), "b": noise(random, 3.0)}
    mixture = sum(references.values())
    better = {label: r + 0.1 * noise(random, 3.0) for label, r in references.items()}
    methods = {"mixture": dict.fromkeys(references, mixture), "better": better}
    table = evaluation.compare(references, methods, RATE)
    assert list(table.columns) == ["method", "source", "metric", "value"] and len(table) == 8
    value = table.set_index(["method", "source", "metric"])["value"]
    wanted, *_ = museval.evaluate(
        np.stack([r.T for r in references.values()]),
        np.stack([e.T for e in better.values()]),
        win=RATE,
        hop=RATE,
    )
    assert value["better", "a", "SDR"] == pytest.approx(np.median(wanted[0]))
    assert value["better", "b", "SI-SDR"] == pytest.approx(
        evaluation.si_sdr(references["b"], better["b"]).mean()
    )
    assert value["better", "a", "SDR"] > value["mixture", "a", "SDR"] + 5


def test_a_silent_reference_has_no_score_and_leaves_the_others_theirs(random):
    references = {"a": noise(random, 3.0), "b": np.zeros((2, 3 * RATE), np.float32)}
    estimates = {label: r + 0.1 * noise(random, 3.0) for label, r in references.items()}
    table = evaluation.compare(references, {"x": estimates}, RATE)
    value = table.set_index(["source", "metric"])["value"]
    assert np.isnan(value["b"]).all() and np.isfinite(value["a"]).all()


def test_scores_of_other_sources_or_lengths_are_refused(random):
    references = {"a": noise(random), "b": noise(random)}
    with pytest.raises(AudioError, match=r"'x' estimates a, and the references are a, b"):
        evaluation.compare(references, {"x": {"a": references["a"]}}, RATE)
    with pytest.raises(AudioError, match=r"'x' gives b the shape \(2, 100\)"):
        evaluation.compare(references, {"x": {**references, "b": np.zeros((2, 100))}}, RATE)
