"""Steps per second of ``tu.train`` against bare loops, and what a step waits for.

    python -m benchmarks.training            # on the CPU
    python -m benchmarks.training --gpu      # each full model on a GPU, for some hundred steps

**Ratios.** The peer takes one step between every two of ours, in the same process, so that whatever
else the machine does meets both alike; the ratio is the median over the pairs. Both have the same
network, the same table and a loader of their own.

- *bare*: the loop that anyone would write, with the same loss, Adam and limit of the norm.
- *Open-Unmix*: the step of its own ``train.py``, with its own network, encoder and squared error on
  magnitudes, where it can be imported (``pip install openunmix``, not with this package). Ours is
  ``OpenUnmix`` with the same sizes and the loss ``msa``; it writes a log and checkpoints besides.

**Data.** In a process of its own: the share of the time in which a step waits for its batch, and
the peak of memory, beside that of the bare loop.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import tutorial_utils as tu
from benchmarks.separation import peak
from tutorial_utils.config import Config
from tutorial_utils.training import mixtures, steps

MODELS = ("MaskInference", "SpectrogramNetLSTM", "Demucs")
WORKERS = (0, 1, 2)
STEPS, SKIPPED = 60, 5
LEAST = {"bare": 0.98, "Open-Unmix": 1.0}  # times the peer
GPU_STEPS, GPU_BATCH = 100, 8


def configured(model, preset="tiny", **changes):
    settings = {
        "mixtures": 4 * STEPS,
        "validation_mixtures": 4,
        "duration": 2.0,
        "batch_size": 4,
        "epochs": 1,
        "checkpoint_every": 20,
        "excerpts": 0,
    }
    return Config.of(model, preset).edited(settings | changes)


def loader_of(config, folder):
    """The peer's: in another order than ours, or it would find each segment just read by us."""
    table, labels = mixtures.tables(config, folder)["train"], config.model["labels"]
    return mixtures.Loader(table, labels, config.edited({"seed": 1}))


def bare(config, folder):
    """A step of the loop that anyone would write, at each call of ``next``."""
    torch.manual_seed(0)
    model = config.build()
    loader = loader_of(config, folder)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in count():
        for mixture, sources in loader.batches(epoch):
            loss = (model(mixture) - sources).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            yield loss.item()


def open_unmix(config, folder):
    """A step of Open-Unmix's own training, at each call of ``next``."""
    from openunmix.model import OpenUnmix
    from openunmix.transforms import ComplexNorm, make_filterbanks
    from openunmix.utils import AverageMeter

    torch.manual_seed(0)
    ours = config.build()
    settings = config.model
    loader = loader_of(config, folder)
    stft, _ = make_filterbanks(n_fft=ours.n_fft, n_hop=ours.hop, sample_rate=ours.sample_rate)
    encoder = torch.nn.Sequential(stft, ComplexNorm(mono=False))
    unmix = OpenUnmix(
        nb_bins=ours.n_fft // 2 + 1,
        nb_channels=2,
        hidden_size=settings["hidden_size"],
        max_bin=settings["max_bin"],
    )
    optimizer = torch.optim.Adam(unmix.parameters(), lr=1e-3, weight_decay=1e-5)
    losses = AverageMeter()
    unmix.train()
    for epoch in count():
        for x, sources in loader.batches(epoch):
            y = sources[:, 0]
            optimizer.zero_grad()
            X = encoder(x)
            Y_hat = unmix(X)
            Y = encoder(y)
            loss = torch.nn.functional.mse_loss(Y_hat, Y)
            loss.backward()
            optimizer.step()
            losses.update(loss.item(), Y.size(1))
            yield losses.avg


@contextmanager
def at_each_step(call):
    """Let ``tu.train`` call something once in each of its steps."""
    step = steps.Schedule.step

    def hooked(self):
        call()
        step(self)

    steps.Schedule.step = hooked
    try:
        yield
    finally:
        steps.Schedule.step = step


def paired(config, peer):
    """Seconds of our steps, and of the peer's, which it takes between ours."""
    ours, theirs, last = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        config.write(scratch)
        other = peer(config, Path(scratch))

        def take_turns():
            here = time.perf_counter()
            next(other)
            after = time.perf_counter()
            if last:
                ours.append(here - last[0])
                theirs.append(after - here)
            last[:] = [after]

        with at_each_step(take_turns):
            tu.train(scratch, progress=False)
        other.close()
    return np.array(ours[SKIPPED:]), np.array(theirs[SKIPPED:])


