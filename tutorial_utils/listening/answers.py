"""What the participants of a listening test answered, from their files to a table of scores."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from tutorial_utils.files import expanded
from tutorial_utils.listening.mushra import HIDDEN
from tutorial_utils.text import shown

#: Of the files that the page writes; ``listening.js`` names them, too.
COLUMNS = ("test", "participant", "trial", "place", "letter", "condition", "score", "seconds")
METRIC = "MUSHRA score"


def read(files: str | Path | Iterable[str | Path]) -> pd.DataFrame:
    """Read the files of a listening test's participants.

    Parameters
    ----------
    files : path, or list of paths
        A folder stands for all ``.csv`` files in it. A file may have gone through a spreadsheet.

    Returns
    -------
    pandas.DataFrame
        A row per participant, trial and condition, with the columns ``test, participant, trial,
        place, letter, condition, score, seconds``: the place is the trial's in the session, from 1,
        and the seconds are how long it took.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or none in a folder.
    ValueError
        If a file is no file of answers; a score lies outside of 0 to 100; the files come from
        several tests; or one participant answered a trial twice. The message names the file.
    """
    paths = []
    for path in [files] if isinstance(files, str | Path) else files:
        path = expanded(path)
        paths += sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not paths:
        raise FileNotFoundError(f"There are no .csv files in {shown(files)}.")
    answers = pd.concat([_read(path) for path in paths], ignore_index=True)
    if len(tests := answers["test"].unique()) > 1:
        raise ValueError(
            f"These answers are from {len(tests)} tests ({shown(', '.join(tests))}): read the "
            "files of one test at a time."
        )
    twice = answers.duplicated(["participant", "trial", "condition"])
    if twice.any():
        participant, trial = answers.loc[twice, ["participant", "trial"]].iloc[0]
        raise ValueError(
            f'The participant "{shown(participant)}" answered the trial "{shown(trial)}" twice. '
            "If these are two people, rename one in the file; else remove one of the files."
        )
    return answers


def reliable(
    answers: pd.DataFrame, *, lowest: float = 90.0, share: float = 0.15
) -> tuple[pd.DataFrame, list[str]]:
    """Leave out participants who often rated the hidden reference low.

    Parameters
    ----------
    answers : pandas.DataFrame
        As :func:`read` returns it.
    lowest : float
        A hidden reference that is rated below this was not found.
    share : float
        A participant who did not find it in more than this share of the trials is left out.

    Returns
    -------
    tuple of pandas.DataFrame and list of str
        The answers of all others, and the names of those left out.

    References
    ----------
    Recommendation ITU-R BS.1534-3, 2015, on the post-screening of assessors.
    """
    hidden = answers[answers["condition"] == HIDDEN]
    missed = (hidden["score"] < lowest).groupby(hidden["participant"], sort=False).mean()
    out = list(missed.index[missed > share])
    return answers[~answers["participant"].isin(out)], out


def as_scores(answers: pd.DataFrame) -> pd.DataFrame:
    """The answers as a table of scores, in which participants take the place of songs.

    Parameters
    ----------
    answers : pandas.DataFrame
        As :func:`read` returns it.

    Returns
    -------
    pandas.DataFrame
        With the columns ``method, song, source, metric, frame, value``. The methods are the
        conditions, from the best rated on; the songs the participants, and the frames the trials.
        With ``frames="mean", songs="mean"``, ``intervals`` and ``differences`` of
        :mod:`tutorial_utils.evaluation` say how sure a mean is about *other listeners*.
    """
    order = answers.groupby("condition")["score"].mean().sort_values(ascending=False).index
    table = pd.DataFrame(
        {
            "method": pd.Categorical(answers["condition"], order),
            "song": answers["participant"],
            "source": "all trials",
            "metric": METRIC,
            "frame": answers.groupby("trial", sort=False).ngroup(),
            "value": answers["score"].astype(float),
        }
    ).sort_values("method", kind="stable", ignore_index=True)
    return table.astype({"method": str})


def _read(path):
    """One file, of any separator and in UTF-8 or UTF-16, as spreadsheets write it."""
    data = path.read_bytes()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        table = pd.read_csv(
            io.StringIO(data.decode(encoding)),
            sep=None,
            engine="python",
            dtype=str,
            keep_default_na=False,
        ).rename(columns=str.strip)
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{shown(path)} is no CSV file: {shown(error)}") from None
    if absent := [name for name in COLUMNS if name not in table]:
        raise ValueError(
            f"{shown(path)} lacks the column(s) {', '.join(absent)}: it is no file of a listening "
            "test's answers."
        )
    table = table[list(COLUMNS)]
    for name in ("score", "place", "seconds"):
        numbers = pd.to_numeric(table[name].str.replace(",", ".", regex=False), errors="coerce")
        wrong = numbers.isna() | (numbers < 0) | ((numbers > 100) & (name == "score"))
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise ValueError(
                f'{shown(path)}, line {row + 2}: "{shown(table[name].iloc[row])}" is no {name}'
                f"{' from 0 to 100' if name == 'score' else ''}."
            )
        table = table.assign(**{name: numbers})
    return table
