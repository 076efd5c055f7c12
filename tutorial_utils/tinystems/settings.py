"""The knobs of every instrument and the range from which each song draws them."""

from __future__ import annotations

from .dice import Dice

# level: dB against the other parts of its stem. pan: 0 is the middle, ±1 the sides. reverb: share
# of the part that is sent to the song's room.
PLACE = {
    "level": (-2, 2),
    "pan": (-0.5, 0.5),
    "reverb": (0.08, 0.3),
    "low": (-3, 3),
    "high": (-3, 3),
}

SETTINGS: dict[str, dict[str, tuple[float, float]]] = {
    "mix": {
        "drums": (-4.0, 4.0),
        "bass": (-3.5, 3.5),
        "other": (-5.0, 4.0),
        "vocals": (-4.5, 3.5),
        "room": (0.5, 2.2),
        "bright": (0.3, 0.8),
        "loudness": (-18.0, -13.0),
    },
    "acoustic kit": {
        "kick pitch": (46, 66),
        "kick decay": (0.09, 0.22),
        "kick click": (0.2, 0.8),
        "snare pitch": (165, 250),
        "snare wires": (0.35, 0.8),
        "snare decay": (0.11, 0.24),
        "snare room": (0.1, 0.6),
        "hat pitch": (0.85, 1.2),
        "hat level": (-15, -7),
        "cymbal level": (-10, -3),
        "tom pitch": (0.85, 1.2),
        "room": (0.06, 0.3),
        "high": (-10, 0),
    },
    "electronic kit": {
        "kick pitch": (42, 58),
        "kick decay": (0.12, 0.28),
        "kick click": (0.2, 0.9),
        "snare pitch": (170, 240),
        "snare wires": (0.5, 0.9),
        "snare decay": (0.1, 0.28),
        "snare room": (0.1, 0.7),
        "hat pitch": (0.9, 1.3),
        "hat level": (-14, -6),
        "cymbal level": (-12, -5),
        "tom pitch": (0.8, 1.2),
        "room": (0.02, 0.15),
        "high": (-8, 2),
    },
    "picked bass": {"pluck": (0.06, 0.16), "bright": (0.35, 0.75), "decay": (2.0, 5.0),
                    "drive": (0.1, 0.6), "high": (-3, 4)},
    "fingered bass": {"pluck": (0.14, 0.3), "bright": (0.12, 0.4), "decay": (1.5, 4.0),
                      "drive": (0.0, 0.35), "high": (-6, 2)},
    "synth bass": {"shape": (0.0, 1.0), "cutoff": (0.15, 0.6), "sweep": (0.1, 0.5),
                   "decay": (0.1, 0.5), "sub": (0.2, 0.9), "high": (-3, 3)},
    "acoustic guitar": {"pluck": (0.1, 0.24), "bright": (0.45, 0.85), "decay": (1.5, 4.0),
                        "body": (0.85, 1.15), **PLACE},
    "clean guitar": {"pluck": (0.08, 0.22), "bright": (0.35, 0.7), "decay": (2.0, 5.0),
                     "pickup": (0.08, 0.22), "drive": (0.0, 0.3), "chorus": (0.0, 0.6),
                     "cabinet": (3800, 5800), **PLACE},
    "distorted guitar": {"pluck": (0.06, 0.16), "bright": (0.5, 0.8), "decay": (3.0, 7.0),
                         "pickup": (0.06, 0.16), "drive": (0.45, 1.0), "double": (0.0, 1.0),
                         "cabinet": (3600, 6000), **PLACE, "pan": (-0.25, 0.25)},
    "lead guitar": {"pluck": (0.08, 0.2), "bright": (0.5, 0.8), "decay": (4.0, 9.0),
                    "pickup": (0.06, 0.2), "drive": (0.5, 1.0), "cabinet": (3800, 6200), **PLACE},
    "piano": {"hammer": (0.25, 0.75), "decay": (2.5, 7.0), "detune": (0.3, 1.4), **PLACE},
    "electric piano": {"bell": (0.1, 0.5), "drive": (0.1, 0.7), "decay": (1.0, 2.5),
                       "tremolo": (0.0, 0.6), **PLACE},
    "organ": {"bars": (0.0, 1.0), "click": (0.1, 0.6), "leslie": (0.8, 6.8),
              "drive": (0.0, 0.5), **PLACE},
    "strings": {"bright": (0.3, 0.8), "detune": (12, 30), "attack": (0.06, 0.25), **PLACE},
    "pad": {"bright": (0.15, 0.6), "detune": (10, 40), "attack": (0.1, 0.5),
            "shape": (0.0, 1.0), **PLACE},
    "synth pluck": {"shape": (0.0, 1.0), "cutoff": (0.25, 0.75), "decay": (0.12, 0.5),
                    "detune": (2, 14), **PLACE},
    "synth lead": {"shape": (0.0, 1.0), "cutoff": (0.3, 0.9), "glide": (0.01, 0.07),
                   "detune": (2, 16), "vibrato": (0.05, 0.35), **PLACE},
    "brass": {"bright": (0.4, 0.9), "attack": (0.03, 0.08), "vibrato": (0.0, 0.2), **PLACE},
    "voice": {"tract": (-0.07, 0.07), "effort": (0.3, 0.95), "breath": (0.15, 0.7),
              "vibrato": (0.1, 0.7), "rate": (4.8, 6.4), "glide": (0.04, 0.1),
              "double": (0.0, 1.0), "reverb": (0.02, 0.18), "echo": (0.0, 0.2), "high": (2, 9)},
    "backing voice": {"tract": (-0.07, 0.07), "effort": (0.15, 0.6), "breath": (0.3, 0.8),
                      "vibrato": (0.05, 0.4), "rate": (4.8, 6.4), "glide": (0.04, 0.1),
                      "width": (0.2, 0.8), "reverb": (0.1, 0.3), "level": (-10, -5),
                      "high": (0, 6)},
}  # fmt: skip


def draw_settings(instrument: str, dice: Dice) -> dict[str, float]:
    """Draw all the settings of one instrument."""
    return {name: dice.setting(low, high) for name, (low, high) in SETTINGS[instrument].items()}