def times_of(folder, began, skipped):
    """Seconds of whole steps, and of their parts without waiting for the batch."""
    logged = [json.loads(line) for line in Path(folder, "log.jsonl").read_text().splitlines()]
    busy = [each["seconds"] for each in logged if "seconds" in each][1:]
    return np.diff(began)[skipped:], np.array(busy[skipped:])


def alone(which, model, workers):
    """Train in this process, and print the share of waiting for data and the peak of memory."""
    config = configured(model, workers=workers)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if which == "bare":
            loop = bare(config, folder)
            for _ in range(STEPS):
                next(loop)
            loop.close()
            print(json.dumps({"peak": peak()}))
            return
        config.write(folder)
        began = []
        with at_each_step(lambda: began.append(time.perf_counter())):
            tu.train(folder, progress=False)
        whole, busy = times_of(folder, began, SKIPPED)
        print(json.dumps({"peak": peak(), "data": 1 - busy.sum() / whole.sum()}))


def separately(*arguments):
    command = [sys.executable, "-m", "benchmarks.training", "--alone", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def on_the_gpu(names):
    """The rate, memory and use of a GPU by full models, and whether mixing keeps up."""
    rows = []
    workers = max(1, (os.cpu_count() or 2) - 2)
    settings = {
        "mixtures": GPU_BATCH * GPU_STEPS,
        "validation_mixtures": GPU_BATCH,
        "duration": 4.0,
        "batch_size": GPU_BATCH,
        "checkpoint_every": GPU_STEPS,
        "workers": workers,
    }
    with tempfile.TemporaryDirectory() as tables:  # the same for all
        mixtures.tables(configured("Demucs", **settings), Path(tables))
        for precision in ("32", "bf16-mixed", "16-mixed"):
            for name in names or tu.models.names():
                config = configured(name, "full", precision=precision, **settings)
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
                row = {"model": name, "precision": precision}
                try:
                    row |= _watched(config, tables)
                except (ArithmeticError, RuntimeError, ValueError) as error:
                    row["error"] = f"{type(error).__name__}: {str(error)[:200]}"
                row["GiB"] = torch.cuda.max_memory_allocated() / 2**30
                rows.append(row)
                print(json.dumps(row), flush=True)
    print(pd.DataFrame(rows).round(3).to_string(index=False))


def _watched(config, tables):
    """Steps per second, waiting included and not, and how busy the GPU says it is."""
    used, began = [], []

    def watch():
        began.append(time.perf_counter())
        if len(began) > 2 * SKIPPED and len(began) % 10 == 0:
            used.append(torch.cuda.utilization())

    with tempfile.TemporaryDirectory() as scratch:
        config.write(scratch)
        for file in mixtures.TABLES.values():
            shutil.copy(Path(tables, file), scratch)
        with at_each_step(watch):
            tu.train(scratch, device="cuda", progress=False)
        whole, busy = times_of(scratch, began, 2 * SKIPPED)
    return {
        "steps/s": len(whole) / whole.sum(),
        "steps/s without waiting": len(busy) / busy.sum(),
        "data": 1 - busy.sum() / whole.sum(),
        "use (%)": float(np.mean(used)),
    }


def main():
    rows = []
    cases = [(model, workers, "bare", {}) for model in MODELS for workers in WORKERS]
    try:
        import openunmix.model  # noqa: F401

        sizes = {"labels": "vocals", "loss": "msa", "clip": "none", "duration": 3.0}
        cases.append(("OpenUnmix", 0, "Open-Unmix", sizes))
    except (ImportError, OSError) as error:
        print(f"Open-Unmix is not here ({error}).")
    for model, workers, name, changes in cases:
        preset = "full" if name == "Open-Unmix" else "tiny"
        config = configured(model, preset, workers=workers, **changes)
        ours, theirs = paired(config, {"bare": bare, "Open-Unmix": open_unmix}[name])
        row = {"model": model, "workers": workers, "peer": name}
        row |= {"ours (steps/s)": 1 / np.median(ours), "peer (steps/s)": 1 / np.median(theirs)}
        row |= {"ratio": np.median(theirs / ours), "promised": LEAST[name]}
        if name == "bare":
            own = separately("ours", model, workers)
            row |= {"data": own["data"], "GiB": own["peak"] / 2**30}
            row["bare GiB"] = separately("bare", model, workers)["peak"] / 2**30
        rows.append(row)
        print(row, flush=True)
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    print(json.dumps(rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--gpu"]:
        on_the_gpu(sys.argv[2:])
    elif sys.argv[1:2] == ["--alone"]:
        alone(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
