"""What each player plays: drums, bass, chords, a lead line and the singers.

Every function takes the bars in which its player plays and gives notes as tuples
``(beat, beats, pitch, velocity, text)``, in beats from the start of the song.
"""

from __future__ import annotations

from dataclasses import dataclass

from .dice import Dice
from .lyrics import line
from .styles import BASS_LINES, CHORD_RHYTHMS, FILLS, GROOVES, STEPS, Style
from .theory import SCALES, Chord, guitar_voicing, nearest, voicing

STEP = 0.25
DRUM_KEYS = {
    "kick": 36,
    "side stick": 37,
    "snare": 38,
    "clap": 39,
    "hat": 42,
    "low tom": 45,
    "open hat": 46,
    "mid tom": 47,
    "crash": 49,
    "high tom": 50,
    "ride": 51,
    "tambourine": 54,
    "shaker": 82,
}


@dataclass(frozen=True)
class Bar:
    """One bar of four beats: where it starts, its section and its chords."""

    start: float
    section: str
    place: int
    count: int
    chords: list[Chord]

    def chord_at(self, beat: float) -> Chord:
        return next((c for c in self.chords if beat < c.end), self.chords[-1])

    @property
    def is_last(self) -> bool:
        return self.place == self.count - 1


def strokes(pattern: str):
    """Read a pattern: ``(step, symbol, steps it rings)`` for each stroke."""
    for step, symbol in enumerate(pattern):
        if symbol not in ".-":
            ring = 1
            while step + ring < len(pattern) and pattern[step + ring] == "-":
                ring += 1
            yield step, symbol, ring


def drum_part(bars: list[Bar], style: Style, dice: Dice) -> list[tuple]:
    """A groove per section, ghost notes, fills at the ends and crashes at the starts."""
    groove = {
        "verse": dice.pick(style.grooves),
        "chorus": dice.pick(style.chorus_grooves),
    }
    ghosts = dice.uniform(0.0, 0.25)
    notes = []
    for bar in bars:
        pattern = dict(GROOVES[groove["chorus" if bar.section == "chorus" else "verse"]])
        if bar.is_last and dice.chance(0.6):
            fill = dice.pick(FILLS)
            begin = min(min((s for s, _, _ in strokes(p)), default=STEPS) for p in fill.values())
            pattern = {piece: p[:begin] + "." * (STEPS - begin) for piece, p in pattern.items()}
            for piece, p in fill.items():
                pattern[piece] = pattern.get(piece, "." * STEPS)[:begin] + p[begin:]
        if bar.place == 0 and bar.section in ("chorus", "break") and dice.chance(0.8):
            pattern["crash"] = "9" + "." * (STEPS - 1)
        for piece, p in pattern.items():
            for step, symbol, _ in strokes(p):
                velocity = int(symbol) / 9 * dice.uniform(0.88, 1.0)
                notes.append((bar.start + step * STEP, 0.25, DRUM_KEYS[piece], velocity, piece))
        if "snare" in pattern:
            for step in (3, 7, 9, 15):
                if pattern["snare"][step] == "." and dice.chance(ghosts):
                    ghost = dice.uniform(0.15, 0.28)
                    notes.append((bar.start + step * STEP, 0.25, 38, ghost, "snare"))
    return notes


