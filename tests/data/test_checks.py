"""A table that cannot be used is refused, with the row, the column, and what to do."""

import math

import numpy as np
import pandas as pd
import pytest
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.data.table import checks
from tutorial_utils.data.table.checks import COLUMNS, TableError

LABELS = ("drums", "vocals")
ROW = dict(
    mixture=0, split="train", label="drums", song="a", source_file="a/drums.wav", source_time=0.5,
    source_duration=1.0, event_time=0.0, snr=3.0, ref_db=-26.0, pitch_shift=math.nan,
    time_stretch=math.nan, loudness=-20.5, role="foreground", channels=2, sample_rate=RATE,
    gain=0.0, polarity=1, swap=0, effects=math.nan,
)  # fmt: skip


def table(*changes):
    """A table with a row for each of the mappings, which say how it differs from a good one."""
    return pd.DataFrame([ROW | change for change in changes])


def rows(*changes, duration=1.0):
    return checks.rows(table(*changes), duration, LABELS)


def line(row):
    """Where a row stands in a file that has two lines before."""
    return f"Line {row + 3}"


def test_a_good_table_gets_its_types_and_order():
    given_rows = table(dict(mixture=7), dict(mixture=2), dict(mixture=7, label="vocals"))
    checked = checks.rows(given_rows[[*COLUMNS[::-1]]].astype(object), 1.0, LABELS)
    assert tuple(checked) == COLUMNS
    assert list(checked["mixture"]) == [2, 7, 7] and list(checked.index) == [1, 0, 2]
    assert list(checked["label"]) == ["drums", "drums", "vocals"]
    for name in COLUMNS:
        kind = {int: "i", float: "f"}.get(type(ROW[name]))
        assert kind is None or checked[name].dtype.kind == kind


@pytest.mark.parametrize(
    "change",
    [
        dict(split=""),
        dict(loudness=-math.inf),
        dict(loudness=math.nan),
        dict(pitch_shift=-24.0, time_stretch=0.25),
        dict(pitch_shift=24.0, time_stretch=4.0, source_duration=0.25),
        dict(event_time=0.4, source_duration=0.6),
        dict(event_time=1 / 3, source_duration=2 / 3),
        dict(song='Zoë, "live" & <b>; it\'s 5=4'),
        dict(source_file="Live: in Köln/a b.wav"),
        dict(role="background"),
        dict(mixture=10**9),
        dict(snr=math.nan, gain=-3.5),
        dict(polarity=-1, swap=1, effects=12345),
    ],
    ids=str,
)
def test_what_is_allowed(change):
    assert len(rows(change)) == 1


NUMBERS = [name for name in COLUMNS if not isinstance(ROW[name], str)]
TEXTS = [name for name in COLUMNS if isinstance(ROW[name], str)]
MAY_BE_NAN = {"snr", "pitch_shift", "time_stretch", "loudness", "effects"}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in NUMBERS for value in ("loud", math.inf, 1e300)]
    + [(name, math.nan) for name in NUMBERS if name not in MAY_BE_NAN]
    + [(name, 0.5) for name in ("mixture", "channels", "sample_rate", "polarity", "effects")]
    + [("polarity", 0), ("polarity", -2), ("swap", 2), ("swap", -1), ("effects", -1)]
    + [(name, -0.01) for name in ("mixture", "source_time", "event_time", "source_duration")]
    + [("source_duration", 0.0), ("channels", 0), ("channels", 6), ("sample_rate", 8)]
    + [("pitch_shift", 25), ("pitch_shift", -25), ("time_stretch", 0.2), ("time_stretch", 5)]
    + [("snr", 201), ("ref_db", -201), ("pitch_shift", -math.inf), ("time_stretch", 0)],
)
def test_numbers_that_are_none_or_out_of_bounds(name, value):
    frame = table(*[{}] * 3).astype(object)
    frame.loc[1, name] = value
    with pytest.raises(TableError, match=rf"^Row 2, column '{name}': .* is not a (whole )?number"):
        checks.rows(frame, 1.0, LABELS)
    with pytest.raises(TableError, match=rf"^Line 4, column '{name}'"):
        checks.rows(frame, 1.0, LABELS, line)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "=HYPERLINK()"])
