"""Songs that the tests share."""

import os
from pathlib import Path

# Processes that run tests side by side keep what Numba compiles in different folders, and take
# those of the book's kernels: see book/execute.py. This has to be said before anything imports it.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    folder = Path(__file__).resolve().parents[1] / "_build" / "numba" / worker.removeprefix("gw")
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # There is a process for each core.

import numpy as np
import pytest
from helpers import RATE, noise

from tutorial_utils import audio
from tutorial_utils.data.songs import LABELS


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def write_song(random):
    """A function that writes a folder of stems, and returns what it wrote."""

    def write(folder, labels=LABELS, seconds=2.0, suffix=".wav", rate=RATE, channels=2, mix=True):
        stems = {label: noise(random, seconds, channels, rate) for label in labels}
        for label, samples in stems.items():
            audio.write(folder / f"{label}{suffix}", samples, rate)
        if mix:
            audio.write(folder / f"mixture{suffix}", sum(stems.values()), rate)
        return stems

    return write
