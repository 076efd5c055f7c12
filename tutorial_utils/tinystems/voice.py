"""A singer: a buzzing glottis behind a moving vocal tract.

The source-filter model (G. Fant, *Acoustic Theory of Speech Production*, 1960). The glottis lets
out puffs of air of the shape ``t² - t³`` (D. H. Klatt and L. C. Klatt, *Journal of the Acoustical
Society of America* 87, 1990); the vocal tract is a row of resonances, the formants, that move from
one sound to the next. Hisses of consonants and breath are noise.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from . import dsp
from .dsp import SAMPLE_RATE, hertz
from .oscillators import read_gliding
from .phonemes import CONSONANTS, DIPHTHONGS, VOWELS, Consonant

HOP = 256
WINDOW = 512
FFT = 1536


def sing(notes, settings: dict[str, float], length: int, dice) -> np.ndarray:
    """Sing the notes of a part, one at a time. Mono."""
    frames = length // HOP + 2
    mean = float(np.mean([note.pitch for note in notes]))
    # High voices come from short vocal tracts; women's formants lie about a sixth above men's.
    tract = np.clip(1 + 0.0115 * (mean - 55), 0.95, 1.2) + settings["tract"]
    control = articulate(notes, frames, settings["breath"], dice)
    pitch = intonate(notes, control["voice"], settings, dice)
    at = np.arange(length, dtype=np.float32) / HOP

    def stretch(values):
        return np.interp(at, np.arange(frames), values).astype(np.float32)

    f0 = hertz(stretch(pitch) + 0.035 * dsp.wander(length, 70, dice))
    phase = np.cumsum(f0) / SAMPLE_RATE
    # A loud voice closes the glottis faster: the open part of the period gets shorter.
    effort = np.clip(settings["effort"] + 0.2 * dsp.wander(frames, 0.7, dice, HOP), 0, 1)
    effort = effort * (0.6 + 0.4 * control["voice"])
    buzz = read_gliding(glottis(), f0, stretch(effort * 7))
    buzz *= stretch(control["voice"]) * (1 + 0.06 * dsp.wander(length, 60, dice))
    white = dice.noise(length)
    # The air hisses while the glottis is open, once a period.
    gate = 0.35 + 0.65 * np.clip(np.sin(2 * np.pi * phase), 0, 1)
    leak = 0.015 + 0.07 * settings["breath"]
    air = white * (stretch(control["voice"]) * leak * gate + 0.16 * stretch(control["breath"]))
    formants = control["formants"] * tract
    # When the note rises above the first formant, singers open the mouth so that it follows
    # (J. Sundberg, *The Science of the Singing Voice*, 1987).
    formants[0] = np.maximum(formants[0], 1.03 * hertz(pitch))
    formants[1] = np.maximum(formants[1], formants[0] + 250)
    formants[2] = np.maximum(formants[2], formants[1] + 350)
    tilt = 2500 + 14000 * effort**1.5
    voiced = through_tract((buzz + air).astype(np.float32), formants, tract, tilt)
    hiss = through_teeth(white[::-1].copy(), control)
    # Fast air at the glottis and the lips: a veil above 5 kHz that follows the voice.
    veil = dsp.equalise(white, dsp.butter("highpass", 5000)) * stretch(control["voice"] * effort)
    veil *= 0.008 + 0.02 * settings["breath"]
    return dsp.equalise(voiced + hiss + veil, dsp.butter("highpass", 70))


def glottis() -> np.ndarray:
    """Harmonics of the glottal pulse's derivative, from breathy (open 85 %) to pressed (40 %)."""
    stages = []
    for quotient in np.linspace(0.85, 0.4, 8):
        t = np.arange(4096) / 4096 / quotient
        flow = np.where(t < 1, t**2 - t**3, 0)
        spectrum = np.fft.rfft(flow)[1:1000]
        slope = spectrum * np.arange(1, 1000)
        stages.append(slope / np.abs(slope[0]))
    return np.conj(np.array(stages))


def _seconds(symbols: list[str]) -> float:
    return sum(CONSONANTS[symbol].seconds + CONSONANTS[symbol].stop for symbol in symbols)


def _syllable(text: str) -> tuple[list[str], str, list[str]]:
    """Consonants before the vowel, the vowel, and consonants after it."""
    sounds = text.split()
    middle = next(i for i, symbol in enumerate(sounds) if symbol not in CONSONANTS)
    return sounds[:middle], sounds[middle], sounds[middle + 1 :]


def lay_out(notes) -> list[tuple[float, float, str, float]]:
    """When each sound begins and ends: (start, end, symbol, velocity).

    The vowel is what falls on the beat, so the consonants before it are sung ahead of time, and
    the note before gives way to them.
    """
    plan = []
    for number, note in enumerate(notes):
        onset, vowel, coda = _syllable(note.text)
        start, end = note.start, note.start + note.duration
        if number + 1 < len(notes) and notes[number + 1].start - end < 0.12:
            ahead, _, _ = _syllable(notes[number + 1].text)
            end = max(notes[number + 1].start - _seconds(ahead), start + 0.05)
        at = start - _seconds(onset)
        squeeze = min(1.0, 0.6 * (end - start) / _seconds(coda)) if coda else 1.0
        stop = end - _seconds(coda) * squeeze
        for symbol in onset:
            plan.append((at, at + _seconds([symbol]), symbol, note.velocity))
            at = plan[-1][1]
        plan.append((start, stop, vowel, note.velocity))
        for symbol in coda:
            plan.append((stop, stop + _seconds([symbol]) * squeeze, symbol, note.velocity))
            stop = plan[-1][1]
    return sorted(plan)


