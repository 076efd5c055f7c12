"""Pictures of numbers: how training went, and how good the estimates are."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorial_utils.markup import clean, escape
from tutorial_utils.plots.canvas import WIDTH, new_axes, set_heading, set_title, style
from tutorial_utils.plots.checks import as_array
from tutorial_utils.plots.palette import COLOURS, SPARE, colour
from tutorial_utils.text import shown

_LETTERS = 26  # in one line of a row's name, so that a phone still has room for the values


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
        If there is no curve, or one is empty or holds no real numbers, or its ``x`` and ``y``
        differ in length; the message names the curve. Values that are not finite are no error: they
        leave a gap in the curve, which is what one wants to see.
    """
    if not isinstance(history, Mapping) or not history:
        raise ValueError(f"wanted a dict with at least one curve, not {shown(history)}")
    curves = [_curve(shown(name), curve) for name, curve in history.items()]
    with style():
        ax = ax or new_axes(height=2.8)
        shades = _curve_colours(history)
        dashes = ("-", "--", "-.", ":")
        lines = []
        for number, (name, (x, y)) in enumerate(zip(history, curves, strict=True)):
            look = {"color": shades[name], "marker": "o" if y.size <= 25 else None, "markersize": 4}
            lines += ax.plot(x, y, dashes[number % 4], **look)
        ax.grid(axis="y")
        ax.set(xlabel=xlabel, ylabel=ylabel)
        ax.xaxis.get_major_locator().set_params(integer=True)
        if len(history) > 1:
            legend = ax.legend(lines, ["curve"] * len(lines))
            # Not as labels, of which matplotlib leaves out those that begin with a low line.
            for text, name in zip(legend.get_texts(), history, strict=True):
                text.set(text=clean(name), parse_math=False)
        set_title(ax, None, title)
    return ax


class ScoreTable:
    """Medians of scores, made by :func:`score_table`; it shows itself in notebooks and pages.

    Attributes
    ----------
    data : pandas.DataFrame
        A row for each metric and method, a column for each source and one for their mean.
    html : str
        A ``<table>`` for each metric.
    """

    def __init__(self, data: pd.DataFrame, html: str):
        self.data = data
        self.html = html

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return repr(self.data)


def scores(
    table: pd.DataFrame, *, intervals: pd.DataFrame | None = None, title: str | None = None
) -> Figure:
    """Draw scores: for each metric, source and method the box of its values, or its few values.

    A box reaches from the lower to the upper quartile, its line is the median, the whiskers end at
    the last value within one and a half boxes. Groups of fewer than five values are drawn as dots.
    Infinite values are triangles at the edge, and count in the box.

    Parameters
    ----------
    table : pandas.DataFrame
        In long form, with the columns ``method, source, metric, value``; one row per score.
    intervals : pandas.DataFrame, optional
        With the columns ``method, source, metric, value, low, high``, as
        :func:`tutorial_utils.evaluation.intervals` returns it. Under each box, a dot is the value,
        and a line reaches from low to high.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        With one pair of axes per metric.

    Raises
    ------
    ValueError
        If a column is missing, or a value is no number, or all are NaN. If some are (the score of a
        silent reference is not defined), the figure says how many were left out.
    """
    scored = _scored(table, intervals)
    names = [wrapped(name) for name in (*scored.methods, *scored.sources)]
    spacing = (0.1 if intervals is None else 0.2) + 0.16 * max(
        name.count("\n") + 1 for name in names
    )  # inches
    rows = len(scored.sources) * (len(scored.methods) + (len(scored.methods) > 1))
    with style():
        figure, grid = plt.subplots(
            len(scored.metrics),
            1,
            figsize=(WIDTH, len(scored.metrics) * (0.7 + spacing * rows)),
            squeeze=False,
        )
        for metric, ax in enumerate(grid.flat):
            _draw_metric(ax, scored, metric)
        set_heading(figure, title)
    return figure


