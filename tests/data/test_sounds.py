import contextlib
import dataclasses
import io
import os
import pickle
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.audio import AudioError
from tutorial_utils.data import MixtureTable
from tutorial_utils.data import sounds as sounds_module
from tutorial_utils.data.sounds import Sound, open_sounds


@pytest.fixture
def root(tmp_path, random):
    """Four dogs and five sirens, in an order that is not that of their names."""
    root = tmp_path / "sounds"
    for name in ("dog/c", "dog/a", "dog/d", "dog/b", *(f"siren/{i}" for i in (4, 2, 0, 3, 1))):
        audio.write(root / f"{name}.wav", noise(random, 0.5), RATE)
    return root


def names(sounds, split=None):
    return [f"{sound.label}/{sound.file.stem}" for sound in sounds if sound.split == split]


def test_all_sounds(root):
    sounds = open_sounds(root)
    assert names(sounds) == [*(f"dog/{i}" for i in "abcd"), *(f"siren/{i}" for i in "01234")]
    assert sounds[0] == Sound("dog", root / "dog" / "a.wav", None, RATE, 2, RATE // 2)
    assert sounds[0].duration == 0.5
    with pytest.raises(dataclasses.FrozenInstanceError):
        sounds[0].label = "cat"
    assert pickle.loads(pickle.dumps(sounds)) == sounds


def test_rates_channels_and_formats_may_differ(tmp_path, random):
    (tmp_path / "bell").mkdir()
    for i, suffix in enumerate((".wav", ".flac", ".mp3", ".OGG")):
        rate, channels = (8000, 16000, 44100, 48000)[i], 1 + i % 2
        samples = noise(random, 1.0, channels, rate).T
        soundfile.write(tmp_path / "bell" / f"{i}{suffix}", samples, rate)
    sounds = open_sounds(tmp_path)
    assert [(s.sample_rate, s.channels) for s in sounds] == [
        (8000, 1), (16000, 2), (44100, 1), (48000, 2)
    ]  # fmt: skip


def test_what_is_no_sound_is_skipped(root, random):
    audio.write(root / "dog" / "nested" / "x.wav", noise(random), RATE)
    audio.write(root / "dog" / ".x.wav", noise(random), RATE)
    audio.write(root / ".hidden" / "x.wav", noise(random), RATE)
    audio.write(root / "x.wav", noise(random), RATE)
    (root / "dog" / "licence.txt").write_text("CC0")
    (root / "dog" / "folder.wav").mkdir()
    assert len(open_sounds(root)) == 9


def test_a_range_means_the_same_for_every_category(root):
    sounds = open_sounds(root, train=range(0, 2), valid=slice(2, 3), test=slice(-1, None))
    assert names(sounds, "train") == ["dog/a", "dog/b", "siren/0", "siren/1"]
    assert names(sounds, "valid") == ["dog/c", "siren/2"]
    assert names(sounds, "test") == ["dog/d", "siren/4"]
    assert [sound.split for sound in sounds] == ["train"] * 4 + ["valid"] * 2 + ["test"] * 2


def test_a_mapping_says_it_for_each_category(root):
    sounds = open_sounds(
        root,
        train={"siren": range(4, 0, -2), "dog": ["d.wav", "a.wav"]},
        test={"dog": slice(1, 3), "siren": {"0.wav"}},
    )
    assert names(sounds, "train") == ["dog/a", "dog/d", "siren/2", "siren/4"]
    assert names(sounds, "test") == ["dog/b", "dog/c", "siren/0"]


def test_categories_that_a_mapping_does_not_name_are_left_out(root):
    (root / "empty").mkdir()
    assert names(open_sounds(root, valid={"dog": range(1)}), "valid") == ["dog/a"]


def test_only_headers_of_the_chosen_files_are_read(root, monkeypatch):
    asked = []
    monkeypatch.setattr(
        sounds_module.audio, "info", lambda path: asked.append(path) or audio.Info(1, 1, 1)
    )
    open_sounds(root, test={"dog": ["b.wav"]})
    assert asked == [root / "dog" / "b.wav"]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (dict(train=range(5)), r"train, category 'dog': range\(0, 5\) goes beyond the 4 files"),
        (dict(train=range(-1, 2)), r"positions are 0 to 3; count from the end with a slice"),
        (dict(test=slice(0, 9)), r"test, category 'dog': slice\(0, 9, None\) goes beyond the 4"),
        (dict(test=slice(-5, None)), r"category 'dog'.*goes beyond the 4 files"),
        (dict(train={"siren": range(6)}), r"category 'siren': range\(0, 6\) goes beyond the 5"),
        (dict(train=range(0)), r"category 'dog': range\(0, 0\) chooses no file"),
        (dict(train=slice(2, 2)), r"category 'dog'.*chooses no file"),
        (dict(train={"dog": []}), r"category 'dog': \[\] chooses no file"),
        (dict(train={"cat": range(1)}), r"train: there is no category 'cat'.*dog, siren"),
        (dict(valid={"dog": ["x.wav"]}), r"no sound file 'x\.wav' in .*dog.*as in 'a\.wav'"),
        (dict(valid={"dog": ["../siren/1.wav"]}), r"no sound file '\.\./siren/1\.wav'"),
        (dict(valid={"dog": ["a.wav", "a.wav"]}), r"'a\.wav' is named twice"),
        (dict(train=range(2), test=range(1, 3)), r"dog.b\.wav is in train and in test"),
        (dict(valid={"dog": range(1)}, test={"dog": ["a.wav"]}), r"a\.wav is in valid and in test"),
        (dict(train=range(1), test={"dog": [1]}), r"must be a range, a slice or a list of file"),
        (dict(train={"dog": "a.wav"}), r"train, category 'dog': .* not 'a\.wav'"),
        (dict(train={"dog": 3}), r"train, category 'dog': .* not 3"),
        (dict(train=["a.wav"]), r"train must be a range or a slice.*or a mapping"),
        (dict(train={}), r"train.* names no category"),
        (dict(train=range(1), test={"dog": range(1, 2)}), r"'siren' is in train, but not in test"),
        (dict(train={"dog": range(1)}, valid=slice(1, 2)), r"'siren' is in valid, but not in tr"),
    ],
)
def test_splits_that_do_not_work(root, splits, message):
    with pytest.raises((ValueError, TypeError), match=message):
        open_sounds(root, **splits)


