"""Is a difference between methods real, or would other songs have told another story?

Songs are what is drawn at random here: the frames of one song are alike, so that many frames of few
songs say little about other songs.
"""

import itertools
import warnings

import numpy as np
import pandas as pd

from tutorial_utils.evaluation.aggregates import per_song

_STATISTICS = {"median": np.median, "mean": np.mean}
_RESAMPLES = 2000
_FEW = 6
"""With five songs not even a difference of the same sign in all reaches p = 0.05 (2 / 2^5)."""


def intervals(
    table: pd.DataFrame,
    *,
    frames: str = "median",
    songs: str = "median",
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Bootstrap confidence intervals of each method's score, over songs.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`tutorial_utils.evaluation.evaluate` returns it.
    frames, songs : {"median", "mean"}
        As in :func:`tutorial_utils.evaluation.aggregate`.
    level : float
        Of confidence.
    seed : int
        Of the resampling.

    Returns
    -------
    pandas.DataFrame
        With the columns ``method, source, metric, value, low, high, songs``. The interval is NaN
        where fewer than two songs have a finite score.

    Raises
    ------
    ValueError
        If an argument makes no sense, or the table lacks a column.

    References
    ----------
    B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall, 1993; the
    intervals are percentile intervals of ``scipy.stats.bootstrap``.
    """
    statistic = _statistic(songs, level)
    rows = []
    by_song = per_song(table, frames)
    for key, group in by_song.groupby(["method", "source", "metric"], sort=False):
        values = _finite(group["value"])
        rows.append((*key, *_interval(values, statistic, level, seed), len(values)))
    columns = ["method", "source", "metric", "value", "low", "high", "songs"]
    return pd.DataFrame(rows, columns=columns)


def differences(
    table: pd.DataFrame,
    baseline: str | None = None,
    *,
    frames: str = "median",
    songs: str = "median",
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare methods pair by pair, song by song.

    That the songs are the same makes the comparison much sharper than two intervals that overlap:
    what makes a song hard for one method mostly makes it hard for the other.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`tutorial_utils.evaluation.evaluate` returns it.
    baseline : str, optional
        Compare all other methods with this one; by default all with all.
    frames, songs : {"median", "mean"}
        How frames are summed up, and the differences of songs.
    level : float
        Of confidence.
    seed : int
        Of the resampling.

    Returns
    -------
    pandas.DataFrame
        With the columns ``method, baseline, source, metric, difference, low, high, p, p_holm,
        songs``: the difference is positive where the method is better. ``low`` and ``high`` are the
        bootstrap interval over songs. ``p`` is that of Wilcoxon's signed-rank test of whether the
        differences are symmetric about zero, and ``p_holm`` the same, corrected for the number of
        comparisons in this table (Holm, 1979). Songs without a finite score of both are left out.

    Warns
    -----
    UserWarning
        If there are too few songs for any p below 0.05.

    Raises
    ------
    ValueError
        If there are fewer than two methods, no such baseline, or an argument makes no sense.

    References
    ----------
    F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1(6), 1945;
    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6(2), 1979.
    """
    statistic = _statistic(songs, level)
    by_song = per_song(table, frames)
    methods = list(dict.fromkeys(by_song["method"]))
    if baseline is not None and baseline not in methods:
        raise ValueError(f"There is no method '{baseline}'. There are: {', '.join(methods)}.")
    pairs = [(b, a) for a, b in itertools.combinations(methods, 2)]
    if baseline is not None:
        pairs = [(method, baseline) for method in methods if method != baseline]
    if not pairs:
        raise ValueError("Two methods are needed for a comparison.")
    wide = by_song.pivot_table(
        index=["source", "metric", "song"], columns="method", values="value", sort=False
    )
    rows = []
    for (source, metric), scores in wide.groupby(["source", "metric"], sort=False):
        for method, other in pairs:
            values = _finite(scores[method] - scores[other])
            found = _interval(values, statistic, level, seed)
            rows.append((method, other, source, metric, *found, _signed_rank(values), len(values)))
    columns = ["method", "baseline", "source", "metric", "difference", "low", "high", "p", "songs"]
    found = pd.DataFrame(rows, columns=columns)
    found.insert(columns.index("songs"), "p_holm", _holm(found["p"].to_numpy()))
    if 0 < found["songs"].max() < _FEW:
        warnings.warn(
            f"{found['songs'].max()} songs are too few: no p can be below 0.05, however large the "
            f"differences are. Score {_FEW} or more.",
            stacklevel=2,
        )
    return found


def _statistic(name, level):
    if name not in _STATISTICS:
        raise ValueError(f"'{name}' is none of {', '.join(_STATISTICS)}.")
    if not 0 < level < 1:
        raise ValueError(f"level={level} is no level of confidence. Give one between 0 and 1.")
    return _STATISTICS[name]


def _finite(values):
    values = values.to_numpy(dtype=float)
    return values[np.isfinite(values)]


def _interval(values, statistic, level, seed):
    """A statistic of some values, and its percentile interval."""
    import scipy.stats

    if not len(values):
        return np.nan, np.nan, np.nan
    value = float(statistic(values))
    if len(values) == 1:
        return value, np.nan, np.nan
    found = scipy.stats.bootstrap(
        (values,),
        statistic,
        n_resamples=_RESAMPLES,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return value, float(found.low), float(found.high)


def _signed_rank(values):
    import scipy.stats

    if not len(values):
        return np.nan
    if not values.any():
        return 1.0
    return float(scipy.stats.wilcoxon(values).pvalue)


def _holm(p):
    """Each p, corrected for how many there are; NaN stays NaN and does not count."""
    corrected = np.full(len(p), np.nan)
    order = np.argsort(p)[: int((~np.isnan(p)).sum())]
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, float((len(order) - rank) * p[place])))
        corrected[place] = highest
    return corrected
