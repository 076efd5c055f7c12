"""The settings of a run: model, data and training, as one JSON file in the run's folder."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import get_args

from tutorial_utils import files
from tutorial_utils.text import shown

FILE = "config.json"
VERSION = 2

MAGNITUDES = ("msa", "psa", "tpsa")  # targets for masks on a spectrogram, with absolute errors
LOSSES = ("l1", "l2", "snr", "si_sdr", "l1_snr", "multi_resolution_stft", *MAGNITUDES)
PRECISIONS = ("32", "bf16-mixed", "16-mixed")


def _setting(default, about: str, choices: tuple = (), least: float | None = None):
    return field(default=default, metadata={"about": about, "choices": choices, "least": least})


@dataclass
class Data:
    """Where mixtures come from."""

    songs: str | None = _setting(
        None, "folder of songs (MUSDB_PATH if that is set, else TinyStems)"
    )
    mixtures: int = _setting(2000, "training mixtures in an epoch", least=1)
    validation_mixtures: int = _setting(100, "mixtures of songs that are held out", least=1)
    duration: float = _setting(4.0, "seconds of a mixture", least=0.1)
    coherent: float = _setting(0.5, "share of mixtures whose stems come from one song", least=0)
    pitch_shift: bool = _setting(False, "whether pitches are shifted by up to two semitones")
    time_stretch: bool = _setting(False, "whether tempos are changed by up to a tenth")
    workers: int = _setting(0, "processes that render mixtures; changes nothing else", least=0)
    stall_after: float = _setting(
        300.0, "seconds without a batch from the workers that stop the run; 0 for no limit", least=0
    )


@dataclass
class Training:
    """How a model is trained."""

    start_from: str | None = _setting(
        None, "folder of a run whose best weights this one begins with"
    )
    seed: int = _setting(0, "of weights, mixtures and all else that is drawn", least=0)
    epochs: int = _setting(50, "at most", least=1)
    batch_size: int = _setting(8, "mixtures in a batch, over all processes", least=1)
    accumulate: int = _setting(1, "batches whose gradients make one step", least=1)
    loss: str = _setting(
        "l1", "of estimates or masked magnitudes; DeepClustering has its own", LOSSES
    )
    clustering_weight: float = _setting(
        0.1, "of deep clustering, for models with masks and embeddings", least=0
    )
    latent_weight: float = _setting(1e-4, "of the KL divergence, for variational models", least=0)
    optimizer: str = _setting("adam", "", ("adam", "adamw"))
    learning_rate: float = _setting(1e-3, "", least=0)
    lstm_learning_rate: float | None = _setting(None, "of recurrent layers (that of all)", least=0)
    weight_decay: float = _setting(0.0, "", least=0)
    schedule: str = _setting("plateau", "of the learning rate", ("none", "plateau", "cosine"))
    schedule_patience: int = _setting(3, "epochs without gain before a plateau", least=0)
    schedule_factor: float = _setting(0.3, "of the learning rate after a plateau", least=0)
    warmup: int = _setting(0, "steps in which the learning rate rises", least=0)
    clip: str = _setting("norm", "of gradients", ("none", "norm", "auto"))
    clip_value: float = _setting(
        5.0, "largest norm; with auto, percentile of those so far", least=0
    )
    ema: float = _setting(0.0, "decay of averaged weights, such as 0.999; 0 for none", least=0)
    patience: int = _setting(10, "epochs without gain before the run stops", least=1)
    minimum_change: float = _setting(0.0, "of the loss, to count as a gain", least=0)
    precision: str = _setting("32", "", PRECISIONS)
    checkpoint_every: int = _setting(100, "steps; and at the end of each epoch", least=1)
    keep_every: int = _setting(0, "epochs whose checkpoint is kept for good; 0 for none", least=0)
    excerpts: int = _setting(
        2, "held-out mixtures whose estimates are written as sound and picture", least=0
    )
    tensorboard: bool = _setting(False, "whether runs/ is written, for TensorBoard to show")


@dataclass
class Config:
    """All settings of a run.

    Attributes
    ----------
    model : dict
        ``name`` and all settings of :func:`tutorial_utils.models.settings_of`.
    data : Data
    training : Training
    record : dict
        What was there when the run began: versions, and the hashes of its tables. It is written by
        the run, and changes nothing.
    """

    model: dict
    data: Data = field(default_factory=Data)
    training: Training = field(default_factory=Training)
    record: dict = field(default_factory=dict)

    @classmethod
    def of(cls, model: str, preset: str = "full") -> "Config":
        """The default settings for a model.

        Raises
        ------
        ValueError
            If there is no such model or preset.
        """
        from tutorial_utils.models import settings_of

        return cls({"name": model, **settings_of(model, preset)})

    @classmethod
    def read(cls, folder: str | Path) -> "Config":
        """Read the settings of a run's folder.

        Raises
        ------
        FileNotFoundError
            If there are none.
        ValueError
            If the file is no such file, or has a setting that is unknown or makes no sense.
        """
        path = files.expanded(folder) / FILE
        try:
            return cls.parsed(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{shown(folder)} has no {FILE}. Make one: tutorial-utils config MODEL --save …"
            ) from None
        except ValueError as error:
            raise ValueError(f"{shown(path)}: {error}") from None

    @classmethod
    def parsed(cls, text: str) -> "Config":
        """The settings that :meth:`text` wrote.

        Raises
        ------
        ValueError
            If the text is none of its, or has a setting that is unknown or makes no sense.
        """
        try:
            found = json.loads(text)
            if found.pop("version") not in range(1, VERSION + 1):
                raise ValueError("it is of a later version of this package")
            config = cls.of(found["model"].pop("name"))
            config.record = dict(found.get("record", {}))
            sections = [found["model"], found["data"], found["training"]]
            changes = {name: value for section in sections for name, value in section.items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"it is no file of settings: {shown(error)}") from None
        return config.edited(changes)

    def write(self, folder: str | Path) -> Path:
        """Write the settings into a folder, which is made if needed: whole, or not at all."""
        folder = files.expanded(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with files.whole_file(folder / FILE) as temporary:
            temporary.write_text(self.text(), encoding="utf-8")
        return folder / FILE

    def text(self) -> str:
        """As JSON."""
        return json.dumps({"version": VERSION, **asdict(self)}, indent=2) + "\n"

    def build(self):
        """The model, with fresh weights."""
        from tutorial_utils.models import build

        settings = dict(self.model)
        return build(settings.pop("name"), **settings)

    def settings(self) -> dict:
        """All settings that can be changed, by name."""
        model = {name: value for name, value in self.model.items() if name != "name"}
        return {**model, **asdict(self.data), **asdict(self.training)}

    def edited(self, changes: Mapping) -> "Config":
        """The same settings with some changed.

        Parameters
        ----------
        changes : dict
            Of values, or of texts that stand for them, as on a command line.

        Raises
        ------
        ValueError
            If there is no setting of a name (the message says the nearest one), or a value is of
            another type, or makes no sense.
        """
        from tutorial_utils.models.separator import suggestion

        known = self.settings()
        model, data, training = dict(self.model), asdict(self.data), asdict(self.training)
        for name, value in changes.items():
            if name not in known:
                nearest = suggestion(name, known) or f" There are: {', '.join(known)}."
                raise ValueError(
                    f"There is no setting '{shown(name)}' for {model['name']}.{nearest}"
                )
            section = data if name in data else training if name in training else model
            section[name] = _checked(name, value, section[name])
        made = Config(model, Data(**data), Training(**training), dict(self.record))
        made.build_on_paper()
        return made

    def build_on_paper(self) -> None:
        """Whether a model can be built of these settings, without memory for its weights."""
        import torch

        try:
            with torch.device("meta"):
                self.build()
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(str(error)) from None

    def differences(self, other: "Config") -> dict[str, tuple]:
        """The settings in which another one differs: its value there, and here."""
        here, there = self.settings(), other.settings()
        here["model"], there["model"] = self.model["name"], other.model["name"]
        names = dict.fromkeys([*there, *here])
        return {
            name: (there.get(name), here.get(name))
            for name in names
            if _plain(there.get(name)) != _plain(here.get(name))
        }


def versions() -> dict[str, str]:
    """Of what a result may depend on."""
    names = ("tutorial_utils", "torch", "numpy", "scipy", "librosa", "soundfile")
    found = {"python": platform.python_version()}
    return found | {name: version(name.replace("_", "-")) for name in names}


def about(name: str) -> str:
    """What a setting of the data or the training is, with its choices; nothing for a model's."""
    known = _FIELDS.get(name)
    if known is None:
        return ""
    choices = ", ".join(known.metadata["choices"])
    return " ".join(filter(None, [known.metadata["about"], choices and f"({choices})"]))


