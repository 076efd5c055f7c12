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
import html
import io
import json
import sys
import types
import warnings
from collections.abc import Mapping
from functools import cache
from importlib import resources

import librosa
import numpy as np
import soundfile
from matplotlib.colors import to_rgb
from PIL import Image

from tutorial_utils.audio import AudioError, as_channels, require_finite, resample
from tutorial_utils.plots import colour

__all__ = ["Player", "player"]

_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # what MP3 knows, in Hz
_PAGE_LIMIT = 3_000_000  # bytes of sound that a page of the book may hold
_WHOLE, _PARTS = "mixture", "stems"
_COLUMNS = 320  # of a waveform
_FRAMES, _BANDS = 480, 72  # of a spectrogram
_DYNAMIC_RANGE = 80.0  # of a spectrogram, in dB

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
        style, script = web("player.css"), web("player.js")
        return f"<style>{style}</style>{self.element}<script>{script}</script>"

    def __repr__(self) -> str:
        names = ", ".join(self._tracks)
        return f"Player({names}; {self.duration:.1f} s, {self.nbytes / 1e6:.2f} MB)"


@cache
def web(name: str) -> str:
    """A script or a style of the package, as text."""
    return resources.files("tutorial_utils").joinpath("_web", name).read_text(encoding="utf-8")


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
        In Hz.
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
        If there is no track; if one is empty, not finite, has more than two channels, another
        length than the others, or other versions. The message names the track.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (2, 44100)).astype(np.float32)
    >>> player({"drums": noise, "bass": {"reference": noise, "estimate": 0.9 * noise}}, 44100)
    Player(drums, bass; 1.0 s, 0.06 MB)
    """
    return build(tracks, sample_rate, title=title, view=view, quality=quality)


def build(tracks, sample_rate, *, title=None, view="waveform", quality=0.3, switch=True) -> Player:
    """A player, with or without a switch between the versions; see :func:`player`."""
    if view not in ("waveform", "spectrogram"):
        raise ValueError(f'view must be "waveform" or "spectrogram", not {view!r}')
    if not 0 <= quality <= 1:
        raise ValueError(f"quality must lie between 0 and 1, not {quality}")
    names, choices, sounds, parts = _arrange(tracks)
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
            stacklevel=2,
        )
    draw = _waveforms(sounds) if view == "waveform" else _spectrograms(sounds, sample_rate)
    rows = "".join(
        # The whole has no solo and no mute, for it never sounds with the others.
        _row(name, choices, part, draw, buttons=len(names) > 1 and part[0] is not None)
        for name, part in zip(names, parts, strict=True)
    )
    samples = sounds[0].shape[1]
    data = {"rate": int(sample_rate), "samples": samples, "tracks": parts, "files": files}
    duration = samples / sample_rate
    height = (54 if view == "waveform" else 72) + (18 if len(names) < 3 else 0)
    element = _element(title, names, choices if switch else [], rows, duration, height, note, data)
    return Player(element, nbytes, duration, names)


def _arrange(tracks):
    """The tracks' names, what there is to choose between, the sounds, and each track's part.

    The part of a track is, for each choice, the number of the sound that it plays, or None.
    """
    if not isinstance(tracks, Mapping) or not tracks:
        raise ValueError("a player needs a dict with at least one track")
    whole = len(tracks) > 1 and _WHOLE in tracks
    if whole and isinstance(tracks[_WHOLE], Mapping):
        raise ValueError(f'the track "{_WHOLE}" beside other tracks must be one array')
    groups = {name: group for name, group in tracks.items() if isinstance(group, Mapping)}
    versions = list(next(iter(groups.values()), [_PARTS]))
    sounds, parts = {}, []
    for name, group in tracks.items():
        if name not in groups:
            sounds[f'"{name}"'] = group
            number = len(sounds) - 1
            inside = None if whole and name == _WHOLE else number
            parts.append([inside] * len(versions) + ([number] if inside is None else [None]))
            continue
        if not group or set(group) != set(versions):
            raise ValueError(
                f'the track "{name}" has the versions {list(group)}, not {versions}; all tracks '
                "that have versions must have the same ones"
            )
        numbers = list(range(len(sounds), len(sounds) + len(versions)))
        sounds |= {f'"{name}" ({version})': group[version] for version in versions}
        parts.append([*numbers, None])
    if not whole:
        parts = [part[:-1] for part in parts]
    choices = [str(version) for version in versions] + [_WHOLE] * whole
    return [str(name) for name in tracks], choices, _check(sounds), parts


def _check(sounds):
    """The sounds as arrays of shape (channels, samples), if they can be played together."""
    checked = {}
    for name, sound in sounds.items():
        if np.size(sound) == 0:
            raise ValueError(f"the track {name} is empty")
        try:
            sound = checked[name] = require_finite(as_channels(sound), f"the track {name}")
        except (AudioError, TypeError) as error:
            raise ValueError(f"the track {name} cannot be played: {error}") from None
        if sound.shape[0] > 2:
            raise ValueError(f"the track {name} has {sound.shape[0]} channels, more than two")
        first = next(iter(checked))
        if sound.shape[1] != checked[first].shape[1]:
            raise ValueError(
                f"the track {name} has {sound.shape[1]} samples, and {first} has "
                f"{checked[first].shape[1]}; all tracks must have the same length"
            )
    return list(checked.values())


def _turn_down(sounds, parts):
    """The sounds, all turned down alike if one of them, or a sum that is heard, goes beyond ±1."""
    sums = [
        sum(sounds[part[choice]] for part in parts if part[choice] is not None)
        for choice in range(len(parts[0]))
    ]
    peak = max(float(np.abs(sound).max()) for sound in [*sounds, *sums])
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
        compression_level=1 - quality,
    )
    return _base64(file)


def _waveforms(sounds):
    """A function that draws a sound: its range and, inside it, its root mean square, as SVG."""
    samples = sounds[0].shape[1]
    scale = 48 / max(1e-9, *(float(np.abs(sound).max()) for sound in sounds))
    starts = np.linspace(0, samples, min(_COLUMNS, samples), endpoint=False).astype(int)
    counts = np.diff(starts, append=samples)

    def draw(number, name, tint):
        sound = sounds[number]
        high = np.maximum.reduceat(sound.max(axis=0), starts)
        low = np.minimum.reduceat(sound.min(axis=0), starts)
        rms = np.sqrt(np.add.reduceat(np.square(sound).mean(axis=0), starts) / counts)
        return f"""\
