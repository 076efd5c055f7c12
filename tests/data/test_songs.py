import contextlib
import io
import json
import os
import pickle
import shutil
import subprocess
import tempfile
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import RATE, needs_ffmpeg, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.audio import AudioError
from tutorial_utils.data import TAXONOMY, decoded, open_songs
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


def code_streams(path, *streams, rate=44100):
    """Code stem files that are not as they should be: streams of (seconds, channels)."""
    inputs, maps = [], []
    for i, (seconds, channels) in enumerate(streams):
        wav = path.with_name(f"{i}.wav")
        wav.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(i)
        audio.write(wav, noise(random, seconds, channels, rate), rate)
        inputs += ["-i", str(wav)]
        maps += ["-map", str(i)]
    command = ["ffmpeg", "-v", "error", "-y", *inputs, *maps, "-c:a", "aac", "-f", "mp4"]
    subprocess.run([*command, str(path)], check=True)
    for i in range(len(streams)):
        path.with_name(f"{i}.wav").unlink()


@needs_ffmpeg
@pytest.mark.parametrize(
    "streams, message",
    [
        ([(0.5, 2)] * 3, r"has 3 audio streams.* has five"),
        ([(0.5, 2)] * 6, r"has 6 audio streams.* has five"),
        ([(0.5, 2)] * 4 + [(0.5, 1)], r"have 2, 2, 2, 2, 1 channels, and must have the same"),
        ([(0.5, 2)] * 4 + [(0.4, 2)], r"stream vocals has \d+ samples.*lengths='trim'"),
    ],
)
def test_stem_files_whose_streams_do_not_fit_together(tmp_path, streams, message):
    path = tmp_path / "A - B.stem.mp4"
    code_streams(path, *streams)
    with pytest.raises(AudioError, match=rf"A - B\.stem\.mp4.*{message}"):
        open_songs(tmp_path)


@needs_ffmpeg
def test_stem_files_whose_streams_differ_in_length(tmp_path):
    code_streams(tmp_path / "set" / "A.STEM.MP4", *[(0.5, 2)] * 4, (0.3, 2))
    trimmed, padded = (open_songs(tmp_path / "set", lengths=way)[0] for way in ("trim", "pad"))
    assert trimmed.name == padded.name == "A"
    assert trimmed.samples < 0.36 * 44100 < 0.5 * 44100 <= padded.samples
    long, short = padded.stem("drums"), padded.stem("vocals")
    assert long.shape == short.shape == (2, padded.samples)
    assert np.abs(long[:, trimmed.samples :]).max() > 0.05 and not short[:, trimmed.samples :].any()
    np.testing.assert_array_equal(trimmed.stem("drums"), long[:, : trimmed.samples])
    np.testing.assert_array_equal(trimmed.stem("vocals"), short[:, : trimmed.samples])
    assert not padded.stem("vocals", 0.45).any()
    (ready,) = decoded([padded], tmp_path / "cache")
    np.testing.assert_array_equal(ready.stem("vocals"), short)


@needs_ffmpeg
def test_a_picture_before_the_sound_of_a_stem_file(tmp_path, write_stem_file):
    """Streams are counted among those of sound, wherever the cover stands."""
    write_stem_file(tmp_path / "set" / "A.stem.mp4", seconds=0.5)
    whole = open_songs(tmp_path / "set")[0]
    maps = [word for stream in range(5) for word in ("-map", f"0:{stream}")]
    command = ["ffmpeg", "-v", "error", "-i", str(whole.path), "-f", "lavfi"]
    command += ["-i", "color=size=16x16:duration=0.1", "-map", "1:0", *maps, "-c:a", "copy"]
    (tmp_path / "covered").mkdir()
    subprocess.run([*command, "-f", "mp4", str(tmp_path / "covered" / "A.stem.mp4")], check=True)
    (song,) = open_songs(tmp_path / "covered")
    for label in LABELS:
        np.testing.assert_array_equal(song.stem(label), whole.stem(label))


@needs_ffmpeg
def test_a_stem_file_that_is_gone(tmp_path, write_stem_file):
    write_stem_file(tmp_path / "set" / "A.stem.mp4", seconds=0.5)
    (song,) = open_songs(tmp_path / "set")
    song.path.unlink()
    with pytest.raises(FileNotFoundError, match=r"A\.stem\.mp4"):
        song.stem("bass")


def test_what_systems_leave_in_folders_is_no_song_and_no_stem(tmp_path, write_song):
    write_song(tmp_path / "train" / "a")
    for folder in (tmp_path, tmp_path / "train", tmp_path / "train" / "a"):
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._a.wav", "._a.stem.mp4", "Icon\r"):
            (folder / name).write_bytes(b"\0litter")
    for folder in (tmp_path, tmp_path / "train"):
        write_song(folder / "__MACOSX", ["drums"])
        write_song(folder / ".Trash", ["drums"])
    (song,) = open_songs(tmp_path)
    assert song.name == "a" and set(song.files) == {"mixture", *LABELS}