def test_two_names_of_one_file_are_one_file(root):
    (root / "dog" / "e.wav").symlink_to(root / "dog" / "a.wav")
    assert len(open_sounds(root)) == 10
    with pytest.raises(ValueError, match=r"e\.wav is in train and in test"):
        open_sounds(root, train={"dog": ["a.wav"]}, test={"dog": ["e.wav"]})


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        open_sounds(tmp_path / "nowhere")


def test_a_folder_without_categories(tmp_path, random):
    audio.write(tmp_path / "x.wav", noise(random), RATE)
    with pytest.raises(FileNotFoundError, match=r"no folders in .*one folder per category"):
        open_sounds(tmp_path)


@pytest.mark.parametrize("split", [None, range(1)])
def test_a_category_without_sounds(root, split):
    (root / "cat" / "nested").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"category .*cat holds no sound files.*not searched"):
        open_sounds(root, train=split)


@pytest.mark.parametrize("content", [b"", b"this is no sound" * 100])
def test_a_damaged_file(root, content):
    (root / "siren" / "2.wav").write_bytes(content)
    with pytest.raises(AudioError, match=r"siren.2\.wav"):
        open_sounds(root)


def test_what_systems_leave_in_folders_is_no_category_and_no_sound(root):
    for folder in (root, root / "dog"):
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._a.wav"):
            (folder / name).write_bytes(b"\0litter")
        (folder / "__MACOSX").mkdir()
    (root / ".git").mkdir()
    assert len(open_sounds(root)) == 9


def test_folders_that_are_called_like_sound_files(root):
    (root / "dog" / "e.wav").mkdir()
    (root / "dog" / "f.WAV").write_bytes((root / "dog" / "a.wav").read_bytes())
    assert names(open_sounds(root, test={"dog": range(5)}), "test")[-1] == "dog/f"
    os.rename(root / "dog", root / "dog.wav")
    assert open_sounds(root)[0].label == "dog.wav"