<svg viewBox="0 0 {max(1, starts.size - 1)} 100" preserveAspectRatio="none" role="img"
aria-label="{html.escape(f"Waveform of {name}")}">
<path class="tu-peak" d="{_area(low, high, scale)}"/>
<path class="tu-rms" d="{_area(-rms, rms, scale)}"/></svg>"""

    return draw


def _area(low, high, scale) -> str:
    """The area between two curves, around the height 50, as an SVG path in whole numbers."""
    top, bottom = (np.round(50 - scale * curve).astype(int) for curve in (high, low))
    there = "".join(f"l1 {step}" for step in np.diff(top))
    back = "".join(f"l-1 {step}" for step in np.diff(bottom[::-1]))
    return f"M0 {top[0]}{there}V{bottom[-1]}{back}z".replace(" -", "-")


def _spectrograms(sounds, sample_rate):
    """A function that draws a sound: its mel spectrogram, as a PNG more opaque where stronger."""
    hop = max(1, sounds[0].shape[1] // _FRAMES)
    settings = {"sr": sample_rate, "n_fft": 2048, "hop_length": hop, "n_mels": _BANDS}
    # The channels' powers are averaged, for in their sum some of the sound could cancel.
    powers = [librosa.feature.melspectrogram(y=sound, **settings).mean(axis=0) for sound in sounds]
    top = max(1e-12, *(float(power.max()) for power in powers))

    def draw(number, name, tint):
        level = 1 + 10 * np.log10(np.maximum(powers[number] / top, 1e-12)) / _DYNAMIC_RANGE
        # One colour in 16 steps of opacity: more are hardly seen, and take more room. The exponent
        # keeps faint sound faint, for a little opacity is seen well.
        steps = np.round(15 * np.clip(level, 0, 1)[::-1] ** 1.7).astype(np.uint8)
        picture = Image.fromarray(steps, mode="P")
        picture.putpalette([round(255 * part) for part in to_rgb(tint)] * 16)
        png = io.BytesIO()
        picture.save(png, "PNG", optimize=True, bits=4, transparency=bytes(range(0, 256, 17)))
        alt = html.escape(f"Mel spectrogram of {name}, {_DYNAMIC_RANGE:.0f} dB")
        return f'<img alt="{alt}" src="data:image/png;base64,{_base64(png)}">'

    return draw


def _base64(file: io.BytesIO) -> str:
    return base64.b64encode(file.getvalue()).decode()


def _row(name, choices, part, draw, buttons) -> str:
    """One track: its name and controls, and its lane with a picture of each version."""
    tint, text = colour(name), html.escape(name)
    versions = dict(zip(part, choices, strict=True))
    versions.pop(None, None)
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
    label = html.escape(title or f"Player of {', '.join(names)}")
    heading = f'<span class="tu-title">{html.escape(title)}</span>' if title else ""
    buttons = "".join(
        f'<button type="button" aria-pressed="false" title="Key {i}">{html.escape(choice)}</button>'
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
data-lm-suppress-shortcuts="true" style="--height:{height}px">
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
<p class="tu-help">{keys}</p></div>
<script type="application/json">{payload}</script></tu-player>"""


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
