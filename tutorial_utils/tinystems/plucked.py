"""Strings that are plucked or struck: guitars, basses and the piano.

A string is a loop: a wave runs along it, comes back a period later a little weaker and duller,
and runs again. That is the Karplus-Strong algorithm (Karplus and Strong, *Computer Music
Journal* 7(2), 1983; extended by Jaffe and Smith in the same issue). Because the loop is linear,
it can be solved at once in the frequency domain: an excitation ``E`` that goes around a loop
``L`` again and again sums to ``E + EL + EL² + ... = E / (1 - L)``. This gives exact tuning, any
damping and any stiffness in a few array operations.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from . import dsp
from .dsp import SAMPLE_RATE, hertz


def string(
    frequency: float,
    seconds: float,
    excitation: np.ndarray,
    decay: float,
    damping: float,
    stiffness: float = 0.0,
    detune: tuple[float, ...] = (0.0,),
) -> np.ndarray:
    """Sound of a string after an excitation.

    Parameters
    ----------
    frequency : float
        Fundamental frequency in Hz.
    seconds : float
        Length of the sound.
    excitation : (samples,) array
        What the finger, plectrum or hammer does.
    decay : float
        Time in seconds in which the fundamental falls by 8.7 dB (a factor of e).
    damping : float
        How much faster high partials die away: partial ``k`` decays ``1 + damping (k f / 1 kHz)²``
        times as fast.
    stiffness : float
        Inharmonicity ``B``: partial ``k`` lies at ``k f sqrt(1 + B k²)`` (Fletcher, *Journal of
        the Acoustical Society of America* 36, 1964).
    detune : tuple of float
        Cents by which the strings of one note differ; they are summed (a piano has three, and a
        guitar string swings in two planes).

    Returns
    -------
    (samples,) float32
    """
    count = dsp.samples(seconds)
    size = scipy.fft.next_fast_len(count, real=True)
    f = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    # An FFT is circular: what still sounds at the end would come back at the start. So the sound
    # is computed with an extra decay, exp(-extra t), which is taken off afterwards.
    extra = np.log(1e3) / (size / SAMPLE_RATE)
    undo = np.exp(np.arange(count) * (extra / SAMPLE_RATE)).astype(np.float32)
    burst = excitation[:count] / undo[: len(excitation)]
    spectrum = scipy.fft.rfft(burst.astype(np.float32), size)
    rate = 1 / decay * (1 + damping * (f / 1000) ** 2) + extra
    total = np.zeros(len(f), dtype=np.complex64)
    for number, cents in enumerate(detune):
        base = frequency * 2 ** (cents / 1200)
        k = f / base
        if stiffness:
            k = np.sqrt((np.sqrt(1 + 4 * stiffness * k**2) - 1) / (2 * stiffness))
        # Strings that swing together decay in two stages; here the later ones decay more slowly.
        exponent = -rate / (base * (1 + 0.6 * number)) - 2j * np.pi * k
        total += (1 / (1 - np.exp(exponent.astype(np.complex64)))) / len(detune)
    return scipy.fft.irfft(spectrum * total, size)[:count] * undo


def pluck_shape(
    frequency: float, position: float, bright: float, velocity: float, dice
) -> np.ndarray:
    """What a finger or plectrum puts into the string.

    A pulse and, upside down, its reflection from the bridge ``position`` periods later; softened
    by the width of the fingertip, with a little noise of the skin or the pick.
    """
    period = SAMPLE_RATE / frequency
    count = int(period * 1.2) + 600
    t = np.arange(count)
    corner = (0.15 + 0.85 * bright * (0.5 + 0.5 * velocity)) * 5000
    width = SAMPLE_RATE / (2 * np.pi * corner)
    pulse = np.exp(-t / (width * 6)) * (1 - np.exp(-t / width))
    noise = dice.noise(count) * np.exp(-t / (60 + 200 * (1 - bright))) * (0.05 + 0.15 * bright)
    burst = pulse / np.abs(pulse).sum() + noise * (pulse.max() / np.abs(pulse).sum())
    shift = max(1, int(position * period))
    burst[shift:] -= burst[:-shift].copy() * 0.95
    return (burst * velocity).astype(np.float32)


class Strings:
    """A player of plucked strings who remembers each sound, since songs repeat their notes."""

    def __init__(self, settings: dict[str, float], dice, **model):
        self.settings = settings
        self.dice = dice
        self.model = model
        self.known: dict[tuple, np.ndarray] = {}

    def sound(self, pitch: int, velocity: float, muted: bool, seconds: float) -> np.ndarray:
        """One note, at least ``seconds`` long; one of two takes, as no two strokes are equal."""
        length = next((x for x in (0.4, 1.0, 2.2) if x >= seconds), 4.5)
        level = max(1, round(velocity * 4))
        key = (pitch, level, muted, length, self.dice.whole(0, 1))
        if key not in self.known:
            own = self.dice.child(str(key))
            settings, f = self.settings, float(hertz(pitch))
            shape = pluck_shape(f, settings["pluck"], settings["bright"], level / 4, own)
            cents = own.uniform(-2.5, 2.5)
            decay = settings["decay"] * (110 / f) ** 0.4
            self.known[key] = string(
                f * 2 ** (cents / 1200),
                length,
                shape,
                decay=0.09 if muted else decay,
                damping=self.model["damping"] * decay * (0.3 if muted else 1.0),
                stiffness=self.model["stiffness"],
                detune=(-0.4, 0.6),
            )
        return self.known[key]

    def play(self, notes, length: int) -> np.ndarray:
        """All notes of a part on one mono track."""
        track = np.zeros(length, dtype=np.float32)
        release = self.model.get("release", 0.05)
        for note in notes:
            seconds = note.duration + release
            sound = self.sound(note.pitch, note.velocity, note.text == "mute", seconds)
            cut = sound[: dsp.samples(seconds)] * np.float32(note.velocity**0.5)
            dsp.add(track, dsp.fade(cut, 0.0, release), note.start)
        return track


def bass(notes, settings: dict[str, float], length: int, dice) -> np.ndarray:
    """Electric bass: string, pickup, a little amplifier, cabinet. Mono."""
    track = Strings(settings, dice, damping=5.0, stiffness=8e-5, release=0.07).play(notes, length)
    track /= np.abs(track).max() + 1e-9
    drive = 0.6 + 3 * settings["drive"]
    dirt = dsp.equalise(dsp.saturate(track, drive, 0.15), dsp.butter("highpass", 120))
    track = (1 - 0.5 * settings["drive"]) * track + settings["drive"] * 0.5 * dirt
    return dsp.equalise(
        track,
        dsp.butter("highpass", 34),
        dsp.peak(80, 5, 0.7),
        dsp.peak(500, -6, 0.7),
        dsp.peak(1800, 2 + settings["high"], 0.8),
        dsp.butter("lowpass", 4200 + 2500 * settings["bright"], 3),
    )


def body(size: float, dice) -> np.ndarray:
    """Impulse response of a guitar's body: its air, its plates, and many short resonances."""
    t = np.arange(dsp.samples(0.18)) / SAMPLE_RATE
    low = np.array([100, 198, 220, 290, 400])
    high = np.sort(np.array([dice.uniform(420, 5000) for _ in range(40)]))
    f = np.concatenate([low, high])[:, None] * size
    level = np.concatenate([[0.9, 0.8, 0.5, 0.5, 0.4], 0.35 * (420 / high) ** 0.3])[:, None]
    phase = np.array([dice.uniform(0, 2 * np.pi) for _ in f])[:, None]
    rings = level * np.sin(2 * np.pi * f * t + phase) * np.exp(-t * np.pi * f / 28)
    response = rings.sum(axis=0) * 0.012
    response[0] += 0.6
    return response.astype(np.float32)


