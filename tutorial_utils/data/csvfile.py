"""A table of mixtures as a CSV file: a first line that holds all that is not in the rows, as JSON.

What is read here is text; :mod:`.checks` makes values of it.
"""

import csv
import io
import json
import uuid
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from tutorial_utils.data import checks

VERSION = 1
FIRST_ROW = 3  # the line of the file that holds it: after the header and the names of the columns
SHORTEST, LONGEST = 0.1, 86400  # seconds; who asks for more than a day has made a mistake
FIELDS = ("version", "root", "duration", "labels", "fade_in", "fade_out", "seed", "settings")


def write(path: Path, header: Mapping, rows: pd.DataFrame) -> None:
    """Write the header and the rows, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(f"# {json.dumps(header, default=_plain)}\n")
            rows.to_csv(file, index=False, lineterminator="\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path) -> tuple[dict, pd.DataFrame]:
    """The header, checked, and the rows as text.

    Raises
    ------
    TableError
        If the file is no such table; the message does not name it.
    """
    try:
        first, _, rest = path.read_text(encoding="utf-8-sig").partition("\n")
        return _header(first), _cells(rest)
    except checks.TableError:
        raise
    except ValueError as error:
        raise checks.TableError(f"this is no CSV file: {str(error).strip()}.") from error


def _plain(value):
    """NumPy's numbers, and sets, as JSON can hold them."""
    return value.tolist() if hasattr(value, "tolist") else list(value)


def _cells(text):
    """The names of the columns and the rows of a CSV file, as text."""
    if not text.strip():
        raise checks.TableError("there are no rows. The file was cut off: write it again.")
    # An empty line stands for the header, so that errors count lines as the file does.
    cells = pd.read_csv(
        io.StringIO("\n" + text.rstrip("\n")),
        dtype=str,
        header=1,
        keep_default_na=False,
        na_filter=False,
        skip_blank_lines=False,
    )
    # A spreadsheet fills all lines up to the length of the longest, which is the header's.
    empty = [name for name in cells if name.startswith("Unnamed: ") and (cells[name] == "").all()]
    return cells.drop(columns=empty)


def _json(line):
    """The object in the first line of a CSV file."""
    for restore in (str, _as_before_the_spreadsheet):
        try:
            header = json.loads(restore(line).removeprefix("#"))
        except (ValueError, RecursionError, csv.Error):
            continue
        if isinstance(header, dict):
            return header
    raise checks.TableError(
        "the first line is not a table's header (# and JSON). Write tables with to_csv."
    )


def _as_before_the_spreadsheet(line):
    """A line that a spreadsheet has taken for cells: without the quotation marks it added."""
    return ",".join(next(csv.reader([line]), [])).rstrip(",")


def _header(line):
    """The first line of a CSV file, checked."""
    header = _json(line)
    if header.get("version") != VERSION:
        raise checks.TableError(
            f"the table is of version {header.get('version')}, and this package reads version "
            f"{VERSION}. Use the package that wrote it, or draw the table again."
        )
    if unlike := header.keys() ^ {*FIELDS}:
        raise checks.TableError(
            f"the header must say {', '.join(FIELDS)}. It differs in {', '.join(sorted(unlike))}."
        )
    for name, least in {"duration": SHORTEST, "fade_in": 0, "fade_out": 0}.items():
        value = header[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and least <= value <= LONGEST):
            raise checks.TableError(
                f"the header's {name} is {value!r:.20}, not a number from {least} to {LONGEST}."
            )
    labels = header["labels"]
    if not isinstance(labels, dict) or not all(
        isinstance(parts, list) for parts in labels.values()
    ):
        raise checks.TableError("the header's labels must be an object of lists.")
    parts = [part for parts in labels.values() for part in parts]
    if not all(isinstance(part, str) for part in parts) or len({*parts}) < len(parts):
        raise checks.TableError("the header's labels must be text, and each listed once.")
    if not (isinstance(header["root"], str) and isinstance(header["settings"], dict)):
        raise checks.TableError("the header's root must be text, and its settings an object.")
    return header
