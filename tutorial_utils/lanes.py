"""What the lanes of a player show: each sound as a small picture, all of them on one scale."""

import io
from collections.abc import Callable, Sequence

import librosa
import numpy as np
from PIL import Image, ImageColor

from tutorial_utils.markup import data_uri, escape

_COLUMNS = 320  # of a waveform
_FRAMES, _BANDS, _N_FFT = 480, 72, 2048  # of a spectrogram
_DYNAMIC_RANGE = 80.0  # of a spectrogram, in dB

#: Draws the sound of a number, with its name and colour, as HTML.
Draw = Callable[[int, str, str], str]


def waveforms(sounds: Sequence[np.ndarray]) -> Draw:
    """Draw the range of each sound (channels, samples) and, inside it, its root mean square."""
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
aria-label="{escape(f"Waveform of {name}")}">
<path class="tu-peak" d="{_area(low, high, scale)}"/>
<path class="tu-rms" d="{_area(-rms, rms, scale)}"/></svg>"""

    return draw


def _area(low, high, scale) -> str:
    """The area between two curves, around the height 50, as an SVG path in whole numbers."""
    top, bottom = (np.round(50 - scale * curve).astype(int) for curve in (high, low))
    there = "".join(f"l1 {step}" for step in np.diff(top))
    back = "".join(f"l-1 {step}" for step in np.diff(bottom[::-1]))
    return f"M0 {top[0]}{there}V{bottom[-1]}{back}z".replace(" -", "-")


def spectrograms(sounds: Sequence[np.ndarray], sample_rate: int) -> Draw:
    """Draw the mel spectrogram of each sound (channels, samples), more opaque where stronger."""
    hop = max(1, sounds[0].shape[1] // _FRAMES)
    bands = librosa.filters.mel(sr=sample_rate, n_fft=_N_FFT, n_mels=_BANDS)

    def power(sound):  # the mean over the channels, for in their sum some of it could cancel
        around = ((0, 0), (_N_FFT // 2, _N_FFT // 2))
        spectrum = librosa.stft(np.pad(sound, around), n_fft=_N_FFT, hop_length=hop, center=False)
        return bands @ (np.abs(spectrum) ** 2).mean(axis=0)

    powers = [power(sound) for sound in sounds]
    top = max(1e-12, *(float(each.max()) for each in powers))

    def draw(number, name, tint):
        level = 1 + 10 * np.log10(np.maximum(powers[number] / top, 1e-12)) / _DYNAMIC_RANGE
        # One colour in 16 steps of opacity: more are hardly seen, and take more room. The exponent
        # keeps faint sound faint, for a little opacity is seen well.
        steps = np.round(15 * np.clip(level, 0, 1)[::-1] ** 1.7).astype(np.uint8)
        picture = Image.fromarray(steps, mode="P")
        picture.putpalette(ImageColor.getrgb(tint) * 16)
        png = io.BytesIO()
        picture.save(png, "PNG", optimize=True, bits=4, transparency=bytes(range(0, 256, 17)))
        alt = escape(f"Mel spectrogram of {name}, {_DYNAMIC_RANGE:.0f} dB")
        return f'<img alt="{alt}" src="{data_uri("image/png", png.getvalue())}">'

    return draw
