import numpy as np
import pandas as pd
import pytest
from helpers import RATE, noise

from tutorial_utils import evaluation
from tutorial_utils.audio import AudioError


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


def test_every_metric_by_its_name(random):
    references = {label: noise(random, 3.0) for label in "abc"}
    mixture = sum(references.values())
    estimates = {label: 0.8 * r + 0.1 * mixture for label, r in references.items()}
    table = evaluation.compare(references, {"x": estimates}, RATE, evaluation.METRICS)
    assert table["metric"].tolist() == 3 * list(evaluation.METRICS)
    value = table.set_index(["metric", "source"])["value"]
    pair = [np.stack([*signals.values()]) for signals in (references, estimates)]
    wanted = evaluation.bss_eval(*(x.transpose(0, 2, 1) for x in pair), RATE, RATE)
    for name, by_frame in zip(evaluation.METRICS[:4], wanted, strict=True):
        assert value[name].tolist() == pytest.approx(np.median(by_frame, axis=1), abs=1e-6)
    assert value["SI-SIR"].tolist() == pytest.approx(evaluation.si_sir(*pair).mean(1))
    assert value["SNR"].tolist() == pytest.approx(value["uSDR"].tolist(), abs=1e-6)
    assert (value["SI-SDR"] > value["SD-SDR"]).all()
    counted = table.set_index("metric")["frames"]
    assert (counted["SIR (BSS Eval v4)"] == 3).all() and counted["SNR"].isna().all()
    with pytest.raises(ValueError, match=r"no metric 'SDR'\. There are: SDR \(BSS"):
        evaluation.compare(references, {"x": estimates}, RATE, ["SDR"])


def test_silence_with_every_metric(random):
    """Of one source, which leaves the others theirs."""
    references = {label: noise(random, 2.0) for label in "abc"}
    references["c"][:] = 0
    estimates = {label: noise(random, 2.0) for label in "abc"}
    estimates["b"][:] = 0
    table = evaluation.compare(references, {"x": estimates}, RATE, evaluation.METRICS)
    value = table.set_index(["source", "metric"])["value"]
    assert np.isfinite(value["a"].drop("SIR (BSS Eval v4)")).all()
    assert value["a", "SIR (BSS Eval v4)"] > 200  # There is nothing that could interfere.
    assert np.isneginf(value["b"].drop(["SNR", "uSDR"])).all()
    assert value["b", "SNR"] == 0 and value["b", "uSDR"] == pytest.approx(0)
    assert value["c"].drop("uSDR").isna().all() and value["c", "uSDR"] < -50
