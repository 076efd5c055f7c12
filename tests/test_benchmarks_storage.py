"""The benchmark of table against stored files: its verdict, and that all ways do the same work."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import storage
from tutorial_utils.data import MixtureTable, open_songs
from tutorial_utils.data.songs import LABELS
from tutorial_utils.transforms import Magnitudes


def made_up_times(**seconds):
    """The stored way takes 9, 10 and 11 s in three rounds; the others what is said, in all."""
    rows = [
        (cache, work, number, way, taken[number], 0.5 if work == "training" else np.nan)
        for cache in ("warm", "dropped")
        for work in ("training", "loader")
        for way, taken in ({storage.STORED: (9.0, 10.0, 11.0)} | seconds).items()
        for number in range(3)
    ]
    return pd.DataFrame(rows, columns=["cache", "work", "round", "way", "seconds", "loss"])


def verdict(loader, share=0.01, loss=0.5):
    ways = {storage.LOADER: loader, storage.MODEL: loader}
    times = made_up_times(**ways)
    times.loc[times.index[0], "loss"] = loss
    return storage.complaints(storage.summary(times), pd.DataFrame({"table %": [share, share]}))


def test_the_fastest_epochs_are_compared_and_the_medians_stand_beside_them():
    speed = storage.summary(
        made_up_times(**{storage.LOADER: (20.0, 18.0, 50.0), storage.MODEL: (99.0, 40.0, 9.0)})
    )
    rows = speed.sort_index().loc["warm", "training"]
    assert rows["ratio"].to_dict() == {storage.STORED: 1, storage.LOADER: 0.5, storage.MODEL: 1}
    assert rows["its ratio"].to_dict() == {
        storage.STORED: 1, storage.LOADER: 0.5, storage.MODEL: 0.25
    }  # fmt: skip
    assert rows.loc[storage.LOADER, "epochs an hour"] == 200
    assert list(speed.index.unique("cache")) == ["warm", "dropped"]


def test_what_was_promised_is_praised_and_what_was_missed_is_named():
    assert verdict((9.9, 11.0, 12.0)) == []
    assert verdict((10.3, 11.5, 12.5)) == ["0.87 of the epochs an hour, and 0.9 were promised"]
    assert verdict((9.0, 9.0, 9.0), share=2.1) == ["2.1 % of the disk, and 2.0 % were promised"]
    assert "not the same training" in verdict((9.0, 9.0, 9.0), loss=0.6)[0]


def test_all_ways_train_on_the_same_batches(write_song, tmp_path):
    write_song(tmp_path / "songs" / "a", seconds=6.0)
    songs = open_songs(tmp_path / "songs")
    table = MixtureTable.sample(
        songs, 10, duration=storage.SECONDS, pitch_shift=None, time_stretch=None
    )
    magnitudes = Magnitudes(hop=1024)
    ways = storage.prepare(table, 0.1, magnitudes, tmp_path / "stored")
    times = storage.epochs(ways, LABELS, magnitudes, workers=1, rounds=1)
    training = times[times["work"] == "training"]
    assert len(training) in (3, 6)  # The cache is not dropped everywhere.
    assert training["loss"].to_numpy() == pytest.approx(training["loss"].iloc[0], abs=1e-6)

    sizes = storage.disk(ways, table.to_csv(tmp_path / "table.csv"))
    assert list(sizes["mixtures"]) == [10, storage.MANY]
    # What is measured (ten items, 40 rows) grows with the mixtures; the songs do not.
    assert sizes["stored MB"][1] == pytest.approx(sizes["stored MB"][0] * storage.MANY / 10)
    assert sizes["songs MB"][0] == sizes["songs MB"][1]
    assert (sizes["table %"] < storage.AT_MOST).all()
