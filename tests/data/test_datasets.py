"""Both datasets give the same items, to any loader, whoever asks, and however often."""

import multiprocessing
import os
import re
import shutil
import signal
import time
from dataclasses import dataclass

import joblib
import numpy as np
import pytest
import torch
from helpers import RATE
from torch.utils.data import DataLoader

from tutorial_utils import audio
from tutorial_utils.data import MixtureDataset, MixtureTable, StoredDataset
from tutorial_utils.transforms import Magnitudes

SPECTROGRAMS = Magnitudes(n_fft=256, hop=64)
spawned = pytest.mark.slow(reason="each worker imports everything anew")


@pytest.fixture(scope="module")
def table(songs):
    """With changes of pitch and tempo, and a source that lacks in some."""
    return MixtureTable.sample(songs, 10, 2, duration=0.5, leave_out=0.3)


@pytest.fixture
def dataset(table):
    return MixtureDataset(table)


def everything(dataset, **options):
    return list(DataLoader(dataset, **options))


def assert_same(one, other):
    torch.testing.assert_close(one, other, rtol=0, atol=0)


def seeded(seed=4):
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class Slowly:
    """A transform that takes its time."""

    def __call__(self, mixture, sources):
        time.sleep(0.05)
        return mixture, sources


# Items


def test_an_item_is_a_mixture_and_its_sources(table, dataset):
    assert len(dataset) == len(table) == 10
    for i in range(10):
        mixture, sources = dataset[i]
        mix = table.render(i)
        assert mixture.shape == (2, RATE // 2) and sources.shape == (4, 2, RATE // 2)
        assert mixture.dtype == sources.dtype == torch.float32
        assert mixture.is_contiguous() and sources.is_contiguous()
        np.testing.assert_array_equal(mixture, mix.mixture)
        for label, source in zip(table.labels, sources, strict=True):
            np.testing.assert_array_equal(source, mix.sources[label])
        torch.testing.assert_close(sources.sum(0), mixture, rtol=0, atol=1e-6)


def test_items_depend_on_their_number_alone(songs, table, dataset):
    backwards = [dataset[i] for i in reversed(range(10))][::-1]
    assert_same(backwards, [dataset[i] for i in range(10)])
    more = MixtureTable.sample(songs, 30, 2, duration=0.5, leave_out=0.3)
    assert_same(MixtureDataset(more)[7], dataset[7])
    assert not torch.equal(dataset[7][0], dataset[8][0])


@pytest.mark.parametrize("i", [-1, 10])
def test_an_item_that_is_not_there(dataset, i):
    with pytest.raises(IndexError, match=f"There are 10 mixtures, and {i} is not one of them"):
        dataset[i]
    assert len(list(dataset)) == 10  # Python stops a loop at the first IndexError.


def test_a_transform_makes_the_items(table, dataset):
    spectrograms = MixtureDataset(table, SPECTROGRAMS)[3]
    assert_same(spectrograms, SPECTROGRAMS(*dataset[3]))
    mixture, sources = spectrograms
    assert mixture.shape == (2, 129, 63) and sources.shape == (4, 2, 129, 63)
    named = MixtureDataset(table, lambda mixture, sources: {"x": mixture, "y": sources[1]})
    assert_same(named[3], {"x": dataset[3][0], "y": dataset[3][1][1]})


def test_in_the_loader_or_on_the_device(table, dataset):
    """Spectrograms of a batch are the batch of the spectrograms."""
    (by_loader,) = everything(MixtureDataset(table, SPECTROGRAMS), batch_size=10)
    (batch,) = everything(dataset, batch_size=10)
    torch.testing.assert_close(tuple(by_loader), SPECTROGRAMS(*batch))


def test_views_and_splits(table):
    view = MixtureDataset(table.summed(rest=["drums", "bass", "other"]).subset("train"))
    mixture, sources = view[0]
    assert sources.shape == (2, 2, RATE // 2) and len(view) < 10
    torch.testing.assert_close(sources.sum(0), mixture, rtol=0, atol=1e-6)


# Loaders


@pytest.mark.parametrize(
    "workers", [2, *(pytest.param(workers, marks=pytest.mark.slow) for workers in (1, 3, 4))]
)
@pytest.mark.parametrize("transform", [None, SPECTROGRAMS], ids=["audio", "spectrograms"])
def test_the_number_of_workers_does_not_matter(table, workers, transform):
    dataset = MixtureDataset(table, transform)
    options = dict(batch_size=3, shuffle=True)
    alone = everything(dataset, **options, generator=seeded())
    together = everything(dataset, **options, generator=seeded(), num_workers=workers)
    assert_same(together, alone)


@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=spawned)])
def test_nor_does_it_with_all_that_can_be_done_to_a_stem(songs, start):
    table = MixtureTable.sample(
        songs, 10, 2, duration=0.5, snr=None, gain=("uniform", -3, 3), song_gain=("normal", 0, 2),
        polarity=0.5, swap=0.5, effects=0.5,
    )  # fmt: skip
    assert 5 < table.rows["effects"].notna().sum() < 35
    dataset = MixtureDataset(table)
    together = everything(dataset, batch_size=3, num_workers=2, multiprocessing_context=start)
    assert_same(together, everything(dataset, batch_size=3))


