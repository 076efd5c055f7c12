"""What the tests have in common. (Not in a package: nussl installs one called ``tests``.)"""

import shutil

import numpy as np
import pytest

RATE = 8000

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")


def noise(random, seconds=2.0, channels=2, rate=RATE, peak=0.2):
    """White noise of shape (channels, samples) with the given peak."""
    return random.uniform(-peak, peak, (channels, round(seconds * rate))).astype(np.float32)


PEAK = """
import resource, sys
from pathlib import Path
if sys.platform == "linux":  # where getrusage counts what this process was forked from
    print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024**2)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**3)
"""
"""Code that prints the most memory that its process has held, in GiB."""
