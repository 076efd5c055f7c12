"""Separation models, built by name.

Every model takes mixtures of shape ``(batch, channels, samples)``, gives estimates of shape
``(batch, sources, channels, samples)``, and knows its ``labels`` and its ``sample_rate``. Its
method ``outputs`` gives, besides the estimates, what some losses need: see :class:`Outputs`.
"""

import inspect

from tutorial_utils.models import published, trained
from tutorial_utils.models.audio_nets import AudioNetSimple, AudioNetSimpleLSTM, AudioNetVAE
from tutorial_utils.models.band_split import BandSplitRNN, BSRoformer, MelRoformer
from tutorial_utils.models.conv_tasnet import ConvTasNet
from tutorial_utils.models.demucs import Demucs
from tutorial_utils.models.hybrid import HybridNet
from tutorial_utils.models.openunmix import OpenUnmix
from tutorial_utils.models.recurrent import Chimera, DeepClustering, MaskInference
from tutorial_utils.models.separator import Outputs, Separator, one_of, suggestion
from tutorial_utils.models.spectrogram_nets import (
    SpectrogramNetLSTM,
    SpectrogramNetSimple,
    SpectrogramNetVAE,
)
from tutorial_utils.models.summaries import Summary, summary

__all__ = ["Outputs", "Separator", "Summary", "build", "load", "names", "settings_of", "summary"]

_MODELS = {
    model.__name__: model
    for model in (
        MaskInference,
        DeepClustering,
        Chimera,
        OpenUnmix,
        SpectrogramNetSimple,
        SpectrogramNetLSTM,
        SpectrogramNetVAE,
        AudioNetSimple,
        AudioNetSimpleLSTM,
        AudioNetVAE,
        ConvTasNet,
        Demucs,
        HybridNet,
        BandSplitRNN,
        BSRoformer,
        MelRoformer,
    )
}
_ALIASES = {"AudioNetLSTM": "AudioNetSimpleLSTM"}
_PRESETS = ("full", "tiny")


def names() -> list[str]:
    """The names that :func:`build` knows, from the simplest family to those of today."""
    return list(_MODELS)


def settings_of(name: str, preset: str = "full") -> dict:
    """All settings of a model, with their defaults.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    preset : {"full", "tiny"}
        As published, or small enough to learn on a CPU in minutes.

    Raises
    ------
    ValueError
        If there is no model or preset of that name.

    Examples
    --------
    >>> settings_of("ConvTasNet", "tiny")["N"]
    128
    """
    model = _class(name)
    found = {}
    for part in reversed(model.__mro__[:-1]):
        if "__init__" in vars(part) and issubclass(part, Separator) and part is not Separator:
            for parameter in inspect.signature(part).parameters.values():
                if parameter.default is not parameter.empty:
                    found[parameter.name] = parameter.default
    found |= getattr(model, "SIZES", {})
    return found | (model.TINY if one_of("preset", preset, _PRESETS) == "tiny" else {})


def build(name: str, preset: str = "full", **settings) -> Separator:
    """Build a model with fresh weights.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    preset : {"full", "tiny"}
        Which settings are meant where none is given: as published, or small enough to learn on a
        CPU in minutes.
    **settings
        Those of :func:`settings_of`, which the model's class explains.

    Raises
    ------
    ValueError
        If there is no model or preset of that name, or a setting makes no sense.
    TypeError
        If the model has no such setting; the message names the nearest one.

    Examples
    --------
    >>> build("MaskInference", preset="tiny").labels
    ('drums', 'bass', 'other', 'vocals')
    """
    known = settings_of(name, preset)
    for setting in settings:
        if setting not in known:
            raise TypeError(
                f"{name} has no setting '{setting}'. It has: {', '.join(known)}."
                f"{suggestion(setting, known)}"
            )
    model = _class(name)
    return model(**(known | settings))


def load(name: str, weights: str | None = None):
    """A trained model.

    Without ``weights`` it is one that comes with the package: the preset ``tiny``, trained for some
    minutes on TinyStems, quick, and far from what large models do.
    ``tutorial_utils.models.trained.read`` says how it was trained. All else is downloaded at the
    first time.

    Parameters
    ----------
    name : str
        One of :func:`names`, or, where the package demucs is installed, "htdemucs", "htdemucs_ft"
        or "htdemucs_6s".
    weights : {"umxhq", "umxl", "umxse"}, optional
        Those that the authors of Open-Unmix have published, for ``name="OpenUnmix"``.

    Returns
    -------
    Separator, or another model as :func:`tutorial_utils.separate` takes it
        In evaluation mode.

    Raises
    ------
    ValueError
        If there is no such model, or there are no such weights.
    OSError
        If weights cannot be downloaded; the message says where to put them.
    ImportError
        If demucs is not installed.

    Examples
    --------
    >>> load("MaskInference").sample_rate
    22050
    """
    if name in published.DEMUCS:
        return published.demucs(name)
    if weights is not None:
        if _class(name) is not OpenUnmix:
            raise ValueError(f"There are published weights of OpenUnmix, not of {name}.")
        return published.open_unmix(weights)
    state, metadata = trained.read(_class(name).__name__)
    model = build(metadata["name"], **metadata["settings"])
    model.load_state_dict(state)
    return model.eval()


def _class(name):
    name = _ALIASES.get(name, name)
    if name not in _MODELS:
        raise ValueError(
            f"There is no model '{name}'. There are: {', '.join(names())}."
            f"{suggestion(name, names())}"
        )
    return _MODELS[name]
