"""What makes a table of mixtures usable, checked before anything is rendered from it.

A table may come from a spreadsheet, from another program or from a stranger. Every error names the
row and the column, and says what to do.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pandas as pd

from tutorial_utils import audio
from tutorial_utils.data.disk import Folder, normalised
from tutorial_utils.data.mixing.event import Event
from tutorial_utils.text import shown

COLUMNS = tuple(field.name for field in dataclasses.fields(Event))
_TYPES = {field.name: field.type for field in dataclasses.fields(Event)}
_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Event)}
FRACTIONS = tuple(name for name, kind in _TYPES.items() if kind is float)
"""The columns of numbers that need not be whole."""

_ADDED = ("gain", "polarity", "swap", "effects")  # what tables of version 1 did not have
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
_WHOLE = ("effects", *(name for name, kind in _TYPES.items() if kind is int))
_ROLES = ("foreground", "background")
SHORTEST, LONGEST = 0.1, 86400  # seconds of a mixture; who asks for more than a day is mistaken
LARGEST = 8 * 2**30  # bytes of a rendered mixture and its sources: an hour of four stereo stems
# A spreadsheet runs what begins with one of these as a formula.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class TableError(ValueError):
    """A table of mixtures that cannot be used; the message says which cell, and what to do."""


def numbered(row: int) -> str:
    """Where a row stands in a table that is no file: row 0 is "Row 1"."""
    return f"Row {row + 1}"


def parse(cells: pd.DataFrame, place: Callable[[int], str] = numbered) -> pd.DataFrame:
    """Turn the text cells of a CSV file into values.

    Parameters
    ----------
    cells : DataFrame of str
    place : function
        Says where a row (from 0) stands, for the errors.
    """
    columns(cells)
    parsed = {}
    for name in COLUMNS:
        if name not in cells:
            continue
        if _TYPES[name] is str:
            parsed[name] = cells[name]
            continue
        texts = cells[name].tolist()
        empty = "nan" if name in _MAY_BE_EMPTY else ""
        try:
            parsed[name] = np.array([float(text or empty) for text in texts])
        except ValueError:
            row = next(row for row, text in enumerate(texts) if not _is_number(text or empty))
            raise TableError(
                f"{place(row)}, column '{name}': '{shown(texts[row])}' is not a number. If a "
                "spreadsheet made this of one, import the file there with all columns as text."
            ) from None
        for row in np.flatnonzero(np.isnan(parsed[name])):
            if texts[row]:
                raise TableError(
                    f"{place(row)}, column '{name}': 'nan' is not a number. Leave the cell empty "
                    "if nothing is to be done."
                )
    return pd.DataFrame(parsed)


def columns(names: Iterable[str]) -> None:
    """Check that a table has the columns that it must have, each once, and no others.

    What tables of version 1 did not have may be missing.
    """
    names = list(names)
    known = {*names}
    if missing := [name for name in COLUMNS if name not in known and name not in _ADDED]:
        raise TableError(f"The column '{missing[0]}' is missing. A table has {', '.join(COLUMNS)}.")
    if unknown := [name for name in names if name not in COLUMNS]:
        raise TableError(
            f"There is a column '{shown(unknown[0])}', which means nothing here. Remove it; a "
            f"table has {', '.join(COLUMNS)}."
        )
    if len(known) < len(names):
        twice = next(name for name in COLUMNS if names.count(name) > 1)
        raise TableError(f"There are {names.count(twice)} columns '{twice}'. Remove all but one.")


def times(duration: float, fade_in: float, fade_out: float) -> None:
    """Check how long mixtures last, and how long their sources are faded: seconds."""
    if not (_is_real(duration) and SHORTEST <= duration <= LONGEST):
        raise TableError(
            f"The duration is {shown(repr(duration))}, not a number from {SHORTEST} to {LONGEST}: "
            "seconds. Correct it."
        )
    for name, fade in {"fade_in": fade_in, "fade_out": fade_out}.items():
        if not (_is_real(fade) and 0 <= fade <= duration):
            raise TableError(
                f"The {name} is {shown(repr(fade))}, not a number from 0 to {duration:g}: seconds, "
                "no more than a mixture lasts. Correct it."
            )


def is_text(value) -> bool:
    """Whether a value is text that can be written and printed."""
    return isinstance(value, str) and not _SURROGATE.search(value)


def rows(
    frame: pd.DataFrame,
    duration: float,
    labels: Sequence[str],
    place: Callable[[int], str] = numbered,
) -> pd.DataFrame:
    """Check the rows of a table, and give them their types, sorted by mixture.

    The index keeps the number that a row had before. Labels get the spelling of ``labels`` if they
    differ in how accents are encoded, and columns that were added later their defaults.

    Parameters
    ----------
    frame : DataFrame
    duration : float, in seconds
        Length of the mixtures, in which every event has to lie.
    labels : sequence of str
    place : function
        As in :func:`parse`.

    Raises
    ------
    TableError
    """
    columns(frame)
    if not len(frame):
        raise TableError("The table has no rows. A mixture needs at least one source.")
    absent = {name: _DEFAULTS[name] for name in _ADDED if name not in frame}
    frame = frame.assign(**absent)[list(COLUMNS)].reset_index(drop=True)
    where = _Where(place)
    for name, kind in _TYPES.items():
        if kind is str:
            _check_text(frame[name], name, where)
        else:
            frame[name] = _checked_numbers(frame[name], name, kind, where)
    spelling = {normalised(label): label for label in labels}
    unknown = [label for label in frame["label"].unique() if label not in labels]
    frame["label"] = frame["label"].replace(
        {label: spelling.get(normalised(label), label) for label in unknown}
    )
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
    _check_memory(frame, duration, len(labels), where)
    return frame.sort_values("mixture", kind="stable")


def files(frame: pd.DataFrame, root: Path, place: Callable[[int], str] = numbered) -> pd.DataFrame:
    """Check that every file is there, and that no segment lies beyond its end.

    ``frame`` comes from :func:`rows`. It is returned with the files by the names that they have on
    the disk, which may differ in how accents are encoded.

    Raises
    ------
    TableError
    """
    where = _Where(place)
    folder = Folder(root)
    names = {}
    ends = frame["source_time"] + frame["source_duration"]
    # A background is repeated until the mixture ends, as Scaper does it: only from the beginning.
    repeated = (frame["role"] == "background") & (frame["source_time"] == 0)
    ends[repeated] = 0
    for file, row in ends.groupby(frame["source_file"]).idxmax().items():
        try:
            names[file] = folder.find(file) or file
            header = audio.info(root / names[file])
        except FileNotFoundError:
            raise where.error(
                row, "source_file", file,
                f"is not in {shown(root)}. Give the folder that holds it: root=...",
            ) from None  # fmt: skip
        except (OSError, ValueError) as error:
            raise where.error(
                row, "source_file", file, f"cannot be used: {shown(error)}"
            ) from error
        if int(ends[row] * header.sample_rate) > header.samples:
            raise where.error(
                row, "source_time", frame["source_time"][row],
                f"with source_duration {frame['source_duration'][row]:.3f} reaches beyond the end "
                f"of {shown(file)}, which lasts {header.duration:.3f} s. Cut earlier, or less.",
            )  # fmt: skip
    return frame.assign(source_file=frame["source_file"].map(names))


@dataclasses.dataclass(frozen=True)
class _Where:
    """Says in which row something is wrong."""

    place: Callable[[int], str]

    def error(self, row, column, value, what):
        return TableError(f"{self.place(row)}, column '{column}': {shown(value)} {what}")


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_real(value):
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def problem_of(text) -> str | None:
    """What is wrong with a text of a table, or None."""
    if not isinstance(text, str) or not text:
        return "is no text. Fill the cell."
    if _FORMULA.match(text):
        return (
            "would be run as a formula by a spreadsheet. Rename it so that it begins with a letter "
            "or a digit."
        )
    if _CONTROL.search(text):
        return "holds control characters. Remove them."
    if not is_text(text):
        return "holds bytes that are no UTF-8 text. Rename it."
    return None


def _check_text(texts, name, where):
    for row, text in _first_of_each(texts):
        if text == "" and name in _MAY_BE_EMPTY:
            continue
        if problem := problem_of(text):
            raise where.error(row, name, repr(text), problem)


def _checked_numbers(values, name, kind, where):
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    low, high = _LIMITS[name]
    wrong = ~((numbers >= low) & (numbers <= high))
    expected = f"a number from {low:g} to {high:g}"
    if name in _WHOLE:
        wrong |= numbers != np.floor(numbers)
        expected = f"a whole number from {low:g} to {high:g}"
    if name == "polarity":
        wrong |= numbers == 0
        expected = "a whole number, 1 or -1"
    if name in _MAY_BE_EMPTY:
        wrong &= ~values.isna()
    if wrong.any():
        row = int(wrong.argmax())
        raise where.error(row, name, values[row], f"is not {expected}.")
    return numbers.astype(int) if kind is int else numbers


def _check_choice(values, name, allowed, where):
    wrong = ~values.isin(allowed)
    if wrong.any():
        row = int(wrong.argmax())
        raise where.error(row, name, repr(values[row]), f"is none of {shown(', '.join(allowed))}.")


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


def _check_memory(frame, duration, sources, where):
    """Whether a mixture and its sources, in 32-bit numbers, fit into what one may have."""
    channels, rate = int(frame["channels"][0]), int(frame["sample_rate"][0])
    events = frame["mixture"].value_counts()
    signals = 1 + max(sources, int(events.iloc[0]))
    size = 4 * signals * channels * int(duration * rate)
    if size > LARGEST:
        row = int((frame["mixture"] == events.index[0]).argmax())
        raise where.error(
            row, "mixture", frame["mixture"][row],
            f"would take {size / 1e9:.0f} GB of memory ({signals} signals of {duration:g} s, "
            f"{channels} channels and {rate} Hz), and {LARGEST / 1e9:.1f} GB is the most. Make "
            "shorter mixtures.",
        )  # fmt: skip


def _first_of_each(values):
    """The row and the value of each different value, at its first appearance."""
    first = values.drop_duplicates()
    return zip(first.index, first, strict=True)
