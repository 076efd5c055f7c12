"""What several commands have in common."""

import argparse

PROGRAM = "tutorial-utils"
LONGEST = 2000  # characters of a message


def processes(text: str) -> int:
    """The value of ``--jobs``."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of processes. Give 1 or more.")
    return int(text)
