"""Songs that the tests of mixtures share. They only read them."""

import subprocess

import numpy as np
import pytest
from helpers import RATE, noise

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


@pytest.fixture
def write_stem_file(tmp_path, random):
    """A function that codes noise as a stem file: five AAC streams, as in MUSDB18."""

    def write(path, seconds=1.0, peak=0.2):
        command = ["ffmpeg", "-v", "error", "-y"]
        for label in ("mixture", *LABELS):
            wav = tmp_path / "wav" / f"{label}.wav"
            audio.write(wav, noise(random, seconds, rate=44100, peak=peak), 44100)
            command += ["-i", str(wav)]
        for stream in range(5):
            command += ["-map", str(stream)]
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([*command, "-c:a", "aac", "-f", "mp4", str(path)], check=True)

    return write
