"""Sound files become arrays, and arrays become sound files.

Much of this is about files that are not what they seem. A segment has to have the samples that it
has in the whole file, a file that was cut off must not pass for a shorter sound, and what cannot be
used has to be named, with the reason and the cure.
"""

import errno
import functools
import io
import os
import stat
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tutorial_utils.files import named, whole_file
from tutorial_utils.text import shown

from . import containers, mp3
from .arrays import AudioError, as_channels, hertz, require_finite, segment
from .memory import alone

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg")
_WRITABLE = (".wav", ".flac")
_INTEGERS = {16: np.int16, 24: np.int32}
_LARGEST_WAV = 2**32 - 1024  # bytes; the sizes in its header have 32 bits
# What libsndfile reads and of which we can tell whether a file is whole. (MP3 is read by ours.)
_READABLE = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG")
# In other codecs (Vorbis, Opus, ADPCM, ALAC ...) libsndfile's seek may miss, as it does by a
# hundred samples in the last page of an Ogg Vorbis file. They are decoded from the beginning.
_EXACT_SEEK = ("PCM_", "FLOAT", "DOUBLE", "ULAW", "ALAW")
_BLOCK = 65536  # samples that are decoded at a time, if they are not wanted
_TAIL = 8192  # samples at the end; libsndfile decodes them well in one piece, of Opus only so
_ENDLESS = 2**62  # so many samples or more mean that a header does not say
# What systems say of files that are not there, among them those whose names no file can have.
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL)


@dataclass(frozen=True)
class Info:
    """What a file's header says: its ``sample_rate`` in Hz, ``channels`` and ``samples``."""

    sample_rate: int
    channels: int
    samples: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.samples / self.sample_rate


def info(path) -> Info:
    """Read the header of a sound file.

    Raises
    ------
    OSError
        If there is no such file (FileNotFoundError), or it must not be read (PermissionError).
    AudioError
        If the file is empty or truncated (which flac shows only when it is read), holds no samples,
        or is not readable as sound.
    """
    with opened(path) as sound:
        return Info(sound.sample_rate, sound.channels, sound.samples)


def read(path, start: float = 0.0, duration: float | None = None) -> tuple[np.ndarray, int]:
    """Read a sound file, or only a segment of it.

    Parameters
    ----------
    path : path-like
        A wav (also RF64 or W64), aiff, au, caf, flac, mp3 or ogg (Vorbis or Opus) file.
    start : float
        Where the segment begins, in seconds.
    duration : float, optional
        How long it lasts, in seconds. By default it runs to the end of the file.

    Returns
    -------
    audio : array of shape (channels, samples), float32
        The samples of a segment are those of the whole file, whatever its codec.
    sample_rate : int, in Hz

    Raises
    ------
    OSError
        If there is no such file (FileNotFoundError), or it must not be read (PermissionError).
    AudioError
        If the file is empty, truncated or no sound file, if it holds samples that are not finite,
        or if the segment does not lie within it.
    """
    with opened(path) as sound:
        first, count = segment(start, duration, sound.sample_rate, sound.samples, shown(path))
        return np.ascontiguousarray(sound.read(first, count)), sound.sample_rate


@contextmanager
def opened(path):
    """Open a sound file, to read segments of it that are given in samples.

    All reading of files goes through here. The context manager gives an object with
    ``sample_rate``, ``channels`` and ``samples``, the file's length, and the method
    ``read(first, count, integers=False)``. It returns an array of shape (channels, count), in which
    the channels of a sample lie side by side in memory: in float32, or, with ``integers``, in int16
    if the file's samples have 16 bits. That saves a pass over the audio where it is scaled anyway.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    OSError, AudioError
        As :func:`read`; within the context, too.
    """
    path = Path(path)
    there = _status(path)
    version = (there.st_size, there.st_ino, there.st_mtime_ns, there.st_ctime_ns)
    frames = _examined(path, *version)
    try:
        if frames:
            _check_length(path, frames.samples)
            yield _Mp3File(path, frames)
        else:
            with closing(_SoundFile(path)) as sound:
                sound.check()
                yield sound
    except mp3.DamagedError as error:
        raise AudioError(_damaged(path, error)) from error
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{shown(path)} cannot be read as sound ({shown(error.error_string)}). It may be "
            "damaged: get the file again."
        ) from error


