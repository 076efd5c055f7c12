"""``tutorial-utils evaluate``: how good estimates are, on a set of songs."""

import argparse
import sys
from pathlib import Path

from tutorial_utils.cli.common import LONGEST, PROGRAM, processes
from tutorial_utils.text import shown


def add(commands):
    parser = commands.add_parser(
        "evaluate",
        help="score folders of estimates, or models, on a set of songs",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "methods", metavar="METHOD", nargs="+", help="[NAME=]FOLDER, or [NAME=]MODEL"
    )
    parser.add_argument("--songs", metavar="FOLDER", help="with the true stems (TinyStems)")
    parser.add_argument("--split", metavar="NAME", default="test", help="of the songs (test)")
    parser.add_argument("--save", metavar="FOLDER", help="where to write (a single run's folder)")
    parser.add_argument(
        "--win", metavar="S", type=_seconds, default=1.0, help="seconds of a frame (1)"
    )
    parser.add_argument(
        "--hop", metavar="S", type=_seconds, default=1.0, help="from frame to frame (1)"
    )
    parser.add_argument(
        "--jobs", metavar="N", type=processes, default=-1, help="processes, one per core at most"
    )
    parser.set_defaults(run=run)


_DESCRIPTION = """\
Score methods on songs whose stems are known: SDR, ISR, SIR and SAR (BSS Eval v4)
in every frame, and SI-SDR, SI-SIR, SI-SAR, SD-SDR, SNR and uSDR of whole songs.

A method is a folder with one folder of estimates per song, as the command
"separate" writes them, or a model, named as for that command. --save gets
evaluation.csv with all scores, and a JSON per song as museval writes it. The
scores of a single run go into its folder, where the command "runs" finds them.
"""
_EXAMPLE = f"""\
example:
  Compare two folders of estimates for the test songs of MUSDB18-HQ:

    {PROGRAM} evaluate mine=stems other=downloads/other --songs musdb18hq --save scores

  What is printed are medians over frames, then over songs. If it is interrupted,
  the same command goes on where it stopped. If a song fails, the others are
  scored, and the exit status is 1.
"""


def run(options):
    from tutorial_utils.data import open_songs
    from tutorial_utils.evaluation.aggregates import aggregate
    from tutorial_utils.evaluation.scoring import collected, scored

    methods = dict(map(_method, options.methods))
    if len(methods) < len(options.methods):
        raise ValueError("Two methods have the same name. Give them names: NAME=FOLDER.")
    save = options.save or _run_of(options.methods)
    songs = [song for song in open_songs(options.songs) if song.split in (options.split, None)]
    if not songs:
        raise ValueError(f"There is no song in the split '{shown(options.split)}'.")
    scores = list(
        scored(
            methods,
            songs,
            save,
            win=options.win,
            hop=options.hop,
            start=0.0,
            duration=None,
            jobs=options.jobs,
            progress=True,
        )
    )
    table = collected(scores, save)
    if len(table):
        medians = aggregate(table).pivot_table(
            index=["metric", "source"], columns="method", values="value", sort=False
        )
        print("Medians over frames, then over songs, in dB:\n")
        print(shown_table(medians))
    failed = [score for score in scores if score.error]
    for score in failed:
        print(
            f"{shown(score.method)}, {shown(score.song)}: {shown(score.error, 1000)}",
            file=sys.stderr,
        )
    print(f"{len(scores) - len(failed)} scored, {len(failed)} failed; in {shown(save)}")
    return int(bool(failed))


def shown_table(table) -> str:
    """A table of numbers, whose names come from files, fit to be printed."""
    table = table.rename(columns=shown, index=shown)
    return "".join(
        sign if sign.isprintable() or sign == "\n" else "?"
        for sign in table.to_string(float_format=lambda value: f"{value:.2f}")
    )[: 50 * LONGEST]


def _run_of(methods):
    """The folder of the one run that is scored, which keeps its scores."""
    from tutorial_utils.cli.objects import is_run

    _, place = _named(methods[0])
    if len(methods) == 1 and is_run(place):
        return place
    raise ValueError("Say where the scores are to be written: --save FOLDER.")


def _named(text):
    """A name, and the place that it was given or that it is taken from."""
    name, equals, place = text.partition("=")
    return (name, place) if equals else (Path(text).resolve().name or text, text)


def _method(text):
    """A name, and a folder or a model."""
    from tutorial_utils.cli.objects import is_run, load_model

    name, place = _named(text)
    path = Path(place).expanduser()
    if is_run(place):
        return name, load_model(place)
    if path.is_dir():
        return name, path
    if ":" in place and not path.exists():
        return name, load_model(place)
    raise ValueError(f"{shown(place)} is neither a folder nor a model (file.py:name).")


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of seconds above 0.")
    return value
