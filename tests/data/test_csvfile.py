"""A table survives its file, and a file that is no table is refused.

Files come from to_csv, from spreadsheets, from people's editors, and damaged.
"""

import csv
import errno
import io
import json
import math
import os
import re
import shutil
import unicodedata

import numpy as np
import pandas as pd
import pytest
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.data import MixtureTable, open_songs
from tutorial_utils.data.songs import LABELS
from tutorial_utils.data.table.checks import COLUMNS, TableError

AS_IT_IS = dict(pitch_shift=None, time_stretch=None)


def sample(songs, n=5, seed=0, duration=1.0, **changes):
    return MixtureTable.sample(songs, n, seed, duration, **changes)


def same(one, other, rtol=0.0):
    """Whether two tables agree in everything, except in where the root is."""
    pd.testing.assert_frame_equal(one.rows, other.rows, rtol=rtol, atol=0)
    header = [
        (t.duration, t.labels, t.parts, t.fade_in, t.fade_out, t.seed, plain(t.settings))
        for t in (one, other)
    ]
    assert header[0] == header[1]
    return True


def plain(settings):
    return json.loads(json.dumps(settings))


# To a file and back


@settings(deadline=None, max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1),
    duration=st.sampled_from([1.0, 0.73, 2]),
    leave_out=st.sampled_from([0.0, 0.7]),
    augmented=st.booleans(),
    fade=st.sampled_from([0.0, 0.01, 0.123456789]),
    summed=st.booleans(),
)
def test_a_table_survives_its_file(
    songs, tmp_path_factory, seed, duration, leave_out, augmented, fade, summed
):
    wanted = {} if augmented else AS_IT_IS
    drawn = sample(songs, 4, seed, duration, leave_out=leave_out, fade=fade, **wanted)
    if summed:
        drawn = drawn.summed(accompaniment=["drums", "bass", "other"])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    assert drawn.to_csv(path) == path and os.listdir(path.parent) == ["t.csv"]
    read = MixtureTable.from_csv(path)
    assert same(read, drawn) and read.root == drawn.root
    read.to_csv(path.parent / "again.csv")
    assert (path.parent / "again.csv").read_bytes() == path.read_bytes()
    np.testing.assert_equal(read.render(1).sources, drawn.render(1).sources)


NAMES = [
    'Zoë, "live" in Köln',
    "it's; 50 % = <b>half",
    "漢字 🎵",
    "Live: # 1",
    "nan",
    "1e5",
]


@pytest.fixture
def odd(tmp_path, random):
    """Songs whose names are hard on a CSV file."""
    for name in NAMES:
        for label in ("a, b", "vocals"):
            audio.write(tmp_path / "train" / name / f"{label}.wav", noise(random, 1.2), RATE)
    return open_songs(tmp_path)


def test_names_survive(odd, tmp_path):
    drawn = sample(odd, 30, **AS_IT_IS)
    assert set(drawn.rows["song"]) == {*NAMES} and drawn.labels == ("vocals", "a, b")
    assert same(MixtureTable.from_csv(drawn.to_csv(tmp_path / "ü, ö.csv")), drawn)


def test_a_name_that_a_spreadsheet_would_run_is_refused(tmp_path, write_song):
    write_song(tmp_path / "=cmd|calc")
    with pytest.raises(TableError, match=r"column 'song': '=cmd\|calc' would be run as a formula"):
        sample(open_songs(tmp_path))


def test_silence_survives(songs, tmp_path):
    drawn = sample(songs, song=("const", "b"), **AS_IT_IS)
    assert (drawn.rows.loc[drawn.rows["label"] == "vocals", "loudness"] == -math.inf).all()
    assert same(MixtureTable.from_csv(drawn.to_csv(tmp_path / "t.csv")), drawn)