# How fast each source and the resonances can move, in frames to either side.
INERTIA = {"voice": 2.6, "breath": 2.0, "hiss": 1.3, "centre": 3.0, "width": 3.0, "formants": 6.5}


def articulate(notes, frames: int, breath: float, dice) -> dict[str, np.ndarray]:
    """Movements of glottis, tongue and lips.

    Returns
    -------
    dict of (frames,) arrays
        How strong the ``voice``, the ``breath`` at the glottis and the ``hiss`` at the teeth are;
        ``centre`` (Hz) and ``width`` (octaves) of the hiss; and ``formants``, (3, frames), in Hz.
    """
    rate = SAMPLE_RATE / HOP
    control = {name: np.zeros(frames) for name in ("voice", "breath", "hiss")}
    control["centre"], control["width"] = np.full(frames, 5000.0), np.ones(frames)
    control["formants"] = np.tile(np.array(VOWELS["AH"], dtype=float)[:, None], frames)
    silent_since = -9.0
    for start, end, symbol, velocity in lay_out(notes):
        first = max(0, int(start * rate))
        last = min(frames, max(int(end * rate), first + 1))
        if first >= last:
            continue
        if start - silent_since > 0.35 and start > 0.5:
            _inhale(control, start, breath, dice)
        silent_since = end
        if symbol in CONSONANTS:
            _consonant(control, first, last, CONSONANTS[symbol], velocity, dice)
        else:
            _vowel(control, first, last, DIPHTHONGS.get(symbol, (symbol, symbol)), velocity, dice)
    return {
        name: np.apply_along_axis(_smooth, -1, values, INERTIA[name])
        for name, values in control.items()
    }


def _inhale(control, start: float, breath: float, dice) -> None:
    """Singers breathe in before a phrase."""
    rate = SAMPLE_RATE / HOP
    last = int((start - dice.uniform(0.12, 0.2)) * rate)
    first = max(0, last - int(dice.uniform(0.2, 0.35) * rate))
    swell = np.hanning(max(2, last - first)) * dice.uniform(0.1, 0.35) * (0.4 + breath)
    control["breath"][first:last] += swell[: last - first]


def _consonant(control, first: int, last: int, sound: Consonant, velocity: float, dice) -> None:
    """The mouth shuts (for a stop), then lets out voice, breath and hiss."""
    opening = min(first + int(sound.stop * SAMPLE_RATE / HOP), last - 1)
    control["formants"][:, first:] = np.array(sound.formants, dtype=float)[:, None]
    control["voice"][first:opening] = 0.25 * sound.voice * velocity
    control["voice"][opening:last] = sound.voice * velocity
    control["breath"][opening:last] = sound.breath * velocity
    burst = min(last, opening + 4) if sound.stop and sound.seconds <= 0.07 else last
    control["hiss"][opening:burst] = sound.hiss * velocity * dice.uniform(0.7, 1.1)
    control["centre"][first:last] = sound.colour[0] * dice.uniform(0.92, 1.08)
    control["width"][first:last] = sound.colour[1]


def _vowel(control, first: int, last: int, vowels, velocity: float, dice) -> None:
    """A vowel that swells a little, and late in its time glides to a second one."""
    count = last - first
    glide = np.clip((np.arange(count) / count - 0.55) / 0.3, 0, 1)
    begin, end = (np.array(VOWELS[vowel], dtype=float)[:, None] for vowel in vowels)
    formants = (begin + (end - begin) * glide) * dice.uniform(0.96, 1.04)
    control["formants"][:, first:last] = formants
    control["formants"][:, last:] = formants[:, -1:]
    age = np.arange(count) * HOP / SAMPLE_RATE
    swell = 0.82 + 0.18 * np.clip(age / 0.25, 0, 1) - 0.12 * np.clip((age - 0.6) / 1.5, 0, 1)
    control["voice"][first:last] = velocity * swell


