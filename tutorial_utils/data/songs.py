"""Songs with their stems, whatever the layout in which they lie on the disk.

:func:`open_songs` understands MUSDB18 (one ``.stem.mp4`` a song), MUSDB18-HQ (one folder a song)
and any folder of stems. Opening reads headers only; audio is read when it is asked for, and only
the segment that is asked for.
"""

import json
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from tutorial_utils import audio
from tutorial_utils.audio import AudioError

LABELS = ("drums", "bass", "other", "vocals")
"""The stems of MUSDB18, in the order of its files."""

MIXTURE = "mixture"
SPLITS = ("train", "valid", "test")
_STEM_FILE = ".stem.mp4"
_MUST_AGREE = {"sample_rate": "Hz", "channels": "channels", "samples": "samples"}


class Song(ABC):
    """One multitrack song: named stems of equal length, rate and channels.

    Attributes
    ----------
    name : str
    split : {"train", "valid", "test"} or None
        None if the folder that holds the song does not say.
    sample_rate : int, in Hz
    channels : int
    samples : int
    labels : tuple of str
        The stems that :meth:`stem` gives.
    """

    def __init__(self, name, split, sample_rate, channels, samples, labels):
        self.name = name
        self.split = split
        self.sample_rate = sample_rate
        self.channels = channels
        self.samples = samples
        self.labels = tuple(labels)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.samples / self.sample_rate

    def stem(self, label: str, start: float = 0.0, duration: float | None = None) -> np.ndarray:
        """Read a stem, or a segment of it.

        Parameters
        ----------
        label : str
            One of ``labels``.
        start : float
            In seconds.
        duration : float, optional
            In seconds; by default to the end.

        Returns
        -------
        array of shape (channels, samples), float32

        Raises
        ------
        AudioError
            If the song has no such stem, the segment does not lie within the song, or the file is
            damaged.
        """
        if label not in self.labels:
            raise AudioError(
                f"{self.name} has no stem '{label}'. It has: {', '.join(self.labels)}."
            )
        return self._read(label, start, duration)

    def mixture(self, start: float = 0.0, duration: float | None = None) -> np.ndarray:
        """Read the mixture, or a segment of it, like :meth:`stem`."""
        return self._read(MIXTURE, start, duration)

    def stems(self, start: float = 0.0, duration: float | None = None) -> dict[str, np.ndarray]:
        """Read the same segment of all stems: ``{label: (channels, samples)}``."""
        return {label: self._read(label, start, duration) for label in self.labels}

    @abstractmethod
    def _read(self, label, start, duration):
        """Read the stem ``label``, or the mixture under the name ``mixture``."""

    def __repr__(self):
        return f"Song('{self.name}', {self.split}, {self.duration:.1f} s)"


class FolderSong(Song):
    """A song that is one sound file a stem, and perhaps one for the mixture.

    Where there is no file of the mixture, the mixture is the sum of the stems.

    Attributes
    ----------
    files : dict of Path
        The sound file of each label, and of the mixture if it has one.
    """

    def __init__(self, name, split, files: Mapping[str, Path]):
        headers = {label: audio.info(path) for label, path in files.items()}
        first = next(iter(headers))
        for label, header in headers.items():
            for what, unit in _MUST_AGREE.items():
                here, there = getattr(header, what), getattr(headers[first], what)
                if here != there:
                    raise AudioError(
                        f"{files[label]} has {here} {unit}, but {files[first].name} beside it has "
                        f"{there}. The files of a song must agree: export them again from one "
                        "session, or remove the song."
                    )
        header = headers[first]
        labels = _in_order(label for label in files if label != MIXTURE)
        super().__init__(name, split, header.sample_rate, header.channels, header.samples, labels)
        self.files = dict(files)

    def _read(self, label, start, duration):
        if label in self.files:
            return audio.read(self.files[label], start, duration)[0]
        return np.sum([self._read(stem, start, duration) for stem in self.labels], axis=0)


class StemFileSong(Song):
    """A song of MUSDB18: mixture and stems as five AAC streams of one file, read through musdb.

    Every read starts ffmpeg and decodes from the start of the song. Whoever reads a song more than
    once takes it from :func:`decoded`.
    """

    def __init__(self, track, split):
        if not track.rate or not track.samples:
            raise AudioError(f"{track.path} holds no audio. Get the file again, or remove it.")
        channels = track.info.channels_streams[0]
        super().__init__(
            track.name, split, int(track.rate), channels, track.samples, _in_order(track.sources)
        )
        self.track = track

    def _read(self, label, start, duration):
        path = self.track.path
        first, count = audio.segment(start, duration, self.sample_rate, self.samples, path)
        stream = self.track.stem_id if label == MIXTURE else self.track.sources[label].stem_id
        # One sample more than needed: ffmpeg may round the end of the segment down.
        samples = self.track.load_audio(
            path, stream, first / self.sample_rate, (count + 1) / self.sample_rate
        )[:count]
        if len(samples) < count:
            raise AudioError(
                f"{path} is truncated: its header promises {self.samples} samples, and reading "
                f"{count} of them from sample {first} gave only {len(samples)}. Get it again."
            )
        return np.ascontiguousarray(samples.T, dtype=np.float32)


