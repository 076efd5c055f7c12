import dataclasses
import pickle

import pytest
import soundfile
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.audio import AudioError
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
