"""Turn a score into audio: play every part, mix each stem, balance the song."""

from __future__ import annotations

import numpy as np

from tutorial_utils import effects

from . import drums, dsp, keyboards, plucked, production, voice
from .composer import Part, Score
from .dice import Dice

STEMS = ("drums", "bass", "other", "vocals")
MIX_LEVELS = {"drums": -17.5, "bass": -21.0, "other": -21.0, "vocals": -19.0}
PLAYERS = {
    "acoustic guitar": plucked.acoustic_guitar,
    "clean guitar": plucked.electric_guitar,
    "distorted guitar": plucked.electric_guitar,
    "lead guitar": plucked.electric_guitar,
    "piano": plucked.piano,
    "electric piano": keyboards.electric_piano,
    "organ": keyboards.organ,
    "strings": keyboards.strings,
    "pad": keyboards.pad,
    "synth pluck": keyboards.synth_pluck,
    "synth lead": keyboards.synth_lead,
    "brass": keyboards.brass,
}


def render(score: Score) -> dict[str, np.ndarray]:
    """Render a score.

    Parameters
    ----------
    score : Score

    Returns
    -------
    dict of (2, samples) int16
        The four stems and ``"mixture"``, their exact sum.
    """
    stems = render_stems(score)
    mixture = sum(stems.values())
    target = np.float32(
        dsp.gain(score.mix["loudness"] + 1.0) / max(production.level(mixture), 1e-9)
    )
    # One gain for all, so that the stems still sum to the mixture; it also keeps each stem in
    # range, which can be louder than the mixture where two cancel each other.
    everything = np.concatenate([mixture, *stems.values()])
    curve = production.limiter_gain(everything * target) * target * 32767
    whole = {name: np.rint(stem * curve).astype(np.int16) for name, stem in stems.items()}
    return {"mixture": sum(whole.values()), **whole}


def render_stems(score: Score) -> dict[str, np.ndarray]:
    """The four stems as float32 (2, samples), balanced but not yet limited."""
    length = dsp.samples(score.duration)
    dice = Dice(score.seed, score.split, score.index, "render")
    response = production.room(score.mix["room"], score.mix["bright"], dice.child("room"))
    stems = {}
    for name in STEMS:
        parts = [part for part in score.parts if part.stem == name]
        mix = {"drums": mix_drums, "bass": mix_bass, "other": mix_other, "vocals": mix_vocals}
        stem = np.zeros((2, length), dtype=np.float32)
        if parts:
            stem = mix[name](parts, length, response, dice.child(name))
            stem = production.bring_to(stem, MIX_LEVELS[name] + score.mix[name])
        stems[name] = dsp.fade(stem, 0.0, 0.03)
    return stems


def mix_drums(parts: list[Part], length: int, response, dice) -> np.ndarray:
    """Close microphones, a small room, and compression that brings the room up."""
    (part,) = parts
    settings = part.settings
    electronic = part.instrument == "electronic kit"
    close, sent = drums.kit(part.notes, settings, length, dice.child("kit"), electronic)
    small = production.room(0.25 + 0.7 * settings["snare room"], 0.4, dice.child("drum room"))
    wet = effects.reverb(sent, small)
    wet *= np.float32(settings["room"] * production.level(close) / (production.level(wet) + 1e-9))
    total = production.tone(close + 1.5 * wet, 0.0, settings["high"])
    return dsp.compress(total, -3, 2.0, 0.015, 0.1)


def mix_bass(parts: list[Part], length: int, response, dice) -> np.ndarray:
    """Compression, and the middle of the picture."""
    (part,) = parts
    player = keyboards.synth_bass if part.instrument == "synth bass" else plucked.bass
    track = player(part.notes, part.settings, length, dice.child("bass"))
    track = production.hiss(track, -88, dice.child("hiss"))
    track = dsp.compress(dsp.compress(track, -10, 3, 0.02, 0.2), -3, 8, 0.001, 0.08)
    return np.stack([track, track])


def mix_other(parts: list[Part], length: int, response, dice) -> np.ndarray:
    """Each instrument through its channel; heavy guitars are played twice, left and right."""
    dry = np.zeros((2, length), dtype=np.float32)
    send = np.zeros((2, length), dtype=np.float32)
    for number, part in enumerate(parts):
        settings = part.settings
        play = PLAYERS[part.instrument]
        sound = play(part.notes, settings, length, dice.child(f"{part.instrument} {number}"))
        if settings.get("double", 0) > 0.4:
            again = play(part.notes, settings, length, dice.child(f"double {number}"))
            late = dsp.samples(0.012)
            again = np.concatenate([np.zeros(late, np.float32), again[:-late]])
            sound = dsp.pan(sound, -0.6) + dsp.pan(again, 0.6)
        sound = production.channel(sound, settings, dice.child(f"channel {number}"))
        dry += sound
        send += sound * np.float32(settings["reverb"])
    return dry + 2.0 * effects.reverb(send, response)


def mix_vocals(parts: list[Part], length: int, response, dice) -> np.ndarray:
    """De-boomed, compressed hard, a little brighter, with a plate and an echo."""
    dry = np.zeros((2, length), dtype=np.float32)
    send = np.zeros((2, length), dtype=np.float32)
    for number, part in enumerate(parts):
        settings = part.settings
        lead = part.instrument == "voice"
        sound = voice.sing(part.notes, settings, length, dice.child(f"take {number}"))
        sound = production.hiss(sound, -72, dice.child(f"microphone {number}"))
        if not lead or settings["double"] > 0.6:
            again = voice.sing(part.notes, settings, length, dice.child(f"again {number}"))
            share, width = (0.4, 0.3) if lead else (1.0, settings["width"])
            sound = dsp.pan(sound, 0.0 if lead else -width) + dsp.pan(again, width) * share
        else:
            sound = dsp.pan(sound, 0.0)
        sound = dsp.equalise(
            sound,
            dsp.butter("highpass", 100),
            dsp.peak(300, -3, 0.8),
            dsp.peak(2600, 6, 0.4),
            dsp.shelf("high", 5000, settings["high"]),
        )
        sound = dsp.compress(dsp.compress(sound, -12, 3, 0.003, 0.15), -3, 8, 0.001, 0.08)
        sound = production.bring_to(sound, -20 + settings.get("level", 0.0))
        if settings.get("echo", 0) > 0.05:
            late = dsp.samples(0.31)
            sound[:, late:] += np.float32(0.6 * settings["echo"]) * sound[::-1, :-late].copy()
        dry += sound
        send += sound * np.float32(settings["reverb"])
    return dry + 1.6 * effects.reverb(send, response)
