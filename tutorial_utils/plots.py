"""What the book draws: one palette and one style for every figure.

Importing this module changes nothing in matplotlib. The style holds only while one of the functions
below draws, and every function draws on the axes that it is given, or on a new figure.

Figures follow light and dark pages. They are drawn in black on white, and :func:`picture` turns
exactly these two into variables of the SVG, which a page in dark colours swaps. All colours of the
palette have a contrast of at least 3:1 on both pages, so they stay as they are.

A figure without a description is lost on those who cannot see it, so in the book a figure is put on
the page by ``picture(figure, alt="what there is to see")``.
"""

from __future__ import annotations

import base64
import html
import io
import itertools
import re
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import librosa
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, ScalarFormatter
from PIL import Image

__all__ = [
    "COLOURS",
    "Picture",
    "colour",
    "mask",
    "picture",
    "score_table",
    "scores",
    "sources",
    "spectrogram",
    "style",
    "training_curves",
    "waveform",
]

# Chosen by a search over sRGB for the largest smallest difference as seen with normal
# sight, protanopia, deuteranopia and tritanopia; the tests hold the differences and the contrast.
COLOURS: dict[str, str] = {
    "drums": "#5b86f0",
    "bass": "#127560",
    "other": "#d97c0b",
    "vocals": "#b4352a",
    "mixture": "#94929c",
    "accompaniment": "#7d4cb4",
    "reference": "#666688",
    "estimate": "#229966",
}
_SPARE = ("#996699", "#aa8866", "#3388aa", "#779977", "#bb5577", "#667799", "#8a8a2a", "#bb7744")

#: Ink and paper of a light and of a dark page; the dark paper is the theme's background.
PAGES: dict[str, dict[str, str]] = {
    "light": {"ink": "#1f2328", "paper": "#ffffff"},
    "dark": {"ink": "#dde3ea", "paper": "#121212"},
}
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

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
_WIDTH = 5.8  # inches: as wide as a column of text, and still readable when a phone halves it
_COLUMNS = 700  # of a drawn envelope: more than the column of text has dots to show
_FRAMES = 1400  # of a drawn spectrogram
_SHADES = 64  # of a drawn spectrogram: steps of 1.25 dB, which take a third of the bytes of 256


def colour(label: str) -> str:
    """Colour of a stem, mixture or estimate, the same in every figure and player.

    Labels that are not in ``COLOURS`` get a colour of their own, which depends on the label alone.

    Examples
    --------
    >>> colour("vocals")
    '#b4352a'
    >>> colour("Kazoo") == colour("kazoo")
    True
    """
    key = str(label).strip().lower()
    return COLOURS.get(key) or _SPARE[zlib.crc32(key.encode()) % len(_SPARE)]


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


# ----------------------------------------------------------------------------- sound