def open_songs(root=None) -> list[Song]:
    """Open every song below a folder.

    Three layouts are understood:

    - MUSDB18: ``train/`` and ``test/`` with one ``NAME.stem.mp4`` a song (this needs ffmpeg);
    - MUSDB18-HQ: ``train/`` and ``test/`` with one folder a song, which holds ``mixture.wav`` and
      ``drums.wav``, ``bass.wav``, ``other.wav`` and ``vocals.wav``;
    - any stems: one folder a song, below ``root`` or below ``train/``, ``valid/`` and ``test/``,
      with one wav, flac, mp3 or ogg file a stem, named after it. ``root`` may be such a song.

    Parameters
    ----------
    root : path-like, optional
        By default the folder that the environment variable ``MUSDB_PATH`` names. Without that,
        the TinyStems are opened, and composed first if they are not there yet.

    Returns
    -------
    list of Song
        Sorted by split, then by name.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no song in it.
    AudioError
        If a song is not usable; the message names the file.
    RuntimeError
        If the songs are ``.stem.mp4`` files and ffmpeg is not installed.

    Examples
    --------
    >>> songs = open_songs()                                             # doctest: +SKIP
    >>> songs[0].stem("vocals", start=2.0, duration=5.0).shape           # doctest: +SKIP
    (2, 220500)
    """
    root = root or os.environ.get("MUSDB_PATH")
    if root is None:
        from tutorial_utils import tinystems

        root = tinystems.build()
    root = Path(root).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(
            f"There is no folder {root}. Give the folder that holds the songs, or none (and no "
            "MUSDB_PATH) to use the TinyStems that come with this package."
        )
    split_folders = [root / split for split in SPLITS if (root / split).is_dir()]
    songs = []
    for folder in split_folders or [root]:
        songs += _open_folder(folder, folder.name if split_folders else None, _validation(root))
    if not songs:
        raise FileNotFoundError(
            f"There are no songs in {root}. Expected: train/ and test/ with .stem.mp4 files, or "
            f"one folder a song with one file a stem ({', '.join(audio.SUFFIXES)})."
        )
    return sorted(songs, key=lambda song: ((*SPLITS, None).index(song.split), song.name))


def _open_folder(folder, split, validation):
    """Open the songs that lie directly in ``folder``, which may be a song itself."""
    songs = []
    for path in sorted(folder.iterdir()):
        name = path.name.removesuffix(_STEM_FILE)
        own_split = "valid" if split == "train" and name in validation else split
        if path.name.startswith("."):
            continue
        if path.name.endswith(_STEM_FILE):
            songs.append(_open_stem_file(path, own_split))
        elif path.is_dir() and (files := _sound_files(path)):
            songs.append(FolderSong(name, own_split, files))
    if not songs and (files := _sound_files(folder)):
        songs.append(FolderSong(folder.resolve().name, split, files))
    return songs


def _sound_files(folder) -> dict[str, Path]:
    """The sound files in a folder by label; empty if it holds no stem."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in audio.SUFFIXES or path.name.startswith("."):
            continue
        label = path.stem.lower()
        if label in files:
            raise AudioError(
                f"{folder} holds two files for '{label}': {files[label].name} and {path.name}. "
                "Remove one of them."
            )
        files[label] = path
    return {} if list(files) == [MIXTURE] else files


def _open_stem_file(path, split):
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        raise RuntimeError(
            f"{path} is a .stem.mp4 file, and ffmpeg, which reads them, is not installed. Install "
            "it (conda install ffmpeg, apt install ffmpeg, brew install ffmpeg or winget install "
            "ffmpeg), or use MUSDB18-HQ, whose wav files need no ffmpeg."
        )
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty (0 bytes). Get the file again, or remove it.")
    import ffmpeg
    import musdb

    try:
        settings = _musdb_settings()
        track = musdb.MultiTrack(
            path=str(path),
            name=path.name.removesuffix(_STEM_FILE),
            stem_id=settings["stem_ids"][MIXTURE],
            subset=path.parent.name,
        )
    except (ffmpeg.Error, Warning, RuntimeError, KeyError, IndexError) as error:
        raise AudioError(
            f"{path} cannot be read as a stem file ({type(error).__name__}). It may be damaged: "
            "get it again, or remove it."
        ) from error
    track.sources = {
        label: musdb.Source(track, name=label, path=str(path), stem_id=settings["stem_ids"][label])
        for label in settings["sources"]
    }
    return StemFileSong(track, split)


@lru_cache
def _musdb_settings():
    """What musdb knows of MUSDB18: the streams of a stem file and the validation songs."""
    from importlib.util import find_spec

    import yaml

    # Found without importing musdb, which cannot be imported where ffmpeg is missing.
    package = Path(find_spec("musdb").origin).parent
    return yaml.safe_load((package / "configs" / "mus.yaml").read_text(encoding="utf-8"))


def _validation(root) -> set[str]:
    """The names of the songs in ``train/`` that are kept for validation."""
    names = set(_musdb_settings()["validation_tracks"])
    metadata = root / "metadata.json"
    if metadata.is_file():
        names |= set(json.loads(metadata.read_text(encoding="utf-8")).get("validation", ()))
    return names


def _in_order(labels):
    """Sort labels: those of MUSDB18 in its own order, then the others by name."""
    return sorted(
        labels, key=lambda label: (LABELS.index(label) if label in LABELS else len(LABELS), label)
    )
