"""A table gives views of itself, and is made by hand, from songs and from single sounds."""

import dataclasses
import json
import math
import pickle
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import RATE
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.data import MixtureTable, open_songs, open_sounds
from tutorial_utils.data.mixing import drawing
from tutorial_utils.data.songs import LABELS
from tutorial_utils.data.table.checks import COLUMNS, TableError

AS_IT_IS = dict(pitch_shift=None, time_stretch=None)


def sample(songs, n=5, seed=0, duration=1.0, **changes):
    return MixtureTable.sample(songs, n, seed, duration, **changes)


def same(one, other):
    """Whether two tables agree in everything, except in where the root is."""
    pd.testing.assert_frame_equal(one.rows, other.rows, check_exact=True)
    header = [
        (t.duration, t.labels, t.parts, t.fade_in, t.fade_out, t.seed, plain(t.settings))
        for t in (one, other)
    ]
    assert header[0] == header[1]
    return True


def plain(settings):
    return json.dumps(settings, sort_keys=True)


# Views


def test_a_table_is_as_long_as_it_has_mixtures(songs):
    drawn = sample(songs, 7)
    assert len(drawn) == 7 and len(drawn.rows) == 28
    assert [event.mixture for event in drawn.events(3)] == [3] * 4
    assert [event.label for event in drawn.events(6)] == list(LABELS)
    for i in (-1, 7, 100):
        for call in (drawn.events, drawn.render):
            with pytest.raises(IndexError, match=f"There are 7 mixtures, and {i} is not one"):
                call(i)


def test_events_are_rows(songs):
    drawn = sample(songs)
    for i, event in enumerate(event for j in range(5) for event in drawn.events(j)):
        row = drawn.rows.iloc[i].to_dict()
        for name in COLUMNS:
            here, there = getattr(event, name), row[name]
            assert here == there or (math.isnan(here) and math.isnan(there))
            assert type(here) in (int, float, str)


def test_a_split(songs):
    drawn = sample(songs, 60)
    parts = {split: drawn.subset(split) for split in ("train", "valid", "test")}
    assert sum(map(len, parts.values())) == 60
    for split, part in parts.items():
        assert set(part.rows["split"]) == {split} and part.labels == drawn.labels
        number = part.rows["mixture"].iloc[0]
        np.testing.assert_array_equal(part.render(0).mixture, drawn.render(number).mixture)
    songs_of = [set(part.rows["song"]) for part in parts.values()]
    assert sum(map(len, songs_of)) == len(set.union(*songs_of)) == 6
    with pytest.raises(ValueError, match=r"split 'dev'. There are: .*'train'"):
        drawn.subset("dev")


def test_some_of_the_mixtures(songs):
    drawn = sample(songs, 9)
    part = drawn.take([7, 2, 2, np.int64(4)])
    assert len(part) == 3 and list(part.rows["mixture"].unique()) == [2, 4, 7]
    for i, number in enumerate([2, 4, 7]):
        np.testing.assert_array_equal(part.render(i).mixture, drawn.render(number).mixture)
    assert same(drawn.take(range(9)), drawn)
    again = part.take([0]).take([0])
    assert list(again.rows["mixture"].unique()) == [2]
    for i in (-1, 9):
        with pytest.raises(IndexError, match=f"There are 9 mixtures, and {i} is not one of them"):
            drawn.take([0, i])
    with pytest.raises(TableError, match="no rows"):
        drawn.take([])


def test_summed_sources(songs, tmp_path):
    drawn = sample(songs, leave_out=0.5)
    view = drawn.summed(accompaniment=["drums", "bass", "other"])
    assert view.labels == ("vocals", "accompaniment") and drawn.labels == LABELS
    pd.testing.assert_frame_equal(view.rows, drawn.rows)
    for i in range(len(drawn)):
        one, all_ = view.render(i), drawn.render(i)
        np.testing.assert_array_equal(one.sources["vocals"], all_.sources["vocals"])
        rest = sum(all_.sources[label] for label in ("drums", "bass", "other"))
        np.testing.assert_allclose(one.sources["accompaniment"], rest, atol=1e-6)
        np.testing.assert_allclose(one.mixture, all_.mixture, atol=1e-6)
    # Views of views, and from a file.
    all_of_it = view.summed(mixture=["accompaniment", "vocals"])
    assert all_of_it.labels == ("mixture",)
    mix = MixtureTable.from_csv(all_of_it.to_csv(tmp_path / "t.csv")).render(1)
    np.testing.assert_array_equal(mix.mixture, mix.sources["mixture"])
    assert drawn.summed(drums=["drums", "bass"], x=["other"]).labels == ("vocals", "drums", "x")
    assert view.subset("train").labels == view.labels and view.take([1]).labels == view.labels


