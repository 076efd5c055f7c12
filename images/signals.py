"""Small sounds for the drawings: made up, but with the outlines that real stems have."""

from functools import cache

import numpy as np

RATE = 4000  # Hz: enough for an outline
BEAT = 0.5  # s
SECONDS = 4.0


@cache
def stems() -> dict[str, np.ndarray]:
    """Drums, bass, other and vocals, each of the shape (samples,), that play together."""
    return {"drums": _drums(), "bass": _bass(), "other": _other(), "vocals": _vocals()}


def tracks() -> dict[str, dict[str, np.ndarray]]:
    """What was recorded for each stem, before mixing: every track as loud as it came in."""
    parts = {
        "drums": {"kick": _drums("kick"), "snare": _drums("snare")},
        "bass": {"bass": _bass()},
        "other": {"piano": _other((1, 1.26)), "guitar": _other((1.5,))},
        "vocals": {"voice": _vocals()},
    }
    return {
        label: {name: track / np.abs(track).max() for name, track in group.items()}
        for label, group in parts.items()
    }


def mixture() -> np.ndarray:
    return sum(stems().values())


def mastered() -> np.ndarray:
    """The mixture, louder and with its peaks held down."""
    return 0.8 * np.tanh(2.6 * mixture())


def estimates() -> dict[str, np.ndarray]:
    """The stems as a model hears them: each with some of what is left of the others."""
    return {name: 0.85 * stem + 0.12 * (mixture() - stem) for name, stem in stems().items()}


def _time() -> np.ndarray:
    return np.arange(int(SECONDS * RATE)) / RATE


def _since(start: float) -> np.ndarray:
    """Seconds since a note began; before that, so long that every decay has ended."""
    time = _time() - start
    return np.where(time >= 0, time, 1e3)


def _drums(*parts: str) -> np.ndarray:
    """Some parts of the kit, or all of it, with the hats."""
    noise = np.random.default_rng(1).uniform(-1, 1, _time().size)
    sound = np.zeros(_time().size)
    for beat in range(8):
        since = _since(beat * BEAT)
        part = "snare" if beat % 2 else "kick"
        if not parts or part in parts:
            if part == "snare":
                sound += 0.75 * noise * np.exp(-since * 16)
            else:
                sound += 0.95 * np.cos(2 * np.pi * 60 * since) * np.exp(-since * 13)
        if not parts:
            sound += 0.28 * noise * np.exp(-_since((beat + 0.5) * BEAT) * 45)
    return sound


def _bass() -> np.ndarray:
    sound = np.zeros(_time().size)
    for start, beats, pitch in ((0, 3, 55), (1.5, 1, 65), (2, 3, 49), (3.5, 1, 58)):
        since = _since(start)
        held = np.clip((start + beats * BEAT - 0.04 - _time()) / 0.05, 0, 1)
        sound += 0.5 * held * np.sin(2 * np.pi * pitch * since) * np.exp(-since * 0.7)
    return sound


def _other(notes: tuple[float, ...] = (1, 1.26, 1.5)) -> np.ndarray:
    """Chords, or some of their notes."""
    sound = np.zeros(_time().size)
    for start, root in ((0, 220), (0.75, 262), (1.5, 220), (2, 196), (2.75, 233), (3.5, 196)):
        since = _since(start)
        for ratio in notes:
            swell = np.minimum(since / 0.06, 1) * np.exp(-since * 2.6)
            sound += 0.17 * swell * np.sin(2 * np.pi * root * ratio * since)
    return sound


def _vocals() -> np.ndarray:
    sound = np.zeros(_time().size)
    for start, length, level in (
        (0.45, 0.32, 0.5),
        (0.80, 0.24, 0.7),
        (1.08, 0.70, 0.9),
        (2.40, 0.22, 0.6),
        (2.66, 0.30, 0.8),
        (3.00, 0.75, 0.75),
    ):
        inside = np.clip((_time() - start) / length, 0, 1)
        vibrato = 6 * inside * np.sin(2 * np.pi * 5.5 * _time())
        voice = np.sin(2 * np.pi * 330 * _time() + vibrato)
        sound += level * 0.75 * np.sin(np.pi * inside**0.6) ** 1.3 * voice
    return sound
