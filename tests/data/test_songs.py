import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.audio import AudioError
from tutorial_utils.compat import scaper
from tutorial_utils.data.songs import LABELS, FolderSong, decoded, label_folders, open_songs

STEM_FILES = [Path(p) for p in [os.environ.get("MUSDB_PATH", "")] if p]
needs_stem_files = pytest.mark.skipif(
    not any(folder.rglob("*.stem.mp4") for folder in STEM_FILES) or not shutil.which("ffmpeg"),
    reason="needs ffmpeg, and MUSDB_PATH at a folder of .stem.mp4 files",
)
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
REPOSITORY = Path(audio.__file__).parents[1]


@pytest.fixture
def write_stem_file(tmp_path, random):
    """A function that codes noise as a stem file: five AAC streams, as in MUSDB18."""

    def write(path, seconds=1.0, peak=0.2):
        command = ["ffmpeg", "-v", "error", "-y"]
        for label in ("mixture", *LABELS):
            wav = tmp_path / "wav" / f"{label}.wav"
            audio.write(wav, noise(random, seconds, rate=44100, peak=peak), 44100)
            command += ["-i", str(wav)]
        for stream in range(5):
            command += ["-map", str(stream)]
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([*command, "-c:a", "aac", "-f", "mp4", str(path)], check=True)

    return write


def sound_files(folder):
    return sorted(path for path in folder.rglob("*.wav"))


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
        (dict(channels=1), r"1 channels.*2"),
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


@needs_ffmpeg
def test_decoded_songs_are_the_stem_files(tmp_path, write_song, write_stem_file, capfd):
    write_stem_file(tmp_path / "set" / "train" / "A - One.stem.mp4")
    write_stem_file(tmp_path / "set" / "train" / "ANiMAL - Rockshow.stem.mp4")  # for validation
    write_song(tmp_path / "set" / "train" / "Beside", rate=44100)
    write_stem_file(tmp_path / "set" / "test" / "B - Two.stem.mp4")
    coded = open_songs(tmp_path / "set")[::-1]
    songs = decoded(coded, tmp_path / "cache")
    assert "Decoding stem files (once): 100%" in capfd.readouterr().err
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
def test_two_processes_decode_at_once(tmp_path, write_stem_file):
    for name in "abc":
        write_stem_file(tmp_path / "set" / f"{name}.stem.mp4")
    code = (
        "import sys\n"
        "from tutorial_utils.data.songs import decoded, open_songs\n"
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
    songs[0].samples += 5000
    with pytest.raises(AudioError, match=r"a\.stem\.mp4 is truncated"):
        decoded(songs, tmp_path / "cache")
    assert sound_files(tmp_path / "cache") == []


@pytest.fixture
def two_songs(tmp_path, write_song):
    write_song(tmp_path / "set" / "A - Dr. One")
    write_song(tmp_path / "set" / "B", suffix=".flac", mix=False)
    return open_songs(tmp_path / "set")


def test_scaper_draws_from_label_folders(tmp_path, two_songs):
    folder = label_folders(two_songs, tmp_path / "labels")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.*")}
    assert files == {
        f"{label}/{name}" for label in LABELS for name in ("A - Dr. One.wav", "B.flac")
    }
    assert all(path.is_symlink() for path in folder.rglob("*.*"))
    drawn = set()
    for seed in range(40):
        soundscape = scaper.Scaper(1.0, str(folder), str(folder), random_state=seed)
        soundscape.add_event(
            label=("choose", []),
            source_file=("choose", []),
            source_time=("uniform", 0, 1),
            event_time=("const", 0),
            event_duration=("const", 1.0),
            snr=("const", 0),
            pitch_shift=None,
            time_stretch=None,
        )
        (event,) = soundscape.generate(no_audio=True)[1].annotations[0].data
        file = Path(event.value["source_file"])
        song = two_songs[[one.name for one in two_songs].index(file.stem)]
        assert file.samefile(song.files[event.value["label"]])
        drawn.add((event.value["label"], file.stem))
    assert len(drawn) == 8


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_links_lead_to_the_files_whatever_was_there(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("labels")
    names = [f"{label}/{name}" for label in "ab" for name in "xyz"]
    for name in names:
        (root / "real" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "real" / f"{name}.wav").write_text(name)
    wanted = data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from(names), min_size=1))
    there = data.draw(st.dictionaries(st.sampled_from(sorted(wanted)), st.sampled_from(names)))
    for link, file in there.items():
        (root / "links" / link).parent.mkdir(parents=True, exist_ok=True)
        make = data.draw(st.sampled_from([Path.symlink_to, Path.hardlink_to]))
        make(root / "links" / f"{link}.wav", root / "real" / f"{file}.wav")
    files: dict = {}
    for link, file in wanted.items():
        label, name = link.split("/")
        files.setdefault(label, {})[name] = root / "real" / f"{file}.wav"
    label_folders(files, root / "links")
    links = sorted(path for path in (root / "links").rglob("*") if path.is_file())
    assert [str(path.relative_to(root / "links")) for path in links] == [
        f"{name}.wav" for name in sorted(wanted)
    ]
    for link, file in wanted.items():
        assert (root / "links" / f"{link}.wav").read_text() == file
    assert all((root / "real" / f"{name}.wav").read_text() == name for name in names)


