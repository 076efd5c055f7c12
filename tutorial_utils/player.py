"""The multitrack player: listen to several tracks in time with each other, in any page.

The page needs no kernel and no network. Each player carries its sound as MP3, for three reasons:

- Every browser decodes it. Safari's ``decodeAudioData`` refuses Ogg Vorbis and Ogg Opus in versions
  that are still in use, and four tracks as FLAC are several times the size.
- libsndfile writes LAME's tag, which tells the decoder how much silence the format put around the
  sound; so the tracks come back at their length, and on the sample where they were. For decoders
  that ignore the tag, ``player.js`` cuts the silence off itself.
- With a variable bit rate a stereo track takes about 70 kbit/s, and a sparse one less: four stems
  and their mixture of 20 s come to about 1.1 MB of page, of the 3 MB that a page may have.

The script and the style are our own because no library that is looked after does this: the ones
that start all tracks by one clock need a bundler and a framework, and wavesurfer-multitrack, the
small one, plays media elements, whose getting out of step is an open issue of it.
"""

import base64
import io
import json
import math
import sys
import types
import warnings
from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np
import soundfile

from tutorial_utils import lanes
from tutorial_utils.audio import AudioError, as_channels, require_finite, resample
from tutorial_utils.markup import clean, escape, web
from tutorial_utils.plots import colour
from tutorial_utils.text import shown

__all__ = ["Player", "player"]

_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # what MP3 knows, in Hz
_LOWEST, _HIGHEST = 1000, 1_000_000  # sample rates that can be brought to one of these
_PAGE_LIMIT = 3_000_000  # bytes of sound that a page of the book may hold
_WHOLE, _PARTS = "mixture", "stems"

_KEYS = {
    "space": "play",
    "← →": "1 s",
    "↑ ↓": "track",
    "s": "solo",
    "m": "mute",
    "1 2 …": "version",
    "l": "loop",
    "[ ]": "its ends, or drag on the ruler",
}
_ICON = (
    '<svg viewBox="0 0 16 16" aria-hidden="true">'
    '<path class="tu-icon-play" d="M4 1.5v13l10.5-6.5z"/>'
    '<path class="tu-icon-pause" d="M3 2h3.6v12H3zM9.4 2H13v12H9.4z"/></svg>'
)


class Player:
    """A multitrack player, made by :func:`player`; it shows itself in notebooks and pages.

    Attributes
    ----------
    element : str
        The player as HTML, without the style and the script that go with it.
    nbytes : int
        What the sound takes of the page, in bytes.
    duration : float
        In seconds.
    """

    def __init__(self, element: str, nbytes: int, duration: float, tracks: list[str]):
        self.element = element
        self.nbytes = nbytes
        self.duration = duration
        self._tracks = tracks

    def _repr_html_(self) -> str:
        return f"<style>{web('theme.css')}</style>{self.element}<script>{web('player.js')}</script>"

    def __repr__(self) -> str:
        names = ", ".join(self._tracks)
        return f"Player({names}; {self.duration:.1f} s, {self.nbytes / 1e6:.2f} MB)"


def player(
    tracks: Mapping[str, np.ndarray | Mapping[str, np.ndarray]],
    sample_rate: int,
    *,
    title: str | None = None,
    view: str = "waveform",
    quality: float = 0.3,
) -> Player:
    """Play several tracks in time with each other, with solo, mute, volume, loop and versions.

    Parameters
    ----------
    tracks : dict of str to array, or to dict of str to array
        Arrays have the shape (channels, samples) or (samples,), with one or two channels. A track
        is one array, or several *versions*, as in ``{"reference": ..., "estimate": ...}``, between
        which the listener switches without a gap; all tracks with versions have the same ones. A
        track called ``"mixture"`` beside others is the whole that they make up: it is heard instead
        of them, never on top of them.
    sample_rate : int
        In Hz, from 1,000 to 1,000,000.
    title : str, optional
        What there is to hear.
    view : {"waveform", "spectrogram"}
        What the tracks show. Waveforms share one scale, and so do the levels of spectrograms, which
        reach from the strongest to 80 dB under it, over a mel scale of frequency.
    quality : float
        Of the MP3, from 0 (smallest) to 1 (best).

    Returns
    -------
    Player
        Where a track, or the sum of what is heard at once, would go beyond ±1, all tracks are
        turned down by the same factor, and the player says by how much.

    Raises
    ------
    ValueError
        If there is no track; if one is no array of floating-point numbers, empty, not finite, has
        more than two channels, another length than the others, or other versions; the message names
        the track. If the sample rate is no whole number in its range, the view is unknown, or the
        quality lies outside of its range.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (2, 44100)).astype(np.float32)
    >>> player({"drums": noise, "bass": {"reference": noise, "estimate": 0.9 * noise}}, 44100)
    Player(drums, bass; 1.0 s, 0.06 MB)
    """
    settings = {"title": title, "view": view, "quality": quality}
    return build(*_arrange(tracks), sample_rate, **settings)