def acoustic_guitar(notes, settings: dict[str, float], length: int, dice) -> np.ndarray:
    """Steel-string guitar before a microphone. Mono."""
    track = Strings(settings, dice, damping=0.25, stiffness=5e-5, release=0.08).play(notes, length)
    track = np.diff(track, prepend=np.float32(0)) * 4 + track * 0.25
    track = dsp.convolve(track, body(settings["body"], dice.child("body")))
    return dsp.equalise(track, dsp.butter("highpass", 90), dsp.shelf("high", 6000, 4))


def amplifier(track: np.ndarray, drive: float, cabinet: float) -> np.ndarray:
    """Guitar amplifier: high-pass, two overdriven stages, loudspeaker."""
    track = track / (np.sqrt(np.mean(track**2)) * 4 + 1e-6)
    if drive > 0.02:
        track = dsp.equalise(track, dsp.butter("highpass", 120, 1), dsp.peak(900, 5 * drive, 0.6))
        track = dsp.saturate(track, 1.5 + 22 * drive**1.5, 0.2)
        track = dsp.equalise(track, dsp.butter("highpass", 100, 1))
        track = dsp.saturate(track, 1 + 2 * drive, -0.1)
    return dsp.equalise(
        track,
        dsp.butter("highpass", 80),
        dsp.peak(120, 2, 1.2),
        dsp.peak(400, -4 - 3 * drive, 0.7),
        dsp.peak(2400, 4 + 6 * drive, 0.6),
        dsp.butter("lowpass", cabinet, 5),
    )