def test_right_links_are_left_and_dangling_ones_replaced(tmp_path, two_songs):
    folder = label_folders(two_songs, tmp_path / "labels")
    right, dangling = folder / "bass" / "B.flac", folder / "drums" / "B.flac"
    dangling.unlink()
    dangling.symlink_to(tmp_path / "nothing")
    before = right.lstat()
    label_folders(two_songs, folder)
    assert right.lstat().st_ino == before.st_ino
    assert dangling.samefile(two_songs[1].files["drums"])


def refuse(*args, **kwargs):
    raise OSError("not permitted")


def test_hard_links_where_there_are_no_symbolic_ones(tmp_path, two_songs, monkeypatch):
    monkeypatch.setattr(os, "symlink", refuse)
    folder = label_folders(two_songs, tmp_path / "labels")
    link = folder / "bass" / "B.flac"
    assert not link.is_symlink() and link.samefile(two_songs[1].files["bass"])
    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(OSError, match=r"neither symbolic \(not permitted\) nor hard .*Choose"):
        label_folders(two_songs, tmp_path / "elsewhere")


def test_files_that_are_no_links_are_kept(tmp_path, two_songs):
    precious = tmp_path / "labels" / "bass" / "B.flac"
    precious.parent.mkdir(parents=True)
    precious.write_text("the only copy")
    with pytest.raises(FileExistsError, match=r"B\.flac is in the way.*Move it"):
        label_folders(two_songs, tmp_path / "labels")
    assert precious.read_text() == "the only copy"


@pytest.mark.parametrize("other", ["bass/C.wav", "guitar/A.wav"])
def test_what_scaper_would_draw_besides(tmp_path, two_songs, other):
    folder = tmp_path / "labels"
    (folder / other).parent.mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "readme.txt").write_text("Scaper does not see this")
    (folder / other).write_text("no song")
    with pytest.raises(FileExistsError, match=rf"{other} does not belong.*Delete it"):
        label_folders(two_songs, folder)


def test_songs_that_cannot_be_laid_out(tmp_path, two_songs, write_song):
    write_song(tmp_path / "more" / "B")
    with pytest.raises(ValueError, match=r"Two songs are called 'B'.*Rename"):
        label_folders([*two_songs, *open_songs(tmp_path / "more")], tmp_path / "labels")
    with pytest.raises(FileNotFoundError, match=r"no file .*gone\.wav"):
        label_folders({"bass": {"B": tmp_path / "gone.wav"}}, tmp_path / "labels")
    for label, name in (("bass", "../B"), ("..", "B"), ("", "B"), ("bass", ".B")):
        with pytest.raises(ValueError, match="cannot be the name of a file"):
            label_folders({label: {name: two_songs[0].files["bass"]}}, tmp_path / "labels")
    assert not (tmp_path / "labels").exists()


@needs_ffmpeg
def test_stem_files_are_decoded_before_they_are_laid_out(tmp_path, write_stem_file):
    write_stem_file(tmp_path / "set" / "a.stem.mp4")
    songs = open_songs(tmp_path / "set")
    with pytest.raises(ValueError, match=r"a is kept in a stem file.*decoded\(songs\)"):
        label_folders(songs, tmp_path / "labels")
    songs = decoded(songs, tmp_path / "cache")
    folder = label_folders(songs, tmp_path / "labels")
    assert (folder / "vocals" / "a.wav").samefile(songs[0].files["vocals"])