def build(
    names: Sequence[str],
    choices: Sequence[str],
    parts: Sequence[Sequence[int | None]],
    sounds: Sequence[tuple[str, np.ndarray]],
    sample_rate: int,
    *,
    title: str | None = None,
    view: str = "waveform",
    quality: float = 0.3,
    switch: bool = True,
    blind: bool = False,
) -> Player:
    """Make a player of what :func:`player` arranges; its errors are the same.

    All is found by its place, since names may be of any type and look alike.

    Parameters
    ----------
    names : list of str
        Of the tracks.
    choices : list of str
        Between which the listener switches.
    parts : list of list of int or None
        For each track, and for each choice, the number of the sound that it plays.
    sounds : list of (str, array)
        What messages call a sound, and the sound.
    sample_rate, title, view, quality
        As for :func:`player`.
    switch : bool
        Whether there are buttons for the choices.
    blind : bool
        Whether each track shows the picture of its first sound alone, whichever is heard.
    """
    if view not in ("waveform", "spectrogram"):
        raise ValueError(f'view must be "waveform" or "spectrogram", not {view!r}')
    if not isinstance(quality, Real) or not 0 <= quality <= 1:
        raise ValueError(f"quality must be a number between 0 and 1, not {quality!r}")
    sample_rate = _checked_rate(sample_rate)
    sounds = _checked(sounds)
    if sample_rate not in _RATES:
        rate = min((each for each in _RATES if each > sample_rate), default=_RATES[-1])
        sounds = [resample(sound, sample_rate, rate) for sound in sounds]
        sample_rate = rate
    sounds, note = _turn_down(sounds, parts)
    files = [_mp3(sound, sample_rate, quality) for sound in sounds]
    nbytes = sum(map(len, files))
    if nbytes > _PAGE_LIMIT:
        warnings.warn(
            f"the sound of this player takes {nbytes / 1e6:.1f} MB of the page, and a page should "
            f"stay under {_PAGE_LIMIT / 1e6:.0f} MB: play a shorter excerpt, or lower the quality",
            stacklevel=3,
        )
    if view == "waveform":
        draw = lanes.waveforms(sounds)
    else:
        draw = lanes.spectrograms(sounds, sample_rate)
    rows = "".join(
        # The whole has no solo and no mute, for it never sounds with the others.
        _row(name, choices, part, draw, len(names) > 1 and part[0] is not None, blind)
        for name, part in zip(names, parts, strict=True)
    )
    samples = sounds[0].shape[1]
    data = {"rate": sample_rate, "samples": samples, "tracks": parts, "files": files}
    duration = samples / sample_rate
    height = (54 if view == "waveform" else 72) + (18 if len(names) < 3 else 0)
    element = _element(title, names, choices if switch else [], rows, duration, height, note, data)
    return Player(element, nbytes, duration, names)