def test_what_a_spreadsheet_would_run(name, text):
    """Whatever the column: these are refused before it is asked what they mean."""
    with pytest.raises(TableError, match=rf"^Row 3, column '{name}': .*as a formula by a spread"):
        rows({}, {}, {name: text})


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("text", ["a\nb", "a\x00", "a\x7fb", "a\tb"])
def test_control_characters(name, text):
    with pytest.raises(TableError, match=rf"^Row 2, column '{name}': .*control characters"):
        rows({}, {name: text})


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", [None, 3.0, math.nan, ""])
def test_text_that_is_missing(name, value):
    if name == "split" and value == "":
        return
    frame = table({}, {}).astype(object)
    frame.loc[1, name] = value
    with pytest.raises(TableError, match=rf"^Row 2, column '{name}': .* is no text"):
        checks.rows(frame, 1.0, LABELS)


@pytest.mark.parametrize(
    "file",
    [
        "/etc/passwd", "../a.wav", "a/../../b.wav", "..", r"a\b.wav", r"\\server\a.wav",
        "C:/a.wav", "c:a.wav", "//server/a.wav",
    ],
)  # fmt: skip
def test_a_path_that_leaves_the_root(file):
    with pytest.raises(
        TableError, match=r"^Row 2, column 'source_file': .* does not lie below the table's root"
    ):
        rows({}, dict(source_file=file))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(label="piano"), "Row 2, column 'label': 'piano' is none of drums, vocals"),
        (dict(role="solo"), "Row 2, column 'role': 'solo' is none of foreground, background"),
        (dict(channels=1), "Row 2, column 'channels': 1 differs: the whole table has one channels"),
        (dict(sample_rate=44100), "Row 2, column 'sample_rate': 44100 differs: the whole table"),
        (dict(split="test"), "Row 2, column 'split': test differs: a mixture has one split"),
        (dict(ref_db=-20.0), "Row 2, column 'ref_db': -20.0 differs: a mixture has one ref_db"),
        (
            dict(event_time=0.1),
            r"Row 2, column 'event_time': 0\.1 begins so late that its 1\.000",
        ),
        (dict(source_duration=1.1), r"Row 2, column 'event_time': 0\.0 .* its 1\.100 s would not"),
        (dict(time_stretch=1.2), r"Row 2, column 'event_time': 0\.0 .* its 1\.200 s would not end"),
    ],
    ids=str,
)
def test_what_does_not_go_together(change, message):
    with pytest.raises(TableError, match=f"^{message}"):
        rows({}, change)


def test_mixtures_may_differ_in_split_and_reference():
    assert len(rows({}, dict(mixture=1, split="test", ref_db=-20.0))) == 2


def test_columns():
    with pytest.raises(TableError, match=r"column 'snr' is missing\. A table has mixture, split"):
        checks.rows(table({}).drop(columns="snr"), 1.0, LABELS)
    with pytest.raises(TableError, match="There is a column 'pan', which means nothing"):
        checks.rows(table({}).assign(pan=1), 1.0, LABELS)
    twice = table({})[[*COLUMNS, "snr"]]
    with pytest.raises(TableError, match=r"There are 2 columns 'snr'\. Remove all but one"):
        checks.rows(twice, 1.0, LABELS)
    with pytest.raises(TableError, match="has no rows"):
        checks.rows(table({}).iloc[:0], 1.0, LABELS)


def test_columns_that_older_tables_did_not_have():
    added = ["gain", "polarity", "swap", "effects"]
    full = table({}, dict(label="vocals"))
    pd.testing.assert_frame_equal(
        checks.rows(full.drop(columns=added), 1.0, LABELS), checks.rows(full, 1.0, LABELS)
    )
    some = checks.rows(full.assign(gain=3.0).drop(columns=added[1:]), 1.0, LABELS)
    assert list(some["gain"]) == [3.0, 3.0] and list(some["polarity"]) == [1, 1]
    parsed = checks.parse(cells().drop(columns=added), line)
    assert not {*added} & {*parsed} and len(checks.rows(parsed, 1.0, LABELS)) == 3


def test_other_columns_must_be_there():
    for name in ("channels", "sample_rate", "role", "pitch_shift"):  # They have defaults, too.
        with pytest.raises(TableError, match=f"The column '{name}' is missing"):
            checks.rows(table({}).drop(columns=name), 1.0, LABELS)


COMPOSED, DECOMPOSED = "Chœur d'été", "Chœur d'e\u0301te\u0301"


def test_labels_are_equal_however_their_accents_are_encoded():
    frame = table(dict(label=DECOMPOSED), dict(label=COMPOSED))
    assert list(checks.rows(frame, 1.0, [COMPOSED])["label"]) == [COMPOSED] * 2
    assert list(checks.rows(frame, 1.0, [DECOMPOSED])["label"]) == [DECOMPOSED] * 2
    both = checks.rows(frame, 1.0, [COMPOSED, DECOMPOSED])  # Not wise, but whole.
    assert list(both["label"]) == [DECOMPOSED, COMPOSED]


