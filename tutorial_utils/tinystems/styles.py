"""What players of ten styles play: tempi, instruments and patterns, as plain data.

A pattern is one bar of four beats on a grid of sixteen steps. In drum and chord patterns a digit
is a stroke and how hard it is; in bass patterns a letter says which note of the chord is played
(R root, O its octave, 5 fifth, 3 third, 7 the note below the octave, A a step that leads to the
next chord). ``-`` lets a note ring on and ``.`` is silence.
"""

from __future__ import annotations

from dataclasses import dataclass

STEPS = 16

GROOVES = {
    "rock eighths": {
        "kick": "9.......9.5.....",
        "snare": "....9.......9...",
        "hat": "8.5.8.5.8.5.8.5.",
    },
    "rock drive": {
        "kick": "9.....6.9.6.....",
        "snare": "....9..2....9..2",
        "hat": "9.6.9.6.9.6.9.7.",
    },
    "rock ride": {
        "kick": "9..6..6.9..6....",
        "snare": "....9.......9...",
        "ride": "8.5.8.5.8.5.8.5.",
    },
    "half time": {
        "kick": "9.....5...6.....",
        "snare": "........9.......",
        "hat": "8...6...8...6...",
    },
    "crash time": {
        "kick": "9...6...9...6...",
        "snare": "....9.......9...",
        "open hat": "8...7...8...7...",
    },
    "punk": {"kick": "9...9.6.9...9...", "snare": "..9...9...9...9.", "hat": "9.7.9.7.9.7.9.7."},
    "funk one": {
        "kick": "9..6..9...6..5..",
        "snare": "....9..2.2..9..2",
        "hat": "8575857585758575",
    },
    "funk two": {
        "kick": "9.6....6..9.....",
        "snare": "....9..2.3.29.2.",
        "hat": "8.5.8.5.8.5.7.4.",
        "open hat": "..............6.",
    },
    "soul": {
        "kick": "9......69.6.....",
        "snare": "....8.......8..2",
        "hat": "7.4.7.4.7.4.7.4.",
        "tambourine": "....6.......6...",
    },
    "ballad": {
        "kick": "8.......7.4.....",
        "side stick": "....7.......7...",
        "hat": "6.4.6.4.6.4.6.4.",
    },
    "ballad snare": {
        "kick": "8.....4.8.......",
        "snare": "....8.......8...",
        "ride": "6.4.6.4.6.4.6.4.",
    },
    "four on the floor": {
        "kick": "9...9...9...9...",
        "clap": "....8.......8...",
        "open hat": "..7...7...7...7.",
        "hat": "5.....5.5.....5.",
    },
    "disco": {
        "kick": "9...9...9...9...",
        "snare": "....9.......9...",
        "hat": "7.4.7.4.7.4.7.4.",
        "open hat": "..7...7...7...7.",
    },
    "synth beat": {
        "kick": "9.....7.9.......",
        "snare": "....9.......9...",
        "hat": "7575757575757575",
    },
    "trap": {
        "kick": "9......7..8.....",
        "clap": "........9.......",
        "hat": "8.6.8.6.8.668.66",
    },
    "boom bap": {
        "kick": "9.5....5..9.....",
        "snare": "....9.......9..2",
        "hat": "7.5.7.5.7.5.7.5.",
    },
    "one drop": {
        "kick": "........9.......",
        "side stick": "........8.......",
        "hat": "6.3.6.3.6.3.6.3.",
    },
    "shaker": {
        "kick": "8.......7.......",
        "side stick": "....6.......6...",
        "shaker": "6353635363536353",
    },
    "train": {
        "kick": "8.......8.......",
        "snare": "3.3.7.3.3.3.7.3.",
        "shaker": "5.3.5.3.5.3.5.3.",
    },
}

FILLS = (
    {"snare": "........7.7.8789", "kick": "9.......9......."},
    {"high tom": "........88......", "mid tom": "..........88....", "low tom": "............8989"},
    {"snare": "....9...7.......", "mid tom": "..........7.8...", "low tom": "............9.8."},
    {"snare": "5667778889998999", "kick": "9...9...9...9..."},
    {"snare": "....9.......9.99", "low tom": "..............88", "kick": "9.....6.9......."},
)

BASS_LINES = {
    "roots": "R---R---R---R---",
    "eighths": "R-R-R-R-R-R-R-R-",
    "drive": "R-R-R-R-R-R-5-A-",
    "octaves": "R.O.R.O.R.O.R.O.",
    "disco": "..O.R-O...O.R-O.",
    "funk": "R..RO..R..5-7-O.",
    "syncopated": "R-----R-R---5-A-",
    "walking": "R---3---5---A---",
    "two feel": "R-------5-------",
    "held": "R---------------",
    "dotted": "R-----R-----R-A-",
    "boom": "R-------....R---",
    "reggae": "....R-R-5---R-3-",
    "soul": "R---..R-5-..O-A-",
}