def test_the_number_of_threads_does_not_matter(table):
    """A worker has one, the main process more: sums must not depend on how they are shared out."""
    dataset, threads = MixtureDataset(table, SPECTROGRAMS), torch.get_num_threads()
    try:
        items = []
        for count in (1, 2):
            torch.set_num_threads(count)
            items.append([dataset[i] for i in range(10)])
    finally:
        torch.set_num_threads(threads)
    assert_same(*items)


@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=spawned)])
def test_however_workers_are_started(table, start):
    dataset = MixtureDataset(table, SPECTROGRAMS)
    together = everything(dataset, num_workers=2, multiprocessing_context=start)
    assert_same(together, everything(dataset))


@pytest.mark.parametrize("workers", [0, 2])
def test_the_seed_of_the_epoch_gives_the_order(dataset, workers):
    options = dict(batch_size=2, shuffle=True, num_workers=workers)
    first, again, other = (
        everything(dataset, **options, generator=seeded(seed)) for seed in (1, 1, 2)
    )
    assert_same(first, again)
    assert any(not torch.equal(a[0], b[0]) for a, b in zip(first, other, strict=True))
    key = [sorted(float(x.abs().sum()) for batch in epoch for x in batch[0]) for epoch in
           (first, other)]  # fmt: skip
    assert key[0] == pytest.approx(key[1])  # The same items, in another order.


def test_workers_that_stay_give_each_epoch_anew(dataset):
    """In another order, which the seed gives too."""
    runs = []
    for _ in range(2):
        loader = DataLoader(
            dataset, 2, shuffle=True, num_workers=2, generator=seeded(), persistent_workers=True
        )
        runs.append([list(loader), list(loader)])
    assert_same(*runs)
    first, second = ([x for batch in epoch for x in batch[0]] for epoch in runs[0])
    assert not torch.equal(first[0], second[0])
    for item in first:
        assert sum(torch.equal(item, other) for other in second) == 1


@pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true but no accelerator")
def test_memory_may_be_pinned(dataset):
    assert_same(everything(dataset, pin_memory=True, num_workers=1), everything(dataset))


# Stored beforehand


@pytest.mark.parametrize("transform", [None, SPECTROGRAMS], ids=["audio", "spectrograms"])
@pytest.mark.parametrize("workers", [0, 2])
def test_what_is_stored_is_the_same(table, tmp_path, transform, workers):
    dataset = MixtureDataset(table, transform)
    stored = StoredDataset.write(dataset, tmp_path / "new" / "stored", workers)
    assert len(stored) == 10 and stored.folder == tmp_path / "new" / "stored"
    for other in (stored, StoredDataset(str(stored.folder))):
        assert_same([other[i] for i in range(10)], [dataset[i] for i in range(10)])
    options = dict(batch_size=4, shuffle=True, num_workers=2)
    assert_same(
        everything(stored, **options, generator=seeded()),
        everything(dataset, **options, generator=seeded()),
    )
    for i in (-1, 10):
        with pytest.raises(IndexError, match=f"There are 10 items, and {i} is not one of them"):
            stored[i]


def test_a_file_holds_its_item_and_no_more(table, tmp_path):
    """Also of a transform that gives views of larger tensors."""
    dataset = MixtureDataset(table, lambda mixture, sources: {"x": sources[2, :, :100], "n": [7]})
    stored = StoredDataset.write(dataset, tmp_path)
    assert_same(stored[4]["x"], dataset[4]["x"]) and stored[4]["n"] == [7]
    assert max(file.stat().st_size for file in tmp_path.glob("*.pt")) < 4000


def files(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_writing_again_writes_nothing(dataset, tmp_path):
    StoredDataset.write(dataset, tmp_path)
    before = {name: when for name, when in files(tmp_path).items() if name.endswith(".pt")}
    StoredDataset.write(dataset, tmp_path)
    assert before.items() <= files(tmp_path).items() and len(before) == 10


def test_what_was_killed_goes_on_where_it_was(table, tmp_path):
    slow = MixtureDataset(table, Slowly())

    def write():
        torch.set_num_threads(1)
        StoredDataset.write(slow, tmp_path)

    process = multiprocessing.get_context("fork").Process(target=write)
    process.start()
    while len(list(tmp_path.glob("[0-9]*.pt"))) < 3:
        assert process.is_alive()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("[0-9]*.pt")}
    assert 3 <= len(before) < 10
    with pytest.raises(ValueError, match=rf"lacks {10 - len(before)} of 10 items. Call StoredData"):
        StoredDataset(tmp_path)
    stored = StoredDataset.write(slow, tmp_path)
    assert before.items() <= files(tmp_path).items()  # None of them is written again.
    assert_same([stored[i] for i in range(10)], [slow[i] for i in range(10)])