def _arrange(tracks):
    """The tracks' names, what there is to choose between, each track's part, and the sounds."""
    if not isinstance(tracks, Mapping) or not tracks:
        raise ValueError(f"a player needs a dict with at least one track, not {shown(tracks)}")
    whole = len(tracks) > 1 and _WHOLE in tracks
    if whole and isinstance(tracks[_WHOLE], Mapping):
        raise ValueError(f'the track "{_WHOLE}" beside other tracks must be one array')
    groups = [group for group in tracks.values() if isinstance(group, Mapping)]
    versions = list(groups[0]) if groups else [_PARTS]
    sounds, parts = [], []
    for name, group in tracks.items():
        what = f'the track "{shown(name)}"'
        number = len(sounds)
        if not isinstance(group, Mapping):
            sounds.append((what, group))
            inside = None if whole and name == _WHOLE else number
            parts.append([inside] * len(versions) + ([number] if inside is None else [None]))
            continue
        if not group or set(group) != set(versions):
            raise ValueError(
                f"{what} has the versions {shown(list(group))}, not {shown(versions)}; all tracks "
                "that have versions must have the same ones, and at least one"
            )
        sounds += [(f"{what} ({shown(version)})", group[version]) for version in versions]
        parts.append([*range(number, len(sounds)), None])
    if not whole:
        parts = [part[:-1] for part in parts]
    choices = [clean(version) for version in versions] + [_WHOLE] * whole
    return [clean(name) for name in tracks], choices, parts, sounds


def _checked_rate(rate) -> int:
    if not isinstance(rate, Real) or not _LOWEST <= rate <= _HIGHEST or rate != math.floor(rate):
        raise ValueError(
            f"sample_rate must be a whole number of Hz from {_LOWEST} to {_HIGHEST}, not {rate!r}"
        )
    return int(rate)


