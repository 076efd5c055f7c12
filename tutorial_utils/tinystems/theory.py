"""The music theory that the composer needs: scales, chords by Roman numeral, voicings, time."""

from __future__ import annotations

from dataclasses import dataclass

PITCH_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
}
QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
}
NUMERALS = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}

# Chord loops that turn up again and again in pop, rock, soul and folk songs. Numerals count from
# the major scale of the key note: capital for a major chord, small for a minor one.
PROGRESSIONS = {
    "major": (
        "I V vi IV",
        "I vi IV V",
        "vi IV I V",
        "I IV vi V",
        "I IV V IV",
        "I iii IV V",
        "ii V I vi",
        "I V IV V",
        "IV I V vi",
        "I ii IV I",
    ),
    "mixolydian": ("I bVII IV I", "I IV bVII IV", "I v IV I", "I bVII I IV"),
    "minor": (
        "i bVI bIII bVII",
        "i bVII bVI bVII",
        "i iv bVII bIII",
        "i bVI iv V",
        "i bIII bVII iv",
        "i v bVI iv",
        "i bVII bVI V",
    ),
    "dorian": ("i IV i bVII", "i IV bVII i", "i bIII IV i", "i ii bIII IV"),
}


@dataclass(frozen=True)
class Chord:
    """A chord for a stretch of time: root as pitch class (C = 0), intervals in semitones."""

    start: float
    beats: float
    root: int
    quality: str

    @property
    def intervals(self) -> tuple[int, ...]:
        return QUALITIES[self.quality]

    @property
    def name(self) -> str:
        return PITCH_NAMES[self.root] + self.quality

    @property
    def end(self) -> float:
        return self.start + self.beats


def read_numeral(
    numeral: str, tonic: int, mode: str = "major", sevenths: bool = False
) -> tuple[int, str]:
    """Root (pitch class) and quality of a Roman numeral such as ``"bVII"`` in a key.

    With ``sevenths``, chords get the seventh that the scale holds, as in soul and funk.
    """
    flat = numeral.startswith("b")
    letters = numeral.lstrip("b")
    root = (tonic + NUMERALS[letters.upper()] - flat) % 12
    minor = letters.islower()
    if not sevenths:
        return root, "m" if minor else ""
    if minor:
        return root, "m7"
    scale = {(tonic + degree) % 12 for degree in SCALES[mode]}
    return root, "maj7" if (root + 11) % 12 in scale else "7"


def nearest(pitch_class: int, target: float) -> int:
    """The MIDI pitch of a pitch class that lies nearest to a target pitch."""
    pitch = pitch_class + 12 * round((target - pitch_class) / 12)
    return int(pitch)


def voicing(chord: Chord, centre: float, voices: int = 4) -> list[int]:
    """Chord tones as MIDI pitches, each in the octave nearest to ``centre``, low to high.

    Keeping every tone near one centre is what makes one chord lead smoothly to the next. The
    list is filled up with octaves of the chord tones above until there are ``voices`` of them.
    """
    pitches = sorted({nearest((chord.root + i) % 12, centre) for i in chord.intervals})
    step = 0
    while len(pitches) < voices:
        pitches.append(pitches[step] + 12)
        step += 1
    return sorted(pitches[:voices])


def guitar_voicing(chord: Chord) -> list[int]:
    """An open or barre chord for a guitar in standard tuning: one chord tone on each string.

    Each string takes the lowest chord tone within the reach of a hand at the chord's position;
    strings below the root stay silent.
    """
    strings = (40, 45, 50, 55, 59, 64)
    tones = {(chord.root + i) % 12 for i in chord.intervals}
    root_string = 0 if (chord.root - 40) % 12 <= 5 else 1
    position = (chord.root - strings[root_string]) % 12
    low = max(0, position - (1 if position < 4 else 0))
    pitches = [strings[root_string] + position]
    for open_pitch in strings[root_string + 1 :]:
        reach = range(0 if low <= 1 else low, low + 5)
        pitches.append(next(open_pitch + f for f in reach if (open_pitch + f) % 12 in tones))
    return pitches


def swung(beat: float, swing: float, grid: float = 1.0) -> float:
    """Move the off-beats: ``swing`` is where the second half of each ``grid`` beats begins.

    0.5 is straight time, 2/3 is a triplet shuffle.
    """
    whole, part = divmod(beat / grid, 1.0)
    part = part * 2 * swing if part < 0.5 else swing + (part - 0.5) * 2 * (1 - swing)
    return (whole + part) * grid
