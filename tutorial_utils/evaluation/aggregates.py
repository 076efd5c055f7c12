"""From the scores of every frame to one number per song, and from these to one per method."""

import numpy as np
import pandas as pd

FRAMES = ("median", "mean")
SONGS = ("median", "mean")


def per_song(table: pd.DataFrame, frames: str = "median") -> pd.DataFrame:
    """One score per method, song, source and metric.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`tutorial_utils.evaluation.evaluate` returns it.
    frames : {"median", "mean"}
        How the frames of a song are summed up. museval and SiSEC take the median. A metric of the
        whole song has one value, which stays as it is.

    Returns
    -------
    pandas.DataFrame
        With the columns ``method, song, source, metric, value``. Frames that are NaN are left out;
        a song without any other has NaN. Infinite values count in the median; a mean of both
        infinities is NaN.

    Raises
    ------
    ValueError
        If ``frames`` is another word, or the table lacks a column.
    """
    keys = ["method", "song", "source", "metric"]
    return _summed_up(_with_columns(table, keys), keys, frames, FRAMES)


def aggregate(table: pd.DataFrame, frames: str = "median", songs: str = "median") -> pd.DataFrame:
    """One score per method, source and metric.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`tutorial_utils.evaluation.evaluate` returns it.
    frames : {"median", "mean", "pooled"}
        How the frames of a song are summed up. With "pooled" those of all songs are taken together,
        so that long songs count more.
    songs : {"median", "mean"}
        How the songs are. SDR (BSS Eval v4) is commonly the median of medians; the challenge's uSDR
        is the mean over songs.

    Returns
    -------
    pandas.DataFrame
        With the columns ``method, source, metric, value, songs``: the last is the number of songs
        that have a score. What is NaN is left out.

    Raises
    ------
    ValueError
        If a word is another, or the table lacks a column.
    """
    keys = ["method", "source", "metric"]
    table = _with_columns(table, [*keys, "song"])
    by_song = table if frames == "pooled" else per_song(table, frames)
    found = _summed_up(by_song, keys, songs, SONGS)
    known = by_song.dropna(subset="value")
    counts = known.groupby(keys, sort=False)["song"].nunique().rename("songs").reset_index()
    found = found.merge(counts, how="left", on=keys)
    return found.fillna({"songs": 0}).astype({"songs": int})


def _with_columns(table, keys):
    if absent := [key for key in (*keys, "value") if key not in table]:
        raise ValueError(
            f"The table lacks the column(s) {', '.join(absent)}. Give the one that "
            "tutorial_utils.evaluation.evaluate returns."
        )
    return table


def _summed_up(table, keys, how, words):
    if how not in words:
        raise ValueError(f"'{how}' is none of {', '.join(words)}.")
    with np.errstate(invalid="ignore"):  # both infinities have no mean
        groups = table.groupby(keys, sort=False)["value"]
        return getattr(groups, how)().reset_index()
