"""Train from stored spectrograms, or from a table of mixtures: what costs what?

    python -m benchmarks.storage                # TinyStems, or the songs that MUSDB_PATH names
    python -m benchmarks.storage --workers 4    # with more workers in the loader

The same mixtures of 5 s and four stems reach the same model in the same batches, in three ways:

- stored: the magnitude spectrograms of each mixture lie in a file of their own (``StoredDataset``);
- table, loader: the loader's worker renders the mixture, and computes its spectrograms;
- table, model: the worker renders, and the spectrograms are computed from the batch, on the
  device of the model.

They take turns in one run, in an order that changes from round to round. An epoch is timed with a
training step for each batch, and with the loader alone; from the page cache, the memory in which
the system keeps what it has read, and (on Linux) with the files dropped from it. What else the
machine does can only make an epoch longer, and hurts most where two processes are at work. So the
fastest epochs are compared. The medians stand beside them.

With a training step, the worker prepares the next batch while the model learns from this one. Only
the slower of the two counts. The ratio that is judged is that one, for a small model on one core of
the CPU. The loader alone says which ratio to expect where a step takes no time at all.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
import torch
from torch.nn.functional import l1_loss
from torch.utils.data import DataLoader, Dataset

from tutorial_utils import models
from tutorial_utils.data import MixtureDataset, MixtureTable, StoredDataset, open_songs
from tutorial_utils.data.decoding import decoded
from tutorial_utils.transforms import Magnitudes

SECONDS = 5.0
BATCH = 8
AT_LEAST = 0.9  # of the epochs an hour that stored spectrograms allow
AT_MOST = 2.0  # per cent of their disk
MANY = 20_000  # mixtures: a common size of a training set
WAYS = ("stored", "table, loader", "table, model")
STORED, LOADER, MODEL = WAYS
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass
class Way:
    """One of the three: its dataset, the files that an epoch reads, and the seconds to make it."""

    dataset: Dataset
    files: list[Path]
    making: float


def seconds(function, *arguments, **named):
    """How long a call takes, and what it returns."""
    began = time.perf_counter()
    result = function(*arguments, **named)
    return time.perf_counter() - began, result


def drop_from_cache(files) -> None:
    """Make the system forget what it has read of these files."""
    for path in files:
        with open(path, "rb") as file:
            os.fsync(file.fileno())  # What is not on the disk yet would stay.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def prepare(table: MixtureTable, drawing: float, magnitudes, folder: Path) -> dict[str, Way]:
    """The three ways to keep the mixtures of a table, which took ``drawing`` seconds to draw."""
    in_loader = MixtureDataset(table, magnitudes)
    writing, stored = seconds(StoredDataset.write, in_loader, folder, workers=1)
    sounds = [Path(table.root, name) for name in table.rows["source_file"].unique()]
    return {
        STORED: Way(stored, sorted(folder.glob("*.pt")), drawing + writing),
        LOADER: Way(in_loader, sounds, drawing),
        MODEL: Way(MixtureDataset(table), sounds, drawing),
    }


def loader(dataset, workers: int) -> DataLoader:
    """The same loader for all, which keeps its workers from epoch to epoch."""
    return DataLoader(
        dataset,
        BATCH,
        shuffle=True,
        num_workers=workers,
        persistent_workers=True,
        pin_memory=DEVICE.type == "cuda",
        generator=torch.Generator(),
    )


def train(batches, labels, magnitudes=None) -> float:
    """Train a new model for an epoch, and return the mean loss.

    ``magnitudes`` makes spectrograms of batches that hold audio.
    """
    torch.manual_seed(0)
    model = models.build("MaskInference", labels=labels).to(DEVICE)
    optimiser = torch.optim.Adam(model.parameters())
    losses = []
    for batch in batches:
        mixtures, sources = (part.to(DEVICE, non_blocking=True) for part in batch)
        if magnitudes:
            mixtures, sources = magnitudes(mixtures, sources)
        loss = l1_loss(model.masks(mixtures) * mixtures.unsqueeze(1), sources)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return statistics.mean(losses)


def look(batches) -> float:
    """Take every batch, and do nothing with it."""
    for _ in batches:
        pass
    return float("nan")


def epochs(ways, labels, magnitudes, workers: int, rounds: int) -> pd.DataFrame:
    """The seconds of every epoch: one row a state of the cache, kind of work, round and way."""
    loaders = {name: loader(way.dataset, workers) for name, way in ways.items()}
    for batches in loaders.values():
        look(batches)  # Starts the workers, and fills the cache.
    states = ("warm", "dropped") if hasattr(os, "posix_fadvise") else ("warm",)
    rows = []
    for number, state, work in itertools.product(range(rounds), states, ("training", "loader")):
        for name in WAYS[number % 3 :] + WAYS[: number % 3]:
            batches = loaders[name]
            batches.generator.manual_seed(number)
            if state == "dropped":
                drop_from_cache(ways[name].files)
            if work == "training":
                by_model = magnitudes if name == MODEL else None
                taken, loss = seconds(train, batches, labels, by_model)
            else:
                taken, loss = seconds(look, batches)
            rows.append((state, work, number, name, taken, loss))
    names = ["cache", "work", "round", "way", "seconds", "loss"]
    return pd.DataFrame(rows, columns=names)


def summary(times: pd.DataFrame) -> pd.DataFrame:
    """The fastest epoch of each way, and what it comes to; and the median of all rounds."""
    by_round = times.pivot(index=["cache", "work", "round"], columns="way", values="seconds")
    by_round = by_round[[*WAYS]].groupby(level=["cache", "work"])
    fastest, middle = by_round.min(), by_round.median()
    measures = {
        "fastest (s)": fastest,
        "epochs an hour": 3600 / fastest,
        "ratio": fastest.rdiv(fastest[STORED], axis=0),
        "median (s)": middle,
        "its ratio": middle.rdiv(middle[STORED], axis=0),
    }
    loss = times.groupby(["cache", "work", "way"])["loss"].mean()
    rows = {name: values.stack() for name, values in measures.items()}
    return pd.DataFrame({**rows, "loss": loss}).sort_index(ascending=[False, False, True])


def costs(ways) -> pd.DataFrame:
    """What each way takes beside time: to be made, in a worker, and between worker and model."""
    rows = []
    for name, way in ways.items():
        peak = 0.0
        others = {*multiprocessing.active_children()}
        batches = loader(way.dataset, workers=1)
        for _ in batches:
            (worker,) = {*multiprocessing.active_children()} - others
            peak = max(peak, psutil.Process(worker.pid).memory_full_info().uss / 1e6)
        batch = BATCH * sum(part.nbytes for part in way.dataset[0]) / 1e6
        rows.append(
            {"way": name, "s to make": way.making, "MB a worker": peak, "MB a batch": batch}
        )
    return pd.DataFrame(rows)


def disk(ways, csv: Path) -> pd.DataFrame:
    """Megabytes of both, measured, and what they come to with more mixtures of the same songs."""
    table, songs, stored = (
        sum(map(os.path.getsize, files)) / 1e6
        for files in ([csv], ways[LOADER].files, ways[STORED].files)
    )
    mixtures = len(ways[STORED].dataset)
    sizes = pd.DataFrame({"mixtures": [mixtures, MANY]})
    sizes["stored MB"] = stored * sizes["mixtures"] / mixtures
    sizes["table MB"] = table * sizes["mixtures"] / mixtures
    sizes["songs MB"] = songs
    sizes["table %"] = 100 * sizes["table MB"] / sizes["stored MB"]
    sizes["with songs %"] = 100 * (sizes["table MB"] + songs) / sizes["stored MB"]
    return sizes


def complaints(speed: pd.DataFrame, sizes: pd.DataFrame) -> list[str]:
    """Where the table misses what it promises, or the ways did not do the same work."""
    ratio = speed.loc[("warm", "training", LOADER), "ratio"]
    share = sizes["table %"].max()
    loss = speed["loss"].dropna()
    found = []
    if ratio < AT_LEAST:
        found.append(f"{ratio:.2f} of the epochs an hour, and {AT_LEAST} were promised")
    if share > AT_MOST:
        found.append(f"{share:.2g} % of the disk, and {AT_MOST} % were promised")
    if loss.max() - loss.min() > 1e-4:
        found.append(f"losses from {loss.min():.5f} to {loss.max():.5f}: not the same training")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mixtures", type=int, default=64, help="of an epoch (default: 64)")
    parser.add_argument("--rounds", type=int, default=6, help="in which all take turns (6)")
    parser.add_argument("--workers", type=int, default=1, help="of each loader (default: 1)")
    parser.add_argument(
        "--json", type=Path, default="_build/benchmarks/storage.json", help="file for the numbers"
    )
    arguments = parser.parse_args()
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # The other core is the worker's.
    songs = [song for song in decoded(open_songs()) if song.duration >= SECONDS]
    magnitudes = Magnitudes(hop=models.build("MaskInference").hop)
    with tempfile.TemporaryDirectory(dir=arguments.json.parent) as scratch:
        settings = {"duration": SECONDS, "pitch_shift": None, "time_stretch": None}
        drawing, table = seconds(MixtureTable.sample, songs, arguments.mixtures, **settings)
        csv = table.to_csv(Path(scratch, "table.csv"))
        ways = prepare(table, drawing, magnitudes, Path(scratch, "stored"))
        sizes, other = disk(ways, csv), costs(ways)
        times = epochs(ways, table.labels, magnitudes, arguments.workers, arguments.rounds)
    speed = summary(times)
    print(
        f"{len(table)} mixtures of {SECONDS:g} s an epoch, {arguments.workers} worker(s), model on "
        f"{DEVICE}, {arguments.rounds} rounds\n"
    )
    print(speed.round(3).to_string(), end="\n\n")
    print(other.round(1).to_string(index=False), end="\n\n")
    print(sizes.to_string(index=False, float_format="{:.4g}".format))
    results = {"speed": speed.reset_index(), "costs": other, "disk": sizes, "epochs": times}
    numbers = {name: json.loads(of.to_json(orient="records")) for name, of in results.items()}
    arguments.json.write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    if found := complaints(speed, sizes):
        sys.exit("Missed: " + "; ".join(found))


if __name__ == "__main__":
    main()
