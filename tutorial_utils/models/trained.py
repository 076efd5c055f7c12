"""Weights that come with the package: of every model one small trained network.

They lie in ``weights/NAME.safetensors``, in 16-bit floats. The file's metadata say how they came
about (``python -m benchmarks.zoo`` made them), and hold what the network makes of a fixed sound, so
that a test finds weights that no longer fit the code.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from tutorial_utils import files
from tutorial_utils.models.separator import Separator
from tutorial_utils.text import shown

FOLDER = Path(__file__).parent / "weights"
_PROBE = 8192  # samples


def path_of(name: str, folder: Path = FOLDER) -> Path:
    return folder / f"{name}.safetensors"


def save(name: str, model: Separator, settings: dict, about: dict, folder: Path = FOLDER) -> Path:
    """Write a model's weights in 16-bit floats, with its settings and what is told about it.

    Parameters
    ----------
    name : str
        Of the model's class.
    model : Separator
        It is left with the rounded weights, so that scores are those of what was written.
    settings : dict
        By which :func:`tutorial_utils.models.build` makes it.
    about : dict
        Anything that JSON can hold.

    Raises
    ------
    ValueError
        If a weight is too large for 16 bits.
    """
    weights = {key: _half(key, value) for key, value in model.state_dict().items()}
    model.load_state_dict({key: value.to(torch.float32) for key, value in weights.items()})
    metadata = {"name": name, "settings": settings, "about": about, "probe": probe(model)}
    folder.mkdir(parents=True, exist_ok=True)
    with files.whole_file(path_of(name, folder)) as temporary:
        text = {key: json.dumps(value) for key, value in metadata.items()}
        save_file(weights, temporary, metadata=text)
    return path_of(name, folder)


def read(name: str, folder: Path = FOLDER) -> tuple[dict[str, torch.Tensor], dict]:
    """The state dict of a model, in 32-bit floats, and its metadata.

    Raises
    ------
    FileNotFoundError
        If there are no weights of that name; the message says of which there are.
    ValueError
        If the file is damaged.
    """
    path = path_of(name, folder)
    if not path.exists():
        known = ", ".join(sorted(each.stem for each in folder.glob("*.safetensors"))) or "none"
        raise FileNotFoundError(f"No weights of {shown(name)} come with the package, but: {known}.")
    try:
        with safe_open(path, "pt") as file:
            metadata = {key: json.loads(value) for key, value in file.metadata().items()}
            weights = {key: file.get_tensor(key) for key in file.keys()}
    except (SafetensorError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{shown(path)} cannot be read: {shown(error)}. Install the package again."
        ) from error
    return {key: _whole(value) for key, value in weights.items()}, metadata


def probe(model: Separator) -> list[float]:
    """The level of each estimate of a fixed sound: a sweep with clicks."""
    time = torch.arange(_PROBE, dtype=torch.float64) / _PROBE
    sound = 0.3 * torch.sin(2 * torch.pi * (200 * time + 1500 * time**2))
    sound[::1024] += 0.5
    sound = sound.float().repeat(model.channels or 1, 1)
    training = model.training
    with torch.no_grad():
        estimates = model.eval()(sound[None])[0]
    model.train(training)
    return [round(float(level), 6) for level in estimates.double().square().mean((1, 2)).sqrt()]


def _half(key, value):
    if not value.is_floating_point():
        return value.contiguous()
    half = value.detach().cpu().to(torch.float16).contiguous()
    if not half.isfinite().all():
        raise ValueError(f"The weight {key} is too large for 16 bits, or not finite.")
    return half


def _whole(value):
    return value.float() if value.is_floating_point() else value
