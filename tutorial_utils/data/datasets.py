"""Mixtures as PyTorch datasets: rendered when they are asked for, or stored beforehand.

Both give the same items, and go into any ``torch.utils.data.DataLoader``. An item depends on its
number alone, so a loader gives the same batches whatever its number of workers; which items come
together is up to the loader's ``generator`` or sampler.
"""

import hashlib
import io
import json
import pickle
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from tutorial_utils import files, processes
from tutorial_utils.data.table import MixtureTable, fingerprints
from tutorial_utils.text import shown

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
        """The same for two datasets that give the same items.

        It knows the sounds by their size and by what they hold at some places.
        """
        table, sounds = self.table, fingerprints.of_sounds(self.table)
        described = (table.parts, table.duration, table.fade_in, table.fade_out, self.transform)
        described += (sounds,)
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
        If writing it was interrupted, or a file of it is damaged.
    """

    def __init__(self, folder):
        self.folder = files.expanded(folder)
        about = _read_about(self.folder)
        if about is None:
            raise FileNotFoundError(
                f"There is no stored dataset in {shown(folder)}. Make one with StoredDataset.write."
            )
        self._length = about["items"]
        if missing := _missing(self.folder, self._length):
            raise ValueError(
                f"{shown(folder)} lacks {len(missing)} of {self._length} items. Call "
                "StoredDataset.write again with the same dataset: it goes on where it stopped."
            )

    def __len__(self):
        return self._length

    def __getitem__(self, i):
        if not 0 <= i < len(self):
            raise IndexError(f"There are {len(self)} items, and {i} is not one of them.")
        file = _file(self.folder, i)
        try:
            return torch.load(file, weights_only=True)
        except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise ValueError(
                f"{shown(file)} is damaged. Remove it, and call StoredDataset.write again with the "
                "same dataset."
            ) from error

    @classmethod
    def write(cls, dataset: MixtureDataset, folder, workers: int = 0) -> "StoredDataset":
        """Write every item of a dataset, each to a file of its own, and open the result.

        If it was interrupted before, it goes on where it stopped.

        Parameters
        ----------
        dataset : MixtureDataset
        folder : path-like
        workers : int
            Processes that render, as in a ``DataLoader``; one per core at most.

        Raises
        ------
        ValueError
            If the folder holds items of another dataset: of another table, of other sounds under
            the same names, or with another transform.
        OSError
            If the folder cannot be written to, or the disk is full. The items that are complete
            stay.
        """
        folder = files.expanded(folder)
        about = {"items": len(dataset), "fingerprint": dataset.fingerprint}
        if (found := _read_about(folder)) not in (None, about):
            raise ValueError(
                f"{shown(folder)} holds {found['items']} items of another dataset. Choose another "
                "folder, or remove this one."
            )
        folder.mkdir(parents=True, exist_ok=True)
        with files.whole_file(folder / _ABOUT) as file:
            file.write_text(json.dumps(about))
        missing = _missing(folder, len(dataset))
        workers = processes.how_many(workers, len(missing)) if workers else 0
        items = DataLoader(
            Subset(dataset, missing), batch_size=None, num_workers=workers, collate_fn=_plain
        )
        for i, item in zip(missing, tqdm(items, "Storing items"), strict=True):
            _write_item(_file(folder, i), item)
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


def _write_item(file, item):
    # By way of the memory: PyTorch's own writer tells a full disk by other errors than the system.
    memory = io.BytesIO()
    torch.save(item, memory)
    with files.whole_file(file) as temporary:
        temporary.write_bytes(memory.getbuffer())


def _file(folder, i):
    return folder / f"{i:06d}.pt"


def _missing(folder, items):
    there = {path.name for path in folder.iterdir()}
    return [i for i in range(items) if _file(folder, i).name not in there]


def _read_about(folder):
    """What the dataset in a folder is; None if there is none."""
    path = folder / _ABOUT
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or type(about.get("items")) is not int:
        raise ValueError(
            f"{shown(path)} does not describe a stored dataset. Remove it, and call "
            "StoredDataset.write again with the same dataset."
        )
    return about
