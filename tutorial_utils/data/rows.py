"""Events as the rows of a table, and what must hold before any are drawn."""

import os
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path

import numpy as np
import pandas as pd

from tutorial_utils.data import checks
from tutorial_utils.data.event import Event
from tutorial_utils.text import shown


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


def checked_root(files, duration: float, channels: int, sample_rate: int) -> Path:
    """The folder that holds all files that might be drawn, however few will be.

    That none of them would make a row that a table refuses is checked here, before anything is
    drawn.

    Parameters
    ----------
    files : sequence of (path, label, song)
    duration : float, in seconds
    channels, sample_rate : int
        Of the mixtures.

    Raises
    ------
    TableError
        If a name, or one of the numbers, can be in no table.
    """
    # Rows that have in common with those that will be drawn what the check is for.
    events = [
        Event(
            mixture=i, split="", label=label, song=song, source_file=str(file), source_time=0.0,
            source_duration=duration, event_time=0.0, snr=0.0, ref_db=0.0, channels=channels,
            sample_rate=sample_rate,
        )
        for i, (file, label, song) in enumerate(files)
    ]  # fmt: skip
    root = root_of(event.source_file for event in events)
    checks.rows(
        as_rows(events, root), duration, {event.label for event in events},
        lambda row: f"A row of {shown(events[row].source_file)}",
    )  # fmt: skip
    return root


def required(sources: Iterable, what: str, n, seed, duration, fade) -> list:
    """The songs or sounds as a list, if mixtures can be drawn from them.

    Raises
    ------
    ValueError
        If there are none, or one of the numbers is not what it has to be.
    """
    if not (sources := list(sources)):
        raise ValueError(f"There are no {what} to mix.")
    for name, value, least in (("n", n, 1), ("seed", seed, 0)):
        if not (isinstance(value, int | np.integer) and value >= least):
            raise ValueError(f"{name}={value!r} is not a whole number, {least} or more.")
    checks.times(duration, fade, fade)
    return sources


def common(sources: Iterable, name: str):
    """The value of an attribute that all songs or sounds share.

    Raises
    ------
    ValueError
        If they do not.
    """
    values = {getattr(source, name) for source in sources}
    if len(values) > 1:
        raise ValueError(
            f"The files differ in {name}: {', '.join(map(str, sorted(values)))}. Say which one the "
            f"mixtures are to have: {name}={max(values)}."
        )
    return values.pop()
