"""``tutorial-utils tinystems``: compose and render the songs of the book."""

import argparse

from tutorial_utils.cli.common import LONGEST, PROGRAM, processes
from tutorial_utils.text import shown


def add(commands):
    parser = commands.add_parser(
        "tinystems",
        help="compose and render the songs that the book trains with",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", metavar="FOLDER", help="where to (the cache of this package)")
    parser.add_argument("--seed", metavar="N", type=_count, default=0, help="other songs (0)")
    sizes = {
        "train": (24, "songs in train/ (24)"),
        "valid": (4, "how many of these, the last ones, are for validation (4)"),
        "test": (8, "songs in test/ (8)"),
    }
    for name, (count, words) in sizes.items():
        parser.add_argument(f"--{name}", metavar="N", type=_count, default=count, help=words)
    parser.add_argument(
        "--duration", metavar="S", type=float, default=20.0, help="seconds of a song (20)"
    )
    parser.add_argument(
        "--jobs", metavar="N", type=processes, help="processes, one per core at most"
    )
    parser.set_defaults(run=run)


_DESCRIPTION = """\
Compose and render TinyStems: songs of drums, bass, other and vocals that the
package makes itself, in the layout of MUSDB18-HQ, the same on every machine.
"""
_EXAMPLE = f"""\
example:
  A larger set of longer songs, to train with:

    {PROGRAM} tinystems --root songs --train 100 --duration 40
    {PROGRAM} config SpectrogramNetSimple --songs songs --save runs

  If it is interrupted, the same command goes on where it stopped.
"""


def run(options):
    from tutorial_utils.data import tinystems

    folder = tinystems.build(
        options.root,
        options.seed,
        n_train=options.train,
        n_valid=options.valid,
        n_test=options.test,
        duration=options.duration,
        workers=options.jobs,
    )
    print(shown(folder, LONGEST))
    return 0


def _count(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 0 on.")
    return int(text)
