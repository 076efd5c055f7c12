"""Pictures of numbers: how training went, and how good the estimates are."""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorial_utils.plots.canvas import WIDTH, new_axes, set_title, style
from tutorial_utils.plots.palette import COLOURS, SPARE, colour


def training_curves(
    history: Mapping[str, Sequence[float] | tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str = "epoch",
    ylabel: str = "loss",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how numbers developed while a model was trained.

    Parameters
    ----------
    history : dict
        Name of the curve to its values, which count from 1, or to a tuple ``(x, y)``.
    xlabel, ylabel, title : str
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is no curve, or one is empty, or its ``x`` and ``y`` differ in length. Values that
        are not finite are no error: they leave a gap in the curve, which is what one wants to see.
    """
    if not history:
        raise ValueError("there is no curve to draw: `history` is empty")
    with style():
        ax = ax or new_axes(height=2.8)
        shades = _curve_colours(history)
        lines = ("-", "--", "-.", ":")
        for number, (name, curve) in enumerate(history.items()):
            x, y = curve if isinstance(curve, tuple) else (np.arange(1, len(curve) + 1), curve)
            x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
            if y.ndim != 1 or x.shape != y.shape or not y.size:
                raise ValueError(
                    f"curve {name!r}: x and y must be two lists of one length, at least 1; "
                    f"their shapes are {x.shape} and {y.shape}"
                )
            marker = "o" if y.size <= 25 else None
            ax.plot(
                x, y, lines[number % 4], color=shades[name], label=name, marker=marker, markersize=4
            )
        ax.grid(axis="y")
        ax.set(xlabel=xlabel, ylabel=ylabel)
        ax.xaxis.get_major_locator().set_params(integer=True)
        if len(history) > 1:
            ax.legend()
        set_title(ax, None, title)
    return ax


def scores(table: pd.DataFrame, *, title: str | None = None) -> Figure:
    """Draw scores: for each metric, source and method the box of its values, or its few values.

    A box reaches from the lower to the upper quartile, its line is the median, the whiskers end at
    the last value within one and a half boxes. Groups of fewer than five values are drawn as dots.

    Parameters
    ----------
    table : pandas.DataFrame
        In long form, with the columns ``method, source, metric, value``; one row a score.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        With one pair of axes per metric.

    Raises
    ------
    ValueError
        If a column is missing, or no value is finite. If some values are not (the score of a silent
        frame is not defined), the figure says how many were left out.
    """
    table, missing = _checked_scores(table)
    metrics, methods = list(dict.fromkeys(table.metric)), list(dict.fromkeys(table.method))
    names = list(dict.fromkeys(table.source))
    with style():
        rows = len(names) * len(methods)
        figure, grid = plt.subplots(
            len(metrics),
            1,
            figsize=(WIDTH, len(metrics) * (0.9 + 0.27 * rows)),
            squeeze=False,
        )
        for ax, metric in zip(grid.flat, metrics, strict=True):
            ticks, labels = [], []
            for group, source in enumerate(names):
                for row, method in enumerate(methods):
                    place = group * (len(methods) + 0.7) + row
                    ticks.append(place)
                    labels.append(f"{source}, {method}" if len(methods) > 1 else source)
                    wanted = (table.metric == metric) & (table.source == source)
                    values = table.value[wanted & (table.method == method)].to_numpy()
                    _draw_scores(ax, values, place, colour(source))
            ax.set_yticks(ticks, labels)
            ax.invert_yaxis()
            ax.grid(axis="x")
            ax.set_axisbelow(True)
            ax.tick_params(axis="y", length=0)
            left_out = missing.get(metric, 0)
            note = f" ({left_out} not finite, left out)" if left_out else ""
            ax.set_xlabel(f"{metric}{note}")
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=12)
    return figure


def score_table(table: pd.DataFrame, *, caption: str | None = None):
    """Medians of scores as a table: a row for each metric and method, a column for each source.

    Parameters
    ----------
    table : pandas.DataFrame
        As for :func:`scores`.
    caption : str, optional

    Returns
    -------
    pandas.io.formats.style.Styler
        Shown by Jupyter and the book; its numbers are in ``.data``. The best value of each metric
        and source, the highest, is in bold. All text is escaped.

    Raises
    ------
    ValueError
        As for :func:`scores`.
    """
    table, _ = _checked_scores(table)
    order = {key: list(dict.fromkeys(table[key])) for key in ("metric", "method", "source")}
    medians = table.pivot_table(
        index=["metric", "method"], columns="source", values="value", aggfunc="median", sort=False
    )
    medians = medians.reindex(columns=order["source"])
    medians = medians.sort_index(
        key=lambda level: level.map(order[level.name].index), kind="stable"
    )
    medians["mean"] = medians.mean(axis=1)
    best = medians == medians.groupby(level="metric").transform("max")
    styler = medians.style.apply(
        lambda _: best.map(lambda yes: "font-weight: bold" if yes else ""), axis=None
    )
    styler = styler.format("{:.2f}", na_rep="–", escape="html")
    styler = styler.format_index(escape="html", axis=0).format_index(escape="html", axis=1)
    styler = styler.hide(axis=0, names=True).hide(axis=1, names=True)  # one row of headings
    styler = styler.set_table_attributes('class="dataframe"')  # what the theme's tables are called
    return styler.set_caption(html.escape(caption)) if caption else styler


def _curve_colours(names: Iterable[str]) -> dict[str, str]:
    """A source's own colour; ink and colours that are no source's for all other names."""
    rest = itertools.cycle(("black", COLOURS["estimate"], COLOURS["reference"], *SPARE))
    return {name: COLOURS.get(name) or next(rest) for name in names}


def _checked_scores(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """The finite scores, and how many of each metric were not."""
    absent = [key for key in ("method", "source", "metric", "value") if key not in table]
    if absent:
        raise ValueError(
            f"the table of scores lacks the column(s) {', '.join(absent)}; "
            f"it has {', '.join(map(str, table.columns))}"
        )
    finite = np.isfinite(table["value"].to_numpy(dtype=float))
    if not finite.any():
        raise ValueError("no value in the table of scores is finite")
    missing = table.loc[~finite, "metric"].value_counts().to_dict()
    return table.loc[finite], missing


def _draw_scores(ax: Axes, values: np.ndarray, place: float, shade: str) -> None:
    if values.size < 5:
        ax.plot(values, np.full(values.size, place), "o", color=shade, markersize=7, alpha=0.85)
        return
    line = {"color": shade, "linewidth": 1.4}
    ax.boxplot(
        values,
        positions=[place],
        orientation="horizontal",
        widths=0.62,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": shade + "55", "edgecolor": shade},
        medianprops={"color": "black", "linewidth": 2},
        whiskerprops=line,
        capprops=line,
        flierprops={"marker": ".", "markeredgecolor": shade, "markersize": 4},
    )
