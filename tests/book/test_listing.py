"""The listing that readers are to copy (recap) obeys the rules that the book teaches."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from tutorial_utils.data import MixtureDataset, open_songs

RECAP = Path(__file__).resolve().parents[2] / "book/data/recap.ipynb"


def listing():
    """The cells of the listing, and the imports above them."""
    cells = [cell for cell in nbformat.read(RECAP, as_version=4).cells if cell.cell_type == "code"]
    imports = [cell.source for cell in cells[1:3]]
    return imports, [cell.source for cell in cells if "listing" in cell.metadata.get("tags", [])]


@pytest.fixture(scope="module")
def project():
    """What is defined once the listing has run."""
    imports, cells = listing()
    names = {}
    for source in [*imports, *cells]:
        exec(source, names)
    return names


@pytest.fixture(scope="module")
def split_of(project):
    return {song.name: song.split for song in project["songs"]}


@pytest.mark.parametrize("name", ["train", "valid"])
def test_songs_stay_in_their_split(project, split_of, name):
    assert {split_of[song] for song in project[name].rows["song"]} == {name}


def test_validation_is_music_as_it_is(project, split_of):
    valid = project["valid"]
    rows = valid.rows
    assert (rows.groupby("mixture")["song"].nunique() == 1).all()
    assert (rows.groupby("mixture")["source_time"].nunique() == 1).all()
    assert rows[["snr", "pitch_shift", "time_stretch", "effects"]].isna().all(axis=None)
    assert (rows[["gain", "swap"]] == 0).all(axis=None) and (rows["polarity"] == 1).all()
    # Nothing is left out because it rests: every mixture has all stems of the song.
    assert (rows.groupby("mixture").size() == len(valid.labels)).all()
    assert valid.settings["audible"] in ((), [], "")
    (song,) = [one for one in open_songs(valid.root.parent) if one.name == rows["song"][0]]
    mix, start = valid.render(0), rows["source_time"][0]
    middle = slice(4410, -4410)  # without the fades
    wanted = song.mixture(start, valid.duration)[:, middle] * mix.scale
    assert np.abs(mix.mixture[:, middle] - wanted).max() <= 2e-5


def test_training_has_variety_and_its_levels_are_those_of_the_songs(project):
    rows = project["train"].rows
    songs = rows.groupby("mixture")["song"].nunique()
    assert 0 < (songs == 1).sum() < len(songs)
    assert rows["snr"].isna().all() and rows["gain"].nunique() > len(songs)
    assert project["train"].settings["audible"] in ((), [], "")


def test_every_mixture_is_the_sum_of_its_sources(project):
    for i in range(0, len(project["train"]), 8):
        mix = project["train"].render(i)
        assert np.abs(mix.mixture - sum(mix.sources.values())).max() <= 1e-6


def test_an_epoch_has_the_same_order_whatever_came_before(project):
    order, sampler = project["order"], project["sampler"]
    orders = []
    for epochs in ([0, 1, 2], [2], [1, 2]):
        for epoch in epochs:
            order.manual_seed(epoch)
            last = next(iter(project["batches"]))[0]
        orders.append(last)
    assert all(torch.equal(orders[0], other) for other in orders)
    order.manual_seed(0)
    first = list(sampler)
    order.manual_seed(1)
    assert first != list(sampler)


def test_the_tables_that_it_keeps_give_the_same_mixtures(project):
    again = type(project["train"]).from_csv(project["project"] / "train.csv")
    for one, other in zip(MixtureDataset(again)[3], project["dataset"][3], strict=True):
        assert torch.equal(one, other)