_FIELDS = {each.name: each for section in (Data, Training) for each in fields(section)}


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _checked(name, value, default):
    """A value of the type that the field has, or of a model's setting the default."""
    known = _FIELDS.get(name)
    kinds = (get_args(known.type) or (known.type,)) if known else (type(default),)
    if type(None) in kinds and value in (None, "None", "none", ""):
        return None
    value = _typed(name, value, kinds[0].__name__)
    if known is None:
        return value  # building the model checks it
    if choices := known.metadata["choices"]:
        from tutorial_utils.models.separator import one_of

        one_of(name, value, choices)
    least = known.metadata["least"]
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least:g}, not {shown(value)}.")
    return value


def _typed(name, value, kind):
    words = {"int": "a whole number", "float": "a number", "bool": "true or false"}
    try:
        if kind == "bool":
            if isinstance(value, str):
                value = {"true": True, "false": False, "yes": True, "no": False}[value.lower()]
            if not isinstance(value, bool):
                raise TypeError
        elif kind == "int":
            if isinstance(value, bool) or (not isinstance(value, str) and int(value) != value):
                raise TypeError
            value = int(value)
        elif kind == "float":
            if isinstance(value, bool):
                raise TypeError
            value = float(value)
            if value != value or abs(value) == float("inf"):
                raise TypeError
        elif kind == "tuple":
            parts = value.split(",") if isinstance(value, str) else value
            value = tuple(str(part).strip() for part in parts)
        elif kind == "str":
            if not isinstance(value, str):
                raise TypeError
        elif kind in ("dict", "NoneType") and isinstance(value, str):
            value = json.loads(value)
    except (TypeError, ValueError, KeyError, OverflowError):
        raise ValueError(
            f"{name} must be {words.get(kind, f'a {kind}')}, not '{shown(value)}'."
        ) from None
    return value
