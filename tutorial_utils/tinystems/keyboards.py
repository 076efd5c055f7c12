"""Instruments that are not strings: organ, electric piano, string section, pads, synths, brass.

Each function takes notes, settings, the length in samples and dice, and gives (2, length).
"""

from __future__ import annotations

import numpy as np

from . import dsp
from .dsp import SAMPLE_RATE, hertz
from .oscillators import analogue, choir_of, cutoff_stage, read, read_gliding, tables


def _time(seconds: float) -> np.ndarray:
    return np.arange(dsp.samples(seconds), dtype=np.float32) / np.float32(SAMPLE_RATE)


def electric_piano(notes, settings, length: int, dice) -> np.ndarray:
    """Struck tines before pickups, through a warm amplifier with stereo tremolo."""
    track = np.zeros(length, dtype=np.float32)
    known: dict[tuple, np.ndarray] = {}
    for note in notes:
        level = max(1, round(note.velocity * 4))
        key = (note.pitch, level)
        if key not in known:
            f = float(hertz(note.pitch))
            t = _time(2.4)
            decay = settings["decay"] * (262 / f) ** 0.5
            swing = np.sin(2 * np.pi * f * t) * np.exp(-t / decay)
            bell = 0.25 * settings["bell"] * level / 4
            for ratio, loss, share in ((7.11, 9, 1.0), (16.4, 24, 0.45), (2.0, 2, 0.2)):
                if f * ratio < 16000:
                    ring = np.sin(2 * np.pi * f * ratio * t)
                    swing += bell * share * ring * np.exp(-t * loss)
            # The pickup sits a little above the tine, so the curve it sees is lopsided: that is
            # where the bark of hard strokes comes from.
            reach = (0.4 + 1.6 * settings["drive"]) * level / 4
            tone = swing / (1 + reach * (0.5 + 0.5 * swing)) * level / 4
            thump = dsp.equalise(dice.noise(1500), dsp.butter("bandpass", (150, 1200)))
            tone[:1500] += thump * np.exp(-np.arange(1500) / 250) * 0.04 * level
            known[key] = dsp.equalise(tone, dsp.butter("highpass", 50))
        cut = known[key][: dsp.samples(note.duration + 0.1)].copy()
        dsp.add(track, dsp.fade(cut, 0.002, 0.08), note.start)
    track = dsp.saturate(track / (np.abs(track).max() + 1e-9), 0.6 + 1.5 * settings["drive"], 0.1)
    wave = np.sin(2 * np.pi * 5.3 * np.arange(length) / SAMPLE_RATE) * 0.45 * settings["tremolo"]
    stereo = np.stack([track * (1 + wave), track * (1 - wave)]).astype(np.float32)
    return dsp.equalise(stereo, dsp.butter("lowpass", 7000, 1), dsp.butter("highpass", 60))


REGISTRATIONS = (
    (8, 8, 8, 0, 0, 0, 0, 0, 0),
    (8, 6, 8, 5, 0, 3, 0, 0, 2),
    (6, 8, 8, 6, 3, 4, 2, 2, 5),
)
DRAWBARS = np.array([0.5, 1.5, 1, 2, 3, 4, 5, 6, 8])


def organ(notes, settings, length: int, dice) -> np.ndarray:
    """Drawbar organ with key click, overdrive and a rotating loudspeaker."""
    place = settings["bars"] * (len(REGISTRATIONS) - 1)
    first = int(np.clip(place, 0, len(REGISTRATIONS) - 2))
    low, high = (np.array(REGISTRATIONS[first + i], dtype=float) for i in (0, 1))
    bars = np.clip(low + (high - low) * (place - first), 0, None) / 8
    amplitudes = np.zeros((1, 16))
    amplitudes[0, (DRAWBARS * 2).astype(int) - 1] = bars  # harmonics of the sub-octave
    track = np.zeros(length, dtype=np.float32)
    known: dict[int, np.ndarray] = {}
    for note in notes:
        f = float(hertz(note.pitch)) / 2
        if note.pitch not in known:
            known[note.pitch] = tables(amplitudes, f)
        t = _time(note.duration + 0.02)
        tone = read(known[note.pitch], f * t.astype(np.float64) + dice.random(), 0)
        click = min(len(tone), 600)
        tone[:click] += settings["click"] * 0.3 * dice.noise(click) * np.exp(-np.arange(click) / 90)
        dsp.add(track, dsp.fade(tone, 0.004, 0.015), note.start)
    track /= np.abs(track).max() + 1e-9
    track = dsp.saturate(track, 0.5 + 3 * settings["drive"], 0.1)
    return leslie(track, settings["leslie"])


