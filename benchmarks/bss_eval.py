"""How fast is BSS Eval here beside museval, and how far apart are the numbers?

    python -m benchmarks.bss_eval [SECONDS ...]

Both score the same estimates of four stems, in one process, one after the other. Time is the
shortest of several runs where a run is short, for the machine may have other things to do; ratios
count, not seconds. By default the signals last 3, 30 and 240 s, in stereo and in mono.

- *ratio*: how many times faster than museval.
- *SDR* to *SAR*: the largest difference of any frame, in dB.
- *equations*: the share of our time that goes into solving for the filters. It does not depend on
  the length, so this is what limits us on short signals.
- *dense*: how long one Cholesky factorisation of the same matrix takes, relative to all that we do.
  Above 100 %, no method that factorises without a look at the structure could be as fast.

Signals are songs of TinyStems, one after the other, with 16 bits. In the estimates, sources leak
into each other, and there is some noise.
"""

import json
import sys
import time

import numpy as np
import pandas as pd
import scipy.linalg

import tutorial_utils as tu
from tutorial_utils.compat import museval
from tutorial_utils.evaluation import bss_eval, projections

LENGTHS = (3, 30, 240)
RATIOS = ("SDR", "ISR", "SIR", "SAR")
SHORT = 5.0  # seconds that runs are repeated within
PROMISED, AIM, APART = 15, 25, 0.01


def signals(seconds, channels):
    """References and estimates of shape (sources, samples, channels)."""
    songs = tu.data.open_songs(tu.data.tinystems.build())
    count = round(seconds * songs[0].sample_rate)
    stems, collected = [], 0
    for song in songs * (1 + round(seconds / sum(song.duration for song in songs))):
        stems.append(np.stack([song.stem(label).T for label in song.labels]))
        collected += stems[-1].shape[1]
        if collected >= count:
            break
    references = np.concatenate(stems, axis=1)[:, :count].astype(np.float64)
    if channels == 1:
        references = np.round(references.mean(axis=2, keepdims=True) * 2**15) / 2**15
    random = np.random.default_rng(0)
    noise = 1e-3 * random.standard_normal(references.shape)
    return references, 0.8 * references + 0.1 * references.sum(axis=0) + noise


def shortest(function, *arguments):
    """What a function returns, and the seconds of its shortest run."""
    best, began = np.inf, time.perf_counter()
    while True:
        start = time.perf_counter()
        found = function(*arguments)
        now = time.perf_counter()
        best = min(best, now - start)
        if now - began + best > SHORT:
            return found, best


class Watched:
    """A function, and how long its calls took together."""

    def __init__(self, function):
        self.function, self.seconds = function, 0.0

    def __call__(self, *arguments):
        began = time.perf_counter()
        try:
            return self.function(*arguments)
        finally:
            self.seconds += time.perf_counter() - began


def share_of_equations(references, estimates):
    watched = projections._filters = Watched(projections._filters)
    try:
        began = time.perf_counter()
        bss_eval(references, estimates)
        return watched.seconds / (time.perf_counter() - began)
    finally:
        projections._filters = watched.function


def dense_factorisation(size):
    """Seconds for a Cholesky factorisation of a matrix of this size, with all cores."""
    matrix = np.eye(size) + 0.5 / size
    began = time.perf_counter()
    scipy.linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    return time.perf_counter() - began


def main(lengths):
    rows = []
    for seconds in lengths:
        for channels in (2, 1):
            references, estimates = signals(seconds, channels)
            ours, fast = shortest(bss_eval, references, estimates)
            theirs, slow = shortest(museval.evaluate, references, estimates)
            gaps = {
                ratio: float(np.nanmax(np.abs(mine - other)))
                for ratio, mine, other in zip(RATIOS, ours, theirs, strict=True)
            }
            for mine, other in zip(ours, theirs, strict=True):
                assert np.array_equal(np.isnan(mine), np.isnan(other)), "other frames are silent"
            rows.append(
                {
                    "seconds": seconds,
                    "channels": channels,
                    "ours (s)": fast,
                    "museval (s)": slow,
                    "ratio": slow / fast,
                    **gaps,
                    "equations": share_of_equations(references, estimates),
                    "dense": dense_factorisation(len(references) * channels * 512) / fast,
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    table = pd.DataFrame(rows)
    shares = {"equations": "{:.0%}".format, "dense": "{:.0%}".format, "ratio": "{:.1f}".format}
    gaps = dict.fromkeys(RATIOS, "{:.1e}".format)
    print("\n" + table.to_string(index=False, formatters={**shares, **gaps}, float_format="%.2f"))
    apart = table[list(RATIOS)].to_numpy().max()
    print(f"\nLargest difference {apart:.1e} dB ({APART} promised).")
    for row in rows:
        if row["seconds"] == 30 and row["channels"] == 2:
            print(
                f"30 s of stereo: {row['ratio']:.1f} times faster ({PROMISED} promised, {AIM} aim)"
            )


if __name__ == "__main__":
    main([float(text) for text in sys.argv[1:]] or LENGTHS)