def electric_guitar(notes, settings: dict[str, float], length: int, dice) -> np.ndarray:
    """Electric guitar, clean to heavily distorted. Mono."""
    strings = Strings(settings, dice, damping=0.35, stiffness=4e-5, release=0.05)
    track = strings.play(notes, length)
    # A pickup hears the string at one place: partials with a node there are missing.
    shift = max(2, int(settings["pickup"] * SAMPLE_RATE / 220))
    track[shift:] -= 0.8 * track[:-shift].copy()
    return amplifier(track, settings["drive"], settings["cabinet"])


def piano(notes, settings: dict[str, float], length: int, dice) -> np.ndarray:
    """Piano: felt hammers on up to three strings a note, stiff strings, a soundboard. Stereo."""
    track = np.zeros((2, length), dtype=np.float32)
    known: dict[tuple, np.ndarray] = {}
    for note in notes:
        f = float(hertz(note.pitch))
        level = max(1, round(note.velocity * 4))
        key = (note.pitch, level)
        if key not in known:
            # The hammer stays on the string for a time that is shorter for hard blows and high
            # notes; a raised cosine of that length is what it gives the string.
            contact = (0.0045 - 0.0026 * settings["hammer"]) * (262 / f) ** 0.35
            width = max(8, dsp.samples(contact * (1.35 - 0.6 * level / 4)))
            hammer = np.hanning(width) / width
            shift = int(SAMPLE_RATE / f / 8)
            blow = np.zeros(width + shift)
            blow[:width] += hammer
            blow[shift:] -= 0.9 * hammer
            knock = dsp.equalise(dice.noise(2200), dsp.butter("lowpass", 900))
            knock *= np.exp(-np.arange(2200) / 500) * 0.006 * level
            spread = settings["detune"]
            tone = string(
                f,
                3.0 if note.pitch > 48 else 4.5,
                blow.astype(np.float32),
                decay=settings["decay"] * (131 / f) ** 0.55,
                damping=0.10,
                stiffness=2.5e-4 * 2 ** ((note.pitch - 60) / 10),
                detune=(0.0,) if note.pitch < 40 else (-spread, 0.1, spread * 0.9),
            )
            tone[: len(knock)] += knock * 0.05
            known[key] = dsp.equalise(tone, dsp.butter("highpass", 45)) * (level / 4)
        cut = known[key][: dsp.samples(note.duration + 0.14)].copy()
        side = np.clip((note.pitch - 60) / 40, -0.6, 0.6)
        dsp.add(track, dsp.pan(dsp.fade(cut, 0.0, 0.12), side), note.start)
    return track