@pytest.mark.parametrize("name", TEXTS)
def test_bytes_that_are_no_text(name):
    """Python shows a file name that is not UTF-8 with lone surrogates, which no file can hold."""
    with pytest.raises(TableError, match=rf"^Row 2, column '{name}': .*no UTF-8 text. Rename it"):
        rows({}, {name: "caf\udce9"})


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", ["\x1b[2J\x1b]0;title\x07", "x" * 100_000 + "\n", "=" * 100_000])
def test_values_are_shown_on_one_short_printable_line(name, value):
    with pytest.raises(TableError) as error:
        rows({}, {name: value})
    assert str(error.value).isprintable() and len(str(error.value)) < 600


def test_numbers_are_shown_short():
    with pytest.raises(TableError) as error:
        checks.parse(cells(snr="1" * 100_000 + "\x1b[31m"), line)
    assert str(error.value).isprintable() and len(str(error.value)) < 600


def test_a_mixture_fits_into_memory():
    """The limit is an hour of four stereo stems at 44.1 kHz."""
    hour = dict(source_duration=3600.0, sample_rate=44100)
    four = [hour | dict(label=label) for label in ("drums", "vocals") * 2]
    assert len(rows(*four, duration=3600)) == 4
    day = 4 * (1 + 4) * 2 * 86400 * 44100 / 1e9
    with pytest.raises(
        TableError, match=rf"^Row 1, column 'mixture': 0 would take {day:.0f} GB of memory \(5 sig"
    ):
        rows(*four, duration=86400)
    many = pd.concat([table({}), table(dict(mixture=1)).loc[[0] * 200_000]])
    with pytest.raises(TableError, match=r"Row 2, column 'mixture': 1 would take .* shorter"):
        checks.rows(many, 10.0, LABELS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(duration=0.05), r"The duration is 0\.05, not a number from 0\.1 to 86400: seconds"),
        (dict(duration=86401), "The duration is 86401, not a number"),
        (dict(duration=math.nan), "The duration is nan, not a number"),
        (dict(duration="1"), "The duration is '1', not a number"),
        (dict(duration=True), "The duration is True, not a number"),
        (dict(fade_in=-1e-9), "The fade_in is -1e-09, not a number from 0 to 2: seconds, no more"),
        (dict(fade_in=86400.0), r"The fade_in is 86400\.0, not a number from 0 to 2"),
        (dict(fade_out=2.1), r"The fade_out is 2\.1, not a number from 0 to 2"),
        (dict(fade_out=math.inf), "The fade_out is inf, not a number"),
        (dict(fade_out=None), "The fade_out is None, not a number"),
    ],
    ids=str,
)
def test_times(changes, message):
    good = dict(duration=2.0, fade_in=0.0, fade_out=2.0)
    checks.times(**good)
    with pytest.raises(TableError, match=f"^{message}"):
        checks.times(**good | changes)


# Text, as it comes from a file


def cells(**changes):
    """Three rows of text; the second differs by ``changes``."""
    texts = {
        name: "" if value != value else str(value)  # nan is an empty cell
        for name, value in ROW.items()
    }
    return pd.DataFrame([texts, texts | changes, texts])


def test_text_becomes_what_it_says():
    parsed = checks.rows(checks.parse(cells(snr=" 1.5e0 "), line), 1.0, LABELS, line)
    pd.testing.assert_frame_equal(
        parsed, rows({}, dict(snr=1.5), {}), check_dtype=True, check_index_type=False
    )


@settings(deadline=None, max_examples=50)
@given(value=st.floats(-200, 200))
def test_every_digit_of_a_number_counts(value):
    assert checks.parse(cells(snr=repr(value)), line)["snr"][1] == value


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("text", ["loud", "1,5", "#N/A", "0x10", "1 2", "--1", "None"])
def test_text_in_a_column_of_numbers(name, text):
    with pytest.raises(TableError, match=rf"^Line 4, column '{name}': '{text}' is not a number"):
        checks.parse(cells(**{name: text}), line)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("text", ["nan", "NaN", " nan", "-nan"])
def test_nan_is_an_empty_cell_or_an_error(name, text):
    with pytest.raises(TableError, match=rf"^Line 4, column '{name}': 'nan' is not a number"):
        checks.parse(cells(**{name: text}), line)


@pytest.mark.parametrize("name", [name for name in NUMBERS if name not in MAY_BE_NAN])
def test_an_empty_cell(name):
    with pytest.raises(TableError, match=rf"^Line 4, column '{name}': '' is not a number"):
        checks.parse(cells(**{name: ""}), line)