def _status(path):
    """What the system says of a file that is there."""
    try:
        there = path.stat()
    except PermissionError as error:
        raise named(error, path, "change who may enter its folders") from error
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_FILE:
            raise named(error, path) from error
        raise FileNotFoundError(f"There is no file {shown(path)}. Check the path.") from error
    if stat.S_ISDIR(there.st_mode):
        raise IsADirectoryError(f"{shown(path)} is a folder. Name a sound file in it.")
    if not stat.S_ISREG(there.st_mode):
        raise AudioError(f"{shown(path)} is no regular file, but a pipe or a device.")
    return there


@functools.lru_cache(maxsize=128)
def _examined(path, size, *version):
    """Find that a file is whole, as far as can be told; return the frames if it is an MP3.

    This is remembered of the latest files as long as they do not change, since mixtures are
    rendered from many segments of the same files.
    """
    if size == 0:
        raise AudioError(f"{shown(path)} is empty (0 bytes). Get the file again, or remove it.")
    if path.suffix.lower() == ".raw":
        raise AudioError(
            f"{shown(path)} has samples without a header, which would say what they mean. Convert "
            "it to wav."
        )
    try:
        with path.open("rb") as file:
            if mp3.begins(file.read(4)) or path.suffix.lower() == ".mp3":
                file.seek(0)
                if frames := mp3.index(file.read()):
                    return frames
            missing = containers.missing(file)
    except mp3.DamagedError as error:
        raise AudioError(_damaged(path, error)) from error
    except PermissionError as error:
        raise named(error, path, "change who may read it") from error
    except OSError as error:
        raise named(error, path) from error
    if missing:
        raise AudioError(f"{shown(path)} is truncated: it {missing}. Get the file again.")
    return None


def _damaged(path, error):
    return (
        f"{shown(path)} {error}. Get the file again, or convert it with another program, if what "
        "is missing does not matter."
    )


class _SoundFile:
    """What :func:`opened` gives of a file that libsndfile reads."""

    def __init__(self, path):
        self._path = path
        self._open()
        self.sample_rate, self.channels = self._file.samplerate, self._file.channels
        self.samples = self._file.frames

    def _open(self):
        self._file, self._position = soundfile.SoundFile(_name(self._path)), 0

    def close(self):
        self._file.close()

    def check(self):
        if self._file.format not in _READABLE:
            raise AudioError(
                f"{shown(self._path)} is a file of the format {self._file.format_info!r}, of which "
                "it cannot be told whether it is whole. Convert it to wav or flac."
            )
        if self.samples >= _ENDLESS:
            raise AudioError(
                f"{shown(self._path)} does not say how long it is, because it was written to a "
                "pipe. Convert it, for instance with: ffmpeg -i old.flac new.flac"
            )
        _check_length(self._path, self.samples)

    def read(self, first, count, integers=False):
        kind = "int16" if integers and self._file.subtype == "PCM_16" else "float32"
        try:
            if self._file.subtype.startswith(_EXACT_SEEK):
                self._file.seek(first)
                samples = self._file.read(count, kind, always_2d=True)
            else:
                samples = self._decoded(first, count)
        except MemoryError as error:
            raise AudioError(
                f"{shown(self._path)}: there is no memory for {count} samples of {self.channels} "
                "channels. If the file is as long as that, read segments of it; if not, its header "
                "is damaged: get the file again."
            ) from error
        if len(samples) < count:
            raise AudioError(
                f"{shown(self._path)} is truncated: its header promises {self.samples} samples, "
                f"and reading {count} of them from sample {first} gave only {len(samples)}. Get "
                "the file again."
            )
        return samples.T if kind == "int16" else require_finite(samples.T, shown(self._path))

    def _decoded(self, first, count):
        """Samples of shape (count, channels), decoded from the beginning or the last one on."""
        start, end = max(min(first, self.samples - _TAIL), 0), first + count
        if self.samples - end < _TAIL:
            end = self.samples
        if start < self._position:
            self.close()
            self._open()
        for position in range(self._position, start, _BLOCK):
            self._file.read(min(_BLOCK, start - position), "float32")
        self._position = end
        return self._file.read(end - start, "float32", always_2d=True)[first - start :][:count]


