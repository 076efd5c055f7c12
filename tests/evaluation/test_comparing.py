import numpy as np
import pandas as pd
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
    assert np.isposinf(evaluation.si_sdr(reference, reference)).all()
    assert (evaluation.si_sdr(reference, 3 * reference) > 250).all()
    for nothing in (0, 0.1):  # A constant, whose mean has a rounding error, is silence, too.
        silent = np.full_like(reference, nothing)
        assert np.isneginf(evaluation.si_sdr(reference, silent)).all()
        assert np.isnan(evaluation.si_sdr(silent, reference)).all()
        assert np.isnan(evaluation.si_sdr(silent, silent)).all()
    one_channel = reference * [[1], [0]]
    ratios = evaluation.si_sdr(one_channel, reference + 0.1 * reference[::-1])
    assert np.isfinite(ratios[0]) and np.isnan(ratios[1])
    assert evaluation.si_sdr(np.zeros((4, 2, 9)) + reference[0, :9], np.ones((4, 2, 9))).shape == (
        4,
        2,
    )


def test_si_sdr_refuses_what_cannot_be_compared(random):
    reference = random.standard_normal((2, 100))
    with pytest.raises(ValueError, match=r"\(2, 100\) and estimates \(100,\)"):
        evaluation.si_sdr(reference, reference[0])
    for nothing in (np.zeros((2, 0)), np.float64(3)):
        with pytest.raises(ValueError, match="no samples to compare"):
            evaluation.si_sdr(nothing, nothing)
    for wrong in (np.nan, np.inf):
        broken = np.where(np.arange(100) == 7, wrong, reference)
        with pytest.raises(ValueError, match="estimates hold NaN or infinite"):
            evaluation.si_sdr(reference, broken)
        with pytest.raises(ValueError, match="references hold NaN or infinite"):
            evaluation.si_sdr(broken, reference)


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


def museval_sdr(references, estimates):
    from tutorial_utils.compat import museval

    signals = [np.stack([x.T for x in group.values()]) for group in (references, estimates)]
    return museval.evaluate(*signals, win=RATE, hop=RATE)[0]


def scores(references, estimates):
    """``{(source, metric): value}`` and the numbers of frames of one method."""
    table = evaluation.compare(references, {"x": estimates}, RATE)
    assert list(table.columns) == ["method", "source", "metric", "value", "frames"]
    assert table["frames"].isna().equals(table["metric"] == "SI-SDR")
    return table.set_index(["source", "metric"])["value"], {*table["frames"].dropna()}


@pytest.mark.parametrize("channels", [1, 2])
def test_compare_gives_the_numbers_of_museval(random, channels):
    references = {label: noise(random, 3.4, channels) for label in "ab"}
    mixture = sum(references.values())
    better = {
        label: 0.7 * r + 0.1 * np.roll(mixture, 5) + 0.01 * noise(random, 3.4, channels)
        for label, r in references.items()
    }
    better["a"][:, RATE : 2 * RATE] *= 1.5
    methods = {"mixture": dict.fromkeys(references, mixture), "better": better}
    table = evaluation.compare(references, methods, RATE)
    value = table.set_index(["method", "source", "metric"])["value"]
    wanted = museval_sdr(references, better)
    assert wanted.shape == (2, 3) and {*table["frames"].dropna()} == {3}
    for i, label in enumerate("ab"):
        median = pytest.approx(np.median(wanted[i]), abs=1e-5)
        assert value["better", label, "SDR (BSS Eval v4)"] == median
        ratio = evaluation.si_sdr(references[label], better[label]).mean()
        assert value["better", label, "SI-SDR"] == pytest.approx(ratio)
    assert value["better", "a", "SI-SDR"] > value["mixture", "a", "SI-SDR"] + 5


def test_a_signal_that_is_shorter_than_a_frame_is_one(random):
    references = {label: noise(random, 0.3) for label in "ab"}
    estimates = {label: r + 0.3 * noise(random, 0.3) for label, r in references.items()}
    value, frames = scores(references, estimates)
    assert frames == {1}
    wanted = museval_sdr(references, estimates)
    assert value["a", evaluation.SDR] == pytest.approx(wanted[0, 0], abs=1e-5)


def test_a_silent_reference_has_no_score_and_leaves_the_others_theirs(random):
    references = {"a": noise(random, 3.0), "b": np.zeros((2, 3 * RATE), np.float32)}
    estimates = {label: r + 0.1 * noise(random, 3.0) for label, r in references.items()}
    value, frames = scores(references, estimates)
    assert np.isnan(value["b"]).all() and np.isfinite(value["a"]).all() and frames == {3}
    silent = {label: np.zeros_like(r) for label, r in references.items()}
    value, frames = scores({"b": references["b"]}, {"b": silent["b"]})
    assert np.isnan(value["b"]).all() and frames == {0}


