"""Compose a song: key, tempo, chords, sections, who plays, and every note.

The result is a :class:`Score`, plain data that can be read, hashed, written as JSON and changed
by hand before it is rendered.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field

from .dice import Dice
from .parts import Bar, backing_part, bass_part, chord_part, drum_part, lead_part, melody_part
from .settings import draw_settings
from .styles import STYLES
from .theory import PITCH_NAMES, PROGRESSIONS, Chord, read_numeral, swung
from .titles import title

BEATS = 4


@dataclass(frozen=True)
class Note:
    """One note, in seconds from the start of the song.

    ``pitch`` is a MIDI number (for drums, General MIDI's number of the piece), ``velocity`` runs
    from 0 to 1, and ``text`` is the sung syllable in ARPAbet or how the note is played.
    """

    start: float
    duration: float
    pitch: int
    velocity: float
    text: str = ""


@dataclass
class Part:
    """What one instrument plays: its stem, its settings and its notes."""

    instrument: str
    stem: str
    settings: dict[str, float]
    notes: list[Note] = field(default_factory=list)


@dataclass
class Score:
    """A whole song, ready to be rendered."""

    title: str
    split: str
    seed: int
    index: int
    duration: float
    style: str
    key: str
    mode: str
    tempo: float
    swing: float
    sections: list[dict]
    chords: list[dict]
    mix: dict[str, float]
    parts: list[Part]

    def notes_hash(self) -> str:
        """SHA-256 of all note lists: the same on every machine for the same seed."""
        notes = [[p.instrument, p.stem, [list(asdict(n).values()) for n in p.notes]]
                 for p in self.parts]  # fmt: skip
        return hashlib.sha256(json.dumps(notes).encode()).hexdigest()

    def to_dict(self) -> dict:
        """The score as JSON can hold it; notes are lists in the order of :class:`Note`."""
        data = asdict(self)
        for part in data["parts"]:
            part["notes"] = [list(note.values()) for note in part["notes"]]
        return {**data, "notes_sha256": self.notes_hash()}


def compose(seed: int = 0, split: str = "train", index: int = 0, duration: float = 20.0) -> Score:
    """Compose one song.

    Parameters
    ----------
    seed, split, index
        Which song: another seed, split (``"train"`` or ``"test"``) or index is another song.
    duration : float
        Length in seconds.

    Returns
    -------
    Score

    Examples
    --------
    >>> score = compose(seed=0, split="train", index=0, duration=10.0)
    >>> score.notes_hash() == compose(0, "train", 0, 10.0).notes_hash()
    True
    """
    dice = Dice(seed, split, index, wide=split == "test")
    # Every ten songs in a row hold each style once, so that small sets are varied too.
    order = Dice(seed, split, index // len(STYLES), "styles").sample(STYLES, len(STYLES))
    style_name = order[index % len(STYLES)]
    style = STYLES[style_name]
    mode = dice.pick(style.modes, style.modes.values())
    tonic = dice.whole(0, 11)
    tempo = round(dice.uniform(*style.tempo), 2)
    swing = round(dice.uniform(*style.swing), 3)

    bar_count = int(duration * tempo / 60 / BEATS) + 1
    sections = plan_sections(bar_count, dice.child("sections"))
    bars = fill_bars(sections, style, mode, tonic, dice.child("chords"))
    parts = _play(style, bars, tonic, mode, dice)

    clock = dice.child("timing")
    loose = clock.uniform(0.001, 0.008) if style.kit == "acoustic" else 0.0005

    def seconds(beat: float) -> float:
        return swung(beat, swing, style.swing_grid) * 60 / tempo

    for part in parts:
        notes = []
        for beat, beats, pitch, velocity, text in part.notes:
            start = max(0.0, seconds(beat) + clock.uniform(-loose, loose))
            end = min(max(seconds(beat + beats), start + 0.03), duration)
            if start < duration - 0.05:
                timed = round(start, 5), round(end - start, 5)
                notes.append(Note(*timed, pitch, round(velocity, 4), text))
        part.notes = sorted(notes, key=lambda note: (note.start, note.pitch))
    chords = {(c.start, c.name): c for bar in bars for c in bar.chords}.values()
    return Score(
        title=title(seed, split, index),
        split=split,
        seed=seed,
        index=index,
        duration=duration,
        style=style_name,
        key=PITCH_NAMES[tonic],
        mode=mode,
        tempo=tempo,
        swing=swing,
        sections=[
            {
                "name": name,
                "start": round(seconds(first * BEATS), 5),
                "end": round(min(seconds((first + count) * BEATS), duration), 5),
            }
            for name, first, count in sections
            if seconds(first * BEATS) < duration
        ],
        chords=[
            {"start": round(seconds(c.start), 5), "name": c.name}
            for c in chords
            if seconds(c.start) < duration
        ],
        mix=draw_settings("mix", dice.child("mix")),
        parts=[part for part in parts if part.notes],
    )


def plan_sections(bars: int, dice: Dice) -> list[tuple[str, int, int]]:
    """Divide bars into sections ``(name, first bar, number of bars)``."""
    if bars < 4:
        plan = [dice.pick(["verse", "chorus"])]
    elif bars < 7:
        plan = dice.pick([["verse", "chorus"], ["intro", "chorus"], ["break", "chorus"]])
    elif bars < 20:
        plan = dice.pick(
            [
                ["intro", "verse", "chorus"],
                ["verse", "chorus", "break"],
                ["verse", "break", "chorus"],
                ["intro", "verse", "break", "chorus"],
                ["chorus", "verse", "chorus"],
            ]
        )
    else:
        verses = max(2, bars // 20)
        plan = ["intro"] + ["verse", "chorus"] * verses
        plan[-2:-2] = ["break"]
    weight = {"intro": 1, "verse": 2, "chorus": 2, "break": 1}
    total = sum(weight[name] for name in plan)
    edges = [0]
    for name in plan:
        edges.append(edges[-1] + weight[name])
    edges = [int(edge * bars / total + 0.5) for edge in edges]
    return [
        (name, first, end - first)
        for name, first, end in zip(plan, edges[:-1], edges[1:], strict=True)
    ]


def fill_bars(sections, style, mode: str, tonic: int, dice: Dice) -> list[Bar]:
    """Give each bar its section, its chords and its place in the section."""
    loops = {}
    for name in ("verse", "chorus"):
        loop = dice.pick(PROGRESSIONS[mode]).split()
        sevenths = dice.chance(style.sevenths)
        loops[name] = [read_numeral(numeral, tonic, mode, sevenths) for numeral in loop]
    loops["intro"] = loops["verse"]
    loops["break"] = dice.pick([loops["verse"], loops["chorus"], loops["verse"][:1]])
    split = {name: dice.chance(style.split_bars) for name in loops}
    bars = []
    for name, first, count in sections:
        loop = loops[name]
        for place in range(count):
            start = (first + place) * BEATS
            if split[name] and len(loop) > 1:
                pair = [loop[(2 * place + half) % len(loop)] for half in (0, 1)]
                chords = [Chord(start, 2, *pair[0]), Chord(start + 2, 2, *pair[1])]
            else:
                chords = [Chord(start, BEATS, *loop[place % len(loop)])]
            bars.append(Bar(start, name, place, count, chords))
    return bars


def _play(style, bars: list[Bar], tonic: int, mode: str, dice: Dice) -> list[Part]:
    """Choose the players, say who plays in which section, and let them play."""
    cast = dice.child("cast")
    comping = cast.sample(style.comping, cast.pick([1, 2, 3], [2, 6, 3]))
    names = [name for name, _, _ in comping]
    sections = ("intro", "verse", "break", "chorus")
    plays = {section: {"drums", "bass", "lead", *range(len(comping))} for section in sections}
    plays["intro"] = cast.pick(
        [{"drums", 0, "lead"}, {0}, {"drums", "bass", 0}, {"bass", 0}, {"drums", "bass", "lead", 0}]
    )
    plays["break"] = cast.pick(
        [{"drums", "voice"}, {0, "voice"}, {"drums", "bass"}, {"bass", 0, "voice"}, {0, "lead"}]
    )
    plays["verse"] = {"drums", "bass", "voice", "lead", 0}
    if len(comping) > 1 and cast.chance(0.5):
        plays["verse"].add(1)
    plays["chorus"].add("voice")

    def bars_of(player):
        return [bar for bar in bars if player in plays[bar.section]]

    parts = []

    def add(instrument: str, stem: str, notes) -> None:
        name = f"{instrument} {len(parts)}"
        parts.append(Part(instrument, stem, draw_settings(instrument, dice.child(name)), notes))

    kit = f"{style.kit} kit"
    add(kit, "drums", drum_part(bars_of("drums"), style, dice.child("drums")))
    bass = cast.pick(style.basses)
    add(bass, "bass", bass_part(bars_of("bass"), style, tonic, mode, dice.child("bass")))

    melody = melody_part(bars_of("voice"), tonic, mode, dice.child("melody"))
    for number, (instrument, manner, rhythms) in enumerate(comping):
        player = dice.child(f"comping {number}")
        notes = chord_part(bars_of(number), instrument, manner, player.pick(rhythms), player)
        add(instrument, "other", notes)
    if len(comping) < 3 and cast.chance(0.8):
        lead = cast.pick(style.leads)
        if lead not in names:
            add(lead, "other", lead_part(bars_of("lead"), melody, tonic, mode, dice.child("lead")))

    add("voice", "vocals", melody)
    if cast.chance(0.6):
        chorus = [bar for bar in bars if bar.section == "chorus"]
        extra = backing_part(chorus, melody, tonic, mode, dice.child("backing"))
        add("backing voice", "vocals", extra)
    return parts
