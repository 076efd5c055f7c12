"""What the tests have in common. (Not in a package: nussl installs one called ``tests``.)"""

import shutil

import numpy as np
import pytest

RATE = 8000

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")


def noise(random, seconds=2.0, channels=2, rate=RATE, peak=0.2):
    """White noise of shape (channels, samples) with the given peak."""
    return random.uniform(-peak, peak, (channels, round(seconds * rate))).astype(np.float32)
