"""The layouts in which a song lies on the disk, and how its stems are read from there.

A stem is one sound file (:class:`FolderSong`) or the sum of several tracks (:class:`TrackSong`).
MUSDB18's stem files are in :mod:`tutorial_utils.data.songs.stemfiles`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tutorial_utils import audio
from tutorial_utils.audio import AudioError, Info
from tutorial_utils.text import shown

LABELS = ("drums", "bass", "other", "vocals")
"""The stems of MUSDB18, in the order of its files."""

MIXTURE = "mixture"
LENGTHS = {"error": None, "trim": min, "pad": max}
"""What may be done with a song whose files differ in length, and which length it gets."""

_CURE = (
    "The files of a song must agree: export them again from one session, convert what differs, or "
    "remove the song."
)


class Song(ABC):
    """One multitrack song: named stems of equal length, rate and channels.

    Attributes
    ----------
    name : str
    split : {"train", "valid", "test"} or None
        None if the folder that holds the song does not say.
    path : Path
        The folder or the file in which the song lies.
    sample_rate : int, in Hz
    channels : int
    samples : int
    labels : tuple of str
        The stems that :meth:`stem` gives.
    tracks : dict of lists of Path
        The files from which each stem is read, and the mixture, if there are any for it.
    lengths : {"error", "trim", "pad"}
        What was done about files that differ in length (see :func:`open_songs`); ``error`` if they
        do not.
    """

    def __init__(
        self,
        name: str,
        split: str | None,
        path: Path,
        info: Info,
        tracks: Mapping[str, Sequence[Path]],
        lengths: str = "error",
    ):
        self.name = name
        self.split = split
        self.path = path
        self.sample_rate = info.sample_rate
        self.channels = info.channels
        self.samples = info.samples
        self.labels = tuple(in_order(label for label in tracks if label != MIXTURE))
        self.tracks = {label: list(files) for label, files in tracks.items()}
        self.lengths = lengths

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
        OSError
            If the file is gone, or may not be read.
        """
        if label not in self.labels:
            raise AudioError(
                f"{shown(self.name)} has no stem '{shown(label)}'. It has: "
                f"{shown(', '.join(self.labels))}."
            )
        return self._read(label, *self._segment(start, duration))

    def mixture(self, start: float = 0.0, duration: float | None = None) -> np.ndarray:
        """Read the mixture, or a segment of it, like :meth:`stem`."""
        return self._read(MIXTURE, *self._segment(start, duration))

    def stems(self, start: float = 0.0, duration: float | None = None) -> dict[str, np.ndarray]:
        """Read the same segment of all stems: ``{label: (channels, samples)}``."""
        return {label: self.stem(label, start, duration) for label in self.labels}

    def _segment(self, start, duration):
        return audio.segment(start, duration, self.sample_rate, self.samples, shown(self.name))

    @abstractmethod
    def _read(self, label, first, count):
        """Read ``count`` samples from ``first`` on of a stem, or of ``mixture``."""

    def __repr__(self):
        return f"Song('{shown(self.name)}', {self.split}, {self.duration:.1f} s)"


class FolderSong(Song):
    """A song that is one sound file per stem, and perhaps one for the mixture.

    Where there is no file of the mixture, the mixture is the sum of the stems. A file that is
    longer than the song is read up to the song's end.

    Attributes
    ----------
    files : dict of Path
        The sound file of each label, and of the mixture if it has one.
    """

    @property
    def files(self) -> dict[str, Path]:
        return {label: files[0] for label, files in self.tracks.items()}

    def _read(self, label, first, count):
        if label in self.tracks:
            return _read(self.files[label], self.sample_rate, self.channels, first, count)
        return np.sum([self._read(stem, first, count) for stem in self.labels], axis=0)


