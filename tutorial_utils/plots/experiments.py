"""Pictures of questions that were put to the test, and of what came out."""

import pandas as pd
from matplotlib.axes import Axes

from tutorial_utils.plots.canvas import new_axes, style
from tutorial_utils.plots.palette import SPARE
from tutorial_utils.plots.results import wrapped


def answers(table: pd.DataFrame, *, xlabel: str) -> Axes:
    """Draw what experiments have answered: for each answer a value, its interval, and its seeds.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns ``answer, value, low, high, seeds``, as
        :func:`tutorial_utils.results.ablations` has them for one question; ``seeds`` holds the
        values of single trainings, which are drawn as small dots.
    xlabel : str
        What the values are, with the unit.

    Raises
    ------
    ValueError
        If a column is missing, or there is no row.
    """
    columns = ["answer", "value", "low", "high", "seeds"]
    if missing := [column for column in columns if column not in table]:
        raise ValueError(f"the table of answers lacks the column(s) {', '.join(missing)}")
    if table.empty:
        raise ValueError("the table of answers has no row")
    places = range(len(table))
    with style():
        ax = new_axes(0.7 + 0.32 * len(table))
        ax.hlines(places, table["low"], table["high"], color="black", linewidth=1.6)
        ax.plot(table["value"], places, "o", color="black")
        for place, values in zip(places, table["seeds"], strict=True):
            ax.plot(values, [place + 0.2] * len(values), "o", color=SPARE[2], markersize=3)
        ax.set_yticks(places, [wrapped(str(answer)) for answer in table["answer"]])
        ax.set_ylim(len(table) - 0.4, -0.6)  # the first answer on top
        ax.set_xlabel(xlabel)
    return ax
