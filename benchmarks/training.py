"""Steps per second of ``tu.train`` against a bare PyTorch loop of the same network.

    python -m benchmarks.training [MODEL ...]

Both train the same tiny network, on the same table, by the same loader, with Adam and a limit on
the norm of the gradient. Ours writes its log and its checkpoints besides. Rounds alternate, and
each number is the median over the steps of all rounds, without the first ones. *data* is the
share of a step that is spent waiting for its batch.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import tutorial_utils as tu
from tutorial_utils.config import Config
from tutorial_utils.training import mixtures, steps

MODELS = ("MaskInference", "SpectrogramNetLSTM", "Demucs")
WORKERS = (0, 1, 2)
STEPS, SKIPPED, ROUNDS = 40, 5, 2
LEAST = 0.98  # times the bare loop


def configured(model, workers):
    settings = {
        "mixtures": 4 * STEPS,
        "validation_mixtures": 4,
        "duration": 2.0,
        "batch_size": 4,
        "epochs": 1,
        "checkpoint_every": 20,
        "workers": workers,
    }
    return Config.of(model, "tiny").edited(settings)


def ours(config, folder):
    """Seconds of each step, and of its part that is no waiting for data."""
    config.write(folder)
    times, step = [], steps.Schedule.step

    def timed(self):
        times.append(time.perf_counter())
        step(self)

    steps.Schedule.step = timed
    try:
        tu.train(folder, progress=False)
    finally:
        steps.Schedule.step = step
    logged = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return np.diff(times), [each["seconds"] for each in logged if "seconds" in each][1:]


def bare(config, folder):
    """The same, written down as anyone would."""
    torch.manual_seed(0)
    model = config.build()
    table = mixtures.tables(config, folder)["train"]
    loader = mixtures.Loader(table, model.labels, config)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    times, busy = [], []
    for mixture, sources in loader.batches(0):
        begun = time.perf_counter()
        loss = (model(mixture) - sources).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        times.append(time.perf_counter())
        optimizer.step()
        busy.append(time.perf_counter() - begun)
    return np.diff(times), busy[1:]


def main():
    rows = []
    for model in sys.argv[1:] or MODELS:
        for workers in WORKERS:
            config = configured(model, workers)
            found = {"ours": ([], []), "bare": ([], [])}
            with tempfile.TemporaryDirectory() as scratch:
                for number in range(ROUNDS):
                    place = Path(scratch, f"{number}")
                    for name, loop in (("ours", ours), ("bare", bare)):
                        whole, busy = loop(config, place)
                        found[name][0].extend(whole[SKIPPED:])
                        found[name][1].extend(busy[SKIPPED:])
            seconds = {name: np.median(whole) for name, (whole, _) in found.items()}
            share = 1 - np.mean(found["ours"][1]) / np.mean(found["ours"][0])
            rows.append(
                {
                    "model": model,
                    "workers": workers,
                    "ours (steps/s)": 1 / seconds["ours"],
                    "bare (steps/s)": 1 / seconds["bare"],
                    "ratio": seconds["bare"] / seconds["ours"],
                    "data": share,
                }
            )
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    print(json.dumps(rows))
    print(f"lowest ratio {table['ratio'].min():.3f}, promised {LEAST}")


if __name__ == "__main__":
    main()
