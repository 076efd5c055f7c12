"""Train from stored spectrograms, or from a table of mixtures: what costs what?

    python -m benchmarks.storage                # TinyStems, or the songs that MUSDB_PATH names
    python -m benchmarks.storage --workers 4    # with more workers in the loader

Mixtures of 5 s and four stems reach the same model in batches, in three ways:

- stored: the magnitude spectrograms of each mixture lie in a file of their own (``StoredDataset``);
- loader: the loader's worker renders the mixture of a table, and computes its spectrograms;
- model: the worker renders, and the spectrograms are computed from the batch, on the device of the
  model.

The table is drawn twice: without changes of pitch and tempo (``table``), and with those that are
the default (``changes``), which take longer to render. Files take as long to read either way, so
they are stored once.

All take turns, in an order that changes from round to round. An epoch is timed with a training step
for each batch, and with the loader alone; from the page cache, the memory in which the system keeps
what it has read, and (the loader alone, on Linux) with the files dropped from it. What else the
machine does can only make an epoch longer, and hurts most where two processes are at work. So the
fastest epochs are compared. The medians stand beside them.

With a training step, the worker prepares the next batch while the model learns from this one. Only
the slower of the two counts. The ratios that are judged are those, for a small model on one core of
the CPU. The loader alone says which ratio to expect where a step takes no time at all.

What is measured is printed at once. New rounds begin until the time is up (``--seconds``).
"""

import argparse
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
from tutorial_utils.data.songs.decoding import decoded
from tutorial_utils.transforms import Magnitudes

SECONDS = 5.0
BATCH = 4
AT_LEAST = 0.9  # of the epochs an hour that stored spectrograms allow
AT_MOST = 2.0  # per cent of their disk
MANY = 20_000  # mixtures: a common size of a training set
PLAIN = {"pitch_shift": None, "time_stretch": None}
STORED = "stored"
LOADER, MODEL = "table, loader", "table, model"
CHANGES_LOADER, CHANGES_MODEL = "changes, loader", "changes, model"
WAYS = (STORED, LOADER, MODEL, CHANGES_LOADER, CHANGES_MODEL)
ALIKE = (WAYS[:3], WAYS[3:])  # Those that train on the same mixtures.
KINDS = (("warm", "training"), ("warm", "loader"), ("dropped", "loader"))
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass
class Way:
    """One of them: its dataset, the files that an epoch reads, and the seconds to make it."""

    dataset: Dataset
    files: list[Path]
    making: float


def say(text: str) -> None:
    """Print at once, in a pipe, too."""
    print(text, flush=True)


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