@pytest.mark.parametrize(
    ("sums", "message"),
    [
        (dict(x=["piano"]), "'piano' can be summed once, if it is there. The labels are drums"),
        (dict(x=["bass", "bass"]), "'bass' can be summed once"),
        (dict(x=["bass"], y=["drums", "bass"]), "'bass' can be summed once"),
        (dict(x="bass"), "'b' can be summed once"),
        (dict(vocals=["bass", "drums"]), "'vocals' is the name of another source"),
    ],
    ids=str,
)
def test_sums_that_cannot_be(songs, sums, message):
    with pytest.raises(ValueError, match=message):
        sample(songs).summed(**sums)


def test_some_values_are_edited(songs):
    drawn = sample(songs, 4, **AS_IT_IS)
    louder = drawn.edited("vocals", mixture=2, snr=9.0, polarity=-1)
    changed = (drawn.rows != louder.rows) & (drawn.rows.notna() | louder.rows.notna())
    (row,) = np.flatnonzero(changed.any(axis=1))
    assert drawn.rows["label"][row] == "vocals" and drawn.rows["mixture"][row] == 2
    assert louder.rows["snr"][row] == 9 and louder.rows["polarity"][row] == -1
    assert [*changed.columns[changed.any()]] == ["snr", "polarity"]
    assert (drawn.edited(gain=1.5).rows["gain"] == 1.5).all()
    assert (drawn.edited(mixture=1, swap=1).rows["swap"] == (drawn.rows["mixture"] == 1)).all()


@pytest.mark.parametrize(
    "values",
    [dict(source_time=0.1), dict(source_duration=0.7), dict(channels=1)],
    ids=str,
)
def test_where_the_segment_is_another_its_loudness_is_not_known(songs, values):
    drawn = sample(songs, 2, **AS_IT_IS)
    assert drawn.rows["loudness"].notna().all()
    edited = drawn.edited(**values)
    assert edited.rows["loudness"].isna().all()
    assert (drawn.edited(**values, loudness=-30.0).rows["loudness"] == -30).all()
    for one in edited.events(0):
        segment, rate = audio.read(edited.root / one.source_file)
        first = int(one.source_time * rate)
        segment = segment[:, first : first + int(one.source_duration * rate)]
        placed = edited.render(0).sources[one.label]
        level = 10 ** ((one.ref_db + one.snr) / 20)
        quieter = audio.with_channels(segment, one.channels)
        gain = level / 10 ** (max(-70, audio.loudness(quieter, rate)) / 20)
        middle = slice(200, int(one.source_duration * rate) - 200)
        np.testing.assert_allclose(
            placed[:, middle], gain * quieter[:, middle], rtol=1e-3, atol=1e-6
        )


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (dict(loud=3), "There is no column 'loud'. A table has mixture, split"),
        (dict(label="piano", snr=0), "No row has label='piano' and mixture=None"),
        (dict(mixture=9, snr=0), "No row has label=None and mixture=9"),
        (dict(mixture=1, snr=300), "column 'snr': 300.* is not a number from -200 to 200"),
    ],
    ids=str,
)
def test_edits_that_cannot_be(songs, wanted, message):
    with pytest.raises(ValueError, match=message):
        sample(songs).edited(**wanted)


def test_a_table_goes_to_other_processes(songs):
    drawn = sample(songs).summed(rest=["drums", "bass"])
    again = pickle.loads(pickle.dumps(drawn))
    assert same(again, drawn) and again.root == drawn.root
    np.testing.assert_array_equal(again.render(2).mixture, drawn.render(2).mixture)


def test_what_a_notebook_shows(songs):
    drawn = sample(songs, fade=0.0)
    assert repr(drawn) == "MixtureTable(5 mixtures of 1 s, drums, bass, other, vocals)"
    page = drawn._repr_html_()
    assert "MixtureTable(5 mixtures" in page and "<table" in page and "drums.wav" in page