def waveform(
    audio: np.ndarray,
    sample_rate: float,
    *,
    label: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the waveform of a sound.

    A sound of more samples than the page has dots is drawn as its envelope: the smallest and the
    largest sample, over all channels, of each stretch of time. No peak is lost that way.

    Parameters
    ----------
    audio : array, shape (channels, samples) or (samples,)
    sample_rate : float
        In Hz.
    label : str, optional
        What sounds, such as ``"vocals"``. It chooses the colour, and the title if there is none.
    title : str, optional
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the audio is empty, of another shape, or holds values that are not finite.
    """
    audio = _checked_audio(audio, sample_rate)
    with style():
        ax = ax or _new_axes(height=1.9)
        shade = colour(label or "mixture")
        if audio.shape[-1] <= 2 * _COLUMNS:
            time = np.arange(audio.shape[-1]) / sample_rate
            ax.plot(time, audio.T, color=shade, linewidth=1.0)
        else:
            time, low, high = _envelope(audio, sample_rate, _COLUMNS)
            # The thin outline keeps silence visible as a line.
            ax.fill_between(time, low, high, color=shade, linewidth=0.6)
        limit = max(float(np.abs(audio).max()) * 1.05, 1e-6)
        ax.set(
            xlim=(0, audio.shape[-1] / sample_rate),
            ylim=(-limit, limit),
            xlabel="time (s)",
            ylabel="amplitude",
        )
        _name(ax, label, title)
    return ax


def spectrogram(
    audio: np.ndarray,
    sample_rate: float,
    *,
    scale: str = "log",
    dynamic_range: float = 80.0,
    label: str | None = None,
    title: str | None = None,
    n_fft: int = 2048,
    hop: int = 512,
    reference: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the spectrogram of a sound, in decibels, with a colour bar that states the range.

    The channels' powers are averaged, for in their sum some of the sound could cancel.

    Parameters
    ----------
    audio : array, shape (channels, samples) or (samples,)
    sample_rate : float
        In Hz.
    scale : {"log", "linear", "mel"}
        Of the frequency axis. ``"mel"`` draws the bands of a mel filter bank.
    dynamic_range : float
        What lies more than this many dB under the reference is drawn as if it were silent.
    label, title : str, optional
        What sounds; what to write over the picture.
    n_fft, hop : int
        Length of a frame of the STFT and step between frames, in samples.
    reference : float, optional
        The power that counts as 0 dB. The strongest bin's if not given. Give several spectrograms
        the same one to compare them.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the audio is empty, of another shape, or holds values that are not finite; if the scale
        is unknown, or the range or the reference is not positive.
    """
    power = _power(audio, sample_rate, scale, n_fft, hop)
    if reference is None:
        reference = _loudest(power)
    if not reference > 0 or not dynamic_range > 0:
        raise ValueError(
            f"reference ({reference}) and dynamic_range ({dynamic_range}) must be above 0"
        )
    with style():
        ax = ax or _new_axes(height=2.9)
        image = _draw_levels(ax, power, sample_rate, scale, n_fft, hop, reference, dynamic_range)
        _level_bar(ax.figure, image, ax, dynamic_range)
        _name(ax, label, title)
    return ax


def mask(
    mask: np.ndarray,
    sample_rate: float,
    *,
    hop: int = 512,
    scale: str = "log",
    label: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a time-frequency mask: how much of each bin of the mixture is kept.

    Parameters
    ----------
    mask : array, shape (bins, frames) or (channels, bins, frames)
        Of a one-sided STFT, so of ``n_fft / 2 + 1`` bins. The mean over the channels is drawn.
        Values above 1 look like 1; the colour bar then says so with an arrow.
    sample_rate : float
        In Hz.
    hop : int
        Step between frames, in samples.
    scale : {"log", "linear"}
        Of the frequency axis.
    label, title, ax
        As for :func:`spectrogram`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the mask is empty, of another shape, or holds values that are not finite.
    """
    mask = np.asarray(mask, dtype=float)
    if mask.ndim == 3:
        mask = mask.mean(axis=0)
    if mask.ndim != 2 or mask.shape[0] < 2 or mask.shape[1] < 1:
        raise ValueError(f"a mask has the shape (bins, frames), not {mask.shape}")
    _check_finite(mask, "mask")
    _check_scale(scale, ("log", "linear"))
    with style():
        ax = ax or _new_axes(height=2.9)
        n_fft = 2 * (mask.shape[0] - 1)
        image = _draw_bins(ax, mask, sample_rate, scale, n_fft, hop, cmap="viridis", limits=(0, 1))
        extend = "max" if mask.max() > 1 else "neither"
        bar = ax.figure.colorbar(image, ax=ax, extend=extend, pad=0.02, aspect=25)
        _style_bar(bar, "mask (0 removes, 1 keeps)")
        _name(ax, label, title)
    return ax


def sources(
    tracks: Mapping[str, np.ndarray],
    sample_rate: float,
    *,
    kind: str = "waveform",
    scale: str = "log",
    dynamic_range: float = 80.0,
    n_fft: int = 2048,
    hop: int = 512,
    title: str | None = None,
) -> Figure:
    """Draw several sounds together, all on one scale of time and level.

    Parameters
    ----------
    tracks : dict of str to array
        Label to audio of shape (channels, samples) or (samples,).
    sample_rate : float
        In Hz.
    kind : {"waveform", "spectrogram"}
    scale, dynamic_range, n_fft, hop
        Of the spectrograms: see :func:`spectrogram`. 0 dB is the strongest bin of all tracks.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        With one pair of axes per track, in the order of the tracks.

    Raises
    ------
    ValueError
        If there is no track, or one of them is not a sound; the message says which one.
    """
    if not tracks:
        raise ValueError("there is no track to draw: `tracks` is empty")
    if kind not in ("waveform", "spectrogram"):
        raise ValueError(f"kind must be 'waveform' or 'spectrogram', not {kind!r}")
    audio = {name: _checked_audio(track, sample_rate, name) for name, track in tracks.items()}
    seconds = max(track.shape[-1] for track in audio.values()) / sample_rate
    with style():
        columns = 2 if kind == "spectrogram" and len(audio) > 1 else 1
        rows = -(-len(audio) // columns)
        height = 1.15 if kind == "waveform" else 1.9
        figure, grid = plt.subplots(
            rows,
            columns,
            figsize=(_WIDTH, height * rows + 0.4),
            sharex=True,
            sharey=True,
            squeeze=False,
        )
        cells = list(grid.flat)
        if kind == "waveform":
            for ax, (name, track) in zip(cells, audio.items(), strict=False):
                waveform(track, sample_rate, label=name, ax=ax)
            peak = max(float(np.abs(track).max()) for track in audio.values())
            cells[0].set_ylim(-max(peak, 1e-6) * 1.05, max(peak, 1e-6) * 1.05)
        else:
            powers = {
                name: _power(track, sample_rate, scale, n_fft, hop) for name, track in audio.items()
            }
            reference = max(_loudest(power) for power in powers.values())
            for ax, (name, power) in zip(cells, powers.items(), strict=False):
                image = _draw_levels(
                    ax, power, sample_rate, scale, n_fft, hop, reference, dynamic_range
                )
                _name(ax, name, None)
            _level_bar(figure, image, cells, dynamic_range)
        cells[0].set_xlim(0, seconds)
        for ax in cells[len(audio) :]:
            ax.remove()
        for ax in cells[: len(audio)]:
            ax.label_outer()
        if len(audio) < len(cells):  # the axes over the gap carry the labels of their column
            above = cells[len(audio) - columns]
            above.set_xlabel("time (s)")
            above.tick_params(labelbottom=True)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=12)
    return figure


# ----------------------------------------------------------------------------- numbers


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
        ax = ax or _new_axes(height=2.8)
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
        _name(ax, None, title)
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
            figsize=(_WIDTH, len(metrics) * (0.9 + 0.27 * rows)),
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


# ----------------------------------------------------------------------------- on the page


class Picture:
    """A picture with a description, ready for the page.

    Attributes
    ----------
    alt : str
        The description.
    html : str
        An ``<img>`` element that holds the whole picture: it needs no file and no network.
    """

    def __init__(self, alt: str, html: str):
        self.alt = alt
        self.html = html

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"


def picture(figure: Figure | Axes, alt: str) -> Picture:
    """Turn a figure into a picture with a description, in colours that follow the page.

    At the end of a cell it is shown, in the book, in Jupyter and in Colab. The figure is closed, so
    that Jupyter does not show it a second time, without its description.

    The picture is an SVG, or a PNG where that is smaller (a cloud of very many points). In an SVG,
    black and white become the page's ink and paper, if the browser lets pictures follow the page's
    ``color-scheme``; where it does not, the figure keeps a ground on which it can be read.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or matplotlib.axes.Axes
    alt : str
        What there is to see, for readers who cannot see it: not what kind of figure it is alone,
        but what one is to notice in it.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError
        If the description is empty.

    Examples
    --------
    >>> ax = waveform(np.sin(np.arange(44100) / 50), 44100)
    >>> picture(ax, alt="Waveform of a tone: for one second it swings evenly between -1 and 1.")
    Picture: Waveform of a tone: for one second it swings evenly between -1 and 1.
    """
    if not alt or not alt.strip():
        raise ValueError("a picture needs a description: alt='what there is to see'")
    alt = " ".join(alt.split())
    figure = figure.figure if isinstance(figure, Axes) else figure
    source = _data_uri("image/svg+xml", _svg(figure))
    if len(source) > _HEAVY:
        shot = io.BytesIO()
        with style():
            figure.savefig(shot, format="png", dpi=150)
        source = min(source, _data_uri("image/png", shot.getvalue()), key=len)
    plt.close(figure)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Picture(
        alt,
        f'<img class="tu-figure dark-light" alt="{html.escape(alt)}" width="{width}" '
        f'height="{height}" style="max-width:100%;height:auto" src="{html.escape(source)}">',
    )


# ----------------------------------------------------------------------------- inside


def _new_axes(height: float) -> Axes:
    return plt.subplots(figsize=(_WIDTH, height))[1]


def _name(ax: Axes, label: str | None, title: str | None) -> None:
    if title or label:
        ax.set_title(title or label, color="black" if title else colour(label))


def _check_finite(values: np.ndarray, what: str) -> None:
    bad = np.count_nonzero(~np.isfinite(values))
    if bad:
        raise ValueError(f"{what}: {bad} of {values.size} values are not finite (NaN or infinite)")


def _check_scale(scale: str, known: tuple[str, ...]) -> None:
    if scale not in known:
        raise ValueError(f"scale must be one of {', '.join(map(repr, known))}, not {scale!r}")


def _checked_audio(audio: np.ndarray, sample_rate: float, what: str = "audio") -> np.ndarray:
    """The audio as an array (channels, samples), or an error that says what is wrong with it."""
    audio = np.asarray(audio)
    if audio.ndim not in (1, 2) or not np.issubdtype(audio.dtype, np.floating):
        raise ValueError(
            f"{what}: wanted floating-point samples of the shape (channels, samples) or "
            f"(samples,), got {audio.dtype} of the shape {audio.shape}"
        )
    audio = np.atleast_2d(audio)
    if not audio.size:
        raise ValueError(f"{what}: there are no samples, the shape is {audio.shape}")
    if audio.shape[0] > audio.shape[1]:
        raise ValueError(
            f"{what}: {audio.shape[0]} channels of {audio.shape[1]} samples; the shape must be "
            "(channels, samples), so transpose the array"
        )
    _check_finite(audio, what)
    if not sample_rate > 0:
        raise ValueError(f"sample_rate must be above 0 Hz, not {sample_rate}")
    return audio


def _envelope(
    audio: np.ndarray, sample_rate: float, columns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, smallest and largest samples over all channels of equal stretches of time."""
    starts = np.arange(columns) * audio.shape[-1] // columns
    low = np.minimum.reduceat(audio.min(axis=0), starts)
    high = np.maximum.reduceat(audio.max(axis=0), starts)
    return starts / sample_rate, low, high


def _power(audio: np.ndarray, sample_rate: float, scale: str, n_fft: int, hop: int) -> np.ndarray:
    """Power spectrogram, the mean over the channels, (bins, frames)."""
    audio = _checked_audio(audio, sample_rate)
    _check_scale(scale, ("log", "linear", "mel"))
    if audio.shape[-1] < n_fft:
        audio = np.pad(audio, ((0, 0), (0, n_fft - audio.shape[-1])))
    power = (np.abs(librosa.stft(audio, n_fft=n_fft, hop_length=hop)) ** 2).mean(axis=0)
    if scale == "mel":
        power = librosa.feature.melspectrogram(S=power, sr=sample_rate, n_mels=128)
    return power


def _loudest(power: np.ndarray) -> float:
    return max(float(power.max()), float(np.finfo(np.float32).tiny))


def _draw_levels(ax, power, sample_rate, scale, n_fft, hop, reference, dynamic_range):
    floor = reference * 10 ** (-dynamic_range / 10)
    levels = 10 * np.log10(np.maximum(power, floor) / reference)
    limits = (-dynamic_range, 0)
    return _draw_bins(ax, levels, sample_rate, scale, n_fft, hop, cmap="magma", limits=limits)


def _draw_bins(ax, values, sample_rate, scale, n_fft, hop, *, cmap, limits):
    """Draw bins over frames as an image, time in seconds and frequency in Hz."""
    step = -(-values.shape[1] // _FRAMES)
    if step > 1:  # a whole song: draw the largest of each few frames, so that no event is lost
        values = np.maximum.reduceat(values, np.arange(0, values.shape[1], step), axis=1)
    image = librosa.display.specshow(
        values,
        ax=ax,
        sr=sample_rate,
        n_fft=n_fft,
        hop_length=hop * step,
        x_axis=None,
        x_coords=np.arange(values.shape[1]) * hop * step / sample_rate,
        y_axis=scale,
        cmap=mpl.colormaps[cmap].resampled(_SHADES),
        vmin=limits[0],
        vmax=limits[1],
    )
    if scale == "log":
        ax.set_ylim(bottom=30)
    # librosa writes longer times as minutes; in the book time is in seconds everywhere
    ax.xaxis.set_major_locator(AutoLocator())
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.set(xlabel="time (s)", ylabel="frequency (Hz)")
    return image


def _level_bar(figure: Figure, image, axes, dynamic_range: float) -> None:
    bar = figure.colorbar(image, ax=axes, extend="min", pad=0.02, aspect=25)
    _style_bar(bar, f"level (dB, range {dynamic_range:g} dB)")


def _style_bar(bar, label: str) -> None:
    bar.set_label(label, fontsize=9)
    bar.outline.set_visible(False)


def _curve_colours(names: Iterable[str]) -> dict[str, str]:
    """A source's own colour; ink and colours that are no source's for all other names."""
    rest = itertools.cycle(("black", COLOURS["estimate"], COLOURS["reference"], *_SPARE))
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


_HEAVY = 300_000  # characters: an SVG beyond this may be the larger form of the picture


def _data_uri(kind: str, data: str | bytes) -> str:
    if isinstance(data, bytes):
        return f"data:{kind};base64,{base64.b64encode(data).decode()}"
    # Percent-encoded text is shorter than Base64, and much shorter once the server compresses it.
    return f"data:{kind}," + urllib.parse.quote(data, safe=" =:;,/?()'!*+$@&")


def _svg(figure: Figure) -> str:
    """The figure as SVG whose black and white are the page's ink and paper."""
    text = io.StringIO()
    with style():
        figure.savefig(text, format="svg", dpi=144, metadata=_NO_METADATA)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # A hundredth of a point is finer than any screen; matplotlib writes a millionth.
    svg = re.sub(r"(?<=data:image/png;base64,)[^\"]*", lambda image: _slim(image[0]), svg)
    svg = re.sub(r' d="[^"]*"', lambda path: _round(path[0]), svg)
    svg = re.sub(r"(font: [^;\"]*?px) [^;\"]*", r"\1 var(--fonts)", svg)
    svg = svg.replace("#000000", "var(--ink)").replace("#ffffff", "var(--paper)")
    svg = re.sub(r"\s+", " ", svg)
    sheet = "".join(
        f"@media {media}{{:root{{--ink:{page['ink']};--paper:{page['paper']}}}}}"
        for media, page in (("all", PAGES["light"]), ("(prefers-color-scheme:dark)", PAGES["dark"]))
    )
    # Matplotlib leaves black unsaid, for it is what SVG fills with by default.
    sheet += f":root{{--fonts:{FONTS};fill:var(--ink)}}"
    return svg.replace("<defs>", f"<style>{sheet}</style><defs>", 1)


_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def _slim(image: str) -> str:
    """A PNG in Base64, with a palette where it has few colours: the same image in less space."""
    pixels = Image.open(io.BytesIO(base64.b64decode(image)))
    if pixels.mode != "RGBA" or pixels.getextrema()[3] != (255, 255) or not pixels.getcolors(256):
        return image
    png = io.BytesIO()
    pixels.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(png, "png", optimize=True)
    return base64.b64encode(png.getvalue()).decode()


def _round(path: str) -> str:
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", path)
