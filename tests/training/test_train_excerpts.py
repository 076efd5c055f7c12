"""What a run shows of itself: sounds, pictures, TensorBoard."""

import builtins

import numpy as np
import pytest
import soundfile
import torch
from trained import lines, new_run, same, stopping, weights

import tutorial_utils as tu
from tutorial_utils import checkpoint
from tutorial_utils.training import mixtures


@pytest.fixture(autouse=True)
def synthetic(monkeypatch):
    monkeypatch.delenv("MUSDB_PATH", raising=False)


def test_sounds_and_pictures_are_of_the_best_model(tmp_path):
    run = new_run(tmp_path / "run", excerpts=2, ema=0.5)
    tu.train(run, progress=False)
    model = checkpoint.load_model(run)
    table = mixtures.tables(tu.config.Config.read(run), run)["validation"]
    assert sorted(path.name for path in (run / "audio").iterdir()) == ["1", "2"]
    for number in (1, 2):
        sounds = {
            path.stem: soundfile.read(path, dtype="float32")[0].T
            for path in (run / "audio" / str(number)).iterdir()
        }
        parts = [
            f"{label} ({kind})" for label in model.labels for kind in ("estimate", "reference")
        ]
        assert {*sounds} == {"mixture", "residual", *parts}
        mixture = table.render(number - 1)
        np.testing.assert_allclose(sounds["mixture"], mixture.mixture, atol=1e-6)
        with torch.no_grad():
            estimates = model(torch.from_numpy(sounds["mixture"])[None])[0]
        for label, estimate in zip(model.labels, estimates, strict=True):
            np.testing.assert_allclose(sounds[f"{label} (estimate)"], estimate, atol=1e-6)
            source = mixture.sources[label]
            np.testing.assert_allclose(sounds[f"{label} (reference)"], source, atol=1e-6)
        rest = sounds["mixture"] - estimates.sum(0).numpy()
        np.testing.assert_allclose(sounds["residual"], rest, atol=1e-6)
        assert (run / "images" / f"{number}.png").read_bytes().startswith(b"\x89PNG")


def shown_by_tensorboard(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(run / "runs"), size_guidance={"scalars": 0, "audio": 0})
    return found.Reload()


def test_tensorboard_shows_curves_pictures_and_sounds(tmp_path, monkeypatch):
    run = new_run(tmp_path / "run", tensorboard=True, excerpts=1, checkpoint_every=4)
    stopping(monkeypatch, 6)  # two steps after a checkpoint: they come twice, and count once
    with pytest.raises(KeyboardInterrupt):
        tu.train(run, progress=False)
    monkeypatch.undo()
    monkeypatch.delenv("MUSDB_PATH", raising=False)
    tu.train(run, resume=True, progress=False)
    shown = shown_by_tensorboard(run)
    logged = [each for each in lines(run) if "loss" in each]
    losses = shown.Scalars("loss/training")
    assert [each.step for each in losses] == [each["step"] for each in logged]
    np.testing.assert_allclose(
        [each.value for each in losses], [each["loss"] for each in logged], rtol=1e-5
    )
    assert len(shown.Scalars("gradient/norm")) == len(logged)
    assert shown.Scalars("learning rate/group 0")[0].value == pytest.approx(1e-3)
    assert [each.step for each in shown.Scalars("loss/validation")] == [6, 12]
    assert shown.Tags()["images"] == ["excerpt 1"]
    assert {"excerpt 1/residual", "excerpt 1/vocals (estimate)"} <= {*shown.Tags()["audio"]}


def test_tensorboard_changes_nothing_that_is_learned(tmp_path):
    plain = new_run(tmp_path / "plain")
    shown = new_run(tmp_path / "shown", tensorboard=True, excerpts=1)
    for run in (plain, shown):
        tu.train(run, progress=False)
    assert same(weights(plain), weights(shown))


def test_tensorboard_that_is_not_installed(tmp_path, monkeypatch):
    importing = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == "tensorboard":
            raise ModuleNotFoundError(name)
        return importing(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    run = new_run(tmp_path / "run", tensorboard=True)
    with pytest.raises(ImportError, match="needs TensorBoard"):
        tu.train(run, progress=False)
    assert not (run / "checkpoint").exists()
