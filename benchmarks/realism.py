"""How much do TinyStems resemble real music? Measure both in the same way.

    python -m benchmarks.realism                    # the test songs of TinyStems
    python -m benchmarks.realism PATH [PATH ...]    # and the songs of other sets
    python -m benchmarks.realism PATH --json FILE   # and keep the numbers of every song

What is measured is told in :mod:`tutorial_utils.measures`. Where another set is given, the medians
of TinyStems have to lie within 3 dB of the first one's, in the measures that say how loud the stems
are against each other and how much they overlap, and TinyStems' songs have to differ by 1.5 dB.
Without another set the one real song whose numbers come with the package takes its place.
"""

import argparse
import json
import os
from pathlib import Path

import pandas as pd

from tutorial_utils import measures, tinystems
from tutorial_utils.data import open_songs

JUDGED = ("mixture SI-SDR (dB)", "ratio mask (dB)")
WITHIN = 3.0
SPREAD = 1.5


def table(sets: dict[str, pd.DataFrame]) -> str:
    """The sets side by side: median ± standard deviation over songs, by measure and stem."""
    rows = {}
    for measure in measures.COLUMNS:
        digits = 0 if "Hz" in measure else 2 if measure == "WDO" else 1
        for name, numbers in sets.items():
            by_stem = numbers[measure].groupby("stem", sort=False)
            rows[measure, name] = {
                stem: f"{median:.{digits}f} ± {spread:.{digits}f}"
                for (stem, median), spread in zip(
                    by_stem.median().items(), by_stem.std(ddof=0), strict=True
                )
            }
    return pd.DataFrame(rows).T.to_string()


def complaints(ours: pd.DataFrame, real: pd.DataFrame) -> list[str]:
    """Where the medians lie too far apart, or our songs are too much alike."""
    found = []
    for measure in JUDGED:
        here, there = (numbers[measure].groupby("stem", sort=False) for numbers in (ours, real))
        apart, spread = here.median() - there.median(), here.std(ddof=0)
        found += [
            f"{measure}, {stem}: {value:+.1f} from the real median"
            for stem, value in apart[apart.abs() > WITHIN].items()
        ]
        found += [
            f"{measure}, {stem}: a spread of {value:.1f} only"
            for stem, value in spread[spread < SPREAD].items()
        ]
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", help="other sets; the first one is what to be like")
    parser.add_argument("--ours", help="a TinyStems folder (default: built or found)")
    parser.add_argument("--json", help="write the numbers of every song here")
    options = parser.parse_args(arguments)
    ours = open_songs(options.ours or tinystems.build())
    sets = {"TinyStems": measures.songs([song for song in ours if song.split == "test"])}
    for path in options.paths:
        sets[Path(path).name] = measures.songs(open_songs(path))
    if not options.paths:
        real = {"Music Delta - 80s Rock": measures.musdb_excerpt()}
        sets["one song of MUSDB18"] = pd.concat(real, names=["song"])
    print(table(sets))
    found = complaints(*list(sets.values())[:2])
    print("\n".join(found) or f"Within {WITHIN} dB, and a spread of at least {SPREAD} dB.")
    if options.json:
        numbers = pd.concat(sets, names=["set"]).reset_index().to_dict("records")
        temporary = Path(f"{options.json}.{os.getpid()}")
        temporary.write_text(json.dumps(numbers, indent=1), encoding="utf-8")
        os.replace(temporary, options.json)
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