def intonate(notes, voice: np.ndarray, settings: dict[str, float], dice) -> np.ndarray:
    """The sung pitch (MIDI), one value a frame: glides, scoops, late vibrato, drift."""
    frames = len(voice)
    rate = SAMPLE_RATE / HOP
    pitch = np.full(frames, float(notes[0].pitch))
    depth = np.zeros(frames)
    for number, note in enumerate(notes):
        first = min(frames - 1, int((note.start - 0.03) * rate))
        last = min(frames, int((note.start + note.duration) * rate))
        pitch[max(first, 0) :] = note.pitch + dice.uniform(-0.12, 0.12)
        rested = (
            number == 0 or note.start - notes[number - 1].start > notes[number - 1].duration + 0.1
        )
        if dice.chance(0.6 if rested else 0.15):
            count = min(int(dice.uniform(0.06, 0.16) * rate), frames - max(first, 0))
            pitch[max(first, 0) : max(first, 0) + count] -= dice.uniform(0.5, 3.0)
        if note.duration > 0.35:
            age = np.arange(max(0, last - first)) / rate
            depth[max(first, 0) : last] = np.clip((age - 0.25) / 0.35, 0, 1)[: last - max(first, 0)]
        if number + 1 < len(notes) and notes[number + 1].start - note.start - note.duration > 0.3:
            fall = slice(max(0, last - 8), last)
            pitch[fall] -= np.linspace(0, dice.uniform(0, 0.7), last - fall.start)
    pitch = _smooth(pitch, settings["glide"] * rate)
    speed = settings["rate"] * (1 + 0.06 * dsp.wander(frames, 1.0, dice, HOP))
    shake = np.sin(2 * np.pi * np.cumsum(speed) / rate)
    pitch += settings["vibrato"] * depth * shake * (1 + 0.3 * dsp.wander(frames, 1.5, dice, HOP))
    return pitch + 0.06 * dsp.wander(frames, 2.3, dice, HOP)


def _smooth(values: np.ndarray, width: float) -> np.ndarray:
    """Gaussian smoothing over about ``width`` frames to either side."""
    reach = int(3 * width) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (0.6 * width)) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), kernel / kernel.sum(), "valid")


def _frames(signal: np.ndarray, count: int) -> np.ndarray:
    """Spectra of overlapping Hann windows, zero-padded so that a filter's tail has room."""
    padded = np.pad(signal, (HOP, WINDOW + HOP * 2))
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
    pieces = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count] * window
    return scipy.fft.rfft(pieces, FFT, axis=1)


def _overlap_add(spectra: np.ndarray, length: int) -> np.ndarray:
    pieces = scipy.fft.irfft(spectra, FFT, axis=1)
    parts = FFT // HOP
    out = np.zeros((len(pieces) + parts, HOP), dtype=np.float32)
    for part in range(parts):
        out[part : part + len(pieces)] += pieces[:, part * HOP : (part + 1) * HOP]
    return out.ravel()[HOP : HOP + length]


def _resonance(f: np.ndarray, centre, width) -> np.ndarray:
    """Response of one formant, 1 at 0 Hz: frames by bins."""
    return centre**2 / (centre**2 - f**2 + 1j * f * width)


def through_tract(source: np.ndarray, formants, tract: float, tilt: np.ndarray) -> np.ndarray:
    """Filter a source by the formants of each frame."""
    frames = len(formants[0])
    active = np.flatnonzero(_loud(source, frames))
    f = np.fft.rfftfreq(FFT, 1 / SAMPLE_RATE).astype(np.float32)
    spectra = _frames(source, frames)
    # The formants above the third hardly move. A tube has endlessly many; those above what can
    # be heard still lift what lies below them (the "higher pole correction" of Fant's book), so
    # the row goes on to 200 kHz.
    fixed = np.ones(len(f), dtype=np.complex128)
    for number, centre in enumerate((3350, 4100, 5300, *np.arange(6400, 200000, 1000))):
        fixed *= _resonance(f, centre * tract, 150 + 70 * number)
    response = np.broadcast_to(fixed, (len(active), len(f))).astype(np.complex64)
    for centre, width in zip(formants, (100, 110, 150), strict=True):
        column = centre[active, None].astype(np.float32)
        response *= _resonance(f, column, np.float32(width) + 0.02 * column).astype(np.complex64)
    response /= (1 + 1j * f / tilt[active, None].astype(np.float32)).astype(np.complex64)
    filtered = np.zeros_like(spectra)
    filtered[active] = spectra[active] * response
    return _overlap_add(filtered, len(source))


def through_teeth(noise: np.ndarray, control: dict[str, np.ndarray]) -> np.ndarray:
    """The hisses of consonants: noise in one band a frame."""
    frames = len(control["hiss"])
    active = np.flatnonzero(control["hiss"] > 1e-4)
    spectra = _frames(noise, frames)
    f = np.fft.rfftfreq(FFT, 1 / SAMPLE_RATE)
    octaves = np.log2(np.maximum(f, 20.0) / control["centre"][active, None])
    shape = np.exp(-0.5 * (octaves / (0.6 * control["width"][active, None])) ** 2)
    shape *= 0.25 * control["hiss"][active, None]
    filtered = np.zeros_like(spectra)
    filtered[active] = spectra[active] * shape.astype(np.float32)
    return _overlap_add(filtered, len(noise))


def _loud(source: np.ndarray, frames: int) -> np.ndarray:
    """Which frames hold any sound."""
    padded = np.pad(np.abs(source), (HOP, HOP * (frames + 2) - len(source) - HOP))
    peaks = padded.reshape(-1, HOP).max(axis=1)
    return np.maximum(peaks[:-1], peaks[1:])[:frames] > 1e-5
