"""Runs of a few seconds, for tests."""

import json

import torch

from tutorial_utils import checkpoint
from tutorial_utils.config import Config
from tutorial_utils.training import steps

TINY = {
    "mixtures": 24,
    "validation_mixtures": 4,
    "duration": 0.3,
    "epochs": 2,
    "batch_size": 4,
    "checkpoint_every": 2,
    "excerpts": 0,
    "width": 8,
    "depth": 3,
}


def new_run(folder, model="AudioNetSimple", **changes):
    known = Config.of(model, "tiny").settings()
    settings = {name: value for name, value in TINY.items() if name in known}
    Config.of(model, "tiny").edited(settings | changes).write(folder)
    return folder


def weights(run, name="last"):
    return checkpoint.load(run, name)[0]


def same(first, second):
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def lines(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def stopping(monkeypatch, step):
    """Let a run be interrupted after some steps, as by Ctrl-C."""
    count, schedule = [0], steps.Schedule.step

    def stop(self):
        count[0] += 1
        if count[0] > step:
            raise KeyboardInterrupt
        schedule(self)

    monkeypatch.setattr(steps.Schedule, "step", stop)
