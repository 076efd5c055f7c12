import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import RATE, needs_ffmpeg, noise

from tutorial_utils import audio
from tutorial_utils.audio import AudioError
from tutorial_utils.data import open_songs
from tutorial_utils.data.songs import LABELS

STEM_FILES = [Path(p) for p in [os.environ.get("MUSDB_PATH", "")] if p]
needs_stem_files = pytest.mark.skipif(
    not any(folder.rglob("*.stem.mp4") for folder in STEM_FILES) or not shutil.which("ffmpeg"),
    reason="needs ffmpeg, and MUSDB_PATH at a folder of .stem.mp4 files",
)


def test_musdb18_hq(tmp_path, write_song):
    truth = write_song(tmp_path / "train" / "A - One")
    write_song(tmp_path / "train" / "ANiMAL - Rockshow")
    write_song(tmp_path / "test" / "B - Two")
    songs = open_songs(tmp_path)
    assert [(song.name, song.split) for song in songs] == [
        ("A - One", "train"),
        ("ANiMAL - Rockshow", "valid"),  # one of those that musdb keeps for validation
        ("B - Two", "test"),
    ]
    song = songs[0]
    assert (song.sample_rate, song.channels, song.duration) == (RATE, 2, 2.0)
    assert song.labels == LABELS
    part = song.stem("vocals", start=0.5, duration=1.0)
    assert part.shape == (2, RATE) and part.dtype == np.float32
    np.testing.assert_allclose(part, truth["vocals"][:, RATE // 2 : 3 * RATE // 2], atol=2e-5)
    np.testing.assert_allclose(song.mixture(), sum(song.stems().values()), atol=1e-4)


def test_the_validation_songs_of_a_set_are_those_its_metadata_names(tmp_path, write_song):
    for name in "abc":
        write_song(tmp_path / "train" / name)
    (tmp_path / "metadata.json").write_text(json.dumps({"validation": ["b"]}))
    assert [(song.name, song.split) for song in open_songs(tmp_path)] == [
        ("a", "train"),
        ("c", "train"),
        ("b", "valid"),
    ]


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg"])
def test_any_folder_of_stems(tmp_path, random, suffix):
    for label in ("guitar", "Vocals", "drums"):
        (tmp_path / "song").mkdir(exist_ok=True)
        rate = 44100 if suffix == ".mp3" else RATE
        soundfile.write(tmp_path / "song" / f"{label}{suffix}", noise(random, rate=rate).T, rate)
    (tmp_path / "song" / "notes.txt").write_text("no sound")
    (song,) = open_songs(tmp_path)
    assert song.split is None and song.labels == ("drums", "vocals", "guitar")
    assert song.stem("guitar", 0.1, 0.5).shape == (2, round(0.5 * song.sample_rate))
    # Without a file of its own, the mixture is the sum.
    np.testing.assert_allclose(song.mixture(), sum(song.stems().values()), atol=1e-6)


def test_the_folder_of_one_song(tmp_path, write_song):
    write_song(tmp_path / "one")
    (song,) = open_songs(tmp_path / "one")
    assert song.name == "one" and song.labels == LABELS


def test_the_folder_in_which_one_works(tmp_path, write_song, monkeypatch):
    write_song(tmp_path / "one")
    monkeypatch.chdir(tmp_path / "one")
    assert open_songs(".")[0].name == "one"


def test_only_the_segment_is_read(tmp_path, write_song, monkeypatch):
    write_song(tmp_path / "one")
    (song,) = open_songs(tmp_path)
    asked = []
    read = soundfile.SoundFile.read

    def counting(self, frames=-1, *args, **kwargs):
        asked.append(frames)
        return read(self, frames, *args, **kwargs)

    monkeypatch.setattr(soundfile.SoundFile, "read", counting)
    song.stem("bass", start=1.0, duration=0.25)
    assert asked == [RATE // 4]


def test_songs_travel_to_workers(tmp_path, write_song):
    write_song(tmp_path / "one")
    (song,) = open_songs(tmp_path)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(song)).mixture(), song.mixture())


def test_a_label_nobody_has(tmp_path, write_song):
    write_song(tmp_path / "one")
    with pytest.raises(AudioError, match=r"one has no stem 'piano'.*drums, bass, other, vocals"):
        open_songs(tmp_path)[0].stem("piano")


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        open_songs(tmp_path / "nowhere")


def test_a_folder_without_songs(tmp_path):
    (tmp_path / "train" / "empty").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="There are no songs in"):
        open_songs(tmp_path)