class _Mp3File:
    """What :func:`opened` gives of an MP3."""

    def __init__(self, path, frames):
        self._path, self._frames = path, frames
        self.sample_rate, self.channels = frames.sample_rate, frames.channels
        self.samples = frames.samples

    def read(self, first, count, integers=False):
        with self._path.open("rb") as file:
            samples = self._frames.read(file, first, count)
        return require_finite(samples.T, shown(self._path))


def _check_length(path, samples):
    if samples == 0:
        raise AudioError(
            f"{shown(path)} holds no samples, or its header was never completed. Replace the file, "
            "or remove it."
        )


def write(path, audio: np.ndarray, sample_rate: int, bits: int = 16) -> Path:
    """Write audio to a wav or flac file, whole or not at all.

    The samples go to a temporary file beside the target, which is renamed when it is complete.

    Parameters
    ----------
    path : path-like
        Ends in ``.wav`` or ``.flac``.
    audio : array of shape (channels, samples)
        Samples within ±1.
    sample_rate : int, in Hz
    bits : {16, 24}
        Of each sample, which is rounded to steps of 2⁻¹⁵ or 2⁻²³.

    Raises
    ------
    AudioError
        If there are no samples, one is not finite or lies outside ±1, or the format cannot be
        written.
    OSError
        If the disk is full, or the folder cannot be written to.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _WRITABLE:
        raise AudioError(
            f"{shown(path)}: can write {', '.join(_WRITABLE)}, not '{shown(path.suffix)}'."
        )
    if bits not in _INTEGERS:
        raise AudioError(f"{shown(path)}: can write 16 or 24 bits a sample, not {shown(bits)}.")
    audio, sample_rate = as_channels(audio), hertz(sample_rate)
    if suffix == ".wav" and audio.size * bits // 8 > _LARGEST_WAV:
        raise AudioError(f"{shown(path)} would be larger than 4 GiB, the most of wav. Write flac.")
    if audio.size == 0:
        raise AudioError(f"{shown(path)}: there are no samples to write.")
    audio = require_finite(audio, shown(path))
    peak = float(np.abs(audio).max())
    if peak > 1.0:
        raise AudioError(
            f"{shown(path)}: the audio peaks at {peak:.3f} and would be clipped at 1. Scale it "
            "down, together with every other signal that has to keep its balance with it."
        )
    # Rounded here, because libsndfile scales floats to 32767 and reads them back from 32768.
    full = 2 ** (bits - 1)
    integers = np.round(audio.T * full).clip(-full, full - 1).astype(_INTEGERS[bits])
    # Of integers of 32 bits libsndfile writes the upper 24.
    integers <<= integers.itemsize * 8 - bits
    # In memory first: of a disk that is full libsndfile says nothing when it closes a flac file.
    encoded = io.BytesIO()
    try:
        alone(soundfile.write, encoded, integers, sample_rate, f"PCM_{bits}", format=suffix[1:])
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{shown(path)}: audio of {len(audio)} channels at {sample_rate} Hz cannot be written "
            f"({error.error_string})."
        ) from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_bytes(encoded.getbuffer())
    except ValueError as error:
        raise AudioError(f"No file can be called '{shown(path)}' ({error}).") from error
    return path


def _name(path):
    """A path as soundfile needs it: as bytes, which hold names of any encoding, but on Windows."""
    return str(path) if os.name == "nt" else os.fsencode(path)
