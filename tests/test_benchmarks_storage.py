"""The benchmark of table against stored files: its verdict, and that all ways do the same work."""

import re
import types

import numpy as np
import pandas as pd
import pytest

from benchmarks import storage
from tutorial_utils.data import open_songs
from tutorial_utils.data.songs import LABELS
from tutorial_utils.transforms import Magnitudes


def made_up_times(**seconds):
    """The stored way takes 9, 10 and 11 s in three rounds; the others what is said, in all."""
    taken = {storage.STORED: (9.0, 10.0, 11.0), **seconds}
    rows = [
        (cache, work, number, way, taken[way][number], 0.5 if work == "training" else np.nan)
        for cache, work in storage.KINDS
        for way in storage.WAYS
        for number in range(3)
    ]
    return pd.DataFrame(rows, columns=["cache", "work", "round", "way", "seconds", "loss"])


def verdict(loader, changes=(9.0, 9.0, 9.0), share=0.01, loss=0.5):
    ways = dict.fromkeys(storage.WAYS[1:3], loader) | dict.fromkeys(storage.WAYS[3:], changes)
    times = made_up_times(**ways)
    times.loc[times.index[0], "loss"] = loss
    return storage.complaints(storage.summary(times), pd.DataFrame({"table %": [share, share]}))


def test_the_fastest_epochs_are_compared_and_the_medians_stand_beside_them():
    speed = storage.summary(
        made_up_times(
            **dict.fromkeys(storage.WAYS[1:3], (20.0, 18.0, 50.0)),
            **dict.fromkeys(storage.WAYS[3:], (99.0, 40.0, 9.0)),
        )
    )
    assert list(speed.index[:5].get_level_values("way")) == [*storage.WAYS]
    rows = speed.sort_index().xs(("warm", "training")).loc[[*storage.WAYS]]
    assert list(rows["ratio"]) == [1, 0.5, 0.5, 1, 1]
    assert list(rows["its ratio"]) == [1, 0.5, 0.5, 0.25, 0.25]
    assert rows.loc[storage.LOADER, "epochs an hour"] == 200
    assert list(speed.index.unique("cache")) == ["warm", "dropped"]


def test_what_was_promised_is_praised_and_what_was_missed_is_named():
    assert verdict((9.9, 11.0, 12.0)) == []
    promise = "0.87 of the epochs an hour, and 0.9 were promised"
    assert verdict((10.3, 11.5, 12.5)) == [f"table, loader: {promise}"]
    assert verdict((9.9, 11.0, 12.0), (10.3, 11.5, 12.5)) == [f"changes, loader: {promise}"]
    assert verdict((9.0, 9.0, 9.0), share=2.1) == ["2.1 % of the disk, and 2.0 % were promised"]
    (same,) = verdict((9.0, 9.0, 9.0), loss=0.6)
    assert "stored, table, loader, table, model were not the same training" in same


@pytest.mark.slow
def test_all_ways_train_on_the_same_batches_and_each_epoch_is_told(write_song, tmp_path, capsys):
    write_song(tmp_path / "songs" / "a", seconds=7.0)
    magnitudes = Magnitudes(hop=1024)
    ways = storage.prepare(open_songs(tmp_path / "songs"), 6, magnitudes, tmp_path / "stored")
    capsys.readouterr()
    times = storage.epochs(ways, LABELS, magnitudes, workers=1, until=0)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(times) in (10, 15)  # The cache is not dropped everywhere.
    assert re.match(r"round 1   warm    training stored +\d+\.\d\d s$", told[0])
    losses = times[times["work"] == "training"].set_index("way")["loss"]
    for alike in storage.ALIKE:
        same = losses[[*alike]].to_numpy()
        assert same == pytest.approx(same[0], abs=1e-6)
    assert losses[storage.LOADER] != losses[storage.CHANGES_LOADER]

    sizes = storage.disk(ways, ways[storage.LOADER].dataset.table.to_csv(tmp_path / "table.csv"))
    assert list(sizes["mixtures"]) == [6, storage.MANY]
    # What is measured (six items, 24 rows) grows with the mixtures; the songs do not.
    assert sizes["stored MB"][1] == pytest.approx(sizes["stored MB"][0] * storage.MANY / 6)
    assert sizes["songs MB"][0] == sizes["songs MB"][1]
    assert (sizes["table %"] < storage.AT_MOST).all()


def test_rounds_begin_until_the_time_is_up(monkeypatch):
    clock = iter(range(0, 1000, 10))  # Every look at the clock, ten seconds have passed.
    monkeypatch.setattr(storage.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(storage, "loader", lambda *_: types.SimpleNamespace(generator=Seeded()))
    monkeypatch.setattr(storage, "look", lambda batches: 0.0)
    monkeypatch.setattr(storage, "train", lambda *_: 0.5)
    ways = dict.fromkeys(storage.WAYS, storage.Way([], [], 0.0))
    # A round takes from one look to the next, and the next one must be over by then.
    for until, rounds in {0: 1, 30: 2, 65: 3}.items():
        clock = iter(range(0, 1000, 10))
        assert storage.epochs(ways, LABELS, None, 1, until)["round"].nunique() == rounds


class Seeded:
    def manual_seed(self, seed):
        pass
