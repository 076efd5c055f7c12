"""How fast are mixtures made, against Scaper's own generator, and are they the same?

    python -m benchmarks.mixing                # TinyStems, or the songs that MUSDB_PATH names
    python -m benchmarks.mixing --json FILE    # and keep the numbers
    bash benchmarks/soxbindings.sh             # the same, against Scaper with soxbindings

Both mix 5 s of four stems on one core, ten mixtures in turn, so that whatever else the machine does
hurts both.
Scaper runs with the fastest backend there is: ``soxbindings`` where it is really installed (the
script above builds it, in an environment of its own), the ``sox`` program otherwise.

``Scaper.generate`` draws a mixture and renders it. Ours are counted twice: the rendering alone,
which is what an epoch of training costs, and the rendering with the drawing. What Scaper cannot do
(keep the songs' balance, invert, swap, put effects on) is timed beside our own plain rendering.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from tutorial_utils import audio
from tutorial_utils.compat import scaper
from tutorial_utils.data import MixtureTable, decoded, label_folders, open_songs

SECONDS = 5.0
RATE = 44100
TURN = 10  # mixtures by one, then as many by the other: nobody renders a single one
AT_LEAST = {"no changes": 20, "pitch and tempo": 8}
CHANGES = {
    "no changes": {"pitch_shift": None, "time_stretch": None},
    "pitch and tempo": {
        "pitch_shift": ("uniform", -2.0, 2.0),
        "time_stretch": ("uniform", 0.8, 1.2),
    },
}
AS_IT_IS = CHANGES["no changes"]
OURS = {
    "brought to a loudness": {},
    "songs' own balance": {"snr": None},
    "with gains, polarity, swap": {
        "snr": None, "gain": ("uniform", -3.0, 3.0), "polarity": 0.5, "swap": 0.5,
    },
    "with effects on each stem": {"effects": 1.0},
}  # fmt: skip
PEAK, LOUDNESS = 1e-4, 0.1
ROWS = (10, 1_000, 100_000)


def backend() -> str | None:
    """Give Scaper its fastest backend, and say which; None if there is none."""
    try:
        import soxbindings
    except ImportError:
        return "pysox" if shutil.which("sox") else None
    scaper.core.sox = soxbindings
    return "soxbindings"


def one_core() -> None:
    """Stay on one core, where the system lets a process choose."""
    import torch

    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def soundscape(folder, labels, seed, channels, pitch_shift, time_stretch):
    """The mixture that Scaper is to generate: a segment of each stem, of any song."""
    described = scaper.Scaper(SECONDS, str(folder), str(folder), random_state=seed)
    described.ref_db, described.sr, described.n_channels = -26, RATE, channels
    for label in labels:
        described.add_event(
            label=("const", label),
            source_file=("choose", []),
            source_time=("uniform", 0, 1000),
            event_time=("const", 0),
            event_duration=("const", SECONDS),
            snr=("uniform", -6, 6),
            pitch_shift=pitch_shift,
            time_stretch=time_stretch,
        )
    return described


def seconds(function, *arguments, **named) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    function(*arguments, **named)
    return time.perf_counter() - began


def against_scaper(songs, folder, repeats) -> pd.DataFrame:
    """Median milliseconds per mixture: Scaper, our rendering, our drawing; and the ratios."""
    rows = []
    for channels in (2, 1):
        for changes, settings in CHANGES.items():
            settings = {"duration": SECONDS, "coherent": 0.5, "channels": channels, **settings}
            # This also compiles the code, and measures the songs, which is done once.
            table = MixtureTable.sample(songs, max(repeats, 500), **settings)
            table.render(0)
            times = {"Scaper.generate": [], "render": [], "draw": []}
            for first in range(0, repeats, TURN):
                turn = range(first, first + TURN)
                for i in turn:
                    theirs = soundscape(folder, songs[0].labels, i, channels, **CHANGES[changes])
                    times["Scaper.generate"].append(
                        seconds(theirs.generate, fix_clipping=True, quick_pitch_time=True)
                    )
                times["render"] += [seconds(table.render, i) for i in turn]
                drawn = seconds(MixtureTable.sample, songs, 50, seed=first, **settings)
                times["draw"].append(drawn / 50)
            middle = {name: 1e3 * statistics.median(of) for name, of in times.items()}
            both = middle["render"] + middle["draw"]
            rows.append(
                {
                    "channels": channels,
                    "changes": changes,
                    **middle,
                    "ratio": middle["Scaper.generate"] / middle["render"],
                    "ratio with drawing": middle["Scaper.generate"] / both,
                    "at least": AT_LEAST[changes],
                }
            )
    return pd.DataFrame(rows)


def agreement(songs, mixtures, scratch) -> pd.DataFrame:
    """The same annotations rendered by both: the largest differences over some mixtures.

    The last rows have another rate than the files. Scaper resamples with SoX, we with soxr, whose
    filters differ in the highest tenth of the band: these rows are shown, not judged.
    """
    cases = [(RATE, RATE, 2), (RATE, RATE, 1), (22050, 22050, 2), (48000, 48000, 2)]
    rows = []
    for file_rate, rate, channels in [*cases, (RATE, 22050, 2), (RATE, 48000, 2)]:
        table = MixtureTable.sample(
            at_rate(songs[:4], file_rate, scratch), mixtures, seed=1, duration=SECONDS,
            channels=channels, sample_rate=rate, ref_db=("uniform", -30, -10), **AS_IT_IS,
        )  # fmt: skip
        peak = loudness = 0.0
        for i in range(mixtures):
            table.to_jams(i).save(str(scratch / "mixture.jams"))
            theirs = scaper.generate_from_jams(str(scratch / "mixture.jams"))[0].T
            ours = table.render(i).mixture
            peak = max(peak, float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
            apart = audio.loudness(ours, rate) - audio.loudness(theirs, rate)
            loudness = max(loudness, abs(apart))
        row = {"file rate": file_rate, "rate": rate, "channels": channels}
        rows.append({**row, "peak": peak, "loudness (LU)": loudness, "judged": file_rate == rate})
    return pd.DataFrame(rows)


def at_rate(songs, rate, scratch):
    """Songs in files of another rate."""
    for song in songs:
        for label in song.labels:
            file = scratch / str(rate) / song.name / f"{label}.wav"
            if not file.exists():
                audio.write(file, audio.resample(song.stem(label), song.sample_rate, rate), rate)
    return open_songs(scratch / str(rate))


def in_turns(tables, repeats) -> dict:
    """Median milliseconds to render a mixture of each table, whichever, one after the other."""
    random = np.random.default_rng(0)
    times = {name: [] for name in tables}
    for _ in range(repeats):
        for name, table in tables.items():
            times[name].append(seconds(table.render, int(random.integers(len(table)))))
    return {name: 1e3 * statistics.median(of) for name, of in times.items()}


def additions(songs, repeats) -> pd.DataFrame:
    """What our own additions cost, in stereo and mono, without changes of pitch and tempo."""
    tables = {
        (channels, name): MixtureTable.sample(
            songs, 200, duration=SECONDS, channels=channels, **AS_IT_IS, **wanted
        )
        for channels in (2, 1)
        for name, wanted in OURS.items()
    }
    for table in tables.values():
        table.render(0)  # This may compile.
    return pd.DataFrame(
        {"channels": channels, "mixtures": name, "ms per mixture": middle}
        for (channels, name), middle in in_turns(tables, repeats).items()
    )


def lengths(songs, repeats) -> pd.DataFrame:
    """What it costs that a table is long."""
    stems = len(songs[0].labels)
    tables = {
        rows: MixtureTable.sample(songs, -(-rows // stems), duration=SECONDS, **AS_IT_IS)
        for rows in ROWS
    }
    return pd.DataFrame(
        {"rows": rows, "ms per mixture": middle}
        for rows, middle in in_turns(tables, repeats).items()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=40, help="mixtures to time (default: 40)")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # Scaper warns of every value that it brings into bounds.
    if (peer := backend()) is None:
        sys.exit("There is no SoX to compare with: install it, or run benchmarks/soxbindings.sh.")
    one_core()
    songs = [song for song in decoded(open_songs()) if song.duration >= SECONDS / 0.8]
    with tempfile.TemporaryDirectory() as scratch:
        speed = against_scaper(songs, label_folders(songs, f"{scratch}/labels"), arguments.repeats)
        same = agreement(songs, 8, Path(scratch))
    more = additions(songs, arguments.repeats)
    length = lengths(songs, arguments.repeats)
    version = platform.python_version()
    print(f"Scaper {scaper.__version__} with {peer}; Python {version}, one core; ms per mixture\n")
    print(speed.round(1).to_string(index=False), end="\n\n")
    print("Largest differences of the same mixtures, relative to their peak, and in loudness\n")
    print(same.to_string(index=False, float_format="{:.0e}".format), end="\n\n")
    print(more.round(2).to_string(index=False), end="\n\n")
    print(length.round(2).to_string(index=False))
    if arguments.json:
        results = {"speed": speed, "agreement": same, "additions": more, "lengths": length}
        numbers = {name: table.to_dict("records") for name, table in results.items()}
        arguments.json.write_text(json.dumps({"backend": peer, **numbers}, indent=1))
    slow = speed[speed["ratio"] < speed["at least"]]
    missed = [f"{row.changes} in {row.channels} channels" for row in slow.itertuples()]
    apart = (same["peak"] > PEAK) | (same["loudness (LU)"] > LOUDNESS)
    missed += list(same[apart & same["judged"]]["rate"])
    if missed:
        sys.exit(f"Missed: {', '.join(map(str, missed))}")


if __name__ == "__main__":
    main()