def score_table(
    table: pd.DataFrame, *, intervals: pd.DataFrame | None = None, caption: str | None = None
) -> ScoreTable:
    """Medians of scores as a table per metric: a row for each method, a column for each source.

    Parameters
    ----------
    table : pandas.DataFrame
        As for :func:`scores`.
    intervals : pandas.DataFrame, optional
        As for :func:`scores`; low and high stand under each number.
    caption : str, optional

    Returns
    -------
    ScoreTable
        Shown by Jupyter and the book; its numbers are in ``.data``. The best median of each metric
        and source, the highest, is in bold. ``mean`` is that over the sources that have a median; a
        method that lacks one which another method has gets none.

    Raises
    ------
    ValueError
        As for :func:`scores`.
    """
    scored = _scored(table, intervals)
    columns = [*scored.sources, "mean"]
    over = f'<caption style="text-align:left">{escape(caption)}</caption>' if caption else ""
    tables, page = [], ""
    for number, metric in enumerate(scored.metrics):
        medians = scored.medians(number)
        known = medians[:, ~np.isnan(medians).all(axis=0)]
        with np.errstate(invalid="ignore"):  # both infinities have no mean
            values = np.column_stack([medians, known.mean(axis=1) if known.size else medians[:, 0]])
        tables.append(values)
        spans = [
            [scored.intervals.get((number, method, source)) for source in range(len(columns))]
            for method in range(len(scored.methods))
        ]
        page += _table(metric, scored.methods, columns, values, spans, over if number == 0 else "")
    index = pd.MultiIndex.from_product([scored.metrics, scored.methods], names=["metric", "method"])
    return ScoreTable(pd.DataFrame(np.vstack(tables), index, columns), page)


def _curve(name: str, curve) -> tuple[np.ndarray, np.ndarray]:
    """The coordinates of a curve, from its values alone or from a tuple of both."""
    if isinstance(curve, tuple):
        if len(curve) != 2:
            raise ValueError(f"curve {name}: a tuple holds x and y, not {len(curve)} things")
        x, y = (as_array(values, f"curve {name}") for values in curve)
    else:
        y = as_array(curve, f"curve {name}")
        x = np.arange(1, y.size + 1)
    if y.ndim != 1 or x.shape != y.shape or not y.size:
        raise ValueError(
            f"curve {name}: x and y must be two lists of one length, at least 1; "
            f"their shapes are {x.shape} and {y.shape}"
        )
    if "c" in (x.dtype.kind, y.dtype.kind):
        raise ValueError(f"curve {name}: wanted real numbers, not complex ones")
    try:
        return x.astype(float), y.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"curve {name}: {error}") from error


def _curve_colours(names: Iterable[str]) -> dict[str, str]:
    """A source's own colour; ink and colours that are no source's for all other names."""
    rest = itertools.cycle(("black", COLOURS["estimate"], COLOURS["reference"], *SPARE))
    return {name: COLOURS.get(name) or next(rest) for name in names}


@dataclass
class _Scored:
    """The scores of a table, by the places of metric, method and source in the lists of names."""

    metrics: list[str]
    methods: list[str]
    sources: list[str]
    values: dict[tuple[int, int, int], np.ndarray]
    undefined: list[int]  # of each metric
    intervals: dict[tuple[int, int, int], tuple[float, float, float]]  # value, low, high

    def group(self, metric: int, method: int, source: int) -> np.ndarray:
        return self.values.get((metric, method, source), np.array([]))

    def medians(self, metric: int) -> np.ndarray:
        """Of shape (methods, sources), NaN where there is no score."""
        groups = [
            self.group(metric, method, source)
            for method in range(len(self.methods))
            for source in range(len(self.sources))
        ]
        medians = [np.median(group) if group.size else np.nan for group in groups]
        return np.reshape(medians, (len(self.methods), -1))


def _scored(table: pd.DataFrame, intervals: pd.DataFrame | None) -> _Scored:
    keys = ("metric", "method", "source")
    absent = [key for key in (*keys, "value") if key not in table]
    if absent:
        raise ValueError(
            f"the table of scores lacks the column(s) {', '.join(absent)}; "
            f"it has {', '.join(map(shown, table.columns))}"
        )
    try:
        values = table["value"].to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a value in the table of scores is no number: {error}") from error
    if np.isnan(values).all():
        raise ValueError("the table of scores holds no number: it is empty, or all values are NaN")
    # By place and not by name: names may be of any type, and look alike.
    columns = (pd.factorize(table[key], use_na_sentinel=False) for key in keys)
    places, names = zip(*columns, strict=True)
    spans = {} if intervals is None else _spans(intervals, [list(each) for each in names])
    groups, undefined = {}, [0] * len(names[0])
    for place, value in zip(zip(*places, strict=True), values, strict=True):
        if np.isnan(value):
            undefined[place[0]] += 1
        else:
            groups.setdefault(place, []).append(value)
    return _Scored(
        *([clean(name) for name in each] for each in names),
        {place: np.array(group) for place, group in groups.items()},
        undefined,
        spans,
    )


