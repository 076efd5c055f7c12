"""Pictures of sound: waveforms, spectrograms, masks, and several tracks on one scale."""

from __future__ import annotations

from collections.abc import Mapping

import librosa
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, ScalarFormatter

from tutorial_utils.plots.canvas import WIDTH, new_axes, set_heading, set_title, style
from tutorial_utils.plots.checks import (
    as_array,
    check_choice,
    check_finite,
    check_positive,
    check_rate,
    check_whole,
    checked_audio,
)
from tutorial_utils.plots.palette import colour
from tutorial_utils.text import shown

_COLUMNS = 700  # of a drawn envelope: more than the column of text has dots to show
_FRAMES = 1400  # of a drawn spectrogram
_SHADES = 64  # of a drawn spectrogram: steps of 1.25 dB, which take a third of the bytes of 256


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
        If the audio is empty, of another shape, or holds values that are not finite; if the sample
        rate is no number from 1 Hz to 1 GHz.
    """
    audio = checked_audio(audio, sample_rate)
    with style():
        ax = ax or new_axes(height=1.9)
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
        set_title(ax, label, title)
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
        is unknown; if the sample rate is no number from 1 Hz to 1 GHz, or another setting no
        positive number, whole for ``n_fft`` and ``hop``.
    """
    power = _power(audio, sample_rate, scale, n_fft, hop)
    if reference is None:
        reference = _loudest(power)
    check_positive(reference=reference, dynamic_range=dynamic_range)
    with style():
        ax = ax or new_axes(height=2.9)
        image = _draw_levels(ax, power, sample_rate, scale, n_fft, hop, reference, dynamic_range)
        _level_bar(ax.figure, image, ax, dynamic_range)
        set_title(ax, label, title)
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
        Values above 1 look like 1, and those below 0 like 0; arrows at the colour bar say so.
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
        If the mask is empty, of another shape, complex, or holds values that are not finite; if
        the scale is unknown; if the sample rate or ``hop`` is no such number.
    """
    mask = as_array(mask, "mask")
    shaped = mask.ndim in (2, 3) and mask.shape[-2] > 1 and mask.size
    if not shaped or mask.dtype.kind not in "fiub":
        raise ValueError(
            "a mask holds real numbers in the shape (bins, frames) or (channels, bins, frames), "
            f"not {mask.dtype} in {mask.shape}"
        )
    check_finite(mask, "mask")
    check_choice(("log", "linear"), scale=scale)
    check_rate(sample_rate)
    check_whole(hop=hop)
    mask = mask.astype(float).reshape(-1, *mask.shape[-2:]).mean(axis=0)
    with style():
        ax = ax or new_axes(height=2.9)
        n_fft = 2 * (mask.shape[0] - 1)
        image = _draw_bins(ax, mask, sample_rate, scale, n_fft, hop, cmap="viridis", limits=(0, 1))
        beyond = (mask.min() < 0) + 2 * (mask.max() > 1)
        extend = ("neither", "min", "max", "both")[beyond]
        bar = ax.figure.colorbar(image, ax=ax, extend=extend, pad=0.02, aspect=25)
        _style_bar(bar, "mask (0 removes, 1 keeps)")
        set_title(ax, label, title)
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
        If there is no track, or one of them is not a sound; the message says which one. For the
        settings see :func:`spectrogram`.
    """
    if not isinstance(tracks, Mapping) or not tracks:
        raise ValueError(f"sources draws a dict with at least one track, not {shown(tracks)}")
    check_choice(("waveform", "spectrogram"), kind=kind)
    audio = {name: checked_audio(track, sample_rate, shown(name)) for name, track in tracks.items()}
    seconds = max(track.shape[-1] for track in audio.values()) / sample_rate
    with style():
        columns = 2 if kind == "spectrogram" and len(audio) > 1 else 1
        rows = -(-len(audio) // columns)
        height = 1.15 if kind == "waveform" else 1.9
        figure, grid = plt.subplots(
            rows,
            columns,
            figsize=(WIDTH, height * rows + 0.4),
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
            check_positive(dynamic_range=dynamic_range)
            reference = max(_loudest(power) for power in powers.values())
            for ax, (name, power) in zip(cells, powers.items(), strict=False):
                image = _draw_levels(
                    ax, power, sample_rate, scale, n_fft, hop, reference, dynamic_range
                )
                set_title(ax, name, None)
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
        set_heading(figure, title)
    return figure


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
    audio = checked_audio(audio, sample_rate)
    check_choice(("log", "linear", "mel"), scale=scale)
    check_whole(n_fft=n_fft, hop=hop)
    if audio.shape[-1] < n_fft:
        audio = np.pad(audio, ((0, 0), (0, n_fft - audio.shape[-1])))
    peak = float(np.abs(audio).max()) or 1.0  # squares of what is very large or small have no room
    power = (np.abs(librosa.stft(audio / peak, n_fft=n_fft, hop_length=hop)) ** 2).mean(axis=0)
    if scale == "mel":
        power = librosa.feature.melspectrogram(S=power, sr=sample_rate, n_mels=128)
    return power.astype(np.float64) * peak**2


def _loudest(power: np.ndarray) -> float:
    return float(power.max()) or 1.0


def _draw_levels(ax, power, sample_rate, scale, n_fft, hop, reference, dynamic_range):
    with np.errstate(divide="ignore"):  # silence is minus infinity
        levels = np.maximum(10 * (np.log10(power) - np.log10(reference)), -dynamic_range)
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
        ax.set_ylim(bottom=min(30, sample_rate / 8))
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