CHORD_RHYTHMS = {
    "strum": "8..67.6..76.7.6.",
    "strum slow": "8---6-5-7---6-5-",
    "strum sixteenths": "8.566.5675668.56",
    "quarters": "8---7---8---7---",
    "eighths": "8-6-7-6-8-6-7-6-",
    "off-beats": "..8...8...8...8.",
    "skank": "....8.......8...",
    "stabs": "8.....7.....6...",
    "syncopated": "8--7--8---7-6---",
    "charleston": "8-----7-........",
    "held": "8---------------",
    "halves": "8-------7-------",
    "chops": "....8.......8..5",
    "gallop": "8.678.678.678.67",
    "chug": "9-7-8-7-9-7-8-7-",
    "arpeggio eighths": "8-6-7-6-7-6-7-6-",
    "arpeggio sixteenths": "8675767586757675",
}


@dataclass(frozen=True)
class Style:
    """What a band of one style may choose from."""

    tempo: tuple[float, float]
    modes: dict[str, float]
    grooves: tuple[str, ...]
    chorus_grooves: tuple[str, ...]
    kit: str
    basses: tuple[str, ...]
    bass_lines: tuple[str, ...]
    comping: tuple[tuple[str, str, tuple[str, ...]], ...]
    leads: tuple[str, ...]
    swing: tuple[float, float] = (0.5, 0.52)
    swing_grid: float = 1.0
    sevenths: float = 0.1
    split_bars: float = 0.2