@pytest.mark.parametrize(
    "other, message",
    [
        (dict(seconds=1.5), r"12000 samples.*16000"),
        (dict(rate=16000, seconds=1.0), r"16000 Hz.*8000"),
        (dict(channels=3), r"3 channels.*2"),
    ],
)
def test_stems_that_disagree(tmp_path, write_song, random, other, message):
    write_song(tmp_path / "one")
    rate = other.get("rate", RATE)
    audio.write(tmp_path / "one" / "other.wav", noise(random, **{"seconds": 2.0, **other}), rate)
    with pytest.raises(AudioError, match=rf"other\.wav has {message}"):
        open_songs(tmp_path)


def test_an_empty_stem(tmp_path, write_song):
    write_song(tmp_path / "one")
    (tmp_path / "one" / "bass.wav").write_bytes(b"")
    with pytest.raises(AudioError, match=r"bass\.wav is empty"):
        open_songs(tmp_path)


def test_a_truncated_stem(tmp_path, write_song):
    write_song(tmp_path / "one")
    path = tmp_path / "one" / "bass.wav"
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(AudioError, match=r"bass\.wav"):
        open_songs(tmp_path)[0].stem("bass")


def test_nan_in_a_stem(tmp_path, write_song, random):
    write_song(tmp_path / "one", mix=False)
    samples = noise(random)
    samples[0, 5] = np.nan
    soundfile.write(tmp_path / "one" / "bass.wav", samples.T, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"bass\.wav holds NaN"):
        open_songs(tmp_path)[0].mixture()


def test_two_files_for_one_stem(tmp_path, write_song):
    write_song(tmp_path / "one")
    write_song(tmp_path / "one", labels=["bass"], suffix=".flac", mix=False)
    with pytest.raises(AudioError, match=r"two files for 'bass'"):
        open_songs(tmp_path)


def test_stem_files_without_ffmpeg(tmp_path, monkeypatch):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "A - B.stem.mp4").write_bytes(b"mp4")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match=r"A - B\.stem\.mp4.*ffmpeg.*not installed"):
        open_songs(tmp_path)


@needs_ffmpeg
@pytest.mark.parametrize("content", [b"", b"this is no mp4 file" * 100])
def test_a_damaged_stem_file(tmp_path, content):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "A - B.stem.mp4").write_bytes(content)
    with pytest.raises(AudioError, match=r"A - B\.stem\.mp4"):
        open_songs(tmp_path)


@pytest.mark.slow
@needs_stem_files
def test_musdb18():
    songs = open_songs(STEM_FILES[0])
    song = songs[0]
    assert song.split in {"train", "valid", "test"} and song.labels == LABELS
    whole = song.stem("vocals")
    assert whole.shape == (2, song.samples) and whole.dtype == np.float32
    for start, duration in ((0.0, 1.0), (1.234567, 2.5), (song.duration - 1, 1.0)):
        first = round(start * song.sample_rate)
        part = song.stem("vocals", start, duration)
        np.testing.assert_array_equal(part, whole[:, first : first + part.shape[1]])
        assert part.shape[1] == round(duration * song.sample_rate)
    # The mixture is coded on its own: near the sum of the stems, but not equal to it.
    error = np.abs(song.mixture() - sum(song.stems().values())).max()
    assert 1e-4 < error < 0.2