class TrackSong(Song):
    """A song whose stems are sums of tracks, which are mono or stereo and of any length.

    A mono track is repeated in all channels of the song, at its own level, and a track that ends
    before the song goes on as silence. The sums may go beyond ±1. :func:`decoded` writes them to
    files, once, and scales them so that they do not.
    """

    def __init__(self, name, split, path, info, tracks, lengths, headers: Mapping[Path, Info]):
        super().__init__(name, split, path, info, tracks, lengths)
        self._headers = headers

    def _read(self, label, first, count):
        total = np.zeros((self.channels, count), np.float32)
        if label in self.tracks:
            for file in self.tracks[label]:
                header = self._headers[file]
                there = min(count, header.samples - first)
                if there > 0:
                    track = _read(file, header.sample_rate, header.channels, first, there)
                    total[:, :there] += audio.with_channels(track, self.channels)
        else:
            for stem in self.labels:
                total += self._read(stem, first, count)
        return total


def open_tracks(
    name: str, split: str | None, path: Path, tracks: Mapping[str, Sequence[Path]], lengths: str
) -> FolderSong | TrackSong:
    """Open a song whose stems are files, or sums of files.

    Parameters
    ----------
    name, split, path
        As in :class:`Song`.
    tracks : mapping of str to sequences of Path
        The files of each stem, and perhaps of ``mixture``.
    lengths : {"error", "trim", "pad"}

    Raises
    ------
    AudioError
        If a file is damaged; if files differ in sample rate, in length and ``lengths`` is
        ``error``, or in channels, other than that some are mono.
    OSError
        If a file is gone, or may not be read.
    """
    headers = {file: audio.info(file) for files in tracks.values() for file in files}
    channels = max(header.channels for header in headers.values())
    _check_agree(headers, "sample_rate", "Hz", _CURE)
    more = {file: header for file, header in headers.items() if header.channels > 1}
    _check_agree(more, "channels", "channels", f"Only mono files may stand among them. {_CURE}")
    samples = {file: header.samples for file, header in headers.items()}
    length = common_length(samples, lengths)
    if len({*samples.values()}) == 1:
        lengths = "error"
    info = Info(next(iter(headers.values())).sample_rate, channels, length)
    plain = all(len(files) == 1 for files in tracks.values()) and all(
        header.channels == channels and header.samples >= length for header in headers.values()
    )
    if plain:
        return FolderSong(name, split, path, info, tracks, lengths)
    return TrackSong(name, split, path, info, tracks, lengths, headers)


def common_length(samples: Mapping, lengths: str) -> int:
    """The length of a song.

    Parameters
    ----------
    samples : mapping of Path or str to int
        The length of each file or stream, by what it is called in an error.
    lengths : {"error", "trim", "pad"}

    Raises
    ------
    AudioError
        If they differ and ``lengths`` is ``error``.
    """
    shortest, longest = (choose(samples, key=samples.get) for choose in (min, max))
    if choose := LENGTHS[lengths]:
        return choose(samples.values())
    if samples[shortest] != samples[longest]:
        raise AudioError(
            f"{shown(shortest)} has {samples[shortest]} samples, and {shown(_name(longest))} beside"
            f" it has {samples[longest]}. The stems of a song have one length: open the songs with "
            "lengths='trim', which cuts those that differ to the shortest stem, or lengths='pad', "
            "which fills them with silence up to the longest."
        )
    return samples[longest]


def in_order(labels: Iterable[str]) -> list[str]:
    """Sort labels: those of MUSDB18 in its own order, then the others by name."""
    return sorted(
        labels, key=lambda label: (LABELS.index(label) if label in LABELS else len(LABELS), label)
    )


def _check_agree(headers, what, unit, cure):
    for file, header in headers.items():
        first = next(iter(headers))
        here, there = getattr(header, what), getattr(headers[first], what)
        if here != there:
            raise AudioError(
                f"{shown(file)} has {here} {unit}, but {shown(first.name)} beside it has {there}. "
                f"{cure}"
            )


def _read(file, sample_rate, channels, first, count):
    """Read samples of a file, which must still be the one that was opened."""
    samples, rate = audio.read(file, first / sample_rate, count / sample_rate)
    if (rate, len(samples)) != (sample_rate, channels):
        raise AudioError(
            f"{shown(file)} had {channels} channels and {sample_rate} Hz when the song was opened, "
            f"and has {len(samples)} channels and {rate} Hz now. Open the songs again."
        )
    return samples


def _name(what):
    return what.name if isinstance(what, Path) else what
