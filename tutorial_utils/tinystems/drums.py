"""A drum kit: each piece has its own physics, each stroke its own take.

Drum heads are sums of decaying modes; a circular membrane's lie at the ratios of the zeros of
Bessel functions (Fletcher and Rossing, *The Physics of Musical Instruments*, 1998, chapter 3).
Snare wires are noise that the head sets going. Cymbals have so many modes that only their density
can be heard: they are noise whose bands decay at different speeds, with some single modes on top.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from . import dsp
from .dsp import SAMPLE_RATE

MEMBRANE = np.array([1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501, 3.6, 3.652, 4.06])
# Where the piece stands between left (-1) and right (1), and how loud it is (dB).
PLACES = {"hat": 0.3, "open hat": 0.3, "ride": -0.45, "crash": 0.5, "high tom": 0.3, "mid tom": 0.0,
          "low tom": -0.4, "shaker": -0.3, "tambourine": 0.35, "clap": 0.0}  # fmt: skip
LEVELS = {"kick": 0, "snare": -2, "side stick": -10, "clap": -5, "hat": -13, "open hat": -14,
          "ride": -13, "crash": -11, "high tom": -3, "mid tom": -2, "low tom": -1, "shaker": -16,
          "tambourine": -13}  # fmt: skip


def _time(seconds: float) -> np.ndarray:
    return np.arange(dsp.samples(seconds)) / SAMPLE_RATE


def _modes(t, frequencies, levels, decays, dice) -> np.ndarray:
    """A sum of decaying sinusoids with random phases."""
    total = np.zeros(len(t))
    for f, level, decay in zip(frequencies, levels, decays, strict=True):
        total += level * np.sin(2 * np.pi * f * t + dice.uniform(0, 6.28)) * np.exp(-t / decay)
    return total


def kick(velocity: float, settings, dice, electronic: bool) -> np.ndarray:
    """Bass drum: a head that is taut when struck and slackens, and the beater's click."""
    t = _time(0.9)
    base = settings["kick pitch"]
    fall = (2.2 if electronic else 0.9) * velocity
    f = base * (1 + fall * np.exp(-t / 0.018) + 0.8 * fall * np.exp(-t / 0.05) * electronic)
    phase = 2 * np.pi * np.cumsum(f) / SAMPLE_RATE
    tone = np.sin(phase) * np.exp(-t / settings["kick decay"])
    if not electronic:
        ring = np.exp(-t / (0.35 * settings["kick decay"]))
        tone += 0.3 * np.sin(1.594 * phase) * ring + 0.12 * np.sin(2.3 * phase + 1) * ring**1.5
    noise = dice.noise(len(t))
    slap = dsp.equalise(noise, dsp.butter("bandpass", (1800, 5500), 1)) * np.exp(-t / 0.006)
    thud = dsp.equalise(noise, dsp.butter("lowpass", 400, 1)) * np.exp(-t / 0.025)
    click = settings["kick click"] * velocity
    hit = tone + 0.9 * click * slap + 0.35 * thud * (not electronic)
    return np.tanh(1.6 * hit * velocity)


def snare(velocity: float, settings, dice, electronic: bool) -> np.ndarray:
    """Snare drum: two heads, the wires rattling against the lower one, and the stick."""
    t = _time(0.6)
    base = settings["snare pitch"] * (1 + 0.12 * velocity * np.exp(-t / 0.02))
    phase = 2 * np.pi * np.cumsum(base) / SAMPLE_RATE
    decay = settings["snare decay"]
    head = np.sin(phase) * np.exp(-t / (0.45 * decay)) + 0.6 * np.sin(1.593 * phase) * np.exp(
        -t / (0.35 * decay)
    )
    if not electronic:
        ratios = MEMBRANE[2:9] * settings["snare pitch"]
        decays = 0.3 * decay * np.linspace(1, 0.5, len(ratios))
        head += _modes(t, ratios, np.linspace(0.25, 0.08, len(ratios)), decays, dice)
    noise = dice.noise(len(t))
    rattle = dsp.equalise(noise, dsp.butter("highpass", 900, 1), dsp.peak(4500, 5, 0.7),
                          dsp.butter("lowpass", 7500, 1))  # fmt: skip
    loose = np.exp(-t / (decay * (0.5 + 0.5 * velocity)))
    stick = dsp.equalise(noise, dsp.butter("bandpass", (2500, 7000), 1)) * np.exp(-t / 0.003)
    wires = settings["snare wires"]
    hit = (1 - 0.6 * wires) * head + 0.55 * wires * rattle * loose + 0.5 * velocity * stick
    return np.tanh(1.5 * hit * velocity**1.2)