def test_folders_and_pipes_that_are_called_like_sound_files(tmp_path, write_song):
    write_song(tmp_path / "song.wav", ["drums", "bass"])
    write_song(tmp_path / "other.stem.mp4", ["drums", "bass"])
    (tmp_path / "song.wav" / "vocals.wav").mkdir()
    os.mkfifo(tmp_path / "song.wav" / "other.wav")
    songs = open_songs(tmp_path)
    assert [song.name for song in songs] == ["other.stem.mp4", "song.wav"]
    assert {song.labels for song in songs} == {("drums", "bass")}


def test_suffixes_in_capitals(tmp_path, write_song):
    write_song(tmp_path / "a", ["drums", "bass"], mix=False)
    for label in ("drums", "bass"):
        (tmp_path / "a" / f"{label}.wav").rename(tmp_path / "a" / f"{label.upper()}.WAV")
    assert open_songs(tmp_path)[0].labels == ("drums", "bass")


def test_a_link_that_leads_nowhere_is_no_missing_stem(tmp_path, write_song):
    write_song(tmp_path / "a", mix=False)
    for target in ("gone.wav", "vocals.wav"):
        (tmp_path / "a" / "vocals.wav").unlink()
        (tmp_path / "a" / "vocals.wav").symlink_to(target)
        with pytest.raises(FileNotFoundError, match=r"vocals\.wav"):
            open_songs(tmp_path)


def test_links_in_a_circle(tmp_path, write_song):
    write_song(tmp_path / "set" / "a")
    (tmp_path / "set" / "round").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "loop").symlink_to("loop")
    (tmp_path / "set" / "a" / "again").symlink_to(tmp_path / "set" / "a")
    assert [song.name for song in open_songs(tmp_path / "set")] == ["a"]
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*loop"):
        open_songs(tmp_path / "set" / "loop")


def test_a_file_in_place_of_a_folder(tmp_path, monkeypatch):
    (tmp_path / "songs.zip").write_bytes(b"PK")
    with pytest.raises(FileNotFoundError, match=r"songs\.zip: it is no folder but a file"):
        open_songs(tmp_path / "songs.zip")
    monkeypatch.setenv("MUSDB_PATH", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"nowhere \(named by MUSDB_PATH\): it does not"):
        open_songs()


def test_an_empty_variable_is_none(tmp_path, monkeypatch):
    """Not the folder in which one works."""
    from tutorial_utils import tinystems

    monkeypatch.setenv("MUSDB_PATH", "")
    monkeypatch.setattr(tinystems, "build", lambda: tmp_path / "tinystems")
    with pytest.raises(FileNotFoundError, match="tinystems"):
        open_songs()


def test_nobodys_home():
    with pytest.raises(FileNotFoundError, match="~nosuchuser' stands for nobody's home"):
        open_songs("~nosuchuser/songs")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"{", r"metadata\.json cannot be read as JSON \(JSONDecodeError\).*move it away"),
        (b"\xff\xfe", r"metadata\.json cannot be read as JSON \(UnicodeDecodeError\)"),
        (b"", r"metadata\.json cannot be read as JSON"),
        (b"[" * 100_000, r"metadata\.json cannot be read as JSON \(RecursionError\)"),
        (b'{"validation": "b"}', r"'validation' must be a list of names of songs, not 'b'"),
        (b'{"validation": [1]}', r"'validation' must be a list of names of songs, not \[1\]"),
    ],
)
def test_metadata_that_is_damaged(tmp_path, write_song, content, message):
    """It must not be ignored: the songs for validation would be trained on."""
    write_song(tmp_path / "train" / "a")
    (tmp_path / "metadata.json").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        open_songs(tmp_path)
    # Where nothing is split, nothing is read.
    assert open_songs(tmp_path / "train")[0].name == "a"


@pytest.mark.parametrize("content", ["[]", "3", "null", '"validation"', "{}", '{"songs": 150}'])
def test_metadata_of_others_is_ignored(tmp_path, write_song, content):
    write_song(tmp_path / "train" / "a")
    (tmp_path / "metadata.json").write_text(content)
    assert open_songs(tmp_path)[0].split == "train"


def test_songs_that_lack_stems_are_named(tmp_path, write_song):
    for name in "abcde":
        write_song(tmp_path / name, ["drums", "bass", "vocals"] if name == "a" else ["drums"])
    warning = r"4 of 5 songs lack .*: 'b' has no bass, vocals; 'c' .*; 'd' .*; and 1 more\. A table"
    with pytest.warns(UserWarning, match=warning) as caught:
        open_songs(tmp_path)
    assert caught[0].filename == __file__