def test_an_item_that_got_lost(dataset, tmp_path):
    StoredDataset.write(dataset, tmp_path)
    (tmp_path / "000006.pt").unlink()
    with pytest.raises(ValueError, match=r"lacks 1 of 10 items\. Call StoredDataset\.write again"):
        StoredDataset(tmp_path)
    assert_same(StoredDataset.write(dataset, tmp_path)[6], dataset[6])


def test_a_full_disk_is_told_with_its_path_and_leaves_nothing_broken(dataset, tmp_path):
    """A limit on the size of files stands in for the disk: the system's error is like it."""
    resource = pytest.importorskip("resource")
    folder, told = tmp_path / "stored", tmp_path / "told"

    def write():
        torch.set_num_threads(1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        try:
            StoredDataset.write(dataset, folder)
        except OSError as error:
            told.write_text(str(error))

    process = multiprocessing.get_context("fork").Process(target=write)
    process.start()
    process.join()
    assert re.search(r"File too large: '.*stored.000000\.pt'", told.read_text())
    assert sorted(files(folder)) == ["about.json"]
    assert_same(StoredDataset.write(dataset, folder)[3], dataset[3])


def test_a_damaged_item_is_named(dataset, tmp_path):
    stored = StoredDataset.write(dataset, tmp_path)
    whole = (tmp_path / "000004.pt").read_bytes()
    for damaged in (b"", whole[:100], whole[: len(whole) // 2], b"x" * 100):
        (tmp_path / "000004.pt").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"000004\.pt is damaged\. Remove it, and call"):
            stored[4]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"items": "10"}', "[" * 100_000])
def test_a_damaged_description_is_named(dataset, tmp_path, text):
    (tmp_path / "about.json").write_text(text)
    for call in (StoredDataset, lambda folder: StoredDataset.write(dataset, folder)):
        with pytest.raises(ValueError, match=r"about\.json does not describe a stored dataset"):
            call(tmp_path)


def test_many_workers_are_no_more_than_cores(dataset, tmp_path, monkeypatch):
    asked = []

    def loader(*arguments, num_workers, **options):
        asked.append(num_workers)
        return DataLoader(*arguments, **options)

    monkeypatch.setattr("tutorial_utils.data.datasets.DataLoader", loader)
    StoredDataset.write(dataset, tmp_path / "a", 99_999)
    StoredDataset.write(dataset, tmp_path / "b", 0)
    assert asked == [min(joblib.cpu_count(), len(dataset)), 0]


def test_a_folder_that_holds_another_dataset(songs, dataset, tmp_path):
    StoredDataset.write(dataset, tmp_path)
    before = files(tmp_path)
    for other in (
        MixtureDataset(dataset.table, SPECTROGRAMS),
        MixtureDataset(MixtureTable.sample(songs, 10, 3, duration=0.5)),
        MixtureDataset(dataset.table.take(range(4))),
    ):
        with pytest.raises(ValueError, match=r"holds 10 items of another dataset\. Choose another"):
            StoredDataset.write(other, tmp_path)
    assert files(tmp_path) == before


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_a_folder_that_holds_none(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match=r"no stored dataset in .*StoredDataset\.write"):
        StoredDataset(tmp_path / folder)


def test_the_fingerprint_is_that_of_the_items(songs, table):
    def changed(**changes):
        wanted = dict(n=10, seed=2, duration=0.5, leave_out=0.3) | changes
        return MixtureTable.sample(songs, **wanted)

    ours = MixtureDataset(table).fingerprint
    assert MixtureDataset(changed()).fingerprint == ours
    one = table.summed(a=["drums", "bass"], b=["other", "vocals"])
    two = table.summed(a=["drums", "vocals"], b=["other", "bass"])
    tables = [
        changed(n=9), changed(seed=3), changed(duration=0.6), changed(fade=0.02),
        changed(channels=1), changed(snr=None), changed(gain=("const", 1.0)),
        changed(polarity=1.0), changed(swap=1.0), changed(effects=1.0), one, two,
        one.subset("train"),
    ]  # fmt: skip
    others = [MixtureDataset(other) for other in tables] + [
        MixtureDataset(table, transform)
        for transform in (SPECTROGRAMS, Magnitudes(256, 128), Magnitudes(512, 64))
    ]
    assert len({ours, *(other.fingerprint for other in others)}) == 17


def test_the_fingerprint_survives_a_file_and_a_move(table, tmp_path):
    ours = MixtureDataset(table, SPECTROGRAMS).fingerprint
    path = table.to_csv(tmp_path / "t.csv")
    assert MixtureDataset(MixtureTable.from_csv(path), SPECTROGRAMS).fingerprint == ours
    shutil.copytree(table.root, tmp_path / "moved")
    moved = MixtureTable.from_csv(path, root=tmp_path / "moved")
    assert MixtureDataset(moved, SPECTROGRAMS).fingerprint == ours
    # Other sounds under the same names make other items.
    sound = tmp_path / "moved" / table.rows["source_file"][0]
    samples, rate = audio.read(sound)
    audio.write(sound, -samples, rate)
    assert MixtureDataset(moved, SPECTROGRAMS).fingerprint != ours
