"""Weights that come with the package: they are there, they fit the code, and they separate."""

import numpy as np
import pytest
import torch

import tutorial_utils as tu
from tutorial_utils.evaluation import improvement, si_sdr
from tutorial_utils.models import trained

NAMES = tu.models.names()


@pytest.mark.parametrize("name", NAMES)
def test_weights_and_code_belong_together(name):
    """Another architecture would not load them, and another computation would not give the same."""
    model = tu.models.load(name)
    assert not model.training and type(model).__name__ == name
    _, metadata = trained.read(name)
    np.testing.assert_allclose(trained.probe(model), metadata["probe"], rtol=2e-2, atol=1e-4)
    assert metadata["about"]["steps"] > 0 and metadata["about"]["table"]


def test_stale_weights_are_found(monkeypatch):
    model, wanted = tu.models.load("MaskInference"), trained.read("MaskInference")[1]["probe"]
    model.hop //= 2
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(trained.probe(model), wanted, rtol=2e-2, atol=1e-4)


def test_they_are_small():
    sizes = [path.stat().st_size for path in trained.FOLDER.glob("*.safetensors")]
    assert max(sizes) <= 2e6 and sum(sizes) <= 16e6


def test_saved_and_read(tmp_path):
    model = tu.models.build("AudioNetSimple", "tiny", channels=1)
    settings = {**tu.models.settings_of("AudioNetSimple", "tiny"), "channels": 1}
    trained.save("AudioNetSimple", model, settings, {"steps": 3}, tmp_path)
    state, metadata = trained.read("AudioNetSimple", tmp_path)
    assert metadata["about"] == {"steps": 3} and metadata["probe"] == trained.probe(model)
    for key, value in model.state_dict().items():
        assert torch.equal(state[key], value)  # the model was left with what was written
        assert value.dtype != torch.float32 or torch.equal(value, value.half().float())


def test_weights_too_large_for_16_bits_are_refused(tmp_path):
    model = tu.models.build("AudioNetSimple", "tiny")
    with torch.no_grad():
        next(model.parameters()).fill_(1e6)
    with pytest.raises(ValueError, match="too large for 16 bits"):
        trained.save("AudioNetSimple", model, {}, {}, tmp_path)
    assert not [*tmp_path.iterdir()]


def test_missing_and_damaged_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match="but: none"):
        trained.read("Chimera", tmp_path)
    trained.path_of("Chimera", tmp_path).write_bytes(b"no weights")
    with pytest.raises(ValueError, match="Install the package again"):
        trained.read("Chimera", tmp_path)
    with pytest.raises(ValueError, match="Did you mean Chimera"):
        tu.models.load("Chimaera")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MaskInference", "AudioNetSimple"])
def test_scores_are_those_that_are_told(name):
    scores = tu.results.zoo()
    rows = scores[(scores["method"] == name) & (scores["metric"] == "SI-SDR improvement")]
    told = rows.set_index("source")["value"]
    songs = tu.data.open_songs(tu.data.tinystems.build(progress=False))
    songs = [song for song in songs if song.split == "test"]
    model, gains = tu.models.load(name), []
    for song in songs:
        stems = song.stems()
        mixture = sum(stems.values())
        estimates = tu.separate(model, mixture, song.sample_rate)
        gains.append(
            {
                label: np.mean(improvement(si_sdr, stems[label], estimates[label], mixture))
                for label in model.labels
            }
        )
    for label in model.labels:
        assert np.median([each[label] for each in gains]) == pytest.approx(told[label], abs=0.1)
