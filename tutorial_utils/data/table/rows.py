"""Events as the rows of a table."""

import os
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path

import pandas as pd

from tutorial_utils.data.mixing.event import Event
from tutorial_utils.data.table import checks


def root_of(files: Iterable) -> Path:
    """The folder that holds all files."""
    try:
        return Path(os.path.commonpath({Path(file).absolute().parent for file in files}))
    except ValueError as error:
        raise checks.TableError(
            "The files lie on several drives, and a table has one root. Move them together."
        ) from error


def as_rows(events: Iterable[Event], root: Path) -> pd.DataFrame:
    """Events as rows, with paths relative to the root."""
    rows = pd.DataFrame(map(attrgetter(*checks.COLUMNS), events), columns=checks.COLUMNS)
    files = rows["source_file"].unique()
    names = {file: Path(file).absolute().relative_to(root).as_posix() for file in files}
    rows["source_file"] = rows["source_file"].map(names)
    return rows