# Files


@pytest.fixture
def root(tmp_path, random):
    audio.write(tmp_path / "a" / "drums.wav", noise(random, 2.0), RATE)
    audio.write(tmp_path / "b.flac", noise(random, 0.5, rate=44100), 44100)
    return tmp_path


def test_files_that_are_there_and_long_enough(root):
    exact = dict(source_file="b.flac", source_time=0.1, source_duration=0.4)
    checks.files(rows({}, dict(source_time=1.0), exact), root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(source_file="a/bass.wav"), r"'source_file': a/bass\.wav is not in .*root=\.\.\."),
        (dict(source_file="a"), "'source_file': a cannot be used: .* is a folder"),
        (dict(source_file="."), r"'source_file': \. cannot be used: .* is a folder"),
        (dict(source_file="x" * 400), "'source_file': xxx.* cannot be used: .*too long"),
        (dict(source_time=1.001), r"'source_time': 1\.001 with source_duration 1\.000 reaches bey"),
        (dict(source_time=9e8), r"'source_time': 900000000\.0 .* lasts 2\.000 s"),
        (dict(source_file="b.flac"), r"'source_time': 0\.5 .*end of b\.flac, which lasts 0\.500 s"),
        (dict(source_file="junk.wav"), "'source_file': junk.wav cannot be used: .*cannot be read"),
        (dict(source_file="empty.wav"), "'source_file': empty.wav cannot be used: .*is empty"),
        (dict(source_file="a/drums.wav/x"), "'source_file': a/drums.wav/x "),
    ],
    ids=str,
)
def test_files_that_cannot_be_used(root, change, message):
    (root / "junk.wav").write_bytes(b"no sound" * 99)
    (root / "empty.wav").touch()
    frame = rows({}, change, {})
    with pytest.raises(TableError, match=rf"^Row 2, column {message}"):
        checks.files(frame, root)
    with pytest.raises(TableError, match=rf"^Line 4, column {message}"):
        checks.files(frame, root, line)


def test_a_file_is_found_however_its_accents_are_encoded(root, random):
    """As after a copy from a Mac; of two that look the same, each is found by its own name."""
    audio.write(root / DECOMPOSED / "a\u0308.wav", noise(random, 2.0), RATE)
    frame = rows({}, dict(source_file=f"{COMPOSED}/ä.wav"), dict(source_file="a/drums.wav"))
    found = checks.files(frame, root)
    assert list(found["source_file"]) == [
        "a/drums.wav", f"{DECOMPOSED}/a\u0308.wav", "a/drums.wav",
    ]  # fmt: skip
    audio.write(root / COMPOSED / "ä.wav", noise(random, 2.0), RATE)
    assert checks.files(frame, root)["source_file"][1] == f"{COMPOSED}/ä.wav"
    with pytest.raises(TableError, match=r"^Row 1, column 'source_file': é\.wav is not in "):
        checks.files(rows(dict(source_file="é.wav")), root)


def test_a_background_is_repeated_from_its_beginning(root):
    background = dict(role="background", source_file="b.flac", source_time=0.0)
    checks.files(rows({}, background), root)
    with pytest.raises(TableError, match=r"^Row 2, .* reaches beyond the end of b\.flac"):
        checks.files(rows({}, background | dict(source_time=0.1)), root)
    with pytest.raises(TableError, match=r"^Row 1, .* missing\.wav is not in"):
        checks.files(rows(background | dict(source_file="missing.wav")), root)


def test_a_root_that_no_file_can_have(root):
    for wrong in ("nul\0", "half\ud800"):
        with pytest.raises(
            TableError, match=r"^Row 1, column 'source_file': a/drums\.wav "
        ) as info:
            checks.files(rows({}), root / wrong)
        assert str(info.value).isprintable()


def test_each_file_is_looked_at_once(root, monkeypatch):
    asked = []
    info = audio.info
    monkeypatch.setattr(checks.audio, "info", lambda path: asked.append(path) or info(path))
    frame = rows(*[dict(mixture=i, source_time=i / 100) for i in range(100)])
    checks.files(frame, root)
    assert asked == [root / "a" / "drums.wav"]
    frame.loc[42, "source_time"] = 1.5
    with pytest.raises(TableError, match=r"^Row 43, column 'source_time'"):
        checks.files(frame, root)


def test_numpy_is_not_in_the_way(root):
    """Rows made with NumPy's types are as good as others."""
    frame = table(dict(mixture=np.int32(0), snr=np.float32(1.5), channels=np.uint8(2)))
    checks.files(checks.rows(frame, np.float64(1.0), list(LABELS)), root)