def leslie(track: np.ndarray, rate: float) -> np.ndarray:
    """Rotating loudspeaker: the horn turns towards and away from two microphones."""
    deep = dsp.equalise(track, dsp.butter("lowpass", 700))
    horn = track - deep
    angle = 2 * np.pi * rate * np.arange(len(track)) / SAMPLE_RATE
    sides = []
    for shift in (0.0, 2.0):
        turn = np.sin(angle + shift)
        heard = dsp.delayed(horn, 18 + 14 * turn) * (0.75 + 0.25 * turn)
        sides.append(heard + deep * (0.93 + 0.07 * np.sin(0.86 * angle + shift)))
    return dsp.equalise(np.stack(sides).astype(np.float32), dsp.butter("lowpass", 6500))


def _ensemble(notes, settings, length: int, dice, amplitudes_of, release: float) -> np.ndarray:
    """Many players a note, entering softly."""
    track = np.zeros((2, length), dtype=np.float32)
    known: dict[int, np.ndarray] = {}
    for note in notes:
        if note.pitch not in known:
            f = float(hertz(note.pitch))
            known[note.pitch] = choir_of(f, amplitudes_of(f), settings["detune"] * 0.6, dice)
        loop = known[note.pitch]
        count = dsp.samples(note.duration + release)
        first = dice.whole(0, loop.shape[1] - 1)
        sound = np.take(loop, np.arange(first, first + count), axis=1, mode="wrap")
        sound = dsp.fade(sound, settings["attack"], release + 0.02)
        swell = 1 + 0.25 * dsp.wander(count, 2.5, dice)
        dsp.add(track, sound * (note.velocity * swell * np.float32(0.3)), note.start)
    return track


def strings(notes, settings, length: int, dice) -> np.ndarray:
    """String section: bowed sawtooth-like tones through the resonances of the violin's body."""
    k = np.arange(1, 80)
    corner = 2200 + 4500 * settings["bright"]

    def amplitudes(f: float) -> np.ndarray:
        hz = f * k
        bumps = (
            1
            + 0.7 * np.sin(hz / 130.0 + 1.0) * np.exp(-hz / 4000)
            + 0.8 * np.exp(-((np.log2(hz / 2600)) ** 2) / 0.3)
        )
        return 1 / k * bumps / np.sqrt(1 + (hz / corner) ** 4)

    track = _ensemble(notes, settings, length, dice, amplitudes, 0.18)
    level = np.abs(track).mean(axis=0)
    bow = dsp.equalise(dice.noise(2, length), dsp.butter("bandpass", (1500, 7000), 1))
    return dsp.equalise(track + bow * level * 0.06, dsp.butter("highpass", 140))


def pad(notes, settings, length: int, dice) -> np.ndarray:
    """Soft synthesiser pad whose filter opens and closes slowly."""
    k = np.arange(1, 64)
    saw = 1 / k * np.where(k % 2 == 0, 1 - 0.9 * settings["shape"], 1.0)

    def amplitudes(f: float) -> np.ndarray:
        corner = 300 + 3200 * settings["bright"]
        return saw / (1 + (f * k / corner) ** 3)

    track = _ensemble(notes, settings, length, dice, amplitudes, 0.5)
    bright = dsp.equalise(track, dsp.shelf("high", 900, 9))
    mix = 0.5 + 0.5 * np.sin(
        2 * np.pi * 0.11 * np.arange(length) / SAMPLE_RATE + dice.uniform(0, 6)
    )
    track = track + (bright - track) * mix.astype(np.float32) * 0.6
    return dsp.equalise(track, dsp.butter("highpass", 110))


def synth_pluck(notes, settings, length: int, dice) -> np.ndarray:
    """Short synthesiser notes: two detuned oscillators, a filter that snaps shut."""
    amplitudes = analogue(settings["shape"], 2.2)
    track = np.zeros((2, length), dtype=np.float32)
    known: dict[tuple, np.ndarray] = {}
    for note in notes:
        level = max(1, round(note.velocity * 4))
        key = (note.pitch, level)
        if key not in known:
            f = float(hertz(note.pitch))
            waves = tables(amplitudes, f)
            t = _time(1.6).astype(np.float64)
            open_ = (
                60 * settings["cutoff"] * (0.4 + 0.6 * level / 4) * np.exp(-t / settings["decay"])
            )
            stage = cutoff_stage(1.2 + open_ * 262 / f)
            spread = settings["detune"] / 1200
            known[key] = np.stack(
                [
                    read(waves, f * 2**cents * t + dice.random(), stage)
                    for cents in (-spread, spread)
                ]
            ) * np.exp(-t / (settings["decay"] * 2.5)).astype(np.float32)
        cut = known[key][:, : dsp.samples(note.duration + 0.12)].copy()
        dsp.add(track, dsp.fade(cut, 0.002, 0.1) * np.float32(note.velocity), note.start)
    return dsp.equalise(track, dsp.butter("highpass", 90))