@pytest.mark.parametrize("there, asked", [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_are_equal_however_their_accents_are_encoded(root, there, asked):
    (root / "dog" / "a.wav").rename(root / "dog" / f"{unicodedata.normalize(there, 'é')}.wav")
    (root / "dog").rename(root / unicodedata.normalize(there, "Wölfe"))
    label, name = (unicodedata.normalize(asked, text) for text in ("Wölfe", "é.wav"))
    (sound,) = open_sounds(root, valid={label: [name]})
    assert sound.label == unicodedata.normalize("NFC", "Wölfe") and sound.file.is_file()
    with pytest.raises(ValueError, match=r"the file 'é\.wav' is named twice"):
        open_sounds(root, valid={label: [name, unicodedata.normalize(there, name)]})
    with pytest.raises(ValueError, match="the category 'Wölfe' is named twice"):
        open_sounds(root, valid={label: [name], unicodedata.normalize(there, label): range(1)})
    (root / unicodedata.normalize(asked, "Wölfe")).mkdir()
    with pytest.raises(ValueError, match="Two categories are called 'Wölfe'"):
        open_sounds(root)


@pytest.mark.parametrize(
    "before, after, message",
    [
        ("siren", "=siren", r"hold the name '=siren', because it would be run as a formula"),
        ("siren", "-x", r"hold the name '-x', because it would be run as a formula"),
        ("siren", "a\x1b[31m", r"hold the name 'a\\x1b\[31m', because it holds control char"),
        ("siren/1.wav", "siren/@1.wav", r"siren.@1\.wav: no table .* '@1\.wav', because it would"),
        ("siren/1.wav", "siren/\n.wav", r"'\\n\.wav', because it holds control characters"),
        ("siren/1.wav", b"siren/\xff.wav", r"\\udcff\.wav: this name is not written in UTF-8"),
    ],
)
def test_names_that_no_table_could_hold_are_refused_at_once(root, before, after, message):
    """Not only when a thousand mixtures have been drawn of them."""
    os.rename(root / before, os.path.join(os.fsencode(root), os.fsencode(after)))
    with pytest.raises(ValueError, match=message):
        open_sounds(root)
    assert len(open_sounds(root, test={"dog": slice(None)})) == 4


def test_sounds_that_are_opened_can_be_drawn(tmp_path, random):
    """Whatever the names are that ``open_sounds`` takes."""
    for name in ("Ü & Co", "a;b", "c,d", "'e'", '"f"', "g h", "1", "#i", "nan", "[j]", "~k", "%l"):
        audio.write(tmp_path / name / f"{name}.wav", noise(random, 0.5), RATE)
    sounds = open_sounds(tmp_path)
    table = MixtureTable.sample_sounds(sounds, 20, duration=1.0, k=5)
    again = MixtureTable.from_csv(table.to_csv(tmp_path / "table.csv"))
    pd.testing.assert_frame_equal(again.rows, table.rows)


def test_a_link_that_leads_nowhere(root):
    (root / "dog" / "e.wav").symlink_to("gone.wav")
    with pytest.raises(FileNotFoundError, match=r"dog.e\.wav"):
        open_sounds(root)
    assert len(open_sounds(root, train={"dog": range(4)})) == 4


def test_links_in_a_circle(root):
    (root / "round").symlink_to(root / "dog")
    (root / "loop").symlink_to("loop")
    assert {sound.label for sound in open_sounds(root)} == {"dog", "round", "siren"}
    with pytest.raises(ValueError, match="is in train and in test"):
        first, second = range(1), range(1, 2)
        open_sounds(
            root, train={"dog": first, "round": second}, test={"dog": second, "round": first}
        )


def test_a_range_that_is_absurd_is_refused_at_once(root):
    for wanted in (range(10**30), range(0, 10**12, 3), slice(0, 10**30)):
        with pytest.raises(ValueError, match="goes beyond the 4 files"):
            open_sounds(root, train=wanted)


def test_nobodys_home():
    with pytest.raises(FileNotFoundError, match="~nosuchuser' stands for nobody's home"):
        open_sounds("~nosuchuser/sounds")


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=9)
CHOICES = st.one_of(
    st.builds(range, st.integers(-3, 5), st.integers(-3, 5), st.sampled_from([-2, -1, 1, 2])),
    st.builds(slice, st.none() | st.integers(-4, 4), st.none() | st.integers(-4, 4)),
    st.lists(st.sampled_from(["0.wav", "1.wav", "x.wav", "é.wav"]), max_size=3),
    st.text(max_size=3),
    st.integers(),
)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_any_folder_is_opened_or_refused(data):
    """With the errors that the docstring names, in one printable line."""
    wav = io.BytesIO()
    soundfile.write(wav, np.zeros((4, 1)), RATE, format="WAV")
    split = CHOICES | st.dictionaries(st.sampled_from(["a", "b", "c"]) | NAMES, CHOICES, max_size=2)
    splits = data.draw(st.dictionaries(st.sampled_from(["train", "valid", "test"]), split))
    with tempfile.TemporaryDirectory() as root:
        for _ in range(data.draw(st.integers(0, 5))):
            folder = Path(root, data.draw(st.sampled_from(["a", "b"]) | NAMES))
            title = data.draw(st.sampled_from(["0.wav", "1.wav", "2.mp3"]) | NAMES)
            content = data.draw(st.sampled_from([wav.getvalue(), wav.getvalue()[:30], b"", b"no"]))
            with contextlib.suppress(OSError):  # a name is taken, or too long
                folder.mkdir(exist_ok=True)
                (folder / title).write_bytes(content)
        try:
            sounds = open_sounds(root, **splits)
        except (FileNotFoundError, ValueError, TypeError) as error:
            assert str(error).isprintable()
            return
        assert all(sound.samples == 4 and sound.file.is_file() for sound in sounds)


@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(1, 8),
    cuts=st.tuples(st.integers(0, 8), st.integers(0, 8)).map(sorted),
    as_slice=st.booleans(),
)
def test_splits_cover_what_they_ask_for_and_never_meet(tmp_path_factory, count, cuts, as_slice):
    root = tmp_path_factory.mktemp("sounds")
    for label in "ab":
        for i in range(count):
            audio.write(root / label / f"{i}.wav", [0.0] * 4, RATE)
    make = slice if as_slice else range
    ends = dict(train=(0, cuts[0]), valid=tuple(cuts), test=(cuts[1], count))
    fits = 0 < cuts[0] < cuts[1] < count
    splits = {split: make(*pair) for split, pair in ends.items()}
    if not fits:
        with pytest.raises(ValueError, match=r"goes beyond|chooses no file"):
            open_sounds(root, **splits)
        return
    sounds = open_sounds(root, **splits)
    assert len({sound.file for sound in sounds}) == len(sounds) == 2 * count
    for split, pair in ends.items():
        files = [f"{label}/{i}" for label in "ab" for i in range(*pair)]
        assert names(sounds, split) == files
