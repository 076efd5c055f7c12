import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import needs_ffmpeg

from tutorial_utils import audio
from tutorial_utils.audio import AudioError
from tutorial_utils.data import decoded, open_songs
from tutorial_utils.data.songs import LABELS, FolderSong

REPOSITORY = Path(__file__).parents[2]


def sound_files(folder):
    return sorted(path for path in folder.rglob("*.wav"))


@needs_ffmpeg
def test_decoded_songs_are_the_stem_files(tmp_path, write_song, write_stem_file, capfd):
    write_stem_file(tmp_path / "set" / "train" / "A - One.stem.mp4")
    write_stem_file(tmp_path / "set" / "train" / "ANiMAL - Rockshow.stem.mp4")  # for validation
    write_song(tmp_path / "set" / "train" / "Beside", rate=44100)
    write_stem_file(tmp_path / "set" / "test" / "B - Two.stem.mp4")
    coded = open_songs(tmp_path / "set")[::-1]
    songs = decoded(coded, tmp_path / "cache")
    assert "Decoding songs (once): 100%" in capfd.readouterr().err
    assert [(song.name, song.split) for song in songs] == [
        ("B - Two", "test"),
        ("ANiMAL - Rockshow", "valid"),
        ("Beside", "train"),
        ("A - One", "train"),
    ]
    assert songs[2] is coded[2]
    for song, before in zip(songs, coded, strict=True):
        assert isinstance(song, FolderSong) and set(song.files) == {"mixture", *LABELS}
        assert (song.samples, song.sample_rate, song.labels) == (before.samples, 44100, LABELS)
        np.testing.assert_array_equal(song.stem("bass", 0.3, 0.5), before.stem("bass", 0.3, 0.5))
        np.testing.assert_array_equal(song.mixture(), before.mixture())
    # The cache is a set itself.
    (root,) = (tmp_path / "cache").iterdir()
    assert [song.name for song in open_songs(root)] == ["A - One", "ANiMAL - Rockshow", "B - Two"]
    assert soundfile.info(str(songs[0].files["bass"])).subtype == "PCM_16"

    stamps = [file.stat().st_mtime_ns for file in sound_files(root)]
    decoded(coded, tmp_path / "cache")
    assert [file.stat().st_mtime_ns for file in sound_files(root)] == stamps
    assert capfd.readouterr().err == ""


@needs_ffmpeg
def test_what_overshoots_in_a_stem_file_is_clipped(tmp_path, write_stem_file):
    write_stem_file(tmp_path / "set" / "loud.stem.mp4", peak=1.0)
    (song,) = decoded(open_songs(tmp_path / "set"), tmp_path / "cache")
    drums = song.stem("drums")
    assert song.split is None and drums.max() == 32767 / 32768 and drums.min() == -1.0


@needs_ffmpeg
def test_the_cache_of_decoded_songs_is_keyed_by_the_set(tmp_path, write_stem_file, monkeypatch):
    monkeypatch.setenv("TUTORIAL_UTILS_HOME", str(tmp_path / "home"))
    for root in ("one", "two"):
        write_stem_file(tmp_path / root / "test" / "same.stem.mp4")
    songs = [decoded(open_songs(tmp_path / root))[0] for root in ("one", "two")]
    assert len(sound_files(tmp_path / "home")) == 10
    assert np.abs(songs[0].stem("bass") - songs[1].stem("bass")).max() > 0.01


@needs_ffmpeg
def test_a_stem_file_that_changed_is_decoded_again(tmp_path, write_stem_file):
    file = tmp_path / "set" / "a.stem.mp4"
    write_stem_file(file)
    (before,) = decoded(open_songs(tmp_path / "set"), tmp_path / "cache")
    bass = before.stem("bass")
    write_stem_file(file, seconds=0.5)
    (after,) = decoded(open_songs(tmp_path / "set"), tmp_path / "cache")
    assert after.files == before.files
    assert after.duration == 0.5 and np.abs(after.stem("bass") - bass[:, :22050]).max() > 0.01
    # So is one of which a file was lost.
    after.files["bass"].unlink()
    decoded(open_songs(tmp_path / "set"), tmp_path / "cache")
    assert after.stem("bass").shape == (2, 22050)


@needs_ffmpeg
@pytest.mark.slow
def test_decoding_that_was_stopped_leaves_whole_songs_and_goes_on(
    tmp_path, write_stem_file, monkeypatch
):
    for name in "ab":
        write_stem_file(tmp_path / "set" / f"{name}.stem.mp4")
    songs = open_songs(tmp_path / "set")
    write = audio.write
    written = []

    def stopping(path, *args):
        if len(written) == 7:
            raise KeyboardInterrupt
        written.append(path)
        return write(path, *args)

    monkeypatch.setattr(audio, "write", stopping)
    with pytest.raises(KeyboardInterrupt):
        decoded(songs, tmp_path / "cache")
    monkeypatch.setattr(audio, "write", write)
    (root,) = (tmp_path / "cache").iterdir()
    assert {path.parent.name for path in sound_files(root)} == {"a"}
    stamps = [file.stat().st_mtime_ns for file in sound_files(root)]
    # A process that is killed leaves its temporary folder.
    audio.write(root / ".decoding" / "new" / "bass.wav", np.zeros((2, 10)), 44100)
    assert [song.samples for song in decoded(songs, tmp_path / "cache")] == [44100, 44100]
    assert [file.stat().st_mtime_ns for file in sound_files(root)][:5] == stamps
    assert len(sound_files(root)) == 10 and not (root / ".decoding").exists()


@needs_ffmpeg
@pytest.mark.slow
def test_two_processes_decode_at_once(tmp_path, write_stem_file):
    for name in "abc":
        write_stem_file(tmp_path / "set" / f"{name}.stem.mp4")
    code = (
        "import sys\n"
        "from tutorial_utils.data import decoded, open_songs\n"
        "songs = open_songs(sys.argv[1])\n"
        "print([song.stem('bass').shape for song in decoded(songs, sys.argv[2])])\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "set"), str(tmp_path / "cache")]
    two = [
        subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0].splitlines()[-1] for process in two]
    assert said == [str([(2, 44100)] * 3)] * 2
    (root,) = (tmp_path / "cache").iterdir()
    assert len(sound_files(root)) == 15 and not (root / ".decoding").exists()


@needs_ffmpeg
def test_a_stem_file_that_ends_early_is_not_decoded(tmp_path, write_stem_file, monkeypatch):
    write_stem_file(tmp_path / "set" / "a.stem.mp4")
    songs = open_songs(tmp_path / "set")
    for stream in songs[0]._track.info.audio_streams:
        stream["duration_ts"] += 5000
    songs[0].samples += 5000
    with pytest.raises(AudioError, match=r"a\.stem\.mp4 is truncated"):
        decoded(songs, tmp_path / "cache")
    assert sound_files(tmp_path / "cache") == []