def _line(notes, length: int, glide: float, vibrato: float, dice):
    """Pitch (MIDI) and loudness of a line that is played one note at a time, a value a sample."""
    hop = 64
    frames = length // hop + 2
    pitch = np.full(frames, float(notes[0].pitch))
    level = np.zeros(frames)
    shake = np.zeros(frames)
    for note in notes:
        first, last = (int(t * SAMPLE_RATE / hop) for t in (note.start, note.start + note.duration))
        pitch[first:] = note.pitch
        level[first:last] = note.velocity
        age = np.arange(max(0, frames - first)) * hop / SAMPLE_RATE
        shake[first:] = np.clip((age - 0.18) / 0.3, 0, 1)
    pitch = _smooth(pitch, glide * SAMPLE_RATE / hop)
    rate = 5.4 + 0.4 * dsp.wander(frames, 1.0, dice, hop)
    pitch += vibrato * shake * np.sin(2 * np.pi * np.cumsum(rate) * hop / SAMPLE_RATE)
    pitch += 0.03 * dsp.wander(frames, 1.5, dice, hop)
    at = np.arange(length) / hop
    return np.interp(at, np.arange(frames), pitch), level, at, hop


def _smooth(values: np.ndarray, width: float) -> np.ndarray:
    """Smooth with a raised cosine of a width in frames."""
    window = np.hanning(max(3, int(2 * width) + 2))
    padded = np.pad(values, len(window) // 2, mode="edge")
    return np.convolve(padded, window / window.sum(), "same")[len(window) // 2 :][: len(values)]


def synth_lead(notes, settings, length: int, dice) -> np.ndarray:
    """Monophonic lead: two oscillators, glide, vibrato, a filter with an envelope."""
    pitch, level, at, hop = _line(notes, length, settings["glide"], settings["vibrato"], dice)
    loud = np.interp(at, np.arange(len(level)), _smooth(level, 0.006 * SAMPLE_RATE / hop))
    f = hertz(pitch)
    amplitudes = analogue(settings["shape"], 1.8)
    opening = np.interp(at, np.arange(len(level)), _smooth(level, 0.05 * SAMPLE_RATE / hop))
    stage = cutoff_stage(2 + 40 * settings["cutoff"] * opening * 440 / f)
    spread = settings["detune"] / 1200
    sides = [read_gliding(amplitudes, f * 2**cents, stage) * loud for cents in (-spread, spread)]
    return dsp.equalise(np.stack(sides).astype(np.float32), dsp.butter("highpass", 150))


def brass(notes, settings, length: int, dice) -> np.ndarray:
    """Brass section: the louder a trumpet, the brighter (J.-C. Risset's finding); with breath."""
    k = np.arange(1, 60)
    bright = np.linspace(0.6, 3.2, 16)[:, None] * (0.6 + 0.8 * settings["bright"])
    amplitudes = np.exp(-k / (2.5 * bright)) * (1 + 0.6 * np.exp(-((k - 3) ** 2) / 4))
    track = np.zeros((2, length), dtype=np.float32)
    for note in notes:
        f = float(hertz(note.pitch))
        waves = tables(amplitudes, f * 1.03)
        for player in range(2):
            t = _time(note.duration + 0.09).astype(np.float64)
            late = dice.uniform(0, 0.02)
            attack = settings["attack"] * dice.uniform(0.8, 1.3)
            loud = np.clip((t - late) / attack, 0, 1) * (0.75 + 0.25 * np.exp(-t * 5))
            loud *= np.clip((t[-1] - t) / 0.08, 0, 1) * note.velocity
            scoop = -60 * np.exp(-t / 0.03) + dice.uniform(-7, 7)
            shake = 100 * settings["vibrato"] * np.clip(t - 0.25, 0, 1)
            scoop = scoop + shake * np.sin(2 * np.pi * 5.1 * t) + 4 * dsp.wander(len(t), 6, dice)
            phase = np.cumsum(f * 2 ** (scoop / 1200)) / SAMPLE_RATE
            tone = read(waves, phase, 15 * loud**1.2) * loud
            breath = dice.noise(len(t)) * loud * np.exp(-t * 6) * 0.03
            side = (-0.3, 0.3)[player]
            dsp.add(track, dsp.pan((tone + breath).astype(np.float32), side), note.start)
    return dsp.equalise(track, dsp.butter("highpass", 160), dsp.peak(1400, 4, 0.8))


def synth_bass(notes, settings, length: int, dice) -> np.ndarray:
    """Synthesiser bass: one oscillator behind a snapping filter, and a sine below it. Mono."""
    amplitudes = analogue(settings["shape"], 1.8)
    track = np.zeros(length, dtype=np.float32)
    for note in notes:
        f = float(hertz(note.pitch))
        waves = tables(amplitudes, f)
        t = _time(note.duration + 0.03).astype(np.float64)
        snap = settings["sweep"] * np.exp(-t / settings["decay"]) * note.velocity
        stage = cutoff_stage(1 + 50 * (settings["cutoff"] ** 2 + snap))
        tone = read(waves, f * t, stage) + settings["sub"] * np.sin(2 * np.pi * f * t)
        tone = dsp.fade(tone.astype(np.float32), 0.004, 0.02) * np.float32(note.velocity)
        dsp.add(track, tone, note.start)
    return dsp.equalise(
        track, dsp.butter("highpass", 32), dsp.shelf("high", 1500, settings["high"])
    )