def test_names_are_no_markup(songs):
    bad = "<script>alert(1)</script>"
    rows = sample(songs).rows.replace(
        {"label": {"bass": bad}, "song": dict.fromkeys("abcdef", bad)}
    )
    labels = ["drums", bad, "other", "vocals"]
    page = MixtureTable(rows, "/", 1.0, labels)._repr_html_()
    assert "<script" not in page and page.count("&lt;script") >= 5


# Made by hand, and from single sounds


def test_a_table_of_rows(songs):
    rows = sample(songs, **AS_IT_IS).rows
    shuffled = MixtureTable(rows.sample(frac=1, random_state=1), songs[0].files["drums"], 1, LABELS)
    assert list(shuffled.rows["mixture"]) == sorted(rows["mixture"]) and len(shuffled) == 5
    sparse = MixtureTable(rows.assign(mixture=rows["mixture"] * 10 + 5), "/", 1.0, LABELS)
    assert len(sparse) == 5 and [e.mixture for e in sparse.events(4)] == [45] * 4
    with pytest.raises(TableError, match="Row 1, column 'label': 'drums' is none of bass"):
        MixtureTable(rows, "/", 1.0, ["bass"])


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 5), channels=st.integers(1, 2))
def test_mixtures_of_sounds(sounds_root, tmp_path_factory, seed, k, channels):
    sounds = open_sounds(sounds_root, train=range(3), test=range(3, 4))
    drawn = MixtureTable.sample_sounds(
        sounds, 3, seed, duration=1.5, k=k, channels=channels, sample_rate=RATE, fade=0.0
    )
    assert drawn.labels == ("bell", "cat", "dog", "horn", "siren") and drawn.root == sounds_root
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    assert same(MixtureTable.from_csv(drawn.to_csv(path)), drawn)
    for i in range(3):
        mix = drawn.render(i)
        events = {event.label: event for event in drawn.events(i)}
        assert len(events) == k and mix.mixture.shape == (channels, 1.5 * RATE)
        for label, source in mix.sources.items():
            if label not in events:
                assert not source.any()
                continue
            event = events[label]
            first = int(event.event_time * RATE)
            last = first + math.ceil(event.duration * RATE) + 2
            assert source.any() and not source[:, :first].any() and not source[:, last:].any()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (dict(n=0), "n=0 is not a whole number, 1 or more"),
        (dict(n=2.5), r"n=2\.5 is not a whole number"),
        (dict(seed=-1), "seed=-1 is not a whole number, 0 or more"),
        (dict(seed="a"), "seed='a' is not a whole number"),
        (dict(duration=0.05), r"duration is 0\.05, not a number from 0\.1 to"),
        (dict(duration="1"), "duration is '1', not a number"),
        (dict(duration=math.nan), "duration is nan, not a number"),
        (dict(duration=math.inf), "duration is inf, not a number"),
        (dict(fade=-1), "fade_in is -1, not a number from 0 to 1"),
        (dict(fade=math.nan), "fade_in is nan, not a number"),
        (dict(fade=1.5), r"fade_in is 1\.5, not a number from 0 to 1"),
        (
            dict(channels=6),
            r"A row of .*wav, column 'channels': 6 is not a whole number from 1 to 5",
        ),
        (dict(channels=0), "column 'channels': 0 is not a whole number from 1 to 5"),
        (dict(channels="two"), "column 'channels': two is not a whole number from 1 to 5"),
        (dict(sample_rate=5), "column 'sample_rate': 5 is not a whole number from 1000"),
        (dict(pitch_shift=("const", 30)), r"pitch_shift=\('const', 30\) gives values that are no"),
        (dict(time_stretch=("uniform", 0.1, 1)), "time_stretch=.* values that are not from 0.25"),
        (dict(snr=("choose", [0, 300])), "snr=.* gives values that are not from -200 to 200"),
        (dict(gain=("const", 101)), "gain=.* gives values that are not from -100 to 100"),
        (dict(gain=("const", "loud")), r"gain=\('const', 'loud'\) is no distribution"),
        (dict(polarity=1.5), r"polarity=1\.5 is no probability from 0 to 1"),
        (dict(swap=math.nan), "swap=nan is no probability from 0 to 1"),
        (dict(effects="often"), "effects='often' is no probability from 0 to 1"),
    ],
    ids=str,
)
def test_what_cannot_be_drawn(songs, sounds_root, wanted, message):
    with pytest.raises(ValueError, match=message):
        MixtureTable.sample(songs, **{"n": 2, "duration": 1.0} | wanted)
    both = {"n": 2, "duration": 1.0, "channels": 1, "sample_rate": RATE} | wanted
    with pytest.raises(ValueError, match=message):
        MixtureTable.sample_sounds(open_sounds(sounds_root), **both)


