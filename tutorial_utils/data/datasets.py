"""Mixtures as PyTorch datasets: rendered when they are asked for, or stored beforehand.

Both give the same items, and go into any ``torch.utils.data.DataLoader``. An item depends on its
number alone, so a loader gives the same batches whatever its number of workers; which items come
together is up to the loader's ``generator`` or sampler.
"""

import functools
import hashlib
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from tutorial_utils.data.table import MixtureTable

_ABOUT = "about.json"


class MixtureDataset(Dataset):
    """The mixtures of a table, rendered when they are asked for.

    Item ``i`` is a pair of tensors: mixture ``i`` of shape (channels, samples), and its sources of
    shape (sources, channels, samples) in the order of ``table.labels``.

    Parameters
    ----------
    table : MixtureTable
    transform : callable, optional
        ``transform(mixture, sources)`` makes an item of the two tensors, such as
        :class:`tutorial_utils.transforms.Magnitudes`. It runs in the loader's workers. Its
        ``repr`` has to tell its settings, by which a :class:`StoredDataset` knows them again.

    Examples
    --------
    >>> dataset = MixtureDataset(table)                                      # doctest: +SKIP
    >>> loader = DataLoader(dataset, batch_size=8, shuffle=True, num_workers=2,
    ...                     generator=torch.Generator().manual_seed(epoch))  # doctest: +SKIP
    """

    def __init__(self, table: MixtureTable, transform: Callable | None = None):
        self.table = table
        self.transform = transform

    def __len__(self):
        return len(self.table)

    def __getitem__(self, i):
        mix = self.table.render(i)
        mixture = torch.from_numpy(np.ascontiguousarray(mix.mixture))
        sources = torch.from_numpy(np.stack([*mix.sources.values()]))
        return self.transform(mixture, sources) if self.transform else (mixture, sources)

    @property
    def fingerprint(self) -> str:
        """The same for two datasets that give the same items."""
        table = self.table
        described = (table.parts, table.duration, table.fade_in, table.fade_out, self.transform)
        return hashlib.sha256(f"{described!r}{table.rows.to_csv()}".encode()).hexdigest()


class StoredDataset(Dataset):
    """The items of another dataset, written to a folder and read from there.

    Parameters
    ----------
    folder : path-like
        What :meth:`write` wrote.

    Raises
    ------
    FileNotFoundError
        If the folder holds no dataset.
    ValueError
        If writing it was interrupted.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        about = _read_about(self.folder)
        if about is None:
            raise FileNotFoundError(
                f"There is no stored dataset in {folder}. Make one with StoredDataset.write."
            )
        self._length = about["items"]
        if missing := _missing(self.folder, self._length):
            raise ValueError(
                f"{folder} lacks {len(missing)} of {self._length} items. Call StoredDataset.write "
                "again with the same dataset: it goes on where it stopped."
            )

    def __len__(self):
        return self._length

    def __getitem__(self, i):
        if not 0 <= i < len(self):
            raise IndexError(f"There are {len(self)} items, and {i} is not one of them.")
        return torch.load(_file(self.folder, i), weights_only=True)

    @classmethod
    def write(cls, dataset: MixtureDataset, folder, workers: int = 0) -> "StoredDataset":
        """Write every item of a dataset, each to a file of its own, and open the result.

        If it was interrupted before, it goes on where it stopped.

        Parameters
        ----------
        dataset : MixtureDataset
        folder : path-like
        workers : int
            Processes that render, as in a ``DataLoader``.

        Raises
        ------
        ValueError
            If the folder holds items of another dataset.
        """
        folder = Path(folder)
        about = {"items": len(dataset), "fingerprint": dataset.fingerprint}
        if (found := _read_about(folder)) not in (None, about):
            raise ValueError(
                f"{folder} holds {found.get('items')} items of another dataset. Choose another "
                "folder, or remove this one."
            )
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(folder / _ABOUT, lambda path: path.write_text(json.dumps(about)))
        missing = _missing(folder, len(dataset))
        items = DataLoader(
            Subset(dataset, missing), batch_size=None, num_workers=workers, collate_fn=_plain
        )
        for i, item in zip(missing, tqdm(items, "Storing items"), strict=True):
            _write_whole(_file(folder, i), functools.partial(torch.save, item))
        return cls(folder)


def _plain(item):
    """Copy the tensors of an item: what is a view would be saved with all that it is a view of."""
    if isinstance(item, torch.Tensor):
        return item.clone(memory_format=torch.contiguous_format)
    if isinstance(item, dict):
        return {name: _plain(part) for name, part in item.items()}
    if isinstance(item, list | tuple):
        parts = [_plain(part) for part in item]
        return parts if isinstance(item, list) else tuple(parts)
    return item


def _write_whole(file, write):
    """Let ``write`` write to a temporary file, which takes its name when it is complete."""
    temporary = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        write(temporary)
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def _file(folder, i):
    return folder / f"{i:06d}.pt"


def _missing(folder, items):
    there = {path.name for path in folder.iterdir()}
    return [i for i in range(items) if _file(folder, i).name not in there]


def _read_about(folder):
    try:
        return json.loads((folder / _ABOUT).read_text())
    except FileNotFoundError:
        return None
