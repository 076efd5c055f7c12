"""What benchmarks have measured, for pages that show it: numbers that take hours to compute.

``python -m benchmarks.zoo`` and ``python -m benchmarks.ablations`` write the files that lie here.
"""

import json
from pathlib import Path

import pandas as pd

from tutorial_utils import files

_FOLDER = Path(__file__).parent
ZOO = _FOLDER / "zoo.json"
ABLATIONS = _FOLDER / "ablations.json"

__all__ = ["ablations", "costs", "read", "write", "zoo"]


def zoo(songs: str = "TinyStems") -> pd.DataFrame:
    """Scores of the trained models, of classical methods, of oracles and of the mixture.

    Parameters
    ----------
    songs : {"TinyStems", "MUSDB18"}
        On which test songs; of MUSDB18 it is a single excerpt of seven seconds.

    Returns
    -------
    pandas.DataFrame
        With the columns ``method, source, metric, value, low, high, songs``: medians over songs in
        dB, with bootstrap intervals of 95 %. The metrics are SDR (BSS Eval v4) and "SI-SDR
        improvement", which is over the mixture.
    """
    return pd.DataFrame(read(ZOO)[songs]["scores"])


def costs() -> pd.DataFrame:
    """What the trained models cost, by name.

    Returns
    -------
    pandas.DataFrame
        With the columns ``weights``; ``operations``, per second of mono audio; and ``real-time
        factor``, the seconds that a second of mono audio takes on one core of a CPU.
    """
    return pd.DataFrame(read(ZOO)["costs"]).T.astype({"weights": int})


def ablations() -> pd.DataFrame:
    """What became of one small model with one thing changed, by question and answer.

    Returns
    -------
    pandas.DataFrame
        With the columns ``question, answer, value, low, high, seeds, sources``: the mean SI-SDR
        improvement in dB, and its interval of 95 % over seeds.
    """
    return pd.DataFrame(read(ABLATIONS)["answers"])


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def write(path: Path, found: dict) -> None:
    with files.whole_file(path) as temporary:
        temporary.write_text(
            json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