def numbers(low, high, unbounded=None):
    """Distributions of every kind between two values, and a normal one that may leave them."""
    value = st.floats(low, high)
    pair = st.tuples(value, value).map(sorted)
    mean, deviation = unbounded or ((low + high) / 2, high - low)
    return st.one_of(
        st.tuples(st.just("const"), value),
        st.lists(value, min_size=1, max_size=3).map(lambda values: ("choose", values)),
        pair.map(lambda ends: ("choose_weighted", ends, [0.25, 0.75])),
        pair.map(lambda ends: ("uniform", *ends)),
        st.just(("normal", mean, deviation)),
        pair.map(lambda ends: ("truncnorm", mean, deviation or 1.0, ends[0], ends[1] + 1e-3)),
    )


DRAWN = dict(
    duration=st.sampled_from([0.1, 0.3, 1.0, 1.5, 7.3]) | st.floats(0.1, 20),
    snr=st.none() | numbers(-200, 200 - 1e-3),
    ref_db=numbers(-200, 200 - 1e-3),
    gain=st.none() | numbers(-100, 100 - 1e-3),
    pitch_shift=st.none() | numbers(-24, 24 - 1e-3),
    time_stretch=st.none() | numbers(0.25, 4 - 1e-3),
    source_time=numbers(0, 5),
    polarity=st.floats(0, 1),
    swap=st.floats(0, 1),
    effects=st.floats(0, 1),
    channels=st.integers(1, 5),
    sample_rate=st.sampled_from([1000, 8000, 11025, 44100]),
)


@pytest.fixture(scope="module")
def odd_sounds(sounds_root, tmp_path_factory):
    """Sounds of many lengths, down to the shortest that can be mixed."""
    root = tmp_path_factory.mktemp("odd")
    for samples in (8, 9, 13, 100, 4001):
        audio.write(root / "click" / f"{samples}.wav", np.full((1, samples), 0.1), RATE)
    return [*open_sounds(sounds_root), *open_sounds(root)]


def is_whole(table, path):
    """Whether a table passes all checks, down to the files, and its mixtures its own."""
    assert same(MixtureTable.from_csv(table.to_csv(path)), table)
    return True


ignore_scaper = pytest.mark.filterwarnings("ignore::Warning")


@ignore_scaper
@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(1, 6) | numbers(1, 6),
    event_duration=numbers(0.001, 5, unbounded=(0.0, 0.01)) | st.just(("const", math.inf)),
    event_time=numbers(0, 30),
    wanted=st.fixed_dictionaries(DRAWN),
)
def test_what_is_drawn_of_sounds_is_never_refused(
    odd_sounds, tmp_path_factory, seed, k, event_duration, event_time, wanted
):
    try:
        table = MixtureTable.sample_sounds(
            odd_sounds, 4, seed, k=k, event_duration=event_duration, event_time=event_time,
            fade=0.0, **wanted,
        )  # fmt: skip
    except ValueError as error:
        # A normal distribution may give a number of categories that are not there.
        assert isinstance(k, tuple) and "categories cannot be drawn from 6" in str(error)
        return
    assert is_whole(table, tmp_path_factory.mktemp("csv") / "t.csv")
    assert (table.rows["source_duration"] >= 0.001).all()


