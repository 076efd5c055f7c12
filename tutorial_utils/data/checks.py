"""What makes a table of mixtures usable, checked before anything is rendered from it.

A table may come from a spreadsheet, from another program or from a stranger. Every error names the
row and the column, and says what to do.
"""

import dataclasses
import math
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pandas as pd

from tutorial_utils import audio
from tutorial_utils.data.mixing import Event

COLUMNS = tuple(field.name for field in dataclasses.fields(Event))
_TYPES = {field.name: field.type for field in dataclasses.fields(Event)}
_MAY_BE_EMPTY = ("snr", "effects", "pitch_shift", "time_stretch", "loudness", "split")
_LIMITS = {
    "mixture": (0, 1e9),
    "source_time": (0, 1e9),
    "source_duration": (1e-3, 1e9),
    "event_time": (0, 1e9),
    "snr": (-200, 200),
    "ref_db": (-200, 200),
    "pitch_shift": (-24, 24),
    "time_stretch": (0.25, 4),
    "loudness": (-math.inf, 100),
    "channels": (1, 5),
    "sample_rate": (1000, 768000),
    "gain": (-200, 200),
    "polarity": (-1, 1),
    "swap": (0, 1),
    "effects": (0, 1e9),
}
_ROLES = ("foreground", "background")
# A spreadsheet runs what begins with one of these as a formula.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class TableError(ValueError):
    """A table of mixtures that cannot be used; the message says which cell, and what to do."""


def parse(cells: pd.DataFrame, first_line: int) -> pd.DataFrame:
    """Turn the text cells of a CSV file into values.

    Parameters
    ----------
    cells : DataFrame of str
    first_line : int
        The line of the file in which the first row stands, for the errors.
    """
    columns(cells)
    parsed = {}
    for name in COLUMNS:
        texts = cells[name]
        if _TYPES[name] is str:
            parsed[name] = texts
            continue
        if name in _MAY_BE_EMPTY:
            texts = texts.where(texts != "", "nan")
        try:
            parsed[name] = np.array([float(text) for text in texts])
        except ValueError:
            row = next(row for row, text in enumerate(texts) if not _is_number(text))
            raise TableError(
                f"Line {row + first_line}, column '{name}': '{texts.iloc[row]}' is not a number."
            ) from None
        if (wrong := cells[name].str.contains("nan", case=False).to_numpy()).any():
            row = int(wrong.argmax())
            raise TableError(
                f"Line {row + first_line}, column '{name}': 'nan' is not a number. Leave the cell "
                "empty if nothing is to be done."
            )
    return pd.DataFrame(parsed)


def columns(frame: pd.DataFrame) -> None:
    """Check that a table has the columns that it must have, and no others."""
    if missing := [name for name in COLUMNS if name not in frame]:
        raise TableError(f"The column '{missing[0]}' is missing. A table has {', '.join(COLUMNS)}.")
    if unknown := [name for name in frame if name not in COLUMNS]:
        raise TableError(
            f"There is a column '{unknown[0]}', which means nothing here. Remove it; a table has "
            f"{', '.join(COLUMNS)}."
        )


def rows(
    frame: pd.DataFrame, duration: float, labels: Sequence[str], first_line: int | None = None
) -> pd.DataFrame:
    """Check the rows of a table, and give them their types, sorted by mixture.

    The index keeps the number that a row had before.

    Parameters
    ----------
    frame : DataFrame
    duration : float, in seconds
        Length of the mixtures, in which every event has to lie.
    labels : sequence of str
    first_line : int, optional
        As in :func:`parse`; without it the errors count rows from 1.

    Raises
    ------
    TableError
    """
    columns(frame)
    if not len(frame):
        raise TableError("The table has no rows. A mixture needs at least one source.")
    frame = frame[list(COLUMNS)].reset_index(drop=True)
    where = _Where(first_line)
    for name, kind in _TYPES.items():
        if kind is str:
            _check_text(frame[name], name, where)
        else:
            frame[name] = _checked_numbers(frame[name], name, kind, where)
    _check_choice(frame["role"], "role", _ROLES, where)
    _check_choice(frame["label"], "label", labels, where)
    for row, file in _first_of_each(frame["source_file"]):
        _check_path(file, row, where)
    stretched = frame["source_duration"] * frame["time_stretch"].fillna(1.0)
    too_late = frame["event_time"] + stretched > duration + 1e-6
    if too_late.any():
        row = int(too_late.argmax())
        raise where.error(
            row, "event_time", frame["event_time"][row],
            f"begins so late that its {stretched[row]:.3f} s would not end within the {duration} s "
            "of a mixture. Let it begin earlier, or cut less.",
        )  # fmt: skip
    for name in ("channels", "sample_rate"):
        _check_constant(frame, name, frame[name][0], "the whole table", where)
    for name in ("split", "ref_db"):
        first = frame.groupby("mixture")[name].transform("first")
        _check_constant(frame, name, first, "a mixture", where)
    return frame.sort_values("mixture", kind="stable")


