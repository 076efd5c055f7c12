"""Segments of songs as one tensor: all that a small training needs, in memory."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from tutorial_utils.audio import resample
from tutorial_utils.data.songs import Song


def stack(
    songs: Sequence[Song],
    starts: Iterable[float],
    duration: float,
    *,
    sample_rate: int | None = None,
    mono: bool = False,
) -> torch.Tensor:
    """The stems of several segments of several songs, stacked.

    Parameters
    ----------
    songs : list of Song
        With the same labels and the same sample rate.
    starts : list of float
        Where the segments begin, in seconds, the same in all songs.
    duration : float
        In seconds.
    sample_rate : int, optional
        To which the stems are converted; theirs if not given.
    mono : bool
        Whether the channels are averaged.

    Returns
    -------
    tensor of shape (songs · starts, sources, channels, samples), float32

    Raises
    ------
    ValueError
        If there is no song or no start, or the songs differ in labels or sample rate. A segment
        that reaches beyond the end of its song raises what :meth:`Song.stem` raises.
    """
    songs, starts = list(songs), list(starts)
    if not songs or not starts:
        raise ValueError("There is nothing to stack: give at least one song and one start.")
    kinds = {(tuple(song.labels), song.sample_rate) for song in songs}
    if len(kinds) > 1:
        raise ValueError("The songs differ in their labels or sample rates: stack them apart.")
    rate = songs[0].sample_rate
    segments = []
    for song in songs:
        for start in starts:
            stems = np.stack([*song.stems(start, duration).values()])
            if mono:
                stems = stems.mean(axis=1, keepdims=True)
            if sample_rate is not None and sample_rate != rate:
                stems = np.stack([resample(stem, rate, sample_rate) for stem in stems])
            segments.append(torch.from_numpy(np.ascontiguousarray(stems, dtype=np.float32)))
    return torch.stack(segments)
