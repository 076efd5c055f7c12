"""Ctrl-C while libsndfile works on a file in memory: it is heard, and leaves nothing half done."""

import os
import signal
import time

import pytest
import soundfile
from helpers import RATE, noise

from tutorial_utils import audio


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_is_heard_while_a_file_is_encoded(tmp_path, random, monkeypatch):
    """libsndfile's calls of Python are where KeyboardInterrupt would be printed and forgotten."""
    write = soundfile.write

    class Interrupted:
        """A file in memory at whose third write somebody presses Ctrl-C."""

        def __init__(self, file):
            self._file, self._writes = file, 0

        def write(self, data):
            self._writes += 1
            if self._writes == 3:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.05)  # So that whoever hears of it does so here.
            return self._file.write(data)

        def __getattr__(self, name):
            return getattr(self._file, name)

    def interrupted(file, *arguments, **named):
        write(Interrupted(file), *arguments, **named)

    monkeypatch.setattr(soundfile, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        audio.write(tmp_path / "a.flac", noise(random, 5.0), RATE)
    assert not [*tmp_path.iterdir()]
