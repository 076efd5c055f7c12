"""The batches of a run, in an order that depends on the seed and the epoch alone."""

import hashlib
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from torch.utils.data import DataLoader, default_collate

from tutorial_utils.config import Config
from tutorial_utils.data import MixtureDataset, MixtureTable, open_songs
from tutorial_utils.text import shown

TABLES = {"train": "train.csv", "validation": "validation.csv"}
_HELD_OUT = 0.15  # of the training songs, where there is no split of that name


def tables(config: Config, run: Path) -> dict[str, MixtureTable]:
    """The tables of mixtures of a run, which are drawn when it begins and kept in its folder.

    Validation has songs of the split "valid", or some of the training songs, which are then left
    out of training; the test songs are never touched.

    Raises
    ------
    ValueError
        If there are no songs to train or to validate with.
    """
    places = {name: run / file for name, file in TABLES.items()}
    if all(place.exists() for place in places.values()):
        return {name: MixtureTable.from_csv(place) for name, place in places.items()}
    data, seed = config.data, config.training.seed
    songs = [song for song in open_songs(data.songs) if song.split != "test"]
    held = [song for song in songs if song.split == "valid"]
    if not held:
        count = max(1, round(_HELD_OUT * len(songs)))
        held = sorted(songs, key=lambda song: song.name)[-count:]
    kept = [song for song in songs if song not in held]
    if not kept:
        raise ValueError(
            f"There are {len(songs)} songs to train with in {shown(data.songs or 'the default')}: "
            "two are needed at least, of which one is held out for validation."
        )
    if not {*config.model["labels"]} <= {*kept[0].labels}:
        raise ValueError(
            f"The songs have the stems {', '.join(kept[0].labels)}, and the model separates "
            f"{', '.join(config.model['labels'])}. Set labels to some of those of the songs."
        )
    common = {
        "duration": data.duration,
        "sample_rate": config.model["sample_rate"],
        "channels": config.model.get("channels") or 2,
    }
    shift = ("uniform", -2, 2) if data.pitch_shift else None
    stretch = ("uniform", 0.9, 1.1) if data.time_stretch else None
    drawn = {"pitch_shift": shift, "time_stretch": stretch, "coherent": data.coherent}
    whole = {"pitch_shift": None, "time_stretch": None, "coherent": 1.0, "snr": None}
    made = {
        "train": MixtureTable.sample(kept, data.mixtures, seed, **common, **drawn),
        "validation": MixtureTable.sample(
            held, data.validation_mixtures, seed + 1, **common, **whole
        ),
    }
    for name, table in made.items():
        table.to_csv(places[name])
    return made


def fingerprints(run: Path) -> dict[str, str]:
    """By which a run's tables are known again."""
    return {
        name: hashlib.sha256((run / file).read_bytes()).hexdigest() for name, file in TABLES.items()
    }


class _Order(torch.utils.data.Sampler):
    """Batches of item numbers: shuffled by seed and epoch, from a position on, for one process."""

    def __init__(self, items: int, batch_size: int, seed: int, rank: int, world: int):
        self.items, self.batch_size, self.seed = items, batch_size, seed
        self.rank, self.world = rank, world
        self.epoch, self.position = 0, 0

    def __iter__(self):
        draw = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**63)
        order = torch.randperm(self.items, generator=draw).tolist()
        for batch in range(self.position, len(self)):
            whole = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            yield whole[self.rank :: self.world]

    def __len__(self):  # batches that are not full are left out, so that all count alike
        return self.items // self.batch_size


def _batch(places, items):
    """Items as a batch, with the sources in the order of a model's labels; a worker does this."""
    mixture, sources = default_collate(items)
    ordered = places == list(range(sources.shape[1]))
    return mixture, sources if ordered else sources[:, places]


class Loader:
    """Batches of a table's mixtures, from any position of any epoch.

    The same batches come whatever the number of workers. With ``pinned``, batches lie in memory
    from which a GPU takes them faster.
    """

    def __init__(
        self, table, labels, config: Config, rank: int = 0, world: int = 1, pinned: bool = False
    ):
        batch_size = config.training.batch_size
        if batch_size % world:
            raise ValueError(
                f"A batch of {batch_size} cannot be shared by {world} processes. Set batch_size to "
                f"a multiple of {world}."
            )
        places = [table.labels.index(label) for label in labels]
        self.order = _Order(len(table), batch_size, config.training.seed, rank, world)
        if len(self.order) == 0:
            raise ValueError(
                f"{len(table)} mixtures do not make a batch of {batch_size}. Set batch_size lower."
            )
        workers = config.data.workers
        self.stall_after = config.data.stall_after
        self.loader = DataLoader(
            MixtureDataset(table),
            batch_sampler=self.order,
            collate_fn=partial(_batch, places),
            num_workers=workers,
            persistent_workers=workers > 0,
            timeout=self.stall_after if workers else 0,
            pin_memory=pinned,
            generator=torch.Generator(),  # or it would draw from the one that dropout draws from
        )

    def __len__(self) -> int:
        return len(self.order)

    def batches(self, epoch: int, position: int = 0):
        """Mixtures (batch, channels, samples) and sources (batch, sources, channels, samples)."""
        self.order.epoch, self.order.position = epoch, position
        with self._explained():
            yield from self.loader

    def first(self, count: int):
        """The first mixtures of the table, the same in every process; shapes as of a batch."""
        dataset = self.loader.dataset
        return self.loader.collate_fn([dataset[i] for i in range(min(count, len(dataset)))])

    @contextmanager
    def _explained(self):
        """Say what to do about workers that hang, die or fail."""
        try:
            yield
        except RuntimeError as error:
            if not str(error).startswith("DataLoader"):
                raise
            if "timed out" in str(error):
                raise RuntimeError(
                    f"No batch came from the {self.loader.num_workers} workers for "
                    f"{self.stall_after:g} seconds. The last checkpoint is from before. Look "
                    "whether the songs can still be read, or set stall_after higher, or workers=0."
                ) from error
            raise RuntimeError(
                f"A worker was stopped: {shown(error)} The last checkpoint is from before. Often "
                "memory has run out: set workers or batch_size lower."
            ) from error
        except (OSError, ValueError) as error:
            # PyTorch makes the worker's whole traceback the message; its last line is the error.
            if not str(error).startswith("Caught "):
                raise
            last = str(error).strip().splitlines()[-1].partition(": ")[2]
            raise type(error)(f"{last} (in a worker, while a batch was rendered)") from error