def test_settings_of_other_types_are_kept_as_json(songs, tmp_path):
    drawn = sample(
        songs,
        seed=np.int64(3),
        audible={"drums"},
        snr={label: ("const", np.float32(1)) for label in LABELS},
    )
    read = MixtureTable.from_csv(drawn.to_csv(tmp_path / "t.csv"))
    assert read.seed == 3 and read.settings["audible"] == ["drums"]
    assert read.settings["snr"]["bass"] == ["const", 1.0]
    assert read.settings["source_time"] == ["uniform", 0.0, math.inf]


def test_a_folder_that_moved(songs, tmp_path, monkeypatch):
    drawn = sample(songs, coherent=0.0, **AS_IT_IS)
    path = drawn.to_csv(tmp_path / "t.csv")
    shutil.copytree(drawn.root, tmp_path / "moved")
    read = MixtureTable.from_csv(path, root=tmp_path / "moved")
    assert same(read, drawn) and read.root == tmp_path / "moved"
    monkeypatch.chdir(tmp_path)
    relative = MixtureTable.from_csv("t.csv", root="moved")
    np.testing.assert_array_equal(relative.render(0).mixture, drawn.render(0).mixture)
    relative.to_csv("u.csv")  # The root is written in full.
    monkeypatch.chdir("/")
    assert MixtureTable.from_csv(tmp_path / "u.csv").root == tmp_path / "moved"
    with pytest.raises(TableError, match=r"t\.csv: Line \d+, column 'source_file': .*root="):
        MixtureTable.from_csv(path, root=tmp_path / "nowhere")


