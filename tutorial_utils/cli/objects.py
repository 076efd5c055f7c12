"""Models that are named on the command line."""

import importlib
import importlib.util
import sys
from pathlib import Path

from tutorial_utils.text import shown


def load_model(text: str):
    """The model of a run's folder, a trained one by its name, or what other code names.

    Names are those of :func:`tutorial_utils.models.load` and of published weights, such as
    "Chimera", "umxhq" or "htdemucs"; code is named ``package.module:name`` or ``file.py:name``. A
    run's folder holds settings and weights alone. The code of a module or a file is run, as by
    Python itself.

    Raises
    ------
    ValueError
        If there is no such module, file or name, or running it fails.
    """
    if is_run(text):
        from tutorial_utils.checkpoint import load_model as load_run

        return load_run(Path(text).expanduser())
    if (found := _trained(text)) is not None:
        return found
    place, _, name = text.rpartition(":")
    if not (place and name.isidentifier()):
        raise ValueError(
            f"'{shown(text)}' names no model. Write a run's folder, a name such as Chimera, umxhq "
            "or htdemucs, package.module:name, or path/to/file.py:name."
        )
    try:
        module = _from_file(Path(place)) if place.endswith(".py") else _from_path(place)
        found = getattr(module, name)
        return found if hasattr(found, "labels") else found()
    except Exception as error:  # Whatever it is, it comes from the user's code.
        raise ValueError(
            f"{shown(text)} cannot be loaded: {type(error).__name__}: {shown(error)}"
        ) from error


def _trained(text):
    from tutorial_utils.models import load, names, published

    if text in published.UNMIX:
        return load("OpenUnmix", weights=text)
    try:
        return load(text) if text in (*names(), *published.DEMUCS) else None
    except ImportError as error:
        raise ValueError(str(error)) from error


def is_run(text: str) -> bool:
    """Whether this is the folder of a run that ``tutorial-utils config`` made."""
    return (Path(text).expanduser() / "config.json").is_file()


def _from_file(path):
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module  # as dataclasses and pickled objects want it
    specification.loader.exec_module(module)
    return module


def _from_path(name):
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as python -m does
    return importlib.import_module(name)
