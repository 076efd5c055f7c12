"""Settings of a run: their file, their types, and what is said of wrong ones."""

import json

import pytest

import tutorial_utils as tu
from tutorial_utils.config import Config


@pytest.mark.parametrize("name", tu.models.names())
@pytest.mark.parametrize("preset", ["full", "tiny"])
def test_every_model_has_settings_that_come_back(tmp_path, name, preset):
    config = Config.of(name, preset)
    config.write(tmp_path)
    again = Config.read(tmp_path)
    assert again.differences(config) == {} and again.text() == config.text()


def test_texts_become_values():
    config = Config.of("SpectrogramNetSimple", "tiny").edited(
        {
            "mask_activation": "relu",
            "dropout_p": "0.4",
            "epochs": "3",
            "lstm_learning_rate": "1e-4",
            "labels": "vocals, accompaniment",
            "pitch_shift": "yes",
            "songs": "None",
        }
    )
    assert config.model["mask_activation"] == "relu" and config.model["dropout_p"] == 0.4
    assert config.model["labels"] == ("vocals", "accompaniment")
    assert config.training.epochs == 3 and config.training.lstm_learning_rate == 1e-4
    assert config.data.pitch_shift is True and config.data.songs is None
    assert config.build().labels == ("vocals", "accompaniment")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dropout": 1}, r"no setting 'dropout' for Chimera\. Did you mean dropout_p\?"),
        ({"xyzzy": 1}, "There are: "),
        ({"epochs": "x"}, "epochs must be a whole number, not 'x'"),
        ({"epochs": 2.5}, "epochs must be a whole number"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"learning_rate": "nan"}, "learning_rate must be a number"),
        ({"loss": "l3"}, r"loss must be one of l1, .*Did you mean l1\?|loss must be one of l1"),
        ({"mask_activation": "relo"}, r"Did you mean relu\?"),
        ({"pitch_shift": "maybe"}, "pitch_shift must be true or false"),
        ({"hidden": -1}, "hidden must be a whole number from 1 on"),
    ],
)
def test_settings_that_make_no_sense(changes, message):
    config = Config.of("Chimera", "tiny")
    before = config.text()
    with pytest.raises(ValueError, match=message):
        config.edited(changes)
    assert config.text() == before


def test_files_that_are_no_settings(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no config\.json"):
        Config.read(tmp_path)
    file = tmp_path / "config.json"
    good = json.loads(Config.of("Demucs", "tiny").text())
    for text in ("", "[]", "{", "null", json.dumps({**good, "version": 99})):
        file.write_text(text)
        with pytest.raises(ValueError, match=r"config\.json: it is no file of settings"):
            Config.read(tmp_path)
    file.write_text(json.dumps({**good, "model": {**good["model"], "name": "Demux"}}))
    with pytest.raises(ValueError, match=r"Did you mean Demucs\?"):
        Config.read(tmp_path)
    file.write_text(json.dumps({**good, "training": {**good["training"], "batchsize": 3}}))
    with pytest.raises(ValueError, match=r"Did you mean batch_size\?"):
        Config.read(tmp_path)


def test_differences_are_named():
    config = Config.of("Demucs", "tiny")
    other = config.edited({"epochs": 3, "width": 8})
    assert other.differences(config) == {"epochs": (50, 3), "width": (14, 8)}