@pytest.mark.parametrize(("in_file", "on_disk"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_may_be_encoded_otherwise_on_the_disk(tmp_path, write_song, in_file, on_disk):
    """As after a copy from a Mac, or to one; of labels and of files' names alike."""
    for labels, song in ((("vocals", "chœur d'été"), "Zoë"), (("vocals", "chœur d'été"), "a")):
        labels = [unicodedata.normalize(on_disk, label) for label in labels]
        write_song(tmp_path / unicodedata.normalize(on_disk, song), labels)
    drawn = sample(open_songs(tmp_path), 8)
    text = drawn.to_csv(tmp_path / "t.csv").read_text(encoding="utf-8")
    header, rows = text.split("\n", 1)
    (tmp_path / "t.csv").write_text(
        f"{header}\n{unicodedata.normalize(in_file, rows)}", encoding="utf-8"
    )
    read = MixtureTable.from_csv(tmp_path / "t.csv")
    assert read.labels == drawn.labels
    columns = ["label", "source_file"]
    pd.testing.assert_frame_equal(read.rows[columns], drawn.rows[columns])
    for i in range(8):
        np.testing.assert_array_equal(read.render(i).mixture, drawn.render(i).mixture)


def test_a_file_is_written_whole_or_not_at_all(songs, tmp_path, monkeypatch):
    path = sample(songs).to_csv(tmp_path / "t.csv")
    before = path.read_bytes()
    monkeypatch.setattr(pd.DataFrame, "to_csv", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sample(songs, seed=9).to_csv(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["t.csv"]


# Files that were changed


@pytest.fixture(scope="module")
def file(songs, tmp_path_factory):
    """A table's file: its text, and a function that reads another text in its place."""
    folder = tmp_path_factory.mktemp("table")
    drawn = sample(songs, 3, time_stretch=None, ref_db=("uniform", -26.5, -25.5))
    text = drawn.to_csv(folder / "good.csv").read_text(encoding="utf-8")

    def read(changed, **options):
        path = folder / "t.csv"
        path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
        return MixtureTable.from_csv(path, **options)

    read.text, read.table = text, drawn
    return read


def lines_of(text):
    return text.rstrip("\n").split("\n")


def with_cell(text, line, column, value):
    """The text with another value in a cell; the lines count from 1."""
    lines = lines_of(text)
    cells = next(csv.reader([lines[line - 1]]))
    cells[COLUMNS.index(column)] = value
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    return "\n".join([*lines[: line - 1], written.getvalue(), *lines[line:]])


def with_header(text, **changes):
    first, rest = text.split("\n", 1)
    return f"# {json.dumps(json.loads(first[1:]) | changes)}\n{rest}"


def uncounted(text):
    """Without the number of rows, as a file that somebody removed rows from."""
    return re.sub('"rows": [0-9]+, ', "", text, count=1)


def spreadsheet(
    text, separator=",", decimal=".", end="\r\n", encoding="utf-8", quote=csv.QUOTE_MINIMAL, empty=0
):
    """What a spreadsheet makes of a table: all lines as long as the longest, numbers as shown."""
    rows = list(csv.reader(lines_of(text)))
    longest = max(map(len, rows)) + empty
    rows += [[]] * empty
    written = io.StringIO()
    csv.writer(written, delimiter=separator, lineterminator=end, quoting=quote).writerows(
        [number(cell, decimal) for cell in row] + [""] * (longest - len(row)) for row in rows
    )
    return written.getvalue().encode(encoding)


def number(cell, decimal):
    try:
        value = float(cell)
    except ValueError:
        return cell
    return cell if math.isinf(value) else f"{value:.15g}".replace(".", decimal)


def in_one_cell(text):
    """A spreadsheet that expects semicolons takes each line as one cell."""
    quoted = ('"' + line.replace('"', '""') + '"' for line in lines_of(text))
    return spreadsheet("\n".join(quoted), ";")


SPREADSHEETS = {
    "Excel, CSV UTF-8": lambda text: spreadsheet(text, encoding="utf-8-sig"),
    "Excel in German": lambda text: spreadsheet(text, ";", ",", encoding="utf-8-sig"),
    "Excel in German, all in one cell": in_one_cell,
    "Excel, Unicode text": lambda text: b"\xff\xfe" + spreadsheet(text, "\t", encoding="utf-16-le"),
    "Excel in French, Unicode text": lambda text: spreadsheet(text, "\t", ",", encoding="utf-16"),
    "Excel, Macintosh": lambda text: spreadsheet(text, ";", end="\r"),
    "sep=;": lambda text: b"sep=;\r\n" + spreadsheet(text, ";", ","),
    "sep= and a BOM": lambda text: b"\xef\xbb\xbfsep=\t\n" + spreadsheet(text, "\t", end="\n"),
    "sep=|": lambda text: b"sep=|\n" + spreadsheet(text, "|", end="\n"),
    "sep=, in a cell": lambda text: b'"sep=,",,,,\n' + spreadsheet(text),
    "LibreOffice": lambda text: spreadsheet(text, end="\n"),
    "LibreOffice, text quoted": lambda text: spreadsheet(text, end="\n", quote=csv.QUOTE_ALL),
    "LibreOffice in Dutch": lambda text: spreadsheet(text, ",", ",", end="\n"),
    "UTF-16 without a mark": lambda text: spreadsheet(text, encoding="utf-16-be"),
    "UTF-16 without a mark, too": lambda text: spreadsheet(text, ";", encoding="utf-16-le"),
    "empty lines and columns": lambda text: spreadsheet(text, empty=3),
    "empty lines and columns in German": lambda text: spreadsheet(text, ";", ",", empty=3),
}


@pytest.mark.parametrize("change", SPREADSHEETS.values(), ids=SPREADSHEETS)
def test_what_spreadsheets_make_of_a_table(file, change):
    """Also of names with accents, commas, semicolons and quotation marks in them."""
    text = with_cell(file.text, 4, "song", 'Zoë, "live"; in Köln')
    changed = change(text)
    assert (changed if isinstance(changed, bytes) else changed.encode()) != text.encode()
    read = file(changed)
    pd.testing.assert_frame_equal(read.rows, file(text).rows, rtol=1e-12)
    assert read.rows["song"][1] == 'Zoë, "live"; in Köln'
    assert same(read.take([1, 2]), file.table.take([1, 2]), rtol=1e-12)
    # The lines of the file are counted, whatever stands before.
    with pytest.raises(TableError, match=r"Line [56], column 'role': 'solo' is none of"):
        file(change(with_cell(text, 5, "role", "solo")))


def test_text_that_is_neither_utf_8_nor_utf_16(file):
    """Which letters the bytes of "ANSI" text stand for, the file does not say."""
    changed = with_cell(file.text, 6, "song", "Zoë").encode("cp1252")
    with pytest.raises(TableError, match=r'decode line 6\. If .* save it there as "CSV UTF-8"'):
        file(changed)
    assert file(file.text.encode("cp1252")).labels == LABELS  # It has no such letters.


def test_commas_and_points_are_not_mixed(file):
    text = with_cell(with_cell(file.text, 5, "snr", "1,5"), 5, "source_time", "0,25")
    with pytest.raises(TableError, match=r"Line 5, column 'source_time': 0,25 has a decimal comma"):
        file(text)
    # 44,100 are not 44.1: whole numbers have no decimal comma, however it is meant.
    with pytest.raises(TableError, match=r"Line 5, column 'sample_rate': '44,100' is not a number"):
        file(with_cell(file.text, 5, "sample_rate", "44,100"))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.rstrip("\n"),
        lambda text: text + "\n\n\n",
        lambda text: text.replace(",", ";"),
        lambda text: "\n".join([*lines_of(text)[:2], *reversed(lines_of(text)[2:])]),
        lambda text: "\n".join(
            [lines_of(text)[0], *(",".join(line.split(",")[::-1]) for line in lines_of(text)[1:])]
        ),
        uncounted,
    ],
    ids=["CRLF", "CR", "no end", "empty end", "semicolons", "unsorted", "columns", "uncounted"],
)
def test_what_does_not_matter(file, change):
    read = file(change(file.text))
    key = ["mixture", "label"]
    pd.testing.assert_frame_equal(
        read.rows.sort_values(key, ignore_index=True),
        file.table.rows.sort_values(key, ignore_index=True),
    )
    assert read.labels == file.table.labels and len(read) == 3


def test_a_table_of_version_1(file):
    """It had sixteen columns, and its rows were not counted."""
    lines = [line.rsplit(",", 4)[0] for line in lines_of(file.text)[1:]]
    header = json.loads(lines_of(file.text)[0][1:]) | dict(version=1)
    del header["rows"]
    assert lines[0].endswith("channels,sample_rate")
    old = file("\n".join([f"# {json.dumps(header)}", *lines]))
    assert same(old, file.table) and old.version == 2


def test_every_column_survives(songs, tmp_path):
    """Also those that are off by default."""
    rows = sample(songs, **AS_IT_IS).rows
    changed = dict(snr=math.nan, gain=-3.5, polarity=-1, swap=1, effects=2**20, loudness=math.nan)
    rows.loc[1] = rows.loc[1].to_dict() | changed
    table = MixtureTable(rows, songs[0].path.parents[1], 1.0, LABELS)
    assert table.rows.loc[1, [*changed]].to_dict() == pytest.approx(changed, nan_ok=True)
    assert same(MixtureTable.from_csv(table.to_csv(tmp_path / "t.csv")), table)


# Rows that are missing


@pytest.mark.parametrize("rows", [0, 1, 4, 11])
def test_a_file_that_was_cut_off_between_two_rows(file, rows):
    """All that is left is well-formed, so that only a count can tell."""
    cut = "".join(file.text.splitlines(keepends=True)[: 2 + rows])
    with pytest.raises(
        TableError,
        match=rf't\.csv: the header counts 12 rows, and there are {rows}\..*"rows": 12 from',
    ):
        file(cut)


def test_rows_may_be_removed_on_purpose(file):
    """In an editor by removing the count, in a spreadsheet by emptying its cell."""
    lines = lines_of(file.text)
    part = "\n".join([lines[0], *lines[1:6]])
    for of_editor in (
        part.replace('"rows": 12, ', ""),
        part.replace('"rows": 12', ""),
        part.replace('"rows": 12', '"rows": 4'),
    ):
        assert same(file(of_editor), file.table.take([0]))
    for separator in ",;":
        saved = spreadsheet(part, separator).decode()
        count = '" ""rows"": 12"'
        assert saved.count(count) == 1
        assert same(file(saved.replace(count, "")), file.table.take([0]), rtol=1e-12)


def test_a_row_may_be_there_twice(file):
    lines = lines_of(file.text)
    twice = file("\n".join([*lines, lines[2]]))
    assert [event.label for event in twice.events(0)] == [*LABELS, "drums"]
    drums = [t.render(0).sources["drums"] for t in (twice, file.table)]
    np.testing.assert_allclose(drums[0], 2 * drums[1], atol=1e-6)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("source_file", "train/x/bass.wav", r"train/x/bass\.wav is not in .*root="),
        ("source_file", "../outside.wav", r"'\.\./outside\.wav' does not lie below the table's ro"),
        ("source_file", "/etc/passwd", "'/etc/passwd' does not lie below the table's root"),
        ("source_file", "", "'' is no text. Fill the cell"),
        ("source_time", "2.5", r"2\.5 with source_duration 1\.000 reaches beyond the end of"),
        ("source_time", "1e308", r"1e\+308 is not a number from 0"),
        ("source_time", "inf", "inf is not a number from 0"),
        ("snr", "nan", "'nan' is not a number. Leave the cell empty"),
        ("pitch_shift", "NaN", "'nan' is not a number. Leave the cell empty"),
        ("snr", "loud", "'loud' is not a number"),
        ("gain", "", "'' is not a number"),
        ("polarity", "0", "0.0 is not a whole number, 1 or -1"),
        ("effects", "0.5", "0.5 is not a whole number"),
        ("snr", "05. Mrz", r"'05\. Mrz' is not a number\. If a spreadsheet made this of one"),
        ("loudness", "#NAME?", r"'#NAME\?' is not a number\. If a spreadsheet made this of one"),
        ("snr", "-inf", "-inf is not a number from -200 to 200"),
        ("mixture", "0.5", r"0\.5 is not a whole number"),
        ("mixture", "inf", "inf is not a whole number"),
        ("song", "=HYPERLINK()", r"'=HYPERLINK\(\)' would be run as a formula"),
        ("label", "@SUM(A1)", r"'@SUM\(A1\)' would be run as a formula"),
        ("label", "piano", "'piano' is none of drums, bass, other, vocals"),
        ("song", "a\x07", "holds control characters"),
        ("split", "holdout", "holdout differs: a mixture has one split"),
        ("event_time", "0.25", r"0\.25 begins so late that its 1\.000 s would not end"),
        ("role", "", "'' is no text"),
        ("sample_rate", "8001", "8001 differs: the whole table has one sample_rate"),
    ],
)
def test_a_cell_that_cannot_be(file, column, value, message):
    changed = with_cell(file.text, 5, column, value)
    with pytest.raises(TableError, match=rf"t\.csv: Line 5, column '{column}': .*{message}"):
        file(changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(version=3), "the table is of version 3, and this package reads versions 1 and 2"),
        (dict(version=None), "the table is of version None"),
        (dict(version="\x1b[2J" * 999), r"the table is of version \\x1b\[2J.* and this package"),
        (dict(rows="12"), "the header's rows is '12', not a count"),
        (dict(rows=-1), "the header's rows is -1, not a count"),
        (dict(rows=True), "the header's rows is True, not a count"),
        (dict(more=1), r"header must say version, root.*differs in more"),
        (dict(root=3), "root must be text"),
        (dict(root=None), "root must be text"),
        (dict(settings=[]), "settings an object"),
        (dict(labels=["drums"]), "labels must be an object of lists"),
        (dict(labels={"a": "drums"}), "labels must be an object of lists"),
        (dict(labels={"a": [1]}), "labels must be text, and each listed once"),
        (dict(labels={"a": ["x", "y"], "b": ["x"]}), "labels must be text, and each listed once"),
        (dict(labels={"a": ["\ud800"]}), "labels must be text, and each listed once"),
        (dict(labels={"a": ["é", "e\u0301"]}), "labels must be text, and each listed once"),
        (dict(labels={}), "Line 3, column 'label': 'drums' is none of"),
        (dict(duration="1"), "duration is '1', not a number from 0.1"),
        (dict(duration=True), "duration is True, not a number"),
        (dict(duration=math.nan), "duration is nan, not a number"),
        (dict(duration=math.inf), "duration is inf, not a number"),
        (dict(duration=10**400), "duration is 1000.*, not a number"),
        (dict(duration=0.5), "Line 3, column 'event_time': .* within the 0.5 s of a mixture"),
        (dict(duration=86400), r"Line 3, column 'mixture': 0 would take 28 GB of memory \(5 sig"),
        (dict(fade_in=-0.1), r"fade_in is -0\.1, not a number from 0"),
        (
            dict(fade_in=86400),
            "fade_in is 86400, not a number from 0 to 1: seconds, no more",
        ),
        (dict(root="\ud800"), "Line 3, column 'source_file': .*cannot be used|is not in"),
        (dict(fade_out=math.nan), "fade_out is nan, not a number"),
    ],
    ids=str,
)
def test_a_header_that_cannot_be(file, change, message):
    with pytest.raises(TableError, match=rf"t\.csv: .*{message}"):
        file(with_header(file.text, **change))


