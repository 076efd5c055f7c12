"""All runs below a folder, in one table."""

import json
from pathlib import Path

import pandas as pd

from tutorial_utils import checkpoint, files
from tutorial_utils.config import FILE, Config
from tutorial_utils.evaluation.aggregates import aggregate
from tutorial_utils.evaluation.comparing import SDR
from tutorial_utils.evaluation.scoring import TABLE
from tutorial_utils.text import shown
from tutorial_utils.training.loop import LOG


def runs(folder: str | Path) -> pd.DataFrame:
    """The runs in a folder and below it.

    Returns
    -------
    pandas.DataFrame
        A row per run: its model, the epochs it has behind it, its steps, its best and its last
        validation loss, the minutes that its steps took, its SDR (BSS Eval v4), where it was
        scored (the median over frames, then over songs; the mean over sources), and every setting
        in which the runs differ. The index is the path.

    Raises
    ------
    FileNotFoundError
        If there is no run.
    """
    folder = files.expanded(folder)
    places = sorted(path.parent for path in folder.rglob(FILE))
    if not places:
        raise FileNotFoundError(f"There is no run in {shown(folder)}: no folder with a {FILE}.")
    rows, settings = [], []
    for place in places:
        config = Config.read(place)
        entries = _entries(place / LOG)
        validations = [each for each in entries if "validation" in each]
        trained = [each for each in entries if "seconds" in each]
        rows.append(
            {
                "model": config.model["name"],
                "epochs": validations[-1]["epoch"] if validations else 0,
                "steps": trained[-1]["step"] if trained else 0,
                "best": min((each["validation"] for each in validations), default=float("nan")),
                "last": validations[-1]["validation"] if validations else float("nan"),
                "minutes": round(sum(each["seconds"] for each in trained) / 60, 1),
                "checkpoints": len(checkpoint.names(place)),
                SDR: _sdr(place / TABLE),
            }
        )
        settings.append({name: str(value) for name, value in config.settings().items()})
    table = pd.DataFrame(rows)
    others = pd.DataFrame(settings)
    differing = [name for name in others if others[name].nunique(dropna=False) > 1]
    table = pd.concat([table, others[differing].fillna("–")], axis=1)
    names = [str(place.relative_to(folder)) for place in places]
    table.index = pd.Index(
        [place.name if name == "." else name for name, place in zip(names, places, strict=True)],
        name="run",
    )
    return table


def _sdr(scores):
    """The SDR of a run's own scores, as tables of papers have it."""
    if not scores.exists():
        return float("nan")
    found = aggregate(pd.read_csv(scores))
    return round(float(found.loc[found["metric"] == SDR, "value"].mean()), 2)


def _entries(log):
    """The lines of a log that are whole."""
    found = []
    if log.exists():
        for line in log.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:  # being written at this moment
                continue
    return found
