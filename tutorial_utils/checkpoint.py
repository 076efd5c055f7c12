"""Checkpoints of a run: everything that is needed to go on as if nothing had happened.

::

    checkpoint/
      names.json                  which checkpoint is the "last", the "best", or that of an epoch
      step-00001200-003/          after so many steps, and so many whole epochs
        weights.safetensors       what the model learned
        ema.safetensors           averaged weights, where a run has them
        state.pt                  optimiser, schedule, random states, and how far the run is

A checkpoint is written under another name and renamed, and then ``names.json`` is replaced; so a
run that is killed at any moment finds either the old one or the new one.
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tutorial_utils import files
from tutorial_utils.text import shown

FOLDER = "checkpoint"
VERSION = 1
_NAMES, _WEIGHTS, _EMA, _STATE = "names.json", "weights.safetensors", "ema.safetensors", "state.pt"


def save(
    run: Path,
    step: int,
    epoch: int,
    names: list[str],
    model: dict,
    state: dict,
    ema: dict | None = None,
) -> None:
    """Write a checkpoint, and let some names stand for it.

    Parameters
    ----------
    run : Path
        The folder of the run.
    step, epoch : int
        How far the run is; both are in the name of the folder.
    names : list of str
        Such as ``["last", "best"]``. Checkpoints without any name are removed.
    model, ema : dict
        State dicts.
    state : dict
        All else; it may hold tensors, numbers, texts, lists and dicts.

    Raises
    ------
    OSError
        If it cannot be written; the checkpoints from before are still there.
    """
    folder = run / FOLDER
    place = folder / f"step-{step:08}-{epoch:03}"
    wanted = [_WEIGHTS, _STATE] + ([_EMA] if ema is not None else [])
    with files.whole_folder(folder / ".unfinished", place, wanted) as new:
        try:
            save_file(_apart(model), new / _WEIGHTS)
            if ema is not None:
                save_file(_apart(ema), new / _EMA)
            torch.save({"version": VERSION, **state}, new / _STATE)
        except (RuntimeError, SafetensorError) as error:  # so both call a full disk
            free = shutil.disk_usage(new).free / 1e6
            raise OSError(
                f"A checkpoint cannot be written into {shown(folder)}, where {free:.0f} MB are "
                f"free ({shown(error)}). The one before is still there: make room, and resume."
            ) from error
    known = {**_names(run), **dict.fromkeys(names, place.name)}
    with files.whole_file(folder / _NAMES) as temporary:
        temporary.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    files.clear(folder / ".unfinished")
    for old in folder.glob("step-*"):
        if old.name not in known.values():
            shutil.rmtree(old, ignore_errors=True)


def names(run: str | Path) -> list[str]:
    """The names that a run's checkpoints have."""
    return list(_names(files.expanded(run)))


def load(run: str | Path, name: str = "last") -> tuple[dict, dict, dict | None]:
    """Read a checkpoint: the model's state dict, all else, and averaged weights if there are any.

    Raises
    ------
    FileNotFoundError
        If the run has no checkpoint of that name; the message says which it has.
    ValueError
        If it is damaged, or was written by a later version of this package.
    """
    run = files.expanded(run)
    known = _names(run)
    if name not in known:
        has = f"It has: {', '.join(known)}." if known else "It has none yet."
        raise FileNotFoundError(f"{shown(run)} has no checkpoint '{shown(name)}'. {has}")
    place = run / FOLDER / known[name]
    try:
        model = load_file(place / _WEIGHTS)
        ema = load_file(place / _EMA) if (place / _EMA).exists() else None
        state = torch.load(place / _STATE, weights_only=True)
    except Exception as error:  # safetensors and pickle have errors of many kinds
        raise ValueError(f"The checkpoint {shown(place)} cannot be read: {shown(error)}") from error
    if state.pop("version") > VERSION:
        raise ValueError(f"{shown(place)} was written by a later version of tutorial_utils.")
    return model, state, ema


def load_model(run: str | Path, name: str = "best"):
    """The model of a run, with the weights of a checkpoint; averaged ones where there are any.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`load`, and if the folder is none of a run.
    """
    from tutorial_utils.config import Config

    model = Config.read(run).build()
    weights, _, ema = load(run, name)
    model.load_state_dict(ema or weights)
    return model.eval()


def _names(run):
    try:
        return json.loads((run / FOLDER / _NAMES).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{shown(run / FOLDER / _NAMES)} is damaged: {shown(error)}") from None


def _apart(state):
    """Tensors on the CPU that share no memory, as safetensors wants them."""
    return {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
