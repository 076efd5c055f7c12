"""TinyStems on disk: layout, exact sums, determinism, resuming, two builds at once, errors."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from tutorial_utils import audio, files, tinystems
from tutorial_utils.data import open_songs
from tutorial_utils.tinystems import builder

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
    repository = Path(tinystems.__file__).parents[2]
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


@pytest.mark.slow
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


@pytest.mark.slow
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


ONE = {"n_train": 1, "n_valid": 0, "n_test": 0, "duration": 2.0, "workers": 1, "progress": False}


def test_a_song_that_an_orphan_finished_first_is_kept(tmp_path, monkeypatch):
    """As by a worker that outlives a killed build, while the next build makes the same song."""
    write = builder.write_song

    def write_twice(*job):
        write(*job)
        write(*job)

    monkeypatch.setattr(builder, "write_song", write_twice)
    (song,) = songs_of_train(tinystems.build(tmp_path, **ONE))
    assert {path.name for path in song.iterdir()} == FILES
    assert not [*tmp_path.glob(".building*")]


def test_a_song_whose_workshop_another_build_removes_is_never_half_there(tmp_path, monkeypatch):
    write = audio.write

    def write_and_lose(path, *arguments):
        write(path, *arguments)
        if path.name == "bass.wav":
            files.clear(tmp_path / ".building")

    monkeypatch.setattr(audio, "write", write_and_lose)
    with pytest.raises(FileNotFoundError, match="was removed before its folder was complete"):
        tinystems.build(tmp_path, **ONE)
    assert songs_of_train(tmp_path) == [] and not (tmp_path / "metadata.json").exists()
    monkeypatch.undo()
    assert len(songs_of_train(tinystems.build(tmp_path, **ONE))) == 1


@pytest.mark.parametrize("lost", ["vocals.wav", "metadata.json"])
def test_a_song_that_lost_a_file_is_made_again(tmp_path, lost):
    (song,) = songs_of_train(tinystems.build(tmp_path, **ONE))
    before = bytes_of(tmp_path)
    (song / lost).unlink()
    (song / ".DS_Store").touch()  # A folder that somebody looked into.
    tinystems.build(tmp_path, **ONE)
    assert bytes_of(tmp_path) == before
    (song / lost).unlink()
    (song / "my own.wav").touch()
    with pytest.raises(ValueError, match=r"holds 'my own\.wav', which does not belong"):
        tinystems.build(tmp_path, **ONE)
    assert (song / "my own.wav").exists()


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini"])
def test_what_systems_leave_in_folders_is_no_hindrance(tmp_path, name):
    for folder in (tmp_path, tmp_path / "train", tmp_path / "test"):
        folder.mkdir(exist_ok=True)
        (folder / name).touch()
    tinystems.build(tmp_path, **ONE)
    assert {path.name for path in (tmp_path / "train").iterdir()} > {name}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_build_in_several_processes_that_is_killed_goes_on_at_once(tmp_path):
    """Again and again, with workers that may still be at work on what the next build makes."""
    root = tmp_path / "set"
    for _ in range(2):
        process = building(root, count=6, workers=2)
        begun = len(complete_songs(root))
        while len(complete_songs(root)) < begun + 1 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    out, _ = building(root, count=6, workers=2).communicate(timeout=120)
    assert out.strip() == "done" and len(complete_songs(root)) == 6
    time.sleep(2)  # The last orphans have ended, and left nothing.
    assert {path.name for path in root.iterdir()} == {".lock", "metadata.json", "test", "train"}


def complete_songs(root):
    """The songs that are there, each of which has to be complete."""
    songs = [*(root / "train").iterdir()] if (root / "train").is_dir() else []
    assert all({path.name for path in song.iterdir()} == FILES for song in songs)
    return songs


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_full_disk_is_told_with_its_path(tmp_path):
    """A limit on the size of files stands in for the disk: the system's error is like it."""
    code = f"from tutorial_utils import tinystems; tinystems.build({str(tmp_path)!r}, **{ONE})"
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000)); " + code
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True)
    assert re.search(r"^OSError: .*\.wav.*", done.stderr.splitlines()[-1]), done.stderr
    assert songs_of_train(tmp_path) == [] and not [*tmp_path.glob(".building*")]
    tinystems.build(tmp_path, **ONE)


def test_a_refused_build_leaves_nothing(tmp_path):
    (tmp_path / "train" / "stranger").mkdir(parents=True)
    with pytest.raises(ValueError, match="'stranger', which does not belong"):
        tinystems.build(tmp_path, **ONE)
    assert [*tmp_path.rglob("*")] == [tmp_path / "train", tmp_path / "train" / "stranger"]


@pytest.mark.slow
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
