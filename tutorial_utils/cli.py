"""The command line: ``tutorial-utils``, or ``python -m tutorial_utils``.

Each command is a function that adds its parser, and one that runs it. What a command needs is
imported when it runs, so that ``--help`` answers at once.
"""

import argparse
import sys
from collections.abc import Sequence

from tutorial_utils import __version__
from tutorial_utils.text import shown

PROGRAM = "tutorial-utils"
_FAILED = 2
_LONGEST = 2000  # characters of a message
_INTERRUPTED = 130  # As a shell counts it: 128 + SIGINT.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        The exit status: 0; 2 if something is wrong with the input, the disk or the memory; 130
        after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    # Not every output can hold every name of a folder.
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        options.run(options)
        sys.stdout.flush()  # Where what is said cannot be written, that is an error, too.
    except KeyboardInterrupt:
        print(f"\n{PROGRAM}: stopped. The same command goes on from here.", file=sys.stderr)
        return _INTERRUPTED
    except (ValueError, OSError, MemoryError) as error:
        print(f"{PROGRAM}: error: {_in_one_line(error)}", file=sys.stderr)
        return _FAILED
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        super().error(shown(message, _LONGEST))


def _parser():
    parser = _Parser(
        prog=PROGRAM,
        description="The command line of the music source separation tutorial.",
        epilog=f"Help on a command: {PROGRAM} COMMAND --help",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_render(commands)
    return parser


def _add_render(commands):
    parser = commands.add_parser(
        "render",
        help="write the mixtures of a table, and their sources, as sound files",
        description=_RENDER,
        epilog=_RENDER_EXAMPLE,
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
        "--jobs", metavar="N", type=_processes, default=-1, help="processes, one per core at most"
    )
    parser.set_defaults(run=_render)


_RENDER = """\
Write every mixture of a table to a folder of its own: mixture.wav, one file for
each source, and mixture.json, which holds the factor by which all of them were
scaled. The sources sum to the mixture exactly. If the table has splits, the
folders lie below FOLDER/train, FOLDER/valid and FOLDER/test.
"""
_RENDER_EXAMPLE = f"""\
example:
  Draw a table in Python:

    import tutorial_utils as tu
    table = tu.data.MixtureTable.sample(tu.data.open_songs(), n=100)
    table.to_csv("mixtures.csv")

  Write its mixtures, and open them like songs, with tu.data.open_songs("mixtures"):

    {PROGRAM} render mixtures.csv --out mixtures --format flac

  If it is interrupted, the same command goes on where it stopped.
"""


def _render(options):
    from tutorial_utils.data.export import export
    from tutorial_utils.data.table import MixtureTable

    table = MixtureTable.from_csv(options.table, options.root)
    folder = export(table, options.out, f".{options.format}", options.jobs)
    print(f"{len(table)} mixtures are in {shown(folder, _LONGEST)}")


def _processes(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of processes. Give 1 or more.")
    return int(text)


def _in_one_line(error):
    """The text of an error, which may hold names from files: without line breaks or escapes."""
    if isinstance(error, MemoryError):
        return "There is not enough memory. Use fewer processes, with --jobs."
    text = str(error)
    if isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {error.strerror}"
    return shown(" ".join(text.split()), _LONGEST)
