"""A table gives views of itself, and is made by hand, from songs and from single sounds."""

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import RATE
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils.data import MixtureTable, open_songs, open_sounds
from tutorial_utils.data.checks import COLUMNS, TableError
from tutorial_utils.data.songs import LABELS

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