def _spans(intervals, names):
    """Value, low and high by the places of metric, method and source."""
    wanted = ("metric", "method", "source", "value", "low", "high")
    if absent := [key for key in wanted if key not in intervals]:
        raise ValueError(
            f"the table of intervals lacks the column(s) {', '.join(absent)}; "
            f"it has {', '.join(map(shown, intervals.columns))}"
        )
    found = {}
    for *keys, value, low, high in intervals[list(wanted)].itertuples(index=False):
        if all(key in each for key, each in zip(keys, names, strict=True)):
            place = tuple(each.index(key) for key, each in zip(keys, names, strict=True))
            found[place] = (float(value), float(low), float(high))
    return found


def _draw_metric(ax: Axes, scored: _Scored, metric: int) -> None:
    groups = [group for (each, *_), group in scored.values.items() if each == metric]
    values = np.concatenate([*groups, []])
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    span = high - low or 1.0
    ticks, heads, place = {}, [], 0
    for source, name in enumerate(scored.sources):
        if len(scored.methods) > 1:  # a line of its own, and the methods under it
            heads.append(len(ticks))
            ticks[place] = name
            place += 1
        for method, label in enumerate(scored.methods):
            ticks[place] = label if len(scored.methods) > 1 else name
            group = scored.group(metric, method, source)
            # Infinite values count in the box, which then reaches beyond the edge.
            _draw_group(ax, np.clip(group, low - 9 * span, high + 9 * span), place, colour(name))
            _draw_interval(ax, scored.intervals.get((metric, method, source)), place)
            for infinite, edge, marker in ((-np.inf, 0, "<"), (np.inf, 1, ">")):
                if infinite in group:
                    look = {"color": colour(name), "markersize": 8, "clip_on": False}
                    ax.plot([edge], [place], marker, transform=ax.get_yaxis_transform(), **look)
            place += 1
    labels = [wrapped(name) for name in ticks.values()]
    ax.set_yticks([*ticks], labels, parse_math=False)
    for head in heads:
        ax.get_yticklabels()[head].set_fontweight("bold")
    ax.set(xlim=(low - 0.05 * span, high + 0.05 * span), ylim=(place - 0.4, -0.6))
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0, labelsize=10)
    notes = [f"{scored.undefined[metric]} undefined, left out"] if scored.undefined[metric] else []
    notes += ["triangles: infinite"] if np.isinf(values).any() else []
    ax.set_xlabel("; ".join([scored.metrics[metric], *notes]), parse_math=False)


def wrapped(name: str) -> str:
    return textwrap.fill(name, _LETTERS, break_on_hyphens=False)


def _draw_group(ax: Axes, values: np.ndarray, place: float, shade: str) -> None:
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


def _draw_interval(ax: Axes, interval, place: float) -> None:
    """The interval of a group, under its box."""
    if interval is None:
        return
    value, low, high = interval
    below = place + 0.42
    ax.plot([low, high], [below, below], color="black", linewidth=1.6, solid_capstyle="butt")
    ax.plot([value], [below], "o", color="black", markersize=4)


def _table(metric: str, methods: list[str], columns: list[str], values, spans, caption: str) -> str:
    """One table; what hosts would set otherwise is set here, so that it fits a phone."""
    first = "text-align:left;white-space:normal;min-width:5em;padding:.3em .25em"
    other = 'style="text-align:right;padding:.3em .25em"'
    heads = "".join(f'<th scope="col" {other}>{escape(column)}</th>' for column in columns)
    best = np.max(values, axis=0, initial=-np.inf, where=~np.isnan(values))
    rows = ""
    for method, row, of_row in zip(methods, values, spans, strict=True):
        cells = "".join(
            f"<td {other}>{_number(value, len(methods) > 1 and value == top)}{_span(span)}</td>"
            for value, top, span in zip(row, best, of_row, strict=True)
        )
        rows += (
            f'<tr><th scope="row" style="{first};font-weight:400">{escape(method)}</th>{cells}</tr>'
        )
    heads = f'<th scope="col" style="{first}">{escape(metric)}</th>{heads}'
    start = f'<table class="dataframe" style="margin:0 0 1em">{caption}'
    return f"{start}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _number(value: float, bold: bool) -> str:
    if np.isnan(value):
        return "–"
    text = f"{value:z.2f}".replace("-", "−").replace("inf", "∞")
    return f"<b>{text}</b>" if bold else text


def _span(interval) -> str:
    if interval is None or np.isnan(interval[1:]).any():
        return ""
    low, high = (_number(value, bold=False) for value in interval[1:])
    return f'<div style="font-size:.8em;white-space:nowrap;opacity:.75">{low} … {high}</div>'