def test_a_header_that_lacks_something(file):
    first, rest = file.text.split("\n", 1)
    header = json.loads(first[1:])
    del header["fade_in"]
    with pytest.raises(TableError, match=r"header must say .*It differs in fade_in"):
        file(f"# {json.dumps(header)}\n{rest}")


NO_HEADER = r"the first line is not a table's header \(# and JSON\)"


def without_cells(text, line, n):
    lines = lines_of(text)
    lines[line - 1] = lines[line - 1].rsplit(",", n)[0]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", NO_HEADER),
        (lambda text: text.split("\n", 1)[1], NO_HEADER),
        (lambda text: text[:60], NO_HEADER),
        (lambda text: "# [1, 2]\n" + text, NO_HEADER),
        (lambda text: "# 7\n" + text, NO_HEADER),
        (lambda text: "# " + "[" * 100_000 + "\n" + text, NO_HEADER),
        (lambda text: "# " + '"a' * 100_000 + "\n" + text, NO_HEADER),
        (lambda text: bytes(range(256)) * 40, "is no CSV file: .*codec can't decode line 3"),
        (lambda text: b"\0" * 5000, NO_HEADER),
        (lambda text: text.encode("utf-16")[:-1], "is no CSV file: .*codec can't decode line 14"),
        (lambda text: lines_of(text)[0], "there are no rows. The file was cut off"),
        (lambda text: uncounted("\n".join(lines_of(text)[:2])), "The table has no rows"),
        (lambda text: lines_of(text)[0] + "\n,,,\n,,\n", "column 'mixture' is missing"),
        (
            lambda text: uncounted(text[: text.index("foreground") - 40]),
            r"Line 3, column '\w+': '' is not a",
        ),
        (lambda text: text[: text.rindex("foreground")], r"Line 14, column 'channels': ''"),
        (lambda text: without_cells(text, 7, 4), r"Line 7, column 'gain': '' is not a number"),
        (
            lambda text: "\n".join([*lines_of(text)[:6], lines_of(text)[6] + ",1"]),
            "is no CSV file: Expected 20 fields in line 7, saw 21",
        ),
        (
            lambda text: "\n".join([*lines_of(text)[:6], "", *lines_of(text)[6:]]),
            "Line 7, column 'mixture': '' is not a number",
        ),
        (lambda text: text + '"', "is no CSV file: EOF inside string, in line 15"),
        (
            lambda text: with_cell(text, 5, "song", 'two,"\n"lines'),
            "line 5 has a cell that goes on",
        ),
        (lambda text: text.replace("snr,", "gain,", 1), "column 'snr' is missing"),
        (
            lambda text: text.replace("snr,", "gain,gain,", 1),
            "column 'snr' is missing|There are 3 columns 'gain'",
        ),
        (lambda text: without_cells(text, 2, 5), "column 'sample_rate' is missing"),
        (
            lambda text: text.replace("\n", ",pan\n", 2).replace(",pan", "", 1),
            "There is a column 'pan', which means nothing here",
        ),
        (
            lambda text: text.replace("\n", ",gain\n", 2).replace(",gain", "", 1),
            "There are 2 columns 'gain'. Remove all but one",
        ),
        (
            lambda text: text.replace("snr,", "snr," * 100_000, 1),
            "There are 100000 columns 'snr'",
        ),
    ],
    ids=range(26),
)
def test_a_file_that_is_no_table(file, change, message):
    with pytest.raises(TableError, match=message):
        file(change(file.text))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"t\.csv"):
        MixtureTable.from_csv(tmp_path / "t.csv")


