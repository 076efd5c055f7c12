"""Runs that are kept: their folder, exact resuming, and what stops them."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from trained import lines, new_run, same, stopping, weights

import tutorial_utils as tu
from tutorial_utils import checkpoint, transforms
from tutorial_utils.config import Config
from tutorial_utils.training import mixtures, steps


@pytest.fixture(autouse=True)
def synthetic(monkeypatch):
    """The songs that the package composes, whatever others there are on this machine."""
    monkeypatch.delenv("MUSDB_PATH", raising=False)


def test_a_run_is_a_folder_that_holds_all(tmp_path):
    run = new_run(tmp_path / "run", ema=0.9, keep_every=1, excerpts=1)
    assert tu.train(run, progress=False) == run
    names = {path.name for path in run.iterdir()} - {".training.lock"}
    files = {"config.json", "train.csv", "validation.csv", "log.jsonl"}
    assert names == files | {"checkpoint", "audio", "images"}
    assert set(checkpoint.names(run)) == {"last", "best", "epoch-1", "epoch-2"}
    entries = lines(run)
    assert [each["step"] for each in entries if "loss" in each] == list(range(1, 13))
    assert [each["epoch"] for each in entries if "validation" in each] == [1, 2]
    assert Config.read(run).record["versions"]["torch"] == torch.__version__
    model = checkpoint.load_model(run)
    averaged = checkpoint.load(run, "best")[2]
    assert same(model.state_dict(), averaged) and not same(averaged, weights(run, "best"))
    # The test songs are not touched.
    songs = {song.name: song.split for song in tu.data.open_songs(None)}
    tables = [
        tu.data.MixtureTable.from_csv(run / f"{name}.csv") for name in ("train", "validation")
    ]
    used = [{song for song in table.rows["song"]} for table in tables]
    assert not used[0] & used[1]
    assert {songs[name] for name in used[0] | used[1] if name in songs} == {"train", "valid"}


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule": "plateau", "clip": "auto", "clip_value": 50, "dropout_p": 0.3},
        {"ema": 0.9, "optimizer": "adamw", "schedule": "cosine", "warmup": 3, "accumulate": 2},
        {"precision": "bf16-mixed", "workers": 2},
    ],
)
def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path, monkeypatch, settings):
    whole = new_run(tmp_path / "whole", **settings)
    tu.train(whole, progress=False)
    for stop in (1, 3, 5, 7):  # mid-epoch, at its end, and between two checkpoints
        parts = new_run(tmp_path / f"parts {stop}", **settings)
        for step in (stop, stop + 4):
            stopping(monkeypatch, step)
            try:
                tu.train(parts, resume=True, progress=False)
            except KeyboardInterrupt:
                pass
            monkeypatch.undo()
        tu.train(parts, resume=True, progress=False)
        assert same(weights(whole), weights(parts))
        assert checkpoint.load(whole)[1]["at"] == checkpoint.load(parts)[1]["at"]
        logged = [[(e.get("step"), e.get("loss")) for e in lines(run)] for run in (whole, parts)]
        assert logged[0] == logged[1]


@pytest.mark.slow
def test_killed_at_twenty_random_moments_it_ends_the_same(tmp_path):
    """By kill -9, at moments of any kind: drawing tables, training, writing a checkpoint."""
    settings = {"epochs": 40, "checkpoint_every": 1, "dropout_p": 0.2, "ema": 0.9, "patience": 99}
    whole = new_run(tmp_path / "whole", **settings)
    parts = new_run(tmp_path / "parts", **settings)
    tu.train(whole, progress=False)
    command = [
        sys.executable,
        "-c",
        f"import torch; torch.set_num_threads({torch.get_num_threads()})\n"
        f"import tutorial_utils as tu; tu.train({str(parts)!r}, resume=True, progress=False)",
    ]
    log, draw, seen = parts / "log.jsonl", random.Random(0), []
    for kill in range(20):
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        if kill % 4 == 0:  # while it starts, draws its tables or goes back to its checkpoint
            time.sleep(draw.uniform(1, 5))
        else:
            before = log.stat().st_mtime if log.exists() else 0
            while process.poll() is None and (not log.exists() or log.stat().st_mtime == before):
                time.sleep(0.02)
            time.sleep(draw.uniform(0, 0.6))
        assert process.poll() is None, process.stderr.read().decode()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        names = checkpoint.names(parts)
        seen.append(checkpoint.load(parts)[1]["at"]["step"] if names else 0)
    tu.train(parts, resume=True, progress=False)
    print(f"killed 20 times, after the steps {seen}")
    assert max(seen) > 20
    assert same(weights(whole), weights(parts))
    assert same(checkpoint.load(whole)[2], checkpoint.load(parts)[2])


def test_the_number_of_workers_changes_nothing(tmp_path):
    runs = [new_run(tmp_path / str(n), workers=n, epochs=1) for n in (0, 1, 2)]
    for run in runs:
        tu.train(run, progress=False)
    assert same(weights(runs[0]), weights(runs[1])) and same(weights(runs[0]), weights(runs[2]))


def test_from_a_kept_epoch(tmp_path):
    run = new_run(tmp_path / "run", keep_every=1)
    tu.train(run, progress=False)
    end = weights(run)
    tu.train(run, resume=True, from_="epoch-1", progress=False)
    assert same(weights(run), end)
    with pytest.raises(FileNotFoundError, match=r"no checkpoint 'epoch-7'\. It has: last, best"):
        tu.train(run, resume=True, from_="epoch-7", progress=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", tu.models.names())
def test_every_model_can_be_trained(tmp_path, name):
    """In two steps every weight moves, those of a head for embeddings or a latent too."""
    run = new_run(tmp_path / "run", name, mixtures=8, epochs=1, duration=1.5)
    torch.manual_seed(0)
    before = Config.read(run).build().state_dict()
    tu.train(run, progress=False)
    after = weights(run)
    learned = [key for key, _ in Config.read(run).build().named_parameters()]
    assert [key for key in learned if torch.equal(before[key], after[key])] == []


def test_fine_tuning_begins_with_other_weights(tmp_path):
    first = new_run(tmp_path / "first", epochs=1)
    tu.train(first, progress=False)
    second = new_run(tmp_path / "second", start_from=str(first), learning_rate=0, epochs=1, seed=5)
    tu.train(second, progress=False)
    assert same(weights(second), weights(first, "best"))


def test_recurrent_layers_can_have_a_rate_of_their_own(tmp_path):
    run = new_run(
        tmp_path / "run",
        "AudioNetSimpleLSTM",
        lstm_learning_rate=1e-4,
        inner=16,
        hidden=8,
        epochs=1,
    )
    tu.train(run, progress=False)
    assert lines(run)[0]["rates"] == [1e-3, 1e-4]


def test_early_stopping(tmp_path):
    run = new_run(tmp_path / "run", epochs=9, learning_rate=0, patience=1)
    tu.train(run, progress=False)
    # The first epoch is the best; after one without gain the run stops.
    assert [e["epoch"] for e in lines(run) if "validation" in e][-1] == 2


@pytest.mark.slow
def test_two_processes_do_what_one_does(tmp_path):
    """The same losses for ten steps, with the same batches over all; and an exact resume."""
    settings = {"mixtures": 48, "epochs": 1, "checkpoint_every": 3, "batch_size": 4}
    one, two = (new_run(tmp_path / name, **settings) for name in ("one", "two"))
    tu.train(one, progress=False)
    command = [sys.executable, "-m", "tutorial_utils", "train", "--devices", "2"]
    subprocess.run([*command, str(two)], check=True, capture_output=True)
    losses = [[each["loss"] for each in lines(run) if "loss" in each][:10] for run in (one, two)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=0, atol=1e-5)
    assert len(losses[1]) == 10

    # Killed in the middle, and gone on with.
    stopped = new_run(tmp_path / "stopped", **settings)
    process = subprocess.Popen(
        [*command, str(stopped)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    while process.poll() is None and "last" not in checkpoint.names(stopped):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.5)  # until the workers are gone with it
    subprocess.run([*command, str(stopped), "--resume"], check=True, capture_output=True)
    assert same(weights(two), weights(stopped))
    print("largest difference of the losses:", np.abs(np.subtract(*losses)).max())


def test_half_precision_on_any_device(tmp_path, monkeypatch):
    """The scaler skips steps whose gradients overflow, and its state goes on after a stop."""
    settings = {"precision": "16-mixed", "clip": "auto", "clip_value": 90}
    whole, parts = (new_run(tmp_path / name, **settings) for name in ("whole", "parts"))
    tu.train(whole, progress=False)
    stopping(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        tu.train(parts, progress=False)
    monkeypatch.undo()
    tu.train(parts, resume=True, progress=False)
    assert same(weights(whole), weights(parts))
    assert all(value.isfinite().all() for value in weights(whole).values())
    assert lines(whole)[-2]["loss"] < lines(whole)[0]["loss"]


def test_one_target_of_several(tmp_path):
    run = new_run(tmp_path / "run", labels="vocals", epochs=1, excerpts=1)
    tu.train(run, progress=False)
    model = checkpoint.load_model(run)
    assert model.labels == ("vocals",)
    assert model(torch.zeros(1, 2, 999)).shape == (1, 1, 2, 999)


def test_clusters_learn_which_source_they_are(tmp_path):
    settings = {"hidden": 16, "embedding": 4, "labels": "bass,vocals", "epochs": 1}
    run = new_run(tmp_path / "run", "DeepClustering", mixtures=8, **settings)
    tu.train(run, progress=False)
    model = checkpoint.load_model(run)
    torch.testing.assert_close(model.centres.norm(dim=1), torch.ones(2))
    # They are what the function says of the same weights and the same mixtures.
    loader = mixtures.Loader(
        mixtures.tables(Config.read(run), run)["train"], model.labels, Config.read(run)
    )
    kept = model.centres.clone()
    steps.label_clusters(model, *loader.first(4))
    torch.testing.assert_close(model.centres, kept)


def test_a_run_of_the_first_version_goes_on(tmp_path):
    """Its settings lack some that came later, and its checkpoint is read as it is."""
    run = tmp_path / "run"
    shutil.copytree(Path(__file__).parent / "run-version-1", run)
    root = tu.data.tinystems.build()
    for name in ("train", "validation"):
        table = run / f"{name}.csv"
        table.write_text(table.read_text().replace('"ROOT"', json.dumps(str(root / "train"))))
    (place,) = (run / "checkpoint").glob("step-*")
    state = torch.load(place / "state.pt", weights_only=True)
    assert state["version"] == 1
    # The songs lie elsewhere on this machine, and so the tables are others.
    torch.save({**state, "tables": mixtures.fingerprints(run)}, place / "state.pt")
    before = weights(run)
    tu.train(run, resume=True, progress=False)
    assert checkpoint.load(run)[1]["at"]["epoch"] == 2
    assert not same(weights(run), before)
    assert [each["step"] for each in lines(run) if "loss" in each] == [1, 2, 3, 4]


def test_a_loss_of_masked_magnitudes(tmp_path):
    run = new_run(tmp_path / "run", "MaskInference", loss="tpsa", learning_rate=0.01)
    tu.train(run, progress=False)
    losses = [each["loss"] for each in lines(run) if "loss" in each]
    assert np.mean(losses[-4:]) < np.mean(losses[:4])
    # The same number as the loss of the full outputs.
    config, model = Config.read(run), checkpoint.load_model(run)
    table = mixtures.tables(config, run)["train"]
    mixture, sources = mixtures.Loader(table, model.labels, config).first(4)
    made = model.outputs(mixture)
    S, X = (transforms.stft(x, model.n_fft, model.hop) for x in (sources, mixture))
    wanted = tu.losses.magnitude(made.masks, S, X, "tpsa")
    found = steps.loss_of(
        steps.outputs_of(model, config.training), model, mixture, sources, config.training
    )
    torch.testing.assert_close(found, wanted)


def test_a_loss_of_masked_magnitudes_wants_masks(tmp_path):
    run = new_run(tmp_path / "run", "Demucs", loss="msa")
    with pytest.raises(ValueError, match="The loss msa is one of masked magnitudes, and Demucs"):
        tu.train(run, progress=False)
