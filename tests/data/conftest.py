"""Songs that the tests of mixtures share. They only read them."""

import numpy as np
import pytest
from helpers import RATE

from tutorial_utils import audio
from tutorial_utils.data.songs import LABELS, open_songs

SECONDS = 3.0
SPLITS = {"train": "abc", "valid": "d", "test": "ef"}


@pytest.fixture(scope="session")
def songs(tmp_path_factory):
    """Six songs in three splits.

    The vocals of b rest throughout, those of a for the first two of its three seconds.
    """
    root = tmp_path_factory.mktemp("songs")
    random = np.random.default_rng(3)
    for split, names in SPLITS.items():
        for name in names:
            for label in LABELS:
                swell = 10 ** random.uniform(-1.5, -0.5, 7)
                samples = random.uniform(-1, 1, (2, round(SECONDS * RATE)))
                time = np.arange(samples.shape[1]) / RATE
                samples *= np.interp(time, np.linspace(0, SECONDS, 7), swell)
                if label == "vocals":
                    samples[:, time < {"a": 2.0, "b": 9.0}.get(name, 0.0)] = 0
                audio.write(root / split / name / f"{label}.wav", samples, RATE)
    return open_songs(root)


@pytest.fixture(scope="session")
def sounds_root(tmp_path_factory):
    """Five categories of four sounds each, from 0.3 to 2 s, of several rates and channels."""
    root = tmp_path_factory.mktemp("sounds")
    random = np.random.default_rng(4)
    for label in ("bell", "cat", "dog", "horn", "siren"):
        for i, seconds in enumerate((0.3, 0.7, 1.2, 2.0)):
            rate, channels = (RATE, 16000)[i % 2], 1 + i % 2
            samples = random.uniform(-0.3, 0.3, (channels, round(seconds * rate)))
            audio.write(root / label / f"{i}.wav", samples, rate)
    return root
