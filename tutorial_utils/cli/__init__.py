"""The command line: ``tutorial-utils``, or ``python -m tutorial_utils``.

Each command is a module with a function that adds its parser, and one that runs it. What a command
needs is imported when it runs, so that ``--help`` answers at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from tutorial_utils import __version__
from tutorial_utils.cli import (
    config,
    doctor,
    evaluate,
    listing,
    render,
    separate,
    tinystems,
    train,
)
from tutorial_utils.cli.common import LONGEST, PROGRAM
from tutorial_utils.text import shown

_FAILED = 2
_INTERRUPTED = 130  # As a shell counts it: 128 + SIGINT.
_UNREAD = 141  # 128 + SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        The exit status: 0; 1 if some of several files failed and the others are done; 2 if
        something is wrong with the input, the disk or the memory; 130 after Ctrl-C;
        141 if nobody reads what is said.
    """
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and not getattr(options, "settings", False):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    if hasattr(sys.stdout, "reconfigure"):  # a notebook's output can hold everything
        # Not every output can hold every name of a folder.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = options.run(options)
        sys.stdout.flush()  # Where what is said cannot be written, that is an error, too.
    except KeyboardInterrupt:
        print(f"\n{PROGRAM}: stopped. The same command goes on from here.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # whoever reads, such as head, has seen enough
        # Python flushes once more at its end, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _UNREAD
    except (ValueError, OSError, MemoryError) as error:
        print(f"{PROGRAM}: error: {_in_one_line(error)}", file=sys.stderr)
        return _FAILED
    return status


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        super().error(shown(message, LONGEST))


def _parser():
    parser = _Parser(
        prog=PROGRAM,
        description="The command line of the music source separation tutorial.",
        epilog=f"Help on a command: {PROGRAM} COMMAND --help",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in (config, train, listing, tinystems, render, separate, evaluate, doctor):
        command.add(commands)
    return parser


def _in_one_line(error):
    """The text of an error, which may hold names from files: without line breaks or escapes."""
    if isinstance(error, MemoryError):
        return "There is not enough memory. Use fewer processes, with --jobs."
    text = str(error)
    if isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {error.strerror}"
    return shown(" ".join(text.split()), LONGEST)