def test_a_silent_estimate_is_the_worst_and_leaves_the_others_theirs(random):
    references = {"a": noise(random, 3.0), "b": noise(random, 3.0)}
    estimates = {label: r + 0.1 * noise(random, 3.0) for label, r in references.items()}
    expected, _ = scores(references, estimates)
    value, frames = scores(references, {**estimates, "b": 0 * estimates["b"]})
    assert np.isneginf(value["b"]).all() and frames == {3}
    pd.testing.assert_series_equal(value["a"], expected["a"])


def test_a_perfect_estimate_is_infinitely_good_and_leaves_the_others_theirs(random):
    references = {"a": noise(random, 3.0), "b": noise(random, 3.0)}
    estimates = {label: r + 0.1 * noise(random, 3.0) for label, r in references.items()}
    expected, _ = scores(references, estimates)
    value, _ = scores(references, {**estimates, "b": references["b"].copy()})
    assert np.isposinf(value["b"]).all()
    pd.testing.assert_series_equal(value["a"], expected["a"])


def test_channels_that_are_silent_do_not_count(random):
    reference, estimate = noise(random, 2.0), noise(random, 2.0)
    left = np.array([[1], [0]], np.float32)
    value, _ = scores({"a": reference * left}, {"a": reference + estimate})
    wanted = evaluation.si_sdr(reference[0], (reference + estimate)[0])
    assert value["a", "SI-SDR"] == pytest.approx(float(wanted))
    assert np.isfinite(value["a", evaluation.SDR])
    # A channel that should sound and does not is another matter.
    value, _ = scores({"a": reference}, {"a": reference * left})
    assert np.isneginf(value["a", "SI-SDR"])


def test_channels_that_cancel_are_not_silent(random):
    """As of an estimate of the accompaniment that is the difference of the channels."""
    reference = noise(random, 2.0)
    difference = reference[:1] - reference[1:]
    value, frames = scores({"a": reference}, {"a": np.concatenate([difference, -difference])})
    assert np.isfinite(value["a"]).all() and frames == {2}


def test_frames_that_an_estimate_mutes_are_left_out_for_all_sources_and_said(random):
    references = {"a": noise(random, 6.0), "b": noise(random, 6.0)}
    references["a"][:, :RATE] = 0  # This frame is nobody's fault.
    estimates = {
        label: r + np.repeat([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], RATE) * noise(random, 6.0)
        for label, r in references.items()
    }
    estimates["a"][:, 3 * RATE : 5 * RATE] = 0
    with pytest.warns(UserWarning, match=r"'x' is silent .*: a in 2 of 5 frames\. .*other 3\."):
        value, frames = scores(references, estimates)
    wanted = museval_sdr(references, estimates)
    assert np.isnan(wanted).sum(axis=1).tolist() == [3, 3] and frames == {3}
    for i, label in enumerate("ab"):
        assert value[label, evaluation.SDR] == pytest.approx(np.nanmedian(wanted[i]), abs=1e-5)
    estimates["b"][:, : 3 * RATE] = estimates["b"][:, 5 * RATE :] = 0
    with pytest.warns(UserWarning, match=r"a in 2, b in 3 of 5 frames\. .*other 0\."):
        value, frames = scores(references, estimates)
    assert np.isnan(value[:, evaluation.SDR]).all() and frames == {0}
    assert np.isfinite(value[:, "SI-SDR"]).all()


def test_scores_of_other_sources_or_lengths_are_refused(random):
    references = {"a": noise(random), "b": noise(random)}
    with pytest.raises(AudioError, match=r"'x' estimates a, and the references are a, b"):
        evaluation.compare(references, {"x": {"a": references["a"]}}, RATE)
    with pytest.raises(AudioError, match=r"'x' gives b the shape \(2, 100\)"):
        evaluation.compare(references, {"x": {**references, "b": np.zeros((2, 100))}}, RATE)
    broken = references["b"].copy()
    broken[1, 5] = np.nan
    with pytest.raises(AudioError, match=r"'x': the estimate of b holds NaN"):
        evaluation.compare(references, {"x": {**references, "b": broken}}, RATE)
    with pytest.raises(AudioError, match=r"The reference of b holds NaN"):
        evaluation.compare({**references, "b": broken}, {"x": references}, RATE)
    with pytest.raises(AudioError, match=r"The reference of a has no samples"):
        evaluation.compare({"a": np.zeros((1, 0))}, {"x": {"a": np.zeros((1, 0))}}, RATE)
