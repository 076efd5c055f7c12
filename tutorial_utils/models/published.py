"""Weights that others have published, downloaded on request and kept.

Open-Unmix: F.-R. Stöter, S. Uhlich, A. Liutkus and Y. Mitsufuji, "Open-Unmix: a reference
implementation for music source separation", Journal of Open Source Software 4(41), 2019. Addresses
and hashes are those of the package openunmix 1.3.0, whose file names hold the first eight digits of
the SHA-256.

Hybrid Transformer Demucs: S. Rouard, F. Massa and A. Défossez, "Hybrid Transformers for music
source separation", ICASSP 2023; by the package demucs, where it is installed.
"""

import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

import torch

from tutorial_utils import cache, files
from tutorial_utils.models.separator import Separator
from tutorial_utils.text import shown

_MIT = "under the MIT licence of Open-Unmix"
_RESTRICTED = "under CC BY-NC-SA 4.0, which forbids commercial use"


@dataclass(frozen=True)
class Published:
    """Where the weights of a model are.

    Attributes
    ----------
    address : str
        Of the folder.
    files : dict
        For each label of the model the file, whose name ends in the beginning of its SHA-256.
    licence : str
        As it stands behind "They are".
    settings : dict
        Of :class:`tutorial_utils.models.OpenUnmix`, where they are not the default.
    """

    address: str
    files: dict[str, str]
    licence: str
    settings: dict = field(default_factory=dict)


UNMIX = {
    "umxhq": Published(
        "https://zenodo.org/records/3370489/files",
        {
            "vocals": "vocals-b62c91ce.pth",
            "drums": "drums-9619578f.pth",
            "bass": "bass-8d85a5bd.pth",
            "other": "other-b52fbbf7.pth",
        },
        _MIT,
    ),
    "umxl": Published(
        "https://zenodo.org/records/5069601/files",
        {
            "vocals": "vocals-bccbd9aa.pth",
            "drums": "drums-69e0ebd4.pth",
            "bass": "bass-2ca1ce51.pth",
            "other": "other-c8c5b3e6.pth",
        },
        _RESTRICTED,
        {"hidden_size": 1024},
    ),
    # for speech in noise
    "umxse": Published(
        "https://zenodo.org/records/3786908/files",
        {"speech": "speech_f5e0d9f9.pth", "noise": "noise_04a6fc2d.pth"},
        _MIT,
        {
            "sample_rate": 16000,
            "channels": 1,
            "n_fft": 1024,
            "hop": 512,
            "hidden_size": 256,
            "max_bin": 513,
        },
    ),
}
DEMUCS = ("htdemucs", "htdemucs_ft", "htdemucs_6s")


def open_unmix(name: str) -> Separator:
    """Open-Unmix with published weights; they are downloaded at the first time.

    Parameters
    ----------
    name : {"umxhq", "umxl", "umxse"}

    Raises
    ------
    ValueError
        If there are none of that name, or a file is not what was published.
    OSError
        If they cannot be downloaded; the message says where to put them by hand.
    """
    from tutorial_utils.models import build
    from tutorial_utils.models.separator import one_of

    published = UNMIX[one_of("weights", name, tuple(UNMIX))]
    folder = files.expanded(cache.home()) / "weights" / name
    places = {label: folder / file for label, file in published.files.items()}
    if missing := [place for place in places.values() if not place.exists()]:
        print(f"Downloading {name}. The weights are {published.licence}.", file=sys.stderr)
        for place in missing:
            _download(f"{published.address}/{place.name}", place)
    # One iteration of the Wiener filter is what Open-Unmix does by itself.
    model = build("OpenUnmix", labels=tuple(places), wiener_iterations=1, **published.settings)
    for label, place in places.items():
        _require_whole(place)
        model.targets[label].load_state_dict(_state_of(place, model.targets[label]))
    return model.eval()


def _download(address, place):
    import pooch
    import requests

    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        # pooch wants a whole hash, and of this one only the beginning is known: it is checked here.
        pooch.retrieve(address, None, place.name, place.parent, progressbar=True)
    except (requests.RequestException, ValueError, OSError) as error:
        raise OSError(
            f"{address} cannot be downloaded ({shown(error)}). Download it elsewhere, and put it "
            f"into {shown(place.parent)} under the name {place.name}."
        ) from error
    _require_whole(place)


def _require_whole(place: Path):
    """Keep what was published, and remove anything else."""
    wanted = place.stem[-8:]
    with place.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()[:8]
    if found != wanted:
        place.unlink()
        raise ValueError(
            f"{shown(place)} was not what was published: its SHA-256 began with {found}. It is "
            "removed; try again."
        )


def _state_of(place, target):
    """The part of a file that a network of ours knows: the original also kept its windows."""
    found = torch.load(place, map_location="cpu", weights_only=True)
    return {key: found[key] for key in target.state_dict() if key in found}


class HybridTransformerDemucs(torch.nn.Module):
    """A model of the package demucs, as :func:`tutorial_utils.separate` wants models.

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.labels, self.sample_rate = tuple(model.sources), int(model.samplerate)
        self.channels = model.audio_channels

    def forward(self, mixture):
        from demucs.apply import apply_model

        # The networks were trained on mixtures of this level.
        mean = mixture.mean((1, 2), keepdim=True)
        deviation = mixture.mean(1, keepdim=True).std(2, keepdim=True) + 1e-8
        estimates = apply_model(self.model, (mixture - mean) / deviation, shifts=0)
        return estimates * deviation[:, None] + mean[:, None]


def demucs(name: str) -> HybridTransformerDemucs:
    """A model that the package demucs downloads and keeps.

    Parameters
    ----------
    name : {"htdemucs", "htdemucs_ft", "htdemucs_6s"}

    Raises
    ------
    ImportError
        If the package is not installed.
    OSError
        If the weights cannot be downloaded.
    """
    try:
        from demucs.pretrained import get_model
    except ImportError as error:
        raise ImportError(
            f"{name} needs the package demucs: pip install 'tutorial-utils[demucs]'"
        ) from error
    try:
        # From there the package takes safetensors only; by the bare name it might unpickle.
        return HybridTransformerDemucs(get_model(f"hf://{name}")).eval()
    except Exception as error:  # whatever the hub's client raises
        raise OSError(f"{name} cannot be downloaded or read: {shown(error)}") from error