def prepare(songs, mixtures: int, magnitudes, folder: Path) -> dict[str, Way]:
    """The ways to keep mixtures of these songs."""
    sample = MixtureTable.sample
    drawing, table = seconds(sample, songs, mixtures, duration=SECONDS, **PLAIN)
    drawing_changes, changes = seconds(sample, songs, mixtures, duration=SECONDS)
    writing, stored = seconds(
        StoredDataset.write, MixtureDataset(table, magnitudes), folder, workers=1
    )
    sounds, others = (
        [Path(some.root, name) for name in some.rows["source_file"].unique()]
        for some in (table, changes)
    )
    return {
        STORED: Way(stored, sorted(folder.glob("*.pt")), drawing + writing),
        LOADER: Way(MixtureDataset(table, magnitudes), sounds, drawing),
        MODEL: Way(MixtureDataset(table), sounds, drawing),
        CHANGES_LOADER: Way(MixtureDataset(changes, magnitudes), others, drawing_changes),
        CHANGES_MODEL: Way(MixtureDataset(changes), others, drawing_changes),
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
    model = models.build("MaskInference", "tiny", labels=labels).to(DEVICE)
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


def epochs(ways, labels, magnitudes, workers: int, until: float) -> pd.DataFrame:
    """The seconds of every epoch: one row per round, kind and way.

    The first round is made in any case, and others as long as they will end by the time ``until``,
    as ``time.monotonic`` counts it.
    """
    loaders = {name: loader(way.dataset, workers) for name, way in ways.items()}
    for batches in loaders.values():
        look(batches)  # Starts the workers, and fills the cache.
    rows, number, lasts = [], 0, 0.0
    while number == 0 or time.monotonic() + lasts <= until:
        began = time.monotonic()
        for cache, work in KINDS:
            if cache == "dropped" and not hasattr(os, "posix_fadvise"):
                continue
            first = number % len(WAYS)
            for name in WAYS[first:] + WAYS[:first]:
                batches = loaders[name]
                batches.generator.manual_seed(number)
                if cache == "dropped":
                    drop_from_cache(ways[name].files)
                if work == "training":
                    by_model = magnitudes if name in (MODEL, CHANGES_MODEL) else None
                    taken, loss = seconds(train, batches, labels, by_model)
                else:
                    taken, loss = seconds(look, batches)
                say(f"round {number + 1}   {cache:8}{work:9}{name:16}{taken:8.2f} s")
                rows.append((cache, work, number, name, taken, loss))
        number, lasts = number + 1, time.monotonic() - began
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
    table = pd.DataFrame({**rows, "loss": loss}).sort_index(ascending=False)
    return table.reindex(WAYS, level="way")


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
    found = []
    training = speed.sort_index().xs(("warm", "training"))
    for way in (LOADER, CHANGES_LOADER):
        if (ratio := training.loc[way, "ratio"]) < AT_LEAST:
            found.append(f"{way}: {ratio:.2f} of the epochs an hour, and {AT_LEAST} were promised")
    if (share := sizes["table %"].max()) > AT_MOST:
        found.append(f"{share:.2g} % of the disk, and {AT_MOST} % were promised")
    for ways in ALIKE:
        loss = training.loc[[*ways], "loss"]
        if loss.max() - loss.min() > 1e-4:
            found.append(
                f"losses from {loss.min():.5f} to {loss.max():.5f}: {', '.join(ways)} were not "
                "the same training"
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mixtures", type=int, default=32, help="of an epoch (default: 32)")
    parser.add_argument(
        "--seconds", type=float, default=150, help="for all, once the songs are there (150)"
    )
    parser.add_argument("--workers", type=int, default=1, help="of each loader (default: 1)")
    parser.add_argument(
        "--json", type=Path, default="_build/benchmarks/storage.json", help="file for the numbers"
    )
    arguments = parser.parse_args()
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # The other core is the worker's.
    songs = [song for song in decoded(open_songs()) if song.duration >= 1.3 * SECONDS]
    until = time.monotonic() + arguments.seconds
    magnitudes = Magnitudes(hop=models.build("MaskInference", "tiny").hop)
    with tempfile.TemporaryDirectory(dir=arguments.json.parent) as scratch:
        ways = prepare(songs, arguments.mixtures, magnitudes, Path(scratch, "stored"))
        table = ways[LOADER].dataset.table
        sizes = disk(ways, table.to_csv(Path(scratch, "table.csv")))
        say("\n" + sizes.to_string(index=False, float_format="{:.4g}".format))
        other = costs(ways)
        say("\n" + other.round(1).to_string(index=False) + "\n")
        times = epochs(ways, table.labels, magnitudes, arguments.workers, until)
    speed = summary(times)
    say(
        f"\n{len(table)} mixtures of {SECONDS:g} s per epoch, {arguments.workers} worker(s), model "
        f"on {DEVICE}, {times['round'].nunique()} rounds\n"
    )
    say(speed.round(3).to_string())
    results = {"speed": speed.reset_index(), "costs": other, "disk": sizes, "epochs": times}
    numbers = {name: json.loads(of.to_json(orient="records")) for name, of in results.items()}
    arguments.json.write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    if found := complaints(speed, sizes):
        sys.exit("Missed: " + "; ".join(found))


if __name__ == "__main__":
    main()
