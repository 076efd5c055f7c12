"""Our Open-Unmix against the original's: its state dicts load, and the outputs agree."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import tutorial_utils as tu
from tutorial_utils.models.openunmix import Target

FILES = sorted(Path(__file__).parent.glob("openunmix_*.safetensors"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_outputs_are_those_of_the_original(path):
    with safe_open(path, "pt") as file:
        settings = json.loads(file.metadata()["settings"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    network = Target(
        settings["nb_bins"],
        settings["nb_channels"],
        settings["hidden_size"],
        settings["nb_layers"],
        settings.get("unidirectional", False),
        settings.get("max_bin"),
    ).eval()
    network.load_state_dict(
        {name.removeprefix("state."): value for name, value in tensors.items() if "state." in name}
    )
    with torch.no_grad():
        output = network(tensors["input"]) * tensors["input"]
    assert tensors["output"].abs().max() > 0.1
    assert (output - tensors["output"]).abs().max() < 1e-5


def test_the_reference_files_are_there():
    assert len(FILES) == 2


def test_the_wiener_filter_is_for_evaluation_alone():
    settings = {"preset": "tiny", "labels": ("a", "b")}
    torch.manual_seed(0)
    plain = tu.models.build("OpenUnmix", **settings)
    refined = tu.models.build("OpenUnmix", wiener_iterations=1, **settings)
    refined.load_state_dict(plain.state_dict())
    mixture = torch.randn(1, 2, 8000)
    with torch.no_grad():
        assert torch.allclose(refined.eval()(mixture).sum(1), mixture, atol=1e-3)
        assert not torch.allclose(plain.eval()(mixture).sum(1), mixture, atol=1e-3)
