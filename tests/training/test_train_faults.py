"""What stops a run, and what is left then."""

import os
import signal
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from trained import lines, new_run, same, weights

import tutorial_utils as tu
from tutorial_utils import checkpoint
from tutorial_utils.config import Config
from tutorial_utils.training import mixtures, steps


@pytest.fixture(autouse=True)
def synthetic(monkeypatch):
    """The songs that the package composes, whatever others there are on this machine."""
    monkeypatch.delenv("MUSDB_PATH", raising=False)


def test_another_model_or_other_data_are_refused(tmp_path):
    run = new_run(tmp_path / "run", epochs=1)
    tu.train(run, progress=False)
    before = weights(run)
    config = Config.read(run)
    for change, text in (
        ({"width": 12}, "width: 8 -> 12"),
        ({"coherent": 1}, "coherent: 0.5 -> 1"),
    ):
        config.edited(change).write(run)
        with pytest.raises(ValueError, match=text):
            tu.train(run, resume=True, progress=False)
    config.edited({"epochs": 2, "learning_rate": 1e-5}).write(run)  # these may change
    tu.train(run, resume=True, progress=False)
    assert not same(weights(run), before)
    changed = [entry["changed"] for entry in lines(run) if "changed" in entry]
    assert changed == [{"epochs": [1, 2], "learning_rate": [0.001, 1e-05]}]


def test_other_tables_are_refused(tmp_path):
    run = new_run(tmp_path / "run", epochs=1)
    tu.train(run, progress=False)
    table = run / "train.csv"
    table.write_text(table.read_text() + "\n")
    with pytest.raises(ValueError, match="not those that this run was begun with"):
        tu.train(run, resume=True, progress=False)


def test_a_run_is_not_begun_twice(tmp_path):
    run = new_run(tmp_path / "run", epochs=1)
    tu.train(run, progress=False)
    with pytest.raises(ValueError, match="has checkpoints: go on with --resume"):
        tu.train(run, progress=False)


def test_a_folder_that_another_process_trains_in(tmp_path):
    from filelock import FileLock

    run = new_run(tmp_path / "run")
    with FileLock(run / ".training.lock"), pytest.raises(RuntimeError, match="Another process"):
        tu.train(run, progress=False)
    assert not (run / "train.csv").exists()


def test_a_loss_that_is_not_finite_stops_and_keeps_what_was_before(tmp_path, monkeypatch):
    run = new_run(tmp_path / "run")
    loss_of, count = steps.loss_of, [0]

    def broken(*given):
        count[0] += 1
        return loss_of(*given) * (np.nan if count[0] > 3 else 1)

    monkeypatch.setattr(steps, "loss_of", broken)
    with pytest.raises(FloatingPointError, match="loss is nan at step 3"):
        tu.train(run, progress=False)
    assert checkpoint.load(run)[1]["at"]["step"] == 2
    assert all(value.isfinite().all() for value in weights(run).values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 64}, "24 mixtures do not make a batch of 64"),
        ({"labels": "a,b"}, "the model separates a, b"),
        ({"labels": "vocals,piano"}, "the model separates vocals, piano"),
        ({"songs": "/no/such/folder"}, "no/such/folder"),
    ],
)
def test_what_cannot_be_trained(tmp_path, changes, message):
    run = new_run(tmp_path / "run", **changes)
    with pytest.raises((ValueError, OSError), match=message):
        tu.train(run, progress=False)


def test_a_damaged_checkpoint_is_said(tmp_path):
    run = new_run(tmp_path / "run", epochs=1)
    tu.train(run, progress=False)
    (place,) = (run / "checkpoint").glob("step-*")
    assert load_file(place / "weights.safetensors")
    (place / "state.pt").write_bytes(b"PK\x03\x04 not whole")
    with pytest.raises(ValueError, match="cannot be read"):
        tu.train(run, resume=True, progress=False)


def test_autoclip_forgets_norms_that_are_not_finite():
    weight = torch.nn.Parameter(torch.ones(3))
    clip = steps.Clip(Config.of("Demucs").edited({"clip": "auto", "clip_value": 90}).training)
    for norm in (np.inf, np.inf, np.nan, 1.0, 2.0):
        weight.grad = torch.tensor([norm, 0.0, 0.0])
        clip([weight])
    assert clip.norms == [1.0, 2.0]
    assert weight.grad.norm().item() == pytest.approx(np.percentile([1, 2], 90))


def test_a_gradient_that_is_not_finite_does_not_reach_the_weights(tmp_path, monkeypatch):
    run = new_run(tmp_path / "run", checkpoint_every=1)
    loss_of, count = steps.loss_of, [0]

    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            return x.clone()

        @staticmethod
        def backward(context, gradient):
            return gradient * np.inf

    def broken(*given):
        count[0] += 1
        loss = loss_of(*given)
        return Broken.apply(loss) if count[0] > 3 else loss

    monkeypatch.setattr(steps, "loss_of", broken)
    with pytest.raises(FloatingPointError, match=r"gradient's norm is (nan|inf) at step 3"):
        tu.train(run, progress=False)
    assert checkpoint.load(run)[1]["at"]["step"] == 3
    assert all(value.isfinite().all() for value in weights(run).values())


class _Misbehaving:
    """Items of a table that a worker hangs at, dies of, or fails at."""

    def __init__(self, table, how):
        self.items, self.how = mixtures.MixtureDataset(table), how

    def __len__(self):
        return len(self.items)

    def __getitem__(self, item):
        if torch.utils.data.get_worker_info():
            if self.how == "hangs":
                time.sleep(60)
            if self.how == "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            raise FileNotFoundError(2, "No such file or directory", "vocals.wav")
        return self.items[item]


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("hangs", RuntimeError, "No batch came from the 2 workers for 2 seconds.*stall_after"),
        ("dies", RuntimeError, "A worker was stopped.*set workers or batch_size lower"),
        ("fails", FileNotFoundError, r"vocals\.wav.*\(in a worker, while a batch was rendered\)$"),
    ],
)
def test_a_loader_that_stalls(tmp_path, monkeypatch, how, kind, message):
    run = new_run(tmp_path / "run", workers=2, stall_after=2)
    dataset = mixtures.MixtureDataset
    loader = mixtures.Loader

    class Stalling(loader):
        def __init__(self, table, *rest, **settings):
            super().__init__(table, *rest, **settings)
            broken = _Misbehaving(table, how)
            self.loader.__dict__["dataset"] = broken

    monkeypatch.setattr(mixtures, "Loader", Stalling)
    begun = time.monotonic()
    with pytest.raises(kind, match=message):
        tu.train(run, progress=False)
    assert time.monotonic() - begun < 40
    assert dataset is mixtures.MixtureDataset