STYLES = {
    "rock": Style(
        tempo=(96, 156),
        modes={"major": 2, "minor": 2, "mixolydian": 2},
        grooves=("rock eighths", "rock drive", "half time", "rock ride"),
        chorus_grooves=("rock drive", "crash time", "rock ride", "punk"),
        kit="acoustic",
        basses=("picked bass", "picked bass", "fingered bass"),
        bass_lines=("eighths", "drive", "roots", "syncopated"),
        comping=(
            ("distorted guitar", "power", ("chug", "held", "gallop", "syncopated", "halves")),
            ("distorted guitar", "power", ("held", "eighths", "halves")),
            ("clean guitar", "arpeggio", ("arpeggio eighths",)),
            ("organ", "block", ("held", "halves")),
            ("acoustic guitar", "strum", ("strum", "strum slow")),
        ),
        leads=("lead guitar", "lead guitar", "synth lead"),
    ),
    "hard rock": Style(
        tempo=(100, 160),
        modes={"minor": 3, "mixolydian": 2, "dorian": 1},
        grooves=("rock drive", "half time", "rock eighths", "crash time"),
        chorus_grooves=("crash time", "rock drive", "punk", "rock ride"),
        kit="acoustic",
        basses=("picked bass",),
        bass_lines=("eighths", "drive", "roots"),
        comping=(
            ("distorted guitar", "power", ("held", "halves", "syncopated")),
            ("distorted guitar", "power", ("chug", "gallop", "eighths")),
            ("distorted guitar", "arpeggio", ("arpeggio eighths",)),
        ),
        leads=("lead guitar",),
    ),
    "indie": Style(
        tempo=(104, 150),
        modes={"major": 4, "mixolydian": 1, "minor": 2},
        grooves=("rock eighths", "rock ride", "train", "half time"),
        chorus_grooves=("rock drive", "rock ride", "crash time"),
        kit="acoustic",
        basses=("picked bass", "fingered bass"),
        bass_lines=("eighths", "drive", "dotted"),
        comping=(
            ("clean guitar", "strum", ("strum", "strum sixteenths")),
            ("clean guitar", "arpeggio", ("arpeggio eighths", "arpeggio sixteenths")),
            ("distorted guitar", "power", ("held", "eighths", "syncopated")),
            ("piano", "block", ("eighths", "quarters")),
        ),
        leads=("synth lead", "lead guitar", "organ"),
    ),
    "pop": Style(
        tempo=(88, 132),
        modes={"major": 4, "minor": 2},
        grooves=("rock eighths", "synth beat", "soul", "four on the floor"),
        chorus_grooves=("rock drive", "four on the floor", "disco", "crash time"),
        kit="acoustic",
        basses=("fingered bass", "synth bass", "picked bass"),
        bass_lines=("eighths", "dotted", "syncopated", "roots", "soul"),
        comping=(
            ("piano", "block", ("quarters", "syncopated", "eighths", "halves")),
            ("acoustic guitar", "strum", ("strum", "strum sixteenths")),
            ("clean guitar", "arpeggio", ("arpeggio eighths", "arpeggio sixteenths")),
            ("pad", "block", ("held",)),
            ("strings", "block", ("held", "halves")),
            ("distorted guitar", "power", ("held", "chug")),
        ),
        leads=("synth lead", "clean guitar", "brass"),
    ),
    "funk": Style(
        tempo=(92, 120),
        modes={"dorian": 3, "mixolydian": 2, "minor": 1},
        grooves=("funk one", "funk two"),
        chorus_grooves=("funk one", "funk two", "disco"),
        kit="acoustic",
        basses=("fingered bass", "picked bass", "fingered bass"),
        bass_lines=("funk", "octaves", "syncopated"),
        comping=(
            ("clean guitar", "strum", ("strum sixteenths", "chops")),
            ("electric piano", "block", ("stabs", "syncopated", "charleston")),
            ("organ", "block", ("off-beats", "held", "stabs")),
            ("brass", "block", ("charleston", "stabs")),
        ),
        leads=("brass", "synth lead"),
        swing=(0.5, 0.58),
        swing_grid=0.5,
        sevenths=0.9,
    ),
    "soul": Style(
        tempo=(72, 104),
        modes={"major": 3, "dorian": 1, "minor": 1},
        grooves=("soul", "boom bap", "ballad snare"),
        chorus_grooves=("soul", "rock ride"),
        kit="acoustic",
        basses=("fingered bass",),
        bass_lines=("soul", "dotted", "syncopated", "walking"),
        comping=(
            ("electric piano", "block", ("halves", "syncopated", "quarters")),
            ("organ", "block", ("held", "halves")),
            ("clean guitar", "strum", ("chops", "skank")),
            ("strings", "block", ("held",)),
            ("piano", "block", ("quarters", "syncopated")),
        ),
        leads=("brass", "clean guitar", "strings"),
        swing=(0.54, 0.64),
        sevenths=0.8,
        split_bars=0.4,
    ),
    "ballad": Style(
        tempo=(70, 88),
        modes={"major": 3, "minor": 2},
        grooves=("ballad", "half time", "ballad snare"),
        chorus_grooves=("rock eighths", "ballad snare", "crash time"),
        kit="acoustic",
        basses=("fingered bass",),
        bass_lines=("held", "two feel", "dotted"),
        comping=(
            ("piano", "arpeggio", ("arpeggio eighths",)),
            ("piano", "block", ("quarters", "halves")),
            ("acoustic guitar", "arpeggio", ("arpeggio eighths", "arpeggio sixteenths")),
            ("strings", "block", ("held",)),
            ("pad", "block", ("held",)),
        ),
        leads=("strings", "lead guitar", "piano"),
        sevenths=0.4,
        split_bars=0.4,
    ),
    "electronic": Style(
        tempo=(108, 140),
        modes={"minor": 3, "dorian": 1, "major": 1},
        grooves=("four on the floor", "synth beat", "trap"),
        chorus_grooves=("four on the floor", "disco", "synth beat"),
        kit="electronic",
        basses=("synth bass",),
        bass_lines=("octaves", "disco", "eighths", "boom"),
        comping=(
            ("pad", "block", ("held", "halves")),
            ("synth pluck", "arpeggio", ("arpeggio sixteenths", "arpeggio eighths")),
            ("electric piano", "block", ("stabs", "off-beats")),
            ("synth pluck", "block", ("off-beats", "syncopated")),
            ("strings", "block", ("held",)),
        ),
        leads=("synth lead",),
        sevenths=0.3,
    ),
    "reggae": Style(
        tempo=(70, 90),
        modes={"major": 2, "minor": 2},
        grooves=("one drop", "half time"),
        chorus_grooves=("one drop", "soul"),
        kit="acoustic",
        basses=("fingered bass",),
        bass_lines=("reggae", "soul", "syncopated"),
        comping=(
            ("clean guitar", "strum", ("off-beats", "skank")),
            ("organ", "block", ("off-beats",)),
            ("piano", "block", ("skank", "off-beats")),
        ),
        leads=("brass", "clean guitar"),
        swing=(0.54, 0.62),
        swing_grid=0.5,
        sevenths=0.3,
    ),
    "folk": Style(
        tempo=(80, 126),
        modes={"major": 4, "mixolydian": 1, "minor": 2},
        grooves=("shaker", "train", "ballad"),
        chorus_grooves=("train", "rock eighths", "shaker"),
        kit="acoustic",
        basses=("fingered bass",),
        bass_lines=("two feel", "roots", "walking", "held"),
        comping=(
            ("acoustic guitar", "strum", ("strum", "strum slow")),
            ("acoustic guitar", "arpeggio", ("arpeggio eighths",)),
            ("piano", "block", ("quarters", "halves")),
            ("strings", "block", ("held",)),
        ),
        leads=("strings", "acoustic guitar"),
        swing=(0.5, 0.58),
    ),
}
