"""``tutorial-utils render``: the mixtures of a table as sound files."""

import argparse

from tutorial_utils.cli.common import LONGEST, PROGRAM, processes
from tutorial_utils.text import shown


def add(commands):
    parser = commands.add_parser(
        "render",
        help="write the mixtures of a table, and their sources, as sound files",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("table", metavar="TABLE", help="a CSV file, from MixtureTable.to_csv")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="where to write")
    parser.add_argument(
        "--root", metavar="FOLDER", help="the sounds, if they are not where the table says"
    )
    parser.add_argument(
        "--format", choices=("wav", "flac"), default="wav", help="of the files, 24 bits (wav)"
    )
    parser.add_argument(
        "--jobs", metavar="N", type=processes, default=-1, help="processes, one per core at most"
    )
    parser.set_defaults(run=run)


_DESCRIPTION = """\
Write every mixture of a table to a folder of its own: mixture.wav, one file for
each source, and mixture.json, which holds the factor by which all of them were
scaled. The sources sum to the mixture exactly. If the table has splits, the
folders lie below FOLDER/train, FOLDER/valid and FOLDER/test.
"""
_EXAMPLE = f"""\
example:
  Draw a table in Python:

    import tutorial_utils as tu
    table = tu.data.MixtureTable.sample(tu.data.open_songs(), n=100)
    table.to_csv("mixtures.csv")

  Write its mixtures, and open them like songs, with tu.data.open_songs("mixtures"):

    {PROGRAM} render mixtures.csv --out mixtures --format flac

  If it is interrupted, the same command goes on where it stopped.
"""


def run(options):
    from tutorial_utils.data.export import export
    from tutorial_utils.data.table import MixtureTable

    table = MixtureTable.from_csv(options.table, options.root)
    folder = export(table, options.out, f".{options.format}", options.jobs)
    print(f"{len(table)} mixtures are in {shown(folder, LONGEST)}")
    return 0
