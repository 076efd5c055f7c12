"""A table of mixtures as a CSV file: a first line that holds all that is not in the rows, as JSON.

A file may have gone through a spreadsheet, which separates by semicolons where decimals have
commas, or by tabs, and writes UTF-16. What is read here is text; :mod:`.checks` makes values of it.
"""

import csv
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tutorial_utils import files
from tutorial_utils.data.disk import normalised
from tutorial_utils.data.table import checks
from tutorial_utils.text import shown

VERSION = 2
READS = (1, 2)  # Version 1 had fewer columns, and did not count its rows.
FIELDS = ("version", "root", "duration", "labels", "fade_in", "fade_out", "seed", "settings")
ROWS = "rows"  # the field of the header that counts the rows; it may be missing

_SEPARATORS = ",;\t"
_DECIMAL_COMMA = r"\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*"


class Text(NamedTuple):
    """What a file says: its header, checked, and its rows as text."""

    header: dict
    cells: pd.DataFrame
    place: Callable[[int], str]
    """Where a row (from 0) stands in the file, for errors."""


def write(path: Path, header: Mapping, rows: pd.DataFrame) -> None:
    """Write the header and the rows, whole or not at all."""
    version, *others = header.items()
    header = dict([version, (ROWS, len(rows)), *others])
    with files.whole_file(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(f"# {json.dumps(header, default=_plain)}\n")
            rows.to_csv(file, index=False, lineterminator="\n")


def read(path: Path) -> Text:
    """Read the header, which is checked, and the rows as text.

    Raises
    ------
    TableError
        If the file is no such table; the message does not name it.
    """
    lines = _text(path).rstrip("\n").split("\n")
    separators, above = _SEPARATORS, 0
    if said := re.fullmatch('"?sep=(.).*', lines[0], re.IGNORECASE):  # Excel's way to name it
        separators, above = said[1] + separators, 1
    first, names = [*lines[above:], "", ""][:2]
    separator = max(separators, key=names.count)
    header = _header(first, separator)
    if not names:
        raise checks.TableError("there are no rows. The file was cut off: write it again.")
    cells = _cells(lines[above + 1 :], separator, above + 2)
    text = Text(header, cells, lambda row: f"Line {row + above + 3}")
    _require_all(text)
    return _with_points(text)


def _plain(value):
    """NumPy's numbers, and sets, as JSON can hold them."""
    return value.tolist() if hasattr(value, "tolist") else list(value)


def _text(path):
    """The text of a file in UTF-8 or UTF-16, with a byte order mark or without."""
    with path.open("rb") as file:
        begin = file.read(2)
    encoding = "utf-8-sig"
    if begin in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif begin.count(0) == 1:  # One half of the first character, which is in ASCII.
        encoding = "utf-16-be" if begin[0] == 0 else "utf-16-le"
    try:
        return path.read_text(encoding)
    except UnicodeDecodeError as error:
        line = len(re.findall(rb"\r\n?|\n", error.object[: error.start])) + 1
        raise checks.TableError(
            f"this is no CSV file: the '{error.encoding}' codec can't decode line {line}. If a "
            'spreadsheet wrote it, save it there as "CSV UTF-8".'
        ) from error


def _cells(lines, separator, first_line):
    """The names of the columns and the rows of a CSV file, as text.

    A spreadsheet fills all lines up to the length of the longest, which is the header's, and may
    leave empty ones at the end.
    """
    table = _split(lines, separator, first_line)
    while len(table) > 1 and not table[-1]:
        del table[-1]
    names, *rows = table
    names = [name.strip() for name in names]
    checks.columns(filter(None, names))
    for line, row in enumerate(rows, first_line + 1):
        if len(row) > len(names):
            raise checks.TableError(
                f"this is no CSV file: Expected {len(names)} fields in line {line}, saw {len(row)}."
            )
        row += [""] * (len(names) - len(row))
    used = [i for i, name in enumerate(names) if name or any(row[i] for row in rows)]
    checks.columns(names[i] for i in used)
    return pd.DataFrame({names[i]: [row[i] for row in rows] for i in used}, dtype=str)


def _split(lines, separator, first_line):
    """Split lines into cells, without the empty ones at their ends."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    table = []
    for line in range(first_line, first_line + len(lines)):
        try:
            row = next(reader)
            if len(row) == 1:  # A spreadsheet that expected another separator took it as one cell.
                row = _cells_of(row[0], separator)
        except csv.Error as error:
            what = "EOF inside string" if "end of data" in str(error) else error
            raise checks.TableError(f"this is no CSV file: {what}, in line {line}.") from error
        if reader.line_num > len(table) + 1:
            raise checks.TableError(
                f"line {line} has a cell that goes on in the next one. Remove the line break, or "
                "the quotation mark before it."
            )
        while row and not row[-1].strip():
            del row[-1]
        table.append(row)
    return table


def _cells_of(line, separator):
    return next(csv.reader([line], delimiter=separator, strict=True), [])


def _require_all(text):
    """Whether all rows are there that were written."""
    counted = text.header.pop(ROWS, 0)
    if len(text.cells) < counted:
        raise checks.TableError(
            f"the header counts {counted} rows, and there are {len(text.cells)}. If the file was "
            "cut off, write it again. If you removed rows on purpose, remove "
            f'"{ROWS}": {counted} from the first line, too (in a spreadsheet: empty its cell).'
        )


def _with_points(text):
    """The same with points for decimal commas."""
    numbers = text.cells[[name for name in checks.FRACTIONS if name in text.cells]]
    if not any("," in "".join(column.tolist()) for _, column in numbers.items()):
        return text
    commas = numbers.apply(lambda column: column.str.fullmatch(_DECIMAL_COMMA)).astype(bool)
    points = numbers.apply(lambda column: column.str.contains(".", regex=False)).astype(bool)
    if commas.to_numpy().any() and points.to_numpy().any():
        row, column = np.argwhere(commas)[0]
        raise checks.TableError(
            f"{text.place(row)}, column '{numbers.columns[column]}': {numbers.iloc[row, column]} "
            "has a decimal comma, and other numbers have a decimal point. Write all in one way."
        )
    pointed = numbers.apply(lambda column: column.str.replace(",", ".", regex=False))
    return text._replace(cells=text.cells.assign(**numbers.where(~commas, pointed)))


def _json(line, separator):
    """The object in the first line of a CSV file."""
    for restored in (lambda line, _: line, _before_the_spreadsheet, _without_empty_cells):
        try:
            header = json.loads(restored(line, separator).removeprefix("#"))
        except (ValueError, RecursionError, csv.Error):
            continue
        if isinstance(header, dict):
            return header
    raise checks.TableError(
        "the first line is not a table's header (# and JSON). Write tables with to_csv."
    )


def _before_the_spreadsheet(line, separator):
    """A line that a spreadsheet has taken for cells, without the quotation marks it added."""
    cells = (
        cell.replace(",", ".") if re.fullmatch(_DECIMAL_COMMA, cell) else cell
        for cell in _cells_of(line, separator)
    )
    return ",".join(cells).rstrip(",")


def _without_empty_cells(line, separator):
    """The same, if somebody has emptied the cells of a field."""
    return re.sub(r",(\s*,)+", ",", _before_the_spreadsheet(line, separator))


def _header(line, separator):
    """The first line of a CSV file, checked."""
    header = _json(line, separator)
    if header.get("version") not in READS:
        raise checks.TableError(
            f"the table is of version {shown(header.get('version'))}, and this package reads "
            f"versions {' and '.join(map(str, READS))}. Use the package that wrote it, or draw the "
            "table again."
        )
    if unlike := (header.keys() ^ {*FIELDS}) - {ROWS}:
        raise checks.TableError(
            f"the header must say {', '.join(FIELDS)}. It differs in "
            f"{shown(', '.join(sorted(unlike)))}."
        )
    checks.times(header["duration"], header["fade_in"], header["fade_out"])
    counted = header.get(ROWS, 0)
    if not isinstance(counted, int) or isinstance(counted, bool) or counted < 0:
        raise checks.TableError(f"the header's {ROWS} is {shown(repr(counted))}, not a count.")
    labels = header["labels"]
    if not isinstance(labels, dict) or not all(
        isinstance(parts, list) for parts in labels.values()
    ):
        raise checks.TableError("the header's labels must be an object of lists.")
    parts = [part for parts in labels.values() for part in parts]
    if not all(map(checks.is_text, [*labels, *parts])) or len({*map(normalised, parts)}) < len(
        parts
    ):
        raise checks.TableError("the header's labels must be text, and each listed once.")
    if not (isinstance(header["root"], str) and isinstance(header["settings"], dict)):
        raise checks.TableError("the header's root must be text, and its settings an object.")
    return header
