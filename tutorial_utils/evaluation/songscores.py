"""The scores of one song: which sources are scored together, and every metric of each."""

import numpy as np
import pandas as pd

from tutorial_utils.audio import AudioError, as_channels, require_finite
from tutorial_utils.data.songs import Song
from tutorial_utils.evaluation import ratios
from tutorial_utils.evaluation.bsseval import bss_eval
from tutorial_utils.evaluation.comparing import (
    BY_CHANNEL,
    BY_FRAME,
    ISR,
    SDR,
    SNR,
    USDR,
    over_channels,
)
from tutorial_utils.text import shown

COLUMNS = ["method", "song", "split", "source", "metric", "time", "value"]
ACCOMPANIMENT = "accompaniment"
_SLACK = 0.1  # seconds by which estimates may be longer or shorter than their reference


def of_length(samples: np.ndarray, wanted: int, rate: int, what: str) -> np.ndarray:
    """An estimate as long as its reference, if it nearly is; ``what`` names it in the error."""
    there = samples.shape[1]
    if abs(there - wanted) > _SLACK * rate:
        raise AudioError(
            f"{what} lasts {there / rate:.3f} s, and its reference {wanted / rate:.3f} s. Give "
            "estimates of the whole song."
        )
    return np.pad(samples, [(0, 0), (0, max(0, wanted - there))])[:, :wanted]


def song_table(name: str, song: Song, estimates, settings) -> pd.DataFrame:
    """All scores of a song, as :func:`tutorial_utils.evaluation.evaluate` returns them.

    Parameters
    ----------
    name : str
        Of the method.
    song : Song
    estimates : dict of label to array of shape (channels, samples)
    settings : dict
        With ``win``, ``hop``, ``start`` and ``duration``, in seconds.
    """
    references, estimates = _pairs(song, estimates, settings["start"], settings["duration"])
    rate = song.sample_rate
    frames = (round(settings["win"] * rate), round(settings["hop"] * rate))
    others = [label for label in references if label != ACCOMPANIMENT]
    groups = [others]
    if ACCOMPANIMENT in references and "vocals" in references:
        groups = (
            [others, ["vocals", ACCOMPANIMENT]] if len(others) > 1 else [["vocals", ACCOMPANIMENT]]
        )
    elif ACCOMPANIMENT in references:
        groups = [[*references]]
    scores = {}
    for group in groups:  # Those of the vocals beside the accompaniment come last, and stay.
        for label, by_metric in _group_scores(group, references, estimates, *frames).items():
            scores[label] = by_metric
    rows = []
    for label, by_metric in scores.items():
        for metric, values in by_metric.items():
            times = settings["start"] + settings["hop"] * np.arange(len(values))
            if metric not in BY_FRAME:
                times = [np.nan]
            for time, value in zip(times, values, strict=True):
                rows.append((name, song.name, song.split or "", label, metric, time, float(value)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _pairs(song, estimates, start, duration):
    """References and estimates of the same labels, as arrays of one shape."""
    labels = [label for label in (*song.labels, ACCOMPANIMENT) if label in estimates]
    if not labels:
        raise AudioError(
            f"There is no estimate of {shown(', '.join(song.labels))}, but of "
            f"{shown(', '.join(map(str, estimates))) or 'nothing'}."
        )
    references = {
        label: song.stem(label, start, duration) for label in labels if label in song.labels
    }
    if ACCOMPANIMENT in labels and ACCOMPANIMENT not in references:
        rest = [label for label in song.labels if label != "vocals"]
        references[ACCOMPANIMENT] = np.sum([song.stem(x, start, duration) for x in rest], axis=0)
    matching = {}
    for label, reference in references.items():
        what = f"The estimate of {shown(label)}"
        estimate = require_finite(as_channels(estimates[label]), what)
        if len(estimate) != len(reference):
            raise AudioError(
                f"{what} has {len(estimate)} channel(s), and its reference {len(reference)}."
            )
        matching[label] = of_length(estimate, reference.shape[1], song.sample_rate, what)
    return references, matching


def _group_scores(labels, references, estimates, win, hop):
    """``{label: {metric: values}}`` of sources that are scored together."""
    pair = [np.stack([signals[label] for label in labels]) for signals in (references, estimates)]
    scores = {label: {} for label in labels}
    for metric, values in _by_frame(labels, *pair, win, hop).items():
        for label, value in zip(labels, values, strict=True):
            scores[label][metric] = value
    whole = {
        name: [over_channels(one) for one in metric(*pair)] for name, metric in BY_CHANNEL.items()
    }
    whole[SNR] = ratios.snr(*(signals.reshape(len(labels), -1) for signals in pair))
    whole[USDR] = ratios.usdr(*pair)
    for name, values in whole.items():
        for label, value in zip(labels, values, strict=True):
            scores[label][name] = [value]
    return scores


def _by_frame(labels, references, estimates, win, hop):
    """BSS Eval's ratios of shape (sources, frames), of those sources that it can score."""
    heard = references.sum(1).any(1)
    answered = estimates.sum(1).any(1)
    scored_ = np.flatnonzero(heard & answered)
    samples = references.shape[2]
    count = 1 if win >= samples else (samples - win + hop) // hop
    found = {metric: np.full((len(labels), count), np.nan) for metric in BY_FRAME}
    for values in found.values():
        values[heard & ~answered] = -np.inf
    if len(scored_):
        pair = [signals[scored_].transpose(0, 2, 1) for signals in (references, estimates)]
        for metric, values in zip(BY_FRAME, bss_eval(*pair, win, hop), strict=True):
            if len(labels) > 1 or metric in (SDR, ISR):
                found[metric][scored_] = values
    return found