@ignore_scaper
@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    coherent=st.sampled_from([0.0, 0.5, 1.0]),
    song_gain=st.none() | numbers(-100, 100 - 1e-3),
    wanted=st.fixed_dictionaries(DRAWN),
)
def test_what_is_drawn_of_songs_is_never_refused(
    songs, tmp_path_factory, seed, coherent, song_gain, wanted
):
    wanted["duration"] = min(wanted["duration"], 0.75)  # which may be cut from 3 s
    table = MixtureTable.sample(
        songs, 3, seed, coherent=coherent, song_gain=song_gain, fade=0.0, **wanted
    )
    assert is_whole(table, tmp_path_factory.mktemp("csv") / "t.csv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(label="=x"), r"A row of .*wav, column 'label': '=x' would be run as a formula"),
        (dict(label=""), "column 'label': '' is no text"),
        (dict(file=Path("/a/@home.wav")), "column 'song': '@home' would be run as a formula"),
        (dict(file=Path("/a/b\nc.wav")), r"column '\w+': 'b\\nc' holds control characters"),
        (dict(file=Path("/a/b\\c.wav")), "does not lie below the table's root"),
        (dict(file=Path("/a/b\udcff.wav")), "holds bytes that are no UTF-8 text"),
    ],
    ids=str,
)
def test_names_are_checked_before_anything_is_drawn(sounds_root, monkeypatch, change, message):
    """Also of sounds that would hardly ever be drawn."""
    monkeypatch.setattr("tutorial_utils.data.mixing.drawing.draw_sounds", lambda *_: 1 / 0)
    first, *others = open_sounds(sounds_root)
    sounds = [*others, dataclasses.replace(first, **change)]
    with pytest.raises(TableError, match=message):
        MixtureTable.sample_sounds(sounds, 1, channels=1, sample_rate=RATE)


def test_a_bar_shows_how_far_drawing_is(songs, capsys, monkeypatch):
    """Once it takes more than a second."""
    draw = drawing.draw_songs

    def slowly(*wanted):
        for i, events in enumerate(draw(*wanted)):
            time.sleep(1.1 if i == 2 else 0)
            yield events

    sample(songs, 4, duration=0.5)
    assert "Drawing" not in capsys.readouterr().err
    monkeypatch.setattr(drawing, "draw_songs", slowly)
    sample(songs, 4, duration=0.5)
    shown = capsys.readouterr().err
    assert "Drawing mixtures" in shown and "4/4" in shown


def test_a_table_made_by_hand_is_checked_too(songs):
    """A fade or a mixture of a day would take all memory there is."""
    rows = sample(songs, 1, **AS_IT_IS).rows
    root = songs[0].files["drums"].parents[2]
    for wanted, message in [
        (dict(duration=86401.0), "duration is 86401.0, not a number from"),
        (dict(duration=80000.0), "would take 26 GB of memory"),
        (dict(fade_in=86400.0), r"fade_in is 86400.0, not a number from 0 to 1"),
        (dict(fade_out=math.inf), "fade_out is inf, not a number from 0 to 1"),
        (dict(duration=math.nan), "duration is nan, not a number from"),
    ]:
        with pytest.raises(TableError, match=message):
            MixtureTable(rows, root, **{"duration": 1.0, "labels": LABELS} | wanted)


def test_nothing_to_mix():
    with pytest.raises(ValueError, match="There are no songs to mix"):
        MixtureTable.sample([], 3)
    with pytest.raises(ValueError, match="There are no sounds to mix"):
        MixtureTable.sample_sounds(iter([]), 3)


def test_files_that_differ_need_a_decision(sounds_root):
    sounds = open_sounds(sounds_root)
    with pytest.raises(ValueError, match=r"files differ in channels: 1, 2\. Say .*: channels=2"):
        MixtureTable.sample_sounds(sounds, 3)
    with pytest.raises(ValueError, match=r"sample_rate: 8000, 16000\. .*sample_rate=16000"):
        MixtureTable.sample_sounds(sounds, 3, channels=1)


def test_songs_in_two_places_have_one_root(tmp_path, write_song):
    for name in ("one/a", "two/deep/b"):
        write_song(tmp_path / name)
    songs = [*open_songs(tmp_path / "one"), *open_songs(tmp_path / "two" / "deep")]
    drawn = sample(songs, 10)
    assert drawn.root == tmp_path
    assert {str(Path(f).parent) for f in drawn.rows["source_file"]} == {"one/a", "two/deep/b"}


def test_fewer_mixtures_are_the_first_of_more(songs):
    """Also in the names of their files: the root is that of all songs."""
    few, many = sample(songs, 1), sample(songs, 20)
    assert few.root == many.root
    pd.testing.assert_frame_equal(few.rows, many.rows.iloc[:4], check_exact=True)


def test_relative_paths_are_kept_in_full(tmp_path, write_song, monkeypatch):
    write_song(tmp_path / "songs" / "a")
    monkeypatch.chdir(tmp_path)
    drawn = sample(open_songs("songs"))
    monkeypatch.chdir("/")
    assert drawn.root == tmp_path / "songs" / "a" and drawn.render(0).mixture.any()