def _checked(sounds) -> list[np.ndarray]:
    """The sounds as arrays of shape (channels, samples), if they can be played together."""
    checked = []
    for what, sound in sounds:
        try:
            sound = np.asarray(sound)
            if sound.dtype.kind != "f":
                raise AudioError(f"it holds {sound.dtype}, and floats from -1 to 1 are wanted.")
            if sound.size == 0:
                raise AudioError("it is empty.")
            with np.errstate(over="ignore"):  # beyond 32 bits counts as infinite
                sound = require_finite(as_channels(sound), "it")
        # Besides our own: lists of unequal lengths, tensors on a GPU or with gradients.
        except (AudioError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{what} cannot be played: {error}") from None
        if sound.shape[0] > 2:
            raise ValueError(f"{what} has {sound.shape[0]} channels, more than two")
        if checked and sound.shape[1] != checked[0].shape[1]:
            raise ValueError(
                f"{what} has {sound.shape[1]} samples, and {sounds[0][0]} has "
                f"{checked[0].shape[1]}; all tracks must have the same length"
            )
        checked.append(sound)
    return checked


def _turn_down(sounds, parts):
    """The sounds, all turned down alike if one of them, or a sum that is heard, goes beyond ±1."""
    loudest = max(float(np.abs(sound).max()) for sound in sounds)
    unit = max(1.0, loudest)  # sums of very large samples would have no room in 32 bits
    sums = [
        sum(sounds[part[choice]] / unit for part in parts if part[choice] is not None)
        for choice in range(len(parts[0]))
    ]
    peak = unit * max(loudest / unit, *(float(np.abs(each).max()) for each in sums))
    if peak <= 1:
        return sounds, ""
    return [sound / peak for sound in sounds], (
        f"All tracks are turned down by {20 * np.log10(peak):.1f} dB, so that nothing is cut off "
        "at full scale."
    )


def _mp3(sound, sample_rate, quality) -> str:
    file = io.BytesIO()
    soundfile.write(
        file,
        sound.T,
        sample_rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        # Not a constant rate: where it is low, LAME's tag does not fit into its frame.
        bitrate_mode="VARIABLE",
        compression_level=min(1 - quality, 0.999),  # LAME refuses 1
    )
    return base64.b64encode(file.getvalue()).decode()


def _row(name, choices, part, draw, buttons, blind) -> str:
    """One track: its name and controls, and its lane with a picture of each version, or of one."""
    tint, text = colour(name), escape(name)
    versions = dict(zip(part, choices, strict=True))  # a sound of several choices is shown once
    versions.pop(None, None)
    if blind:
        pictures = f'<div class="tu-picture">{draw(part[0], name, tint)}</div>'
    else:
        pictures = "".join(
            f'<div class="tu-picture" data-file="{number}"{" hidden" if i else ""}>'
            f"{draw(number, f'{name}, {version}' if len(versions) > 1 else name, tint)}</div>"
            for i, (number, version) in enumerate(versions.items())
        )
    controls = "".join(
        f'<button type="button" class="tu-{verb.lower()}" aria-pressed="false" '
        f'aria-label="{verb} {text}" title="{verb} ({verb[0].lower()})">{verb[0]}</button>'
        for verb in (("Solo", "Mute") if buttons else ())
    )
    return f"""
<div class="tu-track" role="group" aria-label="{text}" tabindex="-1" style="--colour:{tint}">
<div class="tu-head"><span class="tu-name">{text}</span>{controls}
<input type="range" class="tu-slider tu-volume" max="100" value="100" aria-label="Volume of {text}">
</div><div class="tu-lane">{pictures}</div></div>"""


def _element(title, names, choices, rows, duration, height, note, data) -> str:
    label = escape(title or f"Player of {', '.join(names)}")
    heading = f'<span class="tu-title">{escape(title)}</span>' if title else ""
    buttons = "".join(
        f'<button type="button" aria-pressed="false" title="{_key(i)}">{escape(choice)}</button>'
        for i, choice in enumerate(choices, 1)
    )
    switch = f'<div class="tu-choices" role="group" aria-label="Version">{buttons}</div>'
    unneeded = {"track", "solo", "mute"} if len(names) == 1 else set()
    unneeded |= {"version"} if len(choices) < 2 else set()
    keys = " ".join(
        f"<span><kbd>{key}</kbd> {use}</span>" for key, use in _KEYS.items() if use not in unneeded
    )
    # Nothing in the data may look like the end of the script that holds them.
    payload = json.dumps(data, separators=(",", ":")).replace("<", r"\u003c")
    return f"""\
<tu-player class="tu-player" role="group" aria-label="{label}" tabindex="0"
data-lm-suppress-shortcuts="true" style="--height:{height}px"><template><div class="tu-box">
<div class="tu-bar">{heading}
<button type="button" class="tu-play" aria-label="Play" title="Play, pause (space)">{_ICON}</button>
<span class="tu-time"><span class="tu-now">0:00.0</span>
<span class="tu-total">/ {_clock(duration, 1)}</span></span>
{switch if len(choices) > 1 else ""}
<button type="button" class="tu-loop" aria-pressed="false" title="Repeat a region (l)">Loop\
</button></div>
<div class="tu-ruler" role="slider" tabindex="0" aria-label="Position" aria-valuemin="0"
aria-valuemax="{duration:.1f}" aria-valuenow="0">{_ticks(duration)}</div>{rows}
<div class="tu-foot"><p class="tu-status" role="status"></p><p class="tu-note">{note}</p>
<p class="tu-help">{keys}</p></div></div></template>{label}: this player needs JavaScript.
<script type="application/json">{payload}</script></tu-player>"""


def _key(choice: int) -> str:
    return f"Key {choice}" if choice < 10 else ""


def _clock(seconds: float, decimals: int = 0) -> str:
    minutes, rest = divmod(round(seconds, decimals), 60)
    return f"{minutes:.0f}:{rest:0{3 + decimals if decimals else 2}.{decimals}f}"


def _ticks(duration: float) -> str:
    """Marks of time on the ruler: at most eight, and none whose text would not fit."""
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)
    step = next((each for each in steps if duration / each <= 8), duration / 8)
    return "".join(
        f'<span style="left:{100 * time / duration:.3f}%">'
        f"{f'{time:.3g} s' if duration < 60 else _clock(time)}</span>"
        for time in np.arange(0, 0.93 * duration, step)
    )


class _Callable(types.ModuleType):
    """``tutorial_utils.player`` names this module and the function; it can be called as either."""

    __call__ = staticmethod(player)


sys.modules[__name__].__class__ = _Callable
