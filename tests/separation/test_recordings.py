"""Separating files: formats, folders, what is wrong with them, and going on after a stop."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import torch
from helpers import PEAK, RATE, needs_ffmpeg, noise
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutorial_utils import audio, cli
from tutorial_utils.data import open_songs
from tutorial_utils.separation import Settings, separate_files
from tutorial_utils.separation.recordings import find

MODEL = """
import time
import torch

class Halves:
    labels, sample_rate = ("vocals", "rest"), 8000
    wait = 0

    def __call__(self, mixture):
        time.sleep(self.wait)
        return torch.stack([1.5 * mixture, -0.75 * mixture], 1)

def slow():
    model = Halves()
    model.wait = 0.01
    return model

model = Halves()
no_model = 3
"""


class Halves:
    labels, sample_rate = ("vocals", "rest"), RATE

    def __call__(self, mixture):
        return torch.stack([1.5 * mixture, -0.75 * mixture], 1)


def separated(recordings, folder, model=None, settings=None, **options):
    paths = recordings if isinstance(recordings, list) else [recordings]
    return list(separate_files(model or Halves(), paths, folder, settings, **options))


def alone(outcomes):
    (outcome,) = outcomes
    assert outcome.error is None, outcome.error
    return outcome


def tone(seconds, rate, channels=2):
    time_ = np.arange(round(seconds * rate)) / rate
    return np.stack([0.4 * np.sin(2 * np.pi * 300 * (c + 1) * time_) for c in range(channels)])


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
@pytest.mark.parametrize("rate", [RATE, 16000])
def test_formats_that_are_read(tmp_path, suffix, rate):
    path = tmp_path / f"a song{suffix}"
    soundfile.write(path, tone(3, rate).T, rate)
    settings = Settings(segment=0.7, context=0.1)
    outcome = alone(separated(path, tmp_path / "out", settings=settings))
    assert outcome.folder == tmp_path / "out" / "a song" and outcome.scale == 1
    vocals, found_rate = audio.read(outcome.folder / "vocals.wav")
    wanted, _ = audio.read(path)
    assert found_rate == rate and vocals.shape == wanted.shape
    assert soundfile.info(outcome.folder / "vocals.wav").subtype == "FLOAT"
    inner = slice(rate // 10, -rate // 10)
    assert np.abs(vocals - 1.5 * wanted)[:, inner].max() < (1e-6 if rate == RATE else 5e-3)
    assert {path.name for path in outcome.folder.iterdir()} == {
        "vocals.wav", "rest.wav", "separation.json",
    }  # fmt: skip


@pytest.mark.parametrize("settings", [Settings(), Settings(0.31, 0.4, 0.11, 2, 3)])
def test_files_are_separated_as_arrays_are(tmp_path, random, settings):
    import tutorial_utils as tu

    model = tu.models.build("MaskInference", "tiny", sample_rate=RATE, n_fft=256, hop=64, hidden=4)
    mixture = noise(random, 3)
    audio.write(tmp_path / "a.wav", mixture, RATE, 24)
    outcome = alone(separated(tmp_path / "a.wav", tmp_path / "out", model, settings))
    mixture, _ = audio.read(tmp_path / "a.wav")
    names = ("segment", "overlap", "context", "shifts", "batch_size")
    wanted = tu.separate(model, mixture, RATE, **{n: getattr(settings, n) for n in names})
    for label, estimate in wanted.items():
        found, _ = audio.read(outcome.folder / f"{label}.wav")
        np.testing.assert_allclose(found, estimate, atol=1e-6)


def test_what_is_asked_for_besides(tmp_path, random):
    audio.write(tmp_path / "a.wav", noise(random, 2), RATE, 24)
    mixture, _ = audio.read(tmp_path / "a.wav")
    for number, wanted in enumerate(
        [
            Settings(residual=True),
            Settings(consistent=True),
            Settings(two_stems="vocals", consistent=True),
        ]
    ):
        outcome = alone(separated(tmp_path / "a.wav", tmp_path / str(number), settings=wanted))
        stems = {path.stem: audio.read(path)[0] for path in outcome.folder.glob("*.wav")}
        np.testing.assert_allclose(sum(stems.values()), mixture, atol=1e-6)
        assert {*stems} == [
            {"vocals", "rest", "residual"}, {"vocals", "rest"}, {"vocals", "accompaniment"},
        ][number]  # fmt: skip


def test_flac_is_never_clipped(tmp_path):
    audio.write(tmp_path / "loud.wav", 2.4 * tone(2, RATE), RATE)
    outcome = alone(separated(tmp_path / "loud.wav", tmp_path / "out", suffix=".flac"))
    mixture, _ = audio.read(tmp_path / "loud.wav")
    vocals, _ = audio.read(outcome.folder / "vocals.flac")
    rest, _ = audio.read(outcome.folder / "rest.flac")
    assert outcome.scale < 0.75 and np.abs(vocals).max() > 0.999
    np.testing.assert_allclose(vocals, 1.5 * outcome.scale * mixture, atol=1e-6)
    np.testing.assert_allclose(rest, -0.75 * outcome.scale * mixture, atol=1e-6)
    assert json.loads((outcome.folder / "separation.json").read_text())["scale"] == outcome.scale
    assert not [*outcome.folder.glob("*part*")]
    (again,) = separated(tmp_path / "loud.wav", tmp_path / "out", suffix=".flac")
    assert again.skipped and again.scale == outcome.scale


def test_folders_are_searched_and_arranged_alike(tmp_path, random, write_song):
    sounds = tmp_path / "sounds"
    for name in ("a.wav", "b/c.flac", "b/d/e.wav", "f.wav", "f.flac"):
        (sounds / name).parent.mkdir(parents=True, exist_ok=True)
        audio.write(sounds / name, noise(random, 0.2), RATE)
    (sounds / "notes.txt").write_text("no sound")
    (sounds / ".hidden.wav").write_bytes(b"")
    write_song(sounds / "test" / "A song")
    out = tmp_path / "out"
    outcomes = separated([sounds, sounds / "a.wav"], out)
    assert not [outcome.error for outcome in outcomes if outcome.error]
    assert [outcome.folder.relative_to(out).as_posix() for outcome in outcomes] == [
        "a.wav", "f.flac", "f.wav", "b/c", "b/d/e", "test/A song", "a.wav (2)",
    ]  # fmt: skip
    mixture, _ = audio.read(sounds / "test" / "A song" / "mixture.wav")
    found, _ = audio.read(out / "test" / "A song" / "vocals.wav")
    np.testing.assert_allclose(found, 1.5 * mixture, atol=1e-6)
    again = separated(tmp_path, out.parent / "all")  # what we wrote is not separated again
    assert not [outcome for outcome in again if outcome.recording.is_relative_to(out)]
    assert {song.name for song in open_songs(out / "test")} == {"A song"}


def test_one_that_fails_does_not_stop_the_others(tmp_path, random):
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    audio.write(sounds / "a.wav", noise(random, 0.2), RATE)
    audio.write(sounds / "z.wav", noise(random, 0.2), RATE)
    (sounds / "b empty.wav").write_bytes(b"")
    (sounds / "c text.mp3").write_text("This is no sound at all. " * 100)
    (sounds / "d cut.wav").write_bytes((sounds / "a.wav").read_bytes()[:500])
    broken = noise(random, 0.2)
    broken[0, 50] = np.nan
    soundfile.write(sounds / "e nan.wav", broken.T, RATE, "FLOAT")
    soundfile.write(sounds / "f nothing.wav", broken.T[:0], RATE)
    shutil.copy(sounds / "a.wav", sounds / "g really wav.mp3")
    soundfile.write(sounds / "h silent.wav", np.zeros((500, 2)), RATE)
    soundfile.write(sounds / "i one.wav", np.full((1, 1), 0.5), RATE)
    soundfile.write(sounds / "j many.wav", np.full((3000, 5), 0.1), 96000)
    out = tmp_path / "out"
    outcomes = {o.recording.stem[:1]: o for o in separated(sounds, out)}
    wanted = {
        "b": "is empty",
        "c": "c text.mp3",
        "d": "truncated",
        "e": "NaN or infinite samples",
        "f": "holds no samples",
    }
    for letter, outcome in outcomes.items():
        assert (letter in wanted) == (outcome.error is not None), outcome
        assert (letter in wanted) != outcome.folder.exists()
        assert wanted.get(letter, "") in (outcome.error or "")
    assert not audio.read(outcomes["h"].folder / "vocals.wav")[0].any()
    assert audio.read(outcomes["i"].folder / "vocals.wav")[0] == pytest.approx(0.75)
    assert audio.info(outcomes["j"].folder / "rest.wav") == audio.Info(96000, 5, 3000)
    assert not (out / ".unfinished").exists()


def test_nothing_to_separate(tmp_path):
    with pytest.raises(ValueError, match=r"no sound file in .*out. Looked for .wav, .flac"):
        (tmp_path / "out").mkdir()
        separated(tmp_path / "out", tmp_path / "x")
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*gone"):
        separated(tmp_path / "gone", tmp_path / "x")
    with pytest.raises(ValueError, match="an empty list"):
        separated([], tmp_path / "x")
    with pytest.raises(ValueError, match="is none of"):
        separated(tmp_path, tmp_path / "x", suffix=".mp3")


def test_what_is_there_is_not_computed_again(tmp_path, random):
    audio.write(tmp_path / "a.wav", noise(random, 0.2), RATE)
    out = tmp_path / "out"
    alone(separated(tmp_path / "a.wav", out))
    before = (out / "a" / "vocals.wav").stat().st_mtime_ns
    assert alone(separated(tmp_path / "a.wav", out)).skipped
    assert (out / "a" / "vocals.wav").stat().st_mtime_ns == before
    (other,) = separated(tmp_path / "a.wav", out, settings=Settings(shifts=1))
    assert "was made with other settings. Choose another folder" in other.error
    (other,) = separated(tmp_path / "a.wav", out, suffix=".flac")
    assert "other format" in other.error
    (out / "a" / "rest.wav").unlink()
    (other,) = separated(tmp_path / "a.wav", out)
    assert "lacks a file" in other.error
    (tmp_path / "foreign" / "a").mkdir(parents=True)
    (other,) = separated(tmp_path / "a.wav", tmp_path / "foreign")
    assert "was not written by this command" in other.error


def test_other_weights_are_another_model(tmp_path, random):
    import tutorial_utils as tu

    audio.write(tmp_path / "a.wav", noise(random, 0.2), RATE)
    model = tu.models.build("MaskInference", "tiny", sample_rate=RATE, n_fft=256, hop=64, hidden=4)
    alone(separated(tmp_path / "a.wav", tmp_path / "out", model))
    assert alone(separated(tmp_path / "a.wav", tmp_path / "out", model)).skipped
    with torch.no_grad():
        model.decode.bias[0] += 1
    (other,) = separated(tmp_path / "a.wav", tmp_path / "out", model)
    assert "other weights" in other.error


@needs_ffmpeg
def test_ffmpeg_reads_the_rest(tmp_path):
    audio.write(tmp_path / "a.wav", tone(1, 44100), 44100)
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav"]
    subprocess.run([*command, tmp_path / "-b.m4a"], check=True)
    (tmp_path / "c.mp4").write_bytes(b"This is no film.")
    done, failed = separated([tmp_path / "-b.m4a", tmp_path / "c.mp4"], tmp_path / "out")
    assert done.error is None and audio.info(done.folder / "vocals.wav").duration > 0.9
    assert {path.name for path in done.folder.iterdir()} == {
        "vocals.wav", "rest.wav", "separation.json",
    }  # fmt: skip
    assert "ffmpeg cannot decode" in failed.error


def test_without_ffmpeg(tmp_path, monkeypatch):
    (tmp_path / "a.m4a").write_bytes(b"x")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    (failed,) = separated(tmp_path / "a.m4a", tmp_path / "out")
    assert "ffmpeg, which is not installed. Install it, or convert" in failed.error


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rate=st.sampled_from([4000, RATE, 11025, 44100]),
    channels=st.integers(1, 4),
    samples=st.integers(1, 9000),
    segment=st.floats(0.05, 0.4),
    context=st.floats(0, 0.1),
    form=st.sampled_from([("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_24")]),
)
def test_any_file(tmp_path_factory, rate, channels, samples, segment, context, form):
    """Whatever the rates, every stem has the length of its recording, and a tone stays a tone."""
    folder = tmp_path_factory.mktemp("any")
    sound = np.full((samples, channels), 0.25, np.float32)
    soundfile.write(folder / "a.dat", sound, rate, form[1], format=form[0])
    shutil.move(folder / "a.dat", folder / f"a.{form[0].lower()}")
    path = folder / f"a.{form[0].lower()}"
    outcome = alone(separated(path, folder / "out", settings=Settings(segment, 0.3, context)))
    vocals, _ = audio.read(outcome.folder / "vocals.wav")
    assert vocals.shape == (channels, samples)
    if rate == RATE:
        np.testing.assert_allclose(vocals, 0.375, atol=1e-4)
    elif samples > rate // 2:
        np.testing.assert_allclose(vocals[:, rate // 5 : -rate // 5], 0.375, atol=1e-3)


def test_titles():
    assert find([__file__])[0][1].name == "test_recordings"


def command(tmp_path, *arguments, text=MODEL):
    (tmp_path / "mine.py").write_text(text)
    return ["separate", f"{tmp_path / 'mine.py'}:model", *map(str, arguments)]


def test_the_command(tmp_path, random, capsys):
    audio.write(tmp_path / "a.wav", noise(random, 1), RATE)
    line = command(tmp_path, tmp_path / "a.wav", "--save", tmp_path / "out", "--residual")
    line += ["--segment", "0.3", "--context", "0.1", "--overlap", "0.1", "--wiener", "1"]
    assert cli.main(line) == 0
    assert "1 separated, 0 were there already, 0 failed" in capsys.readouterr().out
    assert {path.stem for path in (tmp_path / "out" / "a").glob("*.wav")} == {
        "vocals", "rest", "residual",
    }  # fmt: skip
    assert cli.main(line) == 0
    assert "0 separated, 1 were there already" in capsys.readouterr().out
    (tmp_path / "b.wav").write_bytes(b"")
    line.insert(2, str(tmp_path / "b.wav"))
    assert cli.main(line) == 1
    assert "1 failed\n" in (said := capsys.readouterr().err) and "b.wav is empty" in said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "names no model. Write a run's folder, a name such as Chimera"),
        ("gone.py:model", "FileNotFoundError: there is no file"),
        ("no_such_module:model", "ModuleNotFoundError"),
        ("mine.py:other", "AttributeError"),
        ("mine.py:no_model", "TypeError"),
        ("json:loads", "TypeError"),
    ],
)
def test_models_that_cannot_be_loaded(tmp_path, capsys, name, message):
    (tmp_path / "mine.py").write_text(MODEL)
    if name.startswith("mine"):
        name = str(tmp_path / name)
    assert cli.main(["separate", name, str(tmp_path), "--save", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert message in said and "Traceback" not in said


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGINT])
def test_a_command_that_is_stopped_goes_on(tmp_path, random, with_signal):
    for number in range(6):
        audio.write(tmp_path / "sounds" / f"{number}.wav", noise(random, 2), RATE)
    out = tmp_path / "out"
    line = command(tmp_path, tmp_path / "sounds", "--save", out, "--segment", 0.1)
    line[1] = line[1].replace(":model", ":slow")
    line = [sys.executable, "-m", "tutorial_utils", *line]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    while len([*out.glob("?")]) < 2 and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(with_signal)
    said = process.communicate()[1]
    assert process.returncode == (130 if with_signal == signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in said
    done = [*out.glob("?")]
    assert 2 <= len(done) < 6
    for folder in done:
        assert len([*folder.iterdir()]) == 3
    ended = subprocess.run(line, capture_output=True, text=True)
    assert f"{6 - len(done)} separated, {len(done)} were there already" in ended.stdout
    assert not [*out.glob(".unfinished*")]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.parametrize("form", ["wav", "flac"])
def test_a_full_disk_is_told(tmp_path, random, form):
    """A limit on the size of files stands in for the disk: the system's error is like it."""
    import resource

    audio.write(tmp_path / "a.wav", noise(random, 2), RATE)
    line = command(tmp_path, tmp_path / "a.wav", "--save", tmp_path / "out", "--format", form)
    done = subprocess.run(
        [sys.executable, "-m", "tutorial_utils", *line],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000)),
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "1 failed" in done.stderr and not [*(tmp_path / "out").glob("[!.]*")]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recording(tmp_path, random):
    pytest.importorskip("resource")
    script = """if True:
        import sys
        import tutorial_utils as tu
        from tutorial_utils.separation import separate_files
        model = tu.models.build("MaskInference", "tiny", hidden=32)
        (outcome,) = separate_files(model, [sys.argv[1]], sys.argv[2])
        assert outcome.error is None, outcome.error
        """
    peaks = []
    for seconds in (60, 240):
        path = tmp_path / f"{seconds}.wav"
        audio.write(path, noise(random, seconds, rate=44100), 44100)
        line = [sys.executable, "-c", script + PEAK, path, tmp_path / "out"]
        done = subprocess.run(line, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        peaks.append(float(done.stdout))
    assert peaks[1] < 1.5 and peaks[1] < 1.1 * peaks[0]