def test_two_songs_of_one_name(tmp_path, write_song):
    for form in ("NFC", "NFD"):
        write_song(tmp_path / "test" / unicodedata.normalize(form, "é"))
    with pytest.raises(AudioError, match=r"Two songs are called 'é': .*Rename one"):
        open_songs(tmp_path)
    shutil.move(tmp_path / "test" / "e\u0301", tmp_path / "train" / "e\u0301")
    assert [song.name for song in open_songs(tmp_path)] == ["é", "é"]


def test_labels_are_equal_however_their_accents_are_encoded(tmp_path, write_song):
    for form in ("NFC", "NFD"):
        write_song(tmp_path / form, ["drums", unicodedata.normalize(form, "Chœur é")], mix=False)
    songs = open_songs(tmp_path)
    assert {song.labels for song in songs} == {("drums", "chœur é")}
    write_song(tmp_path / "NFC", [unicodedata.normalize("NFD", "chœur é")], mix=False)
    with pytest.raises(AudioError, match="two files for 'chœur é'"):
        open_songs(tmp_path)


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\xff.wav"])
def test_names_that_are_no_text(tmp_path, write_song, name):
    """No table could hold them, and many a program stops at them."""
    write_song(tmp_path / "a", ["drums"])
    os.rename(tmp_path / "a", os.path.join(os.fsencode(tmp_path), name))
    with pytest.raises(AudioError, match=r"\\udc.*: this name is not written in UTF-8.*Rename it"):
        open_songs(tmp_path)


def test_names_with_line_breaks_and_escapes(tmp_path, write_song):
    write_song(tmp_path / "a\n\x1b[31mb", ["drums"])
    (song,) = open_songs(tmp_path)
    assert repr(song) == r"Song('a\n\x1b[31mb', None, 2.0 s)"
    with pytest.raises(AudioError) as caught:
        song.stem("\n")
    assert str(caught.value).isprintable()


def test_what_may_not_be_read_is_not_called_damaged(tmp_path, write_song):
    write_song(tmp_path / "train" / "a")
    (tmp_path / "metadata.json").write_text("{}")
    for path in ("train/a/bass.wav", "train/a", "train", "metadata.json"):
        os.chmod(tmp_path / path, 0)
        if os.access(tmp_path / path, os.R_OK):
            pytest.skip("the superuser may read everything")
        with pytest.raises(PermissionError, match=path):
            open_songs(tmp_path)
        os.chmod(tmp_path / path, 0o700)
    if shutil.which("ffmpeg"):
        (tmp_path / "train" / "b.stem.mp4").write_bytes(b"mp4")
        os.chmod(tmp_path / "train" / "b.stem.mp4", 0)
        with pytest.raises(PermissionError, match=r"b\.stem\.mp4"):
            open_songs(tmp_path)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20)
ENDINGS = st.sampled_from(["", ".wav", ".WAV", ".flac", ".mp3", ".ogg", ".stem.mp4", ".txt"])
FOLDERS = st.sampled_from(["", "train", "test", "a", "train/a", "train/b", "a/drums", "a/Bass"])


@pytest.fixture(scope="module")
def sounds():
    """Small sound files of several kinds."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2000, 2)).astype(np.float32)
    files = []
    for kind in ("WAV", "FLAC", "MP3", "OGG", "AIFF", "W64"):
        for channels in (1, 2):
            file = io.BytesIO()
            soundfile.write(file, samples[:, :channels], 44100, format=kind)
            files.append(file.getvalue())
    return files


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_any_folder_is_opened_or_refused(sounds, data):
    """With the errors that the docstring names, in one printable line."""
    way = data.draw(st.sampled_from(["error", "trim", "pad"]))
    taxonomy = data.draw(st.sampled_from([None, TAXONOMY, {"drums": ["*"]}]))
    with tempfile.TemporaryDirectory() as root:
        for _ in range(data.draw(st.integers(0, 5))):
            title = data.draw(NAMES | st.sampled_from(["drums", "Kick", "mixture", "metadata"]))
            folder = Path(root, data.draw(FOLDERS))
            content = bytearray(data.draw(st.binary(max_size=50) | st.sampled_from(sounds)))
            for _ in range(data.draw(st.integers(0, 3)) if content else 0):
                content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
                    st.integers(0, 255)
                )
            cut = data.draw(st.none() | st.integers(0, len(content)))
            with contextlib.suppress(OSError):  # a name is taken, or too long
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{title}{data.draw(ENDINGS)}").write_bytes(content[:cut])
        try:
            with warnings.catch_warnings(action="ignore"):
                songs = open_songs(root, taxonomy=taxonomy, lengths=way)
        except (FileNotFoundError, ValueError) as error:
            assert str(error).isprintable()
            return
        except RuntimeError as error:
            assert "ffmpeg" in str(error) and not shutil.which("ffmpeg")
            return
        for song in songs:
            for label in song.labels:
                try:
                    assert song.stem(label).shape == (song.channels, song.samples)
                except AudioError as error:
                    assert str(error).isprintable()


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