def files(frame: pd.DataFrame, root: Path, first_line: int | None = None) -> None:
    """Check that every file is there, and that no segment lies beyond its end.

    ``frame`` comes from :func:`rows`.

    Raises
    ------
    TableError
    """
    where = _Where(first_line)
    ends = frame["source_time"] + frame["source_duration"]
    for file, row in ends.groupby(frame["source_file"]).idxmax().items():
        try:
            header = audio.info(root / file)
        except FileNotFoundError:
            raise where.error(
                row, "source_file", file,
                f"is not in {root}. Give the folder that holds it: root=...",
            ) from None  # fmt: skip
        except (audio.AudioError, OSError) as error:
            raise where.error(row, "source_file", file, f"cannot be used: {error}") from error
        if int(ends[row] * header.sample_rate) > header.samples:
            raise where.error(
                row, "source_time", frame["source_time"][row],
                f"with source_duration {frame['source_duration'][row]:.3f} reaches beyond the end "
                f"of {file}, which lasts {header.duration:.3f} s. Cut earlier, or less.",
            )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Where:
    """Says in which row something is wrong."""

    first_line: int | None

    def error(self, row, column, value, what):
        place = f"Row {row + 1}" if self.first_line is None else f"Line {row + self.first_line}"
        return TableError(f"{place}, column '{column}': {value!s} {what}")


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_text(texts, name, where):
    for row, text in _first_of_each(texts):
        if not isinstance(text, str) or (not text and name not in _MAY_BE_EMPTY):
            raise where.error(row, name, repr(text), "is no text. Fill the cell.")
        if _FORMULA.match(text):
            raise where.error(
                row, name, repr(text),
                "would be run as a formula by a spreadsheet. Rename it so that it begins with a "
                "letter or a digit.",
            )  # fmt: skip
        if _CONTROL.search(text):
            raise where.error(row, name, repr(text), "holds control characters. Remove them.")


def _checked_numbers(values, name, kind, where):
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    low, high = _LIMITS[name]
    wrong = ~((numbers >= low) & (numbers <= high))
    if name in _MAY_BE_EMPTY:
        wrong &= ~values.isna()
    if kind is int:
        wrong |= numbers != np.floor(numbers)
    if wrong.any():
        row = int(wrong.argmax())
        expected = "a whole number" if kind is int else "a number"
        raise where.error(row, name, values[row], f"is not {expected} from {low:g} to {high:g}.")
    return numbers.astype(int) if kind is int else numbers


def _check_choice(values, name, allowed, where):
    wrong = ~values.isin(allowed)
    if wrong.any():
        row = int(wrong.argmax())
        raise where.error(row, name, repr(values[row]), f"is none of {', '.join(allowed)}.")


def _check_path(file, row, where):
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or "\\" in file or PureWindowsPath(file).drive:
        raise where.error(
            row, "source_file", repr(file),
            "does not lie below the table's root. Give it relative to the root, with forward "
            "slashes.",
        )  # fmt: skip


def _check_constant(frame, name, expected, within, where):
    wrong = frame[name] != expected
    if wrong.any():
        row = int(wrong.argmax())
        raise where.error(
            row, name, frame[name][row], f"differs: {within} has one {name} throughout."
        )


def _first_of_each(values):
    """The row and the value of each different value, at its first appearance."""
    first = values.drop_duplicates()
    return zip(first.index, first, strict=True)