def side_stick(velocity: float, settings, dice, electronic: bool) -> np.ndarray:
    """The stick laid across the snare and knocked on its rim."""
    t = _time(0.12)
    ratios = settings["snare pitch"] * np.array([2.1, 4.6, 7.9, 10.4])
    knock = _modes(t, ratios, (0.6, 1.0, 0.5, 0.3), (0.02, 0.014, 0.008, 0.005), dice)
    return velocity * (knock + 0.4 * dice.noise(len(t)) * np.exp(-t / 0.002))


def clap(velocity: float, settings, dice, electronic: bool) -> np.ndarray:
    """Several hands, not quite together, in a room."""
    t = _time(0.4)
    noise = dsp.equalise(dice.noise(len(t)), dsp.butter("bandpass", (750, 4200), 1))
    envelope = 0.5 * np.exp(-t / 0.08)
    for _ in range(4):
        late = dice.uniform(0, 0.028)
        envelope += np.where(t >= late, np.exp(-np.maximum(t - late, 0) / 0.006), 0)
    return velocity * noise * envelope * 1.3


def tom(velocity: float, settings, dice, base: float) -> np.ndarray:
    """Tom: the modes of a membrane, the lowest of which rings longest."""
    t = _time(0.9)
    bend = 1 + 0.10 * velocity * np.exp(-t / 0.05)
    time = np.cumsum(bend) / SAMPLE_RATE
    f = base * settings["tom pitch"]
    decays = 0.34 * (110 / f) ** 0.5 / (1 + 0.9 * np.arange(len(MEMBRANE)))
    levels = 1 / (1 + np.arange(len(MEMBRANE))) ** 1.1
    total = np.zeros(len(t))
    for ratio, level, decay in zip(MEMBRANE, levels, decays, strict=True):
        total += level * np.sin(2 * np.pi * f * ratio * time) * np.exp(-t / decay)
    stick = dsp.equalise(dice.noise(len(t)), dsp.butter("bandpass", (1200, 5000), 1))
    return np.tanh(1.2 * velocity * (total + 0.6 * stick * np.exp(-t / 0.005)))


def metal(seconds: float, low: float, ring: float, modes: int, velocity: float, dice) -> np.ndarray:
    """A cymbal: bands of noise that die away the sooner the higher they lie, and single modes.

    ``low`` is where it starts to sound (Hz), ``ring`` the decay time of its middle in seconds.
    """
    t = _time(seconds)
    noise = dice.noise(len(t))
    total = np.zeros(len(t), dtype=np.float32)
    edges = low * np.array([1.0, 2.0, 3.6, 6.0, 9.5])
    for number, (start, stop) in enumerate(pairwise(edges)):
        stop = min(stop, 19000)
        if start < stop * 0.9:
            band = dsp.equalise(noise, dsp.butter("bandpass", (start, stop), 1))
            # Struck hard, energy needs some milliseconds to travel up to the high modes.
            rise = 1 - np.exp(-t / (0.002 + 0.004 * number * velocity))
            total += band * rise * np.exp(-t / (ring * (1.3, 1.0, 0.65, 0.4)[number]))
    f = np.array([low * (0.7 + 14 * dice.random() ** 1.6) for _ in range(modes)])
    f = f[f < 18000]
    tones = np.zeros(len(t))
    for frequency in f:
        decay = ring * dice.uniform(0.4, 1.3) * (low * 3 / (frequency + low)) ** 0.4
        tones += np.sin(2 * np.pi * frequency * t + 6.28 * dice.random()) * np.exp(-t / decay)
    sound = velocity**1.3 * (0.8 * total + 0.14 * tones.astype(np.float32))
    return dsp.equalise(sound, dsp.butter("lowpass", 8000 + 3000 * velocity, 1))


