"""Segments of songs: where they may begin, and how loud they are, before they are rendered."""

import functools
import math
from typing import NamedTuple

from tutorial_utils import audio, loudness
from tutorial_utils.data.mixing.event import Event
from tutorial_utils.data.songs import FolderSong

_BLOCK = 2**20  # samples that are in memory at once while a file is measured


class Segment(NamedTuple):
    """A segment of a song, from ``start`` on and as long as ``length``, in seconds."""

    song: FolderSong
    start: float
    length: float
    pitch_shift: float
    time_stretch: float

    def sounds(self, label: str, threshold: float) -> bool:
        """Whether a stem reaches the threshold, in LUFS.

        Raises
        ------
        ValueError
            If the segment is too short for its loudness to be measured.
        """
        if self.length < loudness.BLOCK:
            raise ValueError(
                f"Whether a stem is audible is measured over {loudness.BLOCK} s or more, and "
                f"{self.length:.3f} s are to be cut. Draw longer mixtures, or set audible=()."
            )
        rate = self.song.sample_rate
        if not loudness.grid_samples(rate):
            segment = self.song.stem(label, self.start, self.length)
            return loudness.integrated(segment, rate) >= threshold
        profile = _profile_of(self.song, label, self.song.channels)
        return profile.loudness(*self._in_samples()) >= threshold

    def known_loudness(self, event: Event) -> float:
        """The loudness of a stem, if it has to be known and is mixed as it is; else nan."""
        rate = event.sample_rate
        if math.isnan(event.snr) or event.changed or self.song.sample_rate != rate:
            return math.nan
        first, samples = self._in_samples()
        step = loudness.grid_samples(rate)
        if not step or self.length < 0.5 or samples % step:
            return math.nan
        onset = self.song.stem(event.label, self.start, loudness.SETTLED)
        onset = audio.with_channels(onset, event.channels)
        profile = _profile_of(self.song, event.label, event.channels)
        return profile.loudness(first, samples, onset)

    def _in_samples(self):
        rate = self.song.sample_rate
        first = int(self.start * rate)
        return first, int((self.start + self.length) * rate) - first


def on_grid(start: float, length: float, sample_rate: int) -> float:
    """A time on the grid of loudness profiles, where a segment loses no sample to rounding errors.

    Scaper and the renderer round the times of both ends down to samples.
    """
    step = loudness.grid_samples(sample_rate)
    if not step:
        return start
    first = int(start * sample_rate) // step * step
    last = first + int(length * sample_rate)
    start = first / sample_rate
    while int(start * sample_rate) < first or int((start + length) * sample_rate) < last:
        start = math.nextafter(start, math.inf)
    return start


def _profile_of(song, label, channels):
    status = song.files[label].stat()
    return _profile(song.files[label], channels, status.st_mtime_ns, status.st_size)


@functools.lru_cache(2048)
def _profile(path, channels, modified, size):
    """The loudness profile of a file, as long as the file stays the same."""
    with audio.opened(path) as sound:
        blocks = (
            audio.with_channels(sound.read(first, min(_BLOCK, sound.samples - first)), channels)
            for first in range(0, sound.samples, _BLOCK)
        )
        return loudness.Profile.of_blocks(blocks, sound.sample_rate)
