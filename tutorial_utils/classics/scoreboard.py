"""All methods on the same songs, in one table that grows from chapter to chapter."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tutorial_utils import tinystems
from tutorial_utils.classics.methods import DRUMS, METHODS, VOICE
from tutorial_utils.data import open_songs
from tutorial_utils.data.songs import Song
from tutorial_utils.evaluation import SDR, SI_SDR, compare, ideal_ratio_mask

MIXTURE, ORACLE = "mixture", "ratio mask (oracle)"
_SONGS = 2


def scoreboard(
    *chapters: str,
    songs: Sequence[Song] | None = None,
    seconds: float = 8.0,
    metrics: Sequence[str] = (SDR, SI_SDR),
) -> pd.DataFrame:
    """Score the methods of some chapters, the mixture and the ideal ratio mask.

    Parameters
    ----------
    *chapters : str
        Such as ``"repetition"``; by default all.
    songs : sequence of Song, optional
        With the stems ``vocals`` and ``drums``; by default two test songs of TinyStems.
    seconds : float
        Of each song, where its vocals are the loudest.
    metrics : sequence of str
        As for :func:`tutorial_utils.evaluation.compare`.

    Returns
    -------
    pandas.DataFrame
        With the columns ``method, source, metric, value, song``. A method has scores of the two
        sources that it estimates: "vocals" and "accompaniment", or "drums" and "rest".

    Raises
    ------
    ValueError
        If there is no method of a chapter.
    """
    known = dict.fromkeys(method.chapter for method in METHODS.values())
    if unknown := [name for name in chapters if name not in known]:
        raise ValueError(f"No method is of the chapter '{unknown[0]}', but of {', '.join(known)}.")
    chosen = [method for method in METHODS.values() if method.chapter in (chapters or known)]
    if songs is None:
        songs = [song for song in open_songs(tinystems.build()) if song.split == "test"][:_SONGS]
    tables = []
    for song in songs:
        stems = excerpt(song, seconds)
        mixture = sum(stems.values())
        for pair in (VOICE, DRUMS):
            if wanted := [method for method in chosen if method.sources == pair]:
                truth = {pair[0]: stems[pair[0]], pair[1]: mixture - stems[pair[0]]}
                found = {MIXTURE: dict.fromkeys(pair, mixture)}
                found |= {method.name: method(mixture, song.sample_rate) for method in wanted}
                found[ORACLE] = ideal_ratio_mask(truth, mixture)
                table = compare(truth, found, song.sample_rate, metrics)
                tables.append(table.assign(song=song.name))
    table = pd.concat(tables, ignore_index=True).drop(columns="frames")
    order = [MIXTURE, *(method.name for method in chosen), ORACLE]
    return table.sort_values(
        "method", key=lambda names: names.map(order.index), kind="stable", ignore_index=True
    )


def excerpt(song: Song, seconds: float) -> dict[str, np.ndarray]:
    """The stems of a song where its vocals are the loudest: ``{label: (channels, samples)}``."""
    stems, rate = song.stems(), song.sample_rate
    length = min(round(seconds * rate), song.samples)
    power = (stems["vocals"].astype(np.float64) ** 2).sum(0)
    total = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, song.samples - length + 1, rate // 2)
    start = starts[np.argmax(total[starts + length] - total[starts])]
    return {label: stem[:, start : start + length] for label, stem in stems.items()}
