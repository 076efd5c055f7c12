"""Scores in the JSON of museval, which its ``EvalStore`` and ``MethodStore`` read."""

import json
import math

import pandas as pd

from tutorial_utils.evaluation.comparing import ISR, SAR, SDR, SIR

_NAMES = {"SDR": SDR, "SIR": SIR, "SAR": SAR, "ISR": ISR}
_VERSION = "0.4.1"  # of museval, whose format it is


def museval_json(table: pd.DataFrame, win: float, hop: float) -> str:
    """Write the BSS Eval scores of one song as museval's ``TrackStore`` does.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`tutorial_utils.evaluation.evaluate` returns it, of one method and song.
    win, hop : float, in seconds
        Of the frames.

    Returns
    -------
    str
        Values are rounded to five decimals, and infinite ones become NaN, as museval has it.
    """
    targets = []
    for label, rows in table.groupby("source", sort=False):
        columns = {
            short: rows.loc[rows["metric"] == name, "value"].tolist()
            for short, name in _NAMES.items()
        }
        frames = [
            {
                "time": number * hop,
                "duration": win,
                "metrics": {short: _rounded(values[number]) for short, values in columns.items()},
            }
            for number in range(len(columns["SDR"]))
        ]
        targets.append({"name": label, "frames": frames})
    return json.dumps({"targets": targets, "museval_version": _VERSION}, indent=2)


def _rounded(value):
    return round(value, 5) if math.isfinite(value) else math.nan