def test_a_root_of_nobody(file):
    with pytest.raises(FileNotFoundError, match="~nosuchuser"):
        file(file.text, root="~nosuchuser/songs")


def test_a_file_that_cannot_be_written_is_named(songs, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder/t\.csv'$"):
        sample(songs, 1).to_csv(tmp_path / "no folder" / "t.csv")


def test_a_full_disk(songs, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match=r"No space left on device: .*t\.csv'$"):
        sample(songs, 1).to_csv(tmp_path / "t.csv")
    assert not os.listdir(tmp_path)


odd_text = st.text(max_size=6) | st.sampled_from(
    [
        "nan",
        "inf",
        "-inf",
        '"',
        '""',
        ",",
        "\n",
        "\r",
        "=1",
        "..",
        "/",
        "\\",
        "-",
        "1e999",
        "~a",
        "\0",
    ]
)


@settings(deadline=None, max_examples=120)
@given(
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), odd_text), min_size=1, max_size=4),
    body=st.booleans(),
)
def test_any_change_gives_a_table_or_a_table_error(file, cuts, body):
    """Parts of the file replaced by others; in half of the cases the header stays."""
    text = file.text
    begin = text.index("\n") if body else 0
    for place, length, new in cuts:
        at = begin + round(place * (len(text) - begin))
        text = text[:at] + new + text[at + length :]
    read_or_refused(file, text.encode("utf-8", "surrogatepass"))


@settings(deadline=None, max_examples=120)
@given(
    line=st.integers(2, 14),
    column=st.sampled_from(COLUMNS),
    value=st.text(max_size=8)
    | st.floats().map(repr)
    | st.integers().map(str)
    | st.sampled_from(["train", "../x", "~", ".", "a\nb", "1_0", "٣", "0x1", "drums" * 90, "1e5"]),
)
def test_any_cell_gives_a_table_or_a_table_error(file, line, column, value):
    text = with_cell(file.text, line, column, value)
    read_or_refused(file, text.encode("utf-8", "surrogatepass"))


@settings(deadline=None, max_examples=100)
@given(data=st.binary(max_size=300), at=st.floats(0, 1))
def test_any_bytes_give_a_table_or_a_table_error(file, data, at):
    good = file.text.encode()
    place = round(at * len(good))
    read_or_refused(file, good[:place] + data)
    read_or_refused(file, data)


def read_or_refused(file, changed):
    try:
        read = file(changed)
    except TableError as error:
        assert "t.csv: " in str(error)
        assert str(error).isprintable() and len(str(error)) < 2000
        return
    assert len(read) >= 1 and tuple(read.rows) == COLUMNS
    assert len(read.render(0).mixture) in range(1, 6)
