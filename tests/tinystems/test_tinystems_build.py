"""TinyStems on disk: layout, exact sums, determinism, resuming, two builds at once, errors."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from tutorial_utils import tinystems
from tutorial_utils.data import open_songs

STEMS = ("drums", "bass", "other", "vocals")
FILES = {f"{name}.wav" for name in ("mixture", *STEMS)} | {"metadata.json"}
TINY = {"n_train": 2, "n_valid": 1, "n_test": 1, "duration": 4.0}


def songs_of(root):
    return sorted(path for split in ("train", "test") for path in (root / split).iterdir())


def bytes_of(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for song in songs_of(root)
        for path in song.iterdir()
    }


def building(root, count, workers=1):
    """A process that builds a small set, with its output on a pipe."""
    code = (
        "from tutorial_utils.data import tinystems\n"
        f"tinystems.build({str(root)!r}, n_train={count}, n_valid=0, n_test=0, duration=3.0,\n"
        f"    workers={workers}, progress=False)\n"
        "print('done')\n"
    )
    repository = Path(tinystems.__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=repository, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tinystems.build(tmp_path_factory.mktemp("set") / "tiny", **TINY, workers=1)


def test_layout_and_format(tiny):
    assert {path.name for path in tiny.iterdir()} == {"train", "test", "metadata.json", ".lock"}
    assert len(songs_of(tiny)) == 3
    for song in songs_of(tiny):
        assert {path.name for path in song.iterdir()} == FILES
        assert not set(song.name) & set('<>:"/\\|?*') and song.name == song.name.strip(" .")
        for wav in song.glob("*.wav"):
            info = soundfile.info(wav)
            assert (info.samplerate, info.channels, info.subtype) == (44100, 2, "PCM_16")
            assert info.frames == 4 * 44100


def test_the_mixture_is_the_sum_to_the_last_bit(tiny):
    for song in songs_of(tiny):
        audio = {
            p.stem: soundfile.read(p, dtype="int16")[0].astype(int) for p in song.glob("*.wav")
        }
        assert np.array_equal(audio["mixture"], sum(audio[stem] for stem in STEMS))
        assert 1000 < np.abs(audio["mixture"]).max() < 32767


def test_levels_are_those_of_music(tiny):
    meter = pyloudnorm.Meter(44100)
    for song in songs_of(tiny):
        loudness = {p.stem: meter.integrated_loudness(soundfile.read(p)[0])
                    for p in song.glob("*.wav")}  # fmt: skip
        assert -24 < loudness["mixture"] < -8
        assert all(loudness[stem] < loudness["mixture"] + 3 for stem in STEMS)


def test_metadata(tiny):
    whole = json.loads((tiny / "metadata.json").read_text(encoding="utf-8"))
    train = {path.name for path in (tiny / "train").iterdir()}
    assert set(whole["train"]) | set(whole["validation"]) == train
    assert len(whole["validation"]) == 1
    assert set(whole["test"]) == {path.name for path in (tiny / "test").iterdir()}
    for song in songs_of(tiny):
        score = json.loads((song / "metadata.json").read_text(encoding="utf-8"))
        assert score["title"] == song.name and score["version"] == tinystems.VERSION
        assert 70 <= score["tempo"] <= 160 and score["chords"] and score["sections"]
        assert {part["stem"] for part in score["parts"]} <= set(STEMS)


def test_open_songs_knows_the_splits(tiny):
    assert sorted(song.split for song in open_songs(tiny)) == ["test", "train", "valid"]


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="musdb needs ffmpeg to be imported")
def test_musdb_reads_it(tiny):
    import musdb

    tracks = musdb.DB(root=str(tiny), is_wav=True)
    assert len(tracks) == 3
    audio = sum(tracks[0].targets[stem].audio for stem in STEMS)
    assert np.abs(audio - tracks[0].audio).max() < 1e-9


def test_the_same_bytes_whatever_the_number_of_processes(tiny, tmp_path):
    again = tinystems.build(tmp_path / "again", **TINY, workers=2, progress=False)
    assert bytes_of(again) == bytes_of(tiny)


def test_a_finished_set_is_found_at_once(tiny):
    before = {path: path.stat().st_mtime_ns for path in tiny.rglob("*")}
    assert tinystems.build(tiny, **TINY) == tiny
    assert {path: path.stat().st_mtime_ns for path in tiny.rglob("*")} == before


def test_the_cache_is_keyed_by_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("TUTORIAL_UTILS_HOME", str(tmp_path))
    settings = {"n_train": 1, "n_valid": 0, "n_test": 0, "duration": 2.0, "workers": 1}
    first = tinystems.build(seed=3, **settings, progress=False)
    second = tinystems.build(seed=4, **settings, progress=False)
    assert first != second and tmp_path in first.parents
    assert bytes_of(first) != bytes_of(second)


def test_a_killed_build_leaves_whole_songs_and_goes_on(tmp_path):
    root = tmp_path / "set"
    process = building(root, count=4)
    deadline = time.monotonic() + 60
    while not (root / "train").is_dir() or not any((root / "train").iterdir()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.2)  # into the middle of the next song
    process.kill()
    process.communicate()
    finished = songs_of_train(root)
    assert 1 <= len(finished) < 4
    assert not (root / "metadata.json").exists()
    for song in finished:
        assert {path.name for path in song.iterdir()} == FILES
    stamps = {song: (song / "mixture.wav").stat().st_mtime_ns for song in finished}
    left_over = root / ".building" / "left"
    left_over.mkdir(parents=True, exist_ok=True)

    resumed, out = building(root, count=4), None
    out, _ = resumed.communicate(timeout=120)
    assert out.strip() == "done"
    assert len(songs_of_train(root)) == 4
    assert all((song / "mixture.wav").stat().st_mtime_ns == t for song, t in stamps.items())
    assert not (root / ".building").exists()


def songs_of_train(root):
    return sorted((root / "train").iterdir())


def test_two_builds_at_once(tmp_path):
    processes = [building(tmp_path / "both", count=2) for _ in range(2)]
    assert [process.communicate(timeout=120)[0].strip() for process in processes] == ["done"] * 2
    alone = building(tmp_path / "alone", count=2)
    alone.communicate(timeout=120)
    both, one = songs_of_train(tmp_path / "both"), songs_of_train(tmp_path / "alone")
    assert [song.name for song in both] == [song.name for song in one]
    for left, right in zip(both, one, strict=True):
        assert (left / "mixture.wav").read_bytes() == (right / "mixture.wav").read_bytes()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"n_train": 0, "n_valid": 0, "n_test": 0}, "nothing to build"),
        ({"n_train": 10**6}, "use another seed"),
        ({"n_train": 2, "n_valid": 3}, "n_valid"),
        ({"duration": 0.5}, "duration must be"),
        ({"duration": float("nan")}, "duration must be"),
        ({"duration": "20"}, "duration must be"),
        ({"workers": 0}, "workers must be"),
    ],
)
def test_bad_arguments(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        tinystems.build(tmp_path / "none", **wrong)
    assert not (tmp_path / "none").exists()


def test_another_set_is_not_touched(tiny, tmp_path):
    with pytest.raises(ValueError, match="other settings"):
        tinystems.build(tiny, **{**TINY, "seed": 1})
    stranger = tmp_path / "train" / "Somebody - A Real Song"
    stranger.mkdir(parents=True)
    with pytest.raises(ValueError, match="Somebody"):
        tinystems.build(tmp_path, **TINY)
    assert os.listdir(tmp_path / "train") == ["Somebody - A Real Song"]


def test_a_damaged_metadata_file_is_named(tmp_path):
    (tmp_path / "metadata.json").write_text("{")
    with pytest.raises(ValueError, match=r"metadata\.json is not valid JSON"):
        tinystems.build(tmp_path, **TINY)
