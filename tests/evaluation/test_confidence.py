"""Aggregates, intervals and paired tests, on tables whose numbers are known."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils.evaluation import aggregate, differences, intervals, per_song


def table(scores, metric="SDR", source="vocals"):
    """A tidy table of ``{method: {song: values of frames}}``."""
    rows = [
        (method, song, "test", source, metric, time, value)
        for method, songs in scores.items()
        for song, values in songs.items()
        for time, value in enumerate(np.atleast_1d(values))
    ]
    columns = ["method", "song", "split", "source", "metric", "time", "value"]
    return pd.DataFrame(rows, columns=columns)


def test_aggregates_as_the_field_has_them():
    scores = table({"x": {"a": [1, 2, 9], "b": [np.nan, 6, 4], "c": [np.nan, np.nan]}})
    assert per_song(scores)["value"].tolist()[:2] == [2, 5]
    assert np.isnan(per_song(scores)["value"][2])
    for frames, songs, wanted in (
        ("median", "median", 3.5),
        ("median", "mean", 3.5),
        ("mean", "mean", 4.5),
        ("mean", "median", 4.5),
        ("pooled", "median", 4),
        ("pooled", "mean", 22 / 5),
    ):
        (found,) = aggregate(scores, frames, songs).to_dict("records")
        assert found["value"] == pytest.approx(wanted) and found["songs"] == 2


def test_infinite_scores_count_in_medians():
    scores = table({"x": {"a": [-np.inf, 1, 2], "b": [np.inf, np.inf, 3]}})
    assert per_song(scores)["value"].tolist() == [1, np.inf]
    assert np.isnan(aggregate(table({"x": {"a": [np.inf, -np.inf]}}), "mean")["value"][0])


def test_words_and_columns_that_are_wrong():
    scores = table({"x": {"a": 1}, "y": {"a": 2}})
    with pytest.raises(ValueError, match="'best' is none of median, mean"):
        per_song(scores, "best")
    with pytest.raises(ValueError, match="'pooled' is none of"):
        aggregate(scores, "median", "pooled")
    with pytest.raises(ValueError, match="lacks the column"):
        aggregate(scores.drop(columns="song"))
    with pytest.raises(ValueError, match="level=95"):
        intervals(scores, level=95)
    with pytest.raises(ValueError, match="no method 'z'"):
        differences(scores, "z")
    with pytest.raises(ValueError, match="Two methods are needed"):
        differences(table({"x": {"a": 1}}))


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        values = random.normal(5, 2, 25)
        scores = table({"x": dict(enumerate(values))})
        (found,) = intervals(scores, songs="mean").to_dict("records")
        assert found["value"] == pytest.approx(values.mean()) and found["songs"] == 25
        hits += found["low"] <= 5 <= found["high"]
    assert 85 <= hits <= 99


def test_intervals_are_the_same_each_time_and_wider_with_more_confidence():
    scores = table({"x": dict(enumerate(np.random.default_rng(1).normal(0, 1, 12)))})
    one, two = intervals(scores), intervals(scores)
    pd.testing.assert_frame_equal(one, two)
    wide = intervals(scores, level=0.99)
    assert wide["low"][0] <= one["low"][0] <= one["value"][0] <= one["high"][0] <= wide["high"][0]


def test_few_songs():
    (one,) = intervals(table({"x": {"a": 3.0}})).to_dict("records")
    assert one["value"] == 3 and np.isnan(one["low"]) and one["songs"] == 1
    (none,) = intervals(table({"x": {"a": np.inf}})).to_dict("records")
    assert np.isnan(none["value"]) and none["songs"] == 0
    scores = table({"x": {k: k for k in range(5)}, "y": {k: k + 1 for k in range(5)}})
    with pytest.warns(UserWarning, match="5 songs are too few"):
        differences(scores)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(6, 20))
def test_differences_are_paired_by_song(seed, songs):
    random = np.random.default_rng(seed)
    hard = random.normal(0, 10, songs)
    x, y = hard + random.normal(1, 0.5, songs), hard + random.normal(0, 0.5, songs)
    order = random.permutation(songs)
    scores = table({"y": {f"{k}": y[k] for k in order}, "x": {f"{k}": x[k] for k in range(songs)}})
    (found,) = differences(scores).to_dict("records")
    assert (found["method"], found["baseline"], found["songs"]) == ("x", "y", songs)
    assert found["difference"] == pytest.approx(np.median(x - y))
    assert found["low"] <= found["difference"] <= found["high"]
    assert found["p"] == pytest.approx(scipy.stats.wilcoxon(x - y).pvalue)
    assert found["p_holm"] == found["p"]
    other = differences(scores, "x").iloc[0]
    assert other["difference"] == pytest.approx(-found["difference"])


def test_what_pairing_is_good_for():
    """The intervals of two methods overlap by far, and still one is better on every song."""
    random = np.random.default_rng(0)
    hard = random.normal(5, 4, 20)
    scores = table({"x": dict(enumerate(hard)), "y": dict(enumerate(hard + 0.5))})
    low, high = intervals(scores)[["low", "high"]].to_numpy().T
    assert high[0] > low[1]
    assert differences(scores)["p"][0] < 1e-4


def test_many_comparisons_are_corrected_for():
    random = np.random.default_rng(0)
    scores = {name: dict(enumerate(random.normal(0, 1, 12))) for name in "abcd"}
    found = differences(table(scores))
    assert len(found) == 6
    ordered = found.sort_values("p")
    expected = np.maximum.accumulate(np.minimum(1, ordered["p"] * np.arange(6, 0, -1)))
    np.testing.assert_allclose(ordered["p_holm"], expected)


def test_methods_that_are_the_same():
    scores = table({name: {k: float(k) for k in range(8)} for name in "xy"})
    (found,) = differences(scores).to_dict("records")
    assert found["difference"] == 0 and found["p"] == 1


def test_songs_that_one_method_lacks_are_left_out():
    scores = table({"x": {k: k for k in range(9)}, "y": {k: k - 1.0 for k in range(2, 9)}})
    (found,) = differences(scores).to_dict("records")
    assert found["songs"] == 7 and found["difference"] == -1
