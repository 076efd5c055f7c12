"""MUSDB18's stem files: mixture and stems as five AAC streams of one file, read through musdb."""

import os
import shutil
from functools import lru_cache
from pathlib import Path

import numpy as np

from tutorial_utils.audio import AudioError, Info
from tutorial_utils.data.songs.layouts import LABELS, MIXTURE, Song, common_length
from tutorial_utils.text import shown

SUFFIX = ".stem.mp4"
_STREAMS = (MIXTURE, *LABELS)


class StemFileSong(Song):
    """A song of MUSDB18, one stem file.

    Every read starts ffmpeg and decodes from the start of the song. Whoever reads a song more than
    once takes it from :func:`decoded`.
    """

    def __init__(self, name, split, path: Path, track, info: Info, lengths: str):
        super().__init__(name, split, path, info, {label: [path] for label in _STREAMS}, lengths)
        self._track = track

    def _read(self, label, first, count):
        which = _STREAMS.index(label)
        stream = self._track.info.audio_streams[which]
        there = max(0, min(count, self._track.info.samples(which) - first))
        samples = np.zeros((count, self.channels))
        if there:
            # One sample more than needed: ffmpeg may round the end of the segment down.
            read = self._load(stream["index"], first, there + 1)
            read = read.reshape(-1, self.channels)[:there]
            if len(read) < there:
                raise AudioError(
                    f"{shown(self.path)} is truncated: its header promises "
                    f"{self._track.info.samples(which)} samples, and reading {there} of them from "
                    f"sample {first} gave only {len(read)}. Get it again."
                )
            samples[:there] = read
        return np.ascontiguousarray(samples.T, dtype=np.float32)

    def _load(self, stream, first, count):
        import ffmpeg

        _check_readable(self.path)
        rate = self.sample_rate
        try:
            return self._track.load_audio(self._track.path, stream, first / rate, count / rate)
        except (ffmpeg.Error, Warning, RuntimeError, ValueError) as error:
            raise AudioError(_damaged(self.path, error)) from error


def open_stem_file(path: Path, name: str, split: str | None, lengths: str) -> StemFileSong:
    """Open a stem file as a song.

    Raises
    ------
    AudioError
        If it is damaged, or does not hold five streams that fit together.
    OSError
        If it may not be read.
    RuntimeError
        If ffmpeg is not installed.
    """
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        raise RuntimeError(
            f"{shown(path)} is a .stem.mp4 file, and ffmpeg, which reads them, is not installed. "
            "Install it (conda install ffmpeg, apt install ffmpeg, brew install ffmpeg or winget "
            "install ffmpeg), or use MUSDB18-HQ, whose wav files need no ffmpeg."
        )
    _check_readable(path)
    if path.stat().st_size == 0:
        raise AudioError(f"{shown(path)} is empty (0 bytes). Get the file again, or remove it.")
    import ffmpeg
    import musdb

    try:
        track = musdb.MultiTrack(path=str(path), name=name, stem_id=0, subset=path.parent.name)
        found = [
            Info(int(stream["sample_rate"]), int(stream["channels"]), int(stream["duration_ts"]))
            for stream in track.info.audio_streams
        ]
    except (ffmpeg.Error, Warning, RuntimeError, ValueError, KeyError, IndexError) as error:
        raise AudioError(_damaged(path, error)) from error
    return StemFileSong(name, split, path, track, *_agreed(path, found, lengths))


def _agreed(path, found, lengths):
    """What the streams have in common, and whether ``lengths`` is needed for it."""
    if len(found) != len(_STREAMS):
        raise AudioError(
            f"{shown(path)} has {len(found)} audio streams, and a stem file of MUSDB18 has five: "
            f"{', '.join(_STREAMS)}. Get it again, or put its stems into a folder, one sound file "
            "each."
        )
    for what, unit in (("sample_rate", "Hz"), ("channels", "channels")):
        values = [getattr(info, what) for info in found]
        if len({*values}) > 1:
            raise AudioError(
                f"{shown(path)}: its streams {', '.join(_STREAMS)} have "
                f"{', '.join(map(str, values))} {unit}, and must have the same. Get it again, or "
                "remove it."
            )
    samples = [info.samples for info in found]
    if not min(samples):
        raise AudioError(f"{shown(path)} holds no audio. Get the file again, or remove it.")
    streams = {
        f"{shown(path)}, stream {label}": count
        for label, count in zip(_STREAMS, samples, strict=True)
    }
    length = common_length(streams, lengths)
    return Info(found[0].sample_rate, found[0].channels, length), (
        lengths if len({*samples}) > 1 else "error"
    )


def _check_readable(path):
    if not os.access(path, os.R_OK):
        # Raises what the system says: there is no such file, or it may not be read.
        path.open("rb").close()


def _damaged(path, error):
    return (
        f"{shown(path)} cannot be read as a stem file ({type(error).__name__}). It may be damaged: "
        "get it again, or remove it."
    )


@lru_cache
def validation_songs() -> frozenset[str]:
    """The names of the songs in MUSDB18's ``train/`` that are kept for validation."""
    from importlib.util import find_spec

    import yaml

    # Found without importing musdb, which cannot be imported where ffmpeg is missing.
    package = Path(find_spec("musdb").origin).parent
    text = (package / "configs" / "mus.yaml").read_text(encoding="utf-8")
    return frozenset(yaml.safe_load(text)["validation_tracks"])
