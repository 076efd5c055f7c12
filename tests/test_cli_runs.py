"""Commands that make runs, train them, and say what there is."""

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tutorial_utils import audio, checkpoint, cli
from tutorial_utils.config import Config


def said(capsys, *arguments, status=0):
    capsys.readouterr()
    assert cli.main([str(argument) for argument in arguments]) == status
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    return printed.out if status == 0 else printed.err


@pytest.fixture(autouse=True)
def synthetic(monkeypatch):
    """The songs that the package composes, whatever others there are on this machine."""
    monkeypatch.delenv("MUSDB_PATH", raising=False)


@pytest.fixture
def folder(tmp_path, capsys):
    small = ["--width", 8, "--mixtures", 8, "--validation_mixtures", 4, "--duration", 0.5]
    small += ["--batch_size", 4, "--epochs", 1]
    said(capsys, "config", "AudioNetSimple", "--preset", "tiny", "--save", tmp_path, *small)
    return tmp_path / "AudioNetSimple"


def test_from_settings_to_separated_songs(tmp_path, capsys, folder):
    shown = said(capsys, "config", folder, "--dropout_p=0.1", "--display")
    assert "dropout_p = 0.1" in shown and "dropout_p 0.0 -> 0.1" in shown
    assert "precision = 32    # (32, bf16-mixed, 16-mixed)" in shown
    said(capsys, "train", folder, "--epochs", 2)
    assert Config.read(folder).training.epochs == 2
    listed = said(capsys, "runs", tmp_path)
    assert "AudioNetSimple" in listed and "best" in listed
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 22050)).astype(np.float32)
    audio.write(tmp_path / "song.wav", noise, 44100)
    said(capsys, "separate", folder, tmp_path / "song.wav", "--save", tmp_path / "stems")
    assert {path.stem for path in (tmp_path / "stems" / "song").glob("*.wav")} == {
        "drums",
        "bass",
        "other",
        "vocals",
    }
    assert "go on with --resume" in said(capsys, "train", folder, status=2)
    said(capsys, "train", folder, "--resume")


def test_runs_are_compared_where_they_differ(tmp_path, capsys):
    for rate in ("0.1", "0.2"):
        name = f"rate {rate}"
        arguments = ["--preset", "tiny", "--name", name, "--save", tmp_path]
        said(capsys, "config", "Demucs", *arguments, "--learning_rate", rate)
    listed = said(capsys, "runs", tmp_path)
    assert "learning_rate" in listed and "batch_size" not in listed
    assert "There is no run" in said(capsys, "runs", tmp_path / "rate 0.1/x", status=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["config", "Demux"], "no model 'Demux'. There are:"),
        (["config", "Demucs", "--widht", "3"], "Did you mean width?"),
        (["config", "Demucs", "--width"], "--width needs a value"),
        (["config", "Demucs", "--width", "--display"], "--width needs a value"),
        (["config", "Demucs", "--width", "wide"], "width must be a whole number, not 'wide'"),
        (["config", "Demucs", "width", "3"], "belongs to no setting"),
        (["train", "."], "has no config.json"),
        (["train", "nowhere"], "has no config.json"),
        (["models", "Demux"], "no model 'Demux'"),
    ],
)
def test_what_is_refused(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in said(capsys, *arguments, status=2)
    assert not (tmp_path / "Demucs").exists()


def test_a_run_is_not_overwritten(tmp_path, capsys, folder):
    before = (folder / "config.json").read_text()
    arguments = ["config", "AudioNetSimple", "--save", tmp_path]
    assert "exists already" in said(capsys, *arguments, status=2)
    assert "make a new one" in said(capsys, "config", folder, "--preset", "full", status=2)
    wrong = ["train", folder, "--width", 9]
    assert "--width is no setting of the training" in said(capsys, *wrong, status=2)
    assert (folder / "config.json").read_text() == before and json.loads(before)


def test_other_commands_still_refuse_what_they_do_not_know(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["models", "--epochs", "3"])
    assert stopped.value.code == 2
    assert "unrecognized arguments: --epochs" in capsys.readouterr().err


def test_models_and_doctor(capsys, monkeypatch):
    listed = said(capsys, "models", "--preset", "tiny")
    assert len(listed.splitlines()) == 17 and "MelRoformer" in listed
    assert "multiply-adds per second of audio" in said(capsys, "models", "Demucs")
    monkeypatch.setenv("PATH", "")
    report = said(capsys, "doctor")
    for name in ("tutorial_utils", "torch", "devices", "ffmpeg", "songs", "cache"):
        assert name in report
    assert "not there; it lets Scaper itself render" in report


def test_a_run_keeps_its_own_scores(tmp_path, capsys, folder, monkeypatch):
    songs = tmp_path / "songs"
    sizes = ["--train", 2, "--valid", 1, "--test", 1, "--duration", 8]
    root = said(capsys, "tinystems", "--root", songs, *sizes).strip()
    assert root == str(songs) and len(list((songs / "test").iterdir())) == 1
    said(capsys, "config", folder, "--songs", songs)
    said(capsys, "train", folder, "--epochs", 1)
    listed = said(capsys, "runs", tmp_path)
    assert "SDR" in listed and "NaN" in listed
    monkeypatch.chdir(folder)
    assert "1 scored, 0 failed" in said(capsys, "evaluate", ".", "--songs", songs)
    table = pd.read_csv(folder / "evaluation.csv")
    sdr = table[table["metric"] == "SDR (BSS Eval v4)"].groupby("source")["value"].median().mean()
    assert f"{sdr:.2f}" in said(capsys, "runs", tmp_path)
    assert "Say where" in said(capsys, "evaluate", folder, f"other={folder}", status=2)


def test_doctor_compares_versions_with_the_lock(capsys, monkeypatch):
    from importlib import metadata

    assert "versions   as in the lock" in said(capsys, "doctor")
    found = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.0" if name == "scipy" else found(name))
    printed = said(capsys, "doctor")
    assert "1 not as in the lock: scipy 0.0 (==" in printed


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.parametrize(
    ("room", "excerpts", "told"),
    [
        (3000, 0, "A checkpoint cannot be written into"),
        (500_000, 0, "A checkpoint cannot be written into"),
        (3000, 1, os.strerror(errno.EFBIG)),
    ],
    ids=["weights", "state", "sound"],
)
def test_a_full_disk_ends_a_training_and_the_checkpoint_from_before_goes_on(
    folder, room, excerpts, told
):
    """A limit on the size of files stands in for the disk: at weights, all else, or sounds."""
    command = [sys.executable, "-m", "tutorial_utils", "train", str(folder)]
    cli.main(command[3:])
    before = checkpoint.load(folder)[1]["at"]["step"]
    cli.main(["config", str(folder), "--epochs", "3", "--excerpts", str(excerpts)])

    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(
        [*command, "--resume"], capture_output=True, encoding="utf-8", preexec_fn=limit
    )
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert told in last
    assert checkpoint.load(folder)[1]["at"]["step"] == before
    assert cli.main([*command[3:], "--resume"]) == 0
    assert checkpoint.load(folder)[1]["at"]["epoch"] == 3


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_has_seen_enough_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "tutorial_utils", "models"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, encoding="utf-8")
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_models_that_come_with_the_package_are_named(tmp_path, capsys):
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 8000)).astype(np.float32)
    audio.write(tmp_path / "song.wav", noise, 22050)
    said(capsys, "separate", "Chimera", tmp_path / "song.wav", "--save", tmp_path / "stems")
    stems = {path.stem for path in (tmp_path / "stems" / "song").glob("*.wav")}
    assert stems == {"drums", "bass", "other", "vocals"}