def bass_part(bars: list[Bar], style: Style, tonic: int, mode: str, dice: Dice) -> list[tuple]:
    """A bass line that follows the chords and leads from one to the next."""
    lines = {name: BASS_LINES[dice.pick(style.bass_lines)] for name in ("verse", "chorus")}
    low = 28 if dice.chance(0.7) else 33
    notes = []
    for number, bar in enumerate(bars):
        pattern = lines["chorus" if bar.section == "chorus" else "verse"]
        following = bars[(number + 1) % len(bars)].chords[0]
        for step, symbol, ring in strokes(pattern):
            beat = bar.start + step * STEP
            chord = bar.chord_at(beat)
            if len(bar.chords) > 1 and step * STEP < 2 <= (step + ring) * STEP:
                ring = STEPS // 2 - step
            root = low + (chord.root - low) % 12
            third = chord.intervals[1]
            pitch = {"R": root, "O": root + 12, "5": root + 7, "3": root + third, "7": root + 10}
            if symbol == "A":
                goal = low + (following.root - low) % 12
                up = goal - 1 if dice.chance(0.4) else _scale_step(goal, -1, tonic, mode)
                pitch["A"] = up if goal > root else _scale_step(goal, 1, tonic, mode)
            held = ring * STEP * dice.uniform(0.75, 0.98)
            accent = 1.0 if step % 4 == 0 else 0.85
            notes.append((beat, held, pitch[symbol], accent * dice.uniform(0.75, 0.95), ""))
        if len(bar.chords) > 1 and not any(s == STEPS // 2 for s, _, _ in strokes(pattern)):
            root = low + (bar.chords[1].root - low) % 12
            notes = [n for n in notes if not bar.start + 2 - 0.5 < n[0] < bar.start + 2.5]
            notes.append((bar.start + 2, 0.5, root, 0.8, ""))
    return notes


def chord_part(bars: list[Bar], instrument: str, manner: str, rhythm: str, dice: Dice):
    """Chords as an accompanist plays them.

    ``manner`` is ``"strum"`` (a guitarist's hand over the strings), ``"power"`` (root, fifth and
    octave), ``"arpeggio"`` (one note after the other) or ``"block"`` (all at once).
    """
    pattern = CHORD_RHYTHMS[rhythm]
    centre = {"organ": 60, "strings": 64, "pad": 60, "brass": 64}.get(instrument, 62)
    centre += dice.whole(-4, 4)
    order = dice.pick([(0, 1, 2, 3, 2, 1), (0, 2, 1, 3), (0, 1, 2, 3), (3, 2, 1, 0, 1, 2)])
    notes = []
    for bar in bars:
        hits = list(strokes(pattern))
        if len(bar.chords) > 1 and not any(step == STEPS // 2 for step, _, _ in hits):
            hits = [(s, v, min(ring, STEPS // 2 - s) if s < 8 else ring) for s, v, ring in hits]
            hits.append((STEPS // 2, hits[0][1], STEPS // 2))
        for count, (step, symbol, ring) in enumerate(hits):
            beat = bar.start + step * STEP
            chord = bar.chord_at(beat)
            velocity = int(symbol) / 9 * dice.uniform(0.85, 1.0)
            beats = ring * STEP * (0.97 if rhythm in ("held", "halves") else 0.9)
            if manner == "power":
                root = 40 + (chord.root - 40) % 12
                text = "mute" if rhythm in ("chug", "gallop") and step % 8 else ""
                pitches = [root, root + 7] if text else [root, root + 7, root + 12]
                notes += [(beat, beats, pitch, velocity, text) for pitch in pitches]
            elif manner == "strum":
                pitches = guitar_voicing(chord)
                text = "mute" if velocity < 0.58 and instrument == "clean guitar" else ""
                if step % 4 and dice.chance(0.5):
                    pitches = pitches[2:]
                if step % 4 == 2:
                    pitches = pitches[::-1]
                for string, pitch in enumerate(pitches):
                    late = string * dice.uniform(0.010, 0.022)
                    notes.append((beat + late, beats - late, pitch, velocity * 0.8, text))
            elif manner == "arpeggio":
                pitches = voicing(chord, centre - 4, 4)
                pitch = pitches[order[count % len(order)]]
                ringing = max(beats, min(1.5, chord.end - beat))
                notes.append((beat, ringing, pitch, velocity, ""))
            else:
                pitches = voicing(chord, centre, len(chord.intervals))
                if instrument in ("piano", "strings"):
                    pitches = [nearest(chord.root, centre - 20), *pitches]
                spread = 0.012 if instrument in ("piano", "electric piano") else 0.0
                for voice, pitch in enumerate(pitches):
                    late = voice * spread * dice.random()
                    level = velocity * dice.uniform(0.85, 1.0)
                    notes.append((beat + late, beats, pitch, level, ""))
    return notes


def _scale_step(pitch: int, steps: int, tonic: int, mode: str) -> int:
    """Move a pitch up or down the scale."""
    scale = {(tonic + degree) % 12 for degree in SCALES[mode]}
    direction = 1 if steps > 0 else -1
    for _ in range(abs(steps)):
        pitch += direction
        while pitch % 12 not in scale:
            pitch += direction
    return pitch


def _phrase_rhythm(beats: float, pace: float, dice: Dice) -> list[tuple[float, float]]:
    """The rhythm of one sung phrase: (beat, beats) pairs, with a long last note and a rest.

    ``pace`` runs from 0 (long notes) to 1 (many short ones).
    """
    rest = dice.uniform(0.5, 1.5)
    beat = dice.pick([0.0, 0.5, 1.0, 0.0])
    last = dice.pick([1.0, 1.5, 2.0, 2.5])
    lengths = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0]
    weights = [pace, 1 + 5 * pace, 1.5 * pace, 4 - 2 * pace, 2, 3 - 2 * pace, 2 - 2 * pace]
    rhythm = []
    while beat < beats - rest - last:
        length = min(dice.pick(lengths, weights), beats - rest - beat)
        if length == 0.25:
            rhythm.append((beat, 0.25))  # short notes come in pairs
            beat += 0.25
        rhythm.append((beat, length))
        beat += length
    rhythm.append((beat, max(0.5, beats - rest - beat)))
    return rhythm


def _sing(bars: list[Bar], rhythm, contour, centre: float, tonic: int, mode: str) -> list[tuple]:
    """Give pitches to a rhythm: steps along the scale, chord tones on strong and long notes."""
    notes = []
    pitch = None
    for (beat, beats), move in zip(rhythm, contour, strict=True):
        absolute = bars[0].start + beat
        bar = bars[min(int(beat // 4), len(bars) - 1)]
        chord = bar.chord_at(absolute)
        tones = [nearest((chord.root + i) % 12, centre) for i in chord.intervals[:3]]
        tones += [tone + 12 for tone in tones] + [tone - 12 for tone in tones]
        aim = centre + move if pitch is None else _scale_step(int(pitch), move, tonic, mode)
        if pitch is None or beat % 2 == 0 or beats >= 1.0:
            aim = min(sorted(tones), key=lambda tone: abs(tone - aim))
        while aim > centre + 8:
            aim -= 12 if aim - 12 >= centre - 7 else 5
            aim = _scale_step(aim, -1, tonic, mode)
        while aim < centre - 7:
            aim = _scale_step(aim + 2, 1, tonic, mode)
        pitch = aim
        notes.append((absolute, beats, pitch))
    return notes


def melody_part(bars: list[Bar], tonic: int, mode: str, dice: Dice) -> list[tuple]:
    """The singer: phrases of two bars in the form A B A B', with rests to breathe in."""
    centre = dice.pick([dice.whole(52, 57), dice.whole(57, 64), dice.whole(62, 69)], [2, 4, 4])
    pace = dice.uniform(0.2, 1.0)
    notes = []
    motifs = {}
    for section, run in _runs(bars):
        lift = 3 if section == "chorus" else 0
        for number in range(0, len(run), 2):
            phrase = run[number : number + 2]
            name = (section, number // 2 % 2, len(phrase))
            if name not in motifs:
                own = dice.child(f"motif {name}")
                rhythm = _phrase_rhythm(
                    4.0 * len(phrase), min(1.0, pace * own.uniform(0.6, 1.4)), own
                )
                moves = [own.pick([-2, -1, 0, 1, 2, 4, -3], [2, 6, 3, 6, 2, 1, 1]) for _ in rhythm]
                motifs[name] = rhythm, moves, line(len(rhythm), own)
            rhythm, moves, words = motifs[name]
            sung = _sing(phrase, rhythm, moves, centre + lift, tonic, mode)
            for (beat, beats, pitch), syllable in zip(sung, words, strict=True):
                velocity = dice.uniform(0.7, 0.85) + (0.12 if section == "chorus" else 0.0)
                notes.append((beat, beats * 0.96, pitch, velocity, syllable))
    return notes


def backing_part(bars: list[Bar], melody, tonic: int, mode: str, dice: Dice) -> list[tuple]:
    """A second voice in the choruses: thirds above or below, the same line, or long "ooh"s."""
    if dice.chance(0.3):
        return [
            (chord.start, chord.beats * 0.9, pitch, 0.6, "UW" if chord.beats > 2 else "AA")
            for bar in bars
            for chord in bar.chords
            for pitch in voicing(chord, 62, 3)[1:2]
        ]
    steps = dice.pick([2, 2, -2, 0])
    inside = [(bar.start, bar.start + 4) for bar in bars]
    return [
        (beat, beats, _scale_step(pitch, steps, tonic, mode), velocity * 0.85, text)
        for beat, beats, pitch, velocity, text in melody
        if any(low <= beat < high for low, high in inside)
    ]


def lead_part(bars: list[Bar], melody, tonic: int, mode: str, dice: Dice) -> list[tuple]:
    """A lead instrument that answers the singer, and sometimes plays along."""
    centre = dice.whole(66, 76)
    busy = [(beat, beat + beats) for beat, beats, *_ in melody]
    notes = []
    for _, run in _runs(bars):
        for number in range(0, len(run), 2):
            phrase = run[number : number + 2]
            rhythm = _phrase_rhythm(4.0 * len(phrase), 0.8, dice)
            moves = [dice.pick([-2, -1, 1, 2, 3], [3, 5, 5, 3, 1]) for _ in rhythm]
            along = dice.chance(0.35)
            for beat, beats, pitch in _sing(phrase, rhythm, moves, centre, tonic, mode):
                free = not any(low < beat + beats and beat < high for low, high in busy)
                if free or along:
                    notes.append((beat, beats * 0.95, pitch, dice.uniform(0.65, 0.9), ""))
    return notes


def _runs(bars: list[Bar]):
    """Neighbouring bars of one section, together."""
    run: list[Bar] = []
    for bar in bars:
        if run and (bar.section != run[-1].section or bar.start != run[-1].start + 4):
            yield run[0].section, run
            run = []
        run.append(bar)
    if run:
        yield run[0].section, run