def stroke(piece: str, velocity: float, settings, dice, electronic: bool) -> np.ndarray:
    """One stroke on one piece, mono."""
    high = settings["hat pitch"]
    if piece == "kick":
        return kick(velocity, settings, dice, electronic)
    if piece == "snare":
        return snare(velocity, settings, dice, electronic)
    if piece == "side stick":
        return side_stick(velocity, settings, dice, electronic)
    if piece == "clap":
        return clap(velocity, settings, dice, electronic)
    if piece.endswith("tom"):
        return tom(
            velocity, settings, dice, {"high tom": 165, "mid tom": 125, "low tom": 88}[piece]
        )
    if piece == "hat":
        return metal(0.22, 3300 * high, 0.035, 14, velocity, dice)
    if piece == "open hat":
        return metal(0.7, 3000 * high, 0.28, 20, velocity, dice)
    if piece == "ride":
        ping = metal(1.4, 2600 * high, 0.5, 26, velocity, dice) * 0.6
        t = _time(0.25)
        bell = _modes(
            t, (3150 * high, 4430 * high, 5920 * high), (0.5, 0.4, 0.3), (0.05,) * 3, dice
        )
        ping[: len(t)] += velocity * 0.5 * bell
        return ping
    if piece == "crash":
        return metal(2.6, 1500 * high, 0.75, 40, velocity, dice) * 1.3
    t = _time(0.16)
    noise = dsp.equalise(dice.noise(len(t)), dsp.butter("bandpass", (5500, 12500), 1))
    if piece == "shaker":
        return velocity * noise * np.minimum(t / 0.02, 1) * np.exp(-t / 0.025) * 2
    jingles = _modes(t, np.array([5300, 6900, 8350, 10400]) * high, (0.6,) * 4, (0.05,) * 4, dice)
    return velocity * (noise + jingles) * np.exp(-t / 0.05) * 1.2


def kit(notes, settings, length: int, dice, electronic: bool) -> tuple[np.ndarray, np.ndarray]:
    """All strokes of a part: what the close microphones hear, and what is sent to the room."""
    track = np.zeros((2, length), dtype=np.float32)
    room = np.zeros((2, length), dtype=np.float32)
    known: dict[tuple, np.ndarray] = {}
    closing = [n.start for n in notes if n.text in ("hat", "open hat")]
    for note in notes:
        piece = note.text
        level = max(1, round(note.velocity * 5))
        key = (piece, level, 0 if electronic else dice.whole(0, 2))
        if key not in known:
            sound = stroke(piece, level / 5, settings, dice.child(str(key)), electronic)
            cymbal = piece in ("hat", "open hat", "ride", "crash")
            trim = settings["hat level" if "hat" in piece else "cymbal level"] if cymbal else 0
            sound = np.float32(dsp.gain(LEVELS[piece] + trim)) * sound.astype(np.float32)
            known[key] = dsp.pan(dsp.fade(sound, 0.0, 0.02), PLACES.get(piece, 0.0)) * 1.3
        sound = known[key]
        if piece == "open hat":
            following = min((s for s in closing if s > note.start + 0.03), default=1e9)
            sound = dsp.fade(sound[:, : dsp.samples(following - note.start) + 400].copy(), 0, 0.02)
        dsp.add(track, sound, note.start)
        send = 1.0 if piece in ("snare", "clap") or "tom" in piece else 0.3
        dsp.add(room, sound * np.float32(send), note.start)
    return track, room
