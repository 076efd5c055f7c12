"""What every figure is drawn on: the book's style of matplotlib, and new axes in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorial_utils.markup import clean
from tutorial_utils.plots.palette import colour

WIDTH = 5.8  # inches: as wide as a column of text, and still readable when a phone halves it

_STYLE = {
    "axes.edgecolor": "black",
    "axes.facecolor": "white",
    "axes.grid": False,
    "axes.labelcolor": "black",
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "grid.alpha": 0.15,
    "grid.color": "black",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",
    "svg.hashsalt": "tutorial_utils",
    "text.color": "black",
    "xtick.color": "black",
    "ytick.color": "black",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}
# Of these families of settings the defaults hold where the style sets nothing.
_LOOKS = (
    *("axes.", "boxplot.", "figure.", "font.", "grid.", "image.", "legend.", "lines.", "mathtext."),
    *("patch.", "path.", "savefig.", "svg.", "text.", "xtick.", "ytick."),
)


@contextmanager
def style() -> Iterator[None]:
    """The book's matplotlib style, for as long as the ``with`` block lasts."""
    # Not rc_context: it also puts back whether pyplot is interactive, and Jupyter's backend, which
    # may be loaded by the first figure that we draw, sets just that.
    wanted = {key: value for key, value in mpl.rcParamsDefault.items() if key.startswith(_LOOKS)}
    wanted |= _STYLE
    before = {key: mpl.rcParams[key] for key in wanted}
    try:
        mpl.rcParams.update(wanted)
        yield
    finally:
        mpl.rcParams.update(before)


def new_axes(height: float) -> Axes:
    return plt.subplots(figsize=(WIDTH, height))[1]


def set_title(ax: Axes, label: str | None, title: str | None) -> None:
    """Write what is drawn over it: a name is text, whatever dollars it has, and no mathematics."""
    if title or label:
        shade = "black" if title else colour(label)
        ax.set_title(clean(title or label), color=shade, parse_math=False)


def set_heading(figure: Figure, title: str | None) -> None:
    """Write what several axes have in common over all of them."""
    if title:
        look = {"x": 0.01, "ha": "left", "fontweight": "bold", "fontsize": 12}
        figure.suptitle(clean(title), parse_math=False, **look)
