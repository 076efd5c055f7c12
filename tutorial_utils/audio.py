"""Reading, writing, resampling and measuring audio.

Inside the package audio is always an array of shape ``(channels, samples)`` in float32, with full
scale at ±1. This module is where files become such arrays, and arrays become files.
"""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg")
_WRITABLE = (".wav", ".flac")
_SYSTEM_ERROR = 2  # of libsndfile, which does not say more
_INTEGERS = {16: np.int16, 24: np.int32}


class AudioError(ValueError):
    """A sound file or an array of samples that cannot be used; the message says why."""


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
    FileNotFoundError
        If there is no such file.
    AudioError
        If the file is empty or is not readable as sound.
    """
    path = _existing(path)
    try:
        header = soundfile.info(str(path))
    except soundfile.LibsndfileError as error:
        raise AudioError(_unreadable(path, error)) from error
    return Info(header.samplerate, header.channels, _some(header.frames, path))


def read(path, start: float = 0.0, duration: float | None = None) -> tuple[np.ndarray, int]:
    """Read a sound file, or only a segment of it.

    Parameters
    ----------
    path : path-like
        A file in a format that libsndfile reads: wav, flac, mp3, ogg and more.
    start : float
        Where the segment begins, in seconds.
    duration : float, optional
        How long it lasts, in seconds. By default it runs to the end of the file.

    Returns
    -------
    audio : array of shape (channels, samples), float32
    sample_rate : int, in Hz

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    AudioError
        If the file is empty, truncated or no sound file, if it holds samples that are not finite,
        or if the segment does not lie within it.
    """
    path = _existing(path)
    try:
        with soundfile.SoundFile(str(path)) as file:
            rate, samples = file.samplerate, _some(file.frames, path)
            first, count = segment(start, duration, rate, samples, path)
            file.seek(first)
            audio = file.read(count, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(_unreadable(path, error)) from error
    if len(audio) < count:
        raise AudioError(
            f"{path} is truncated: its header promises {samples} samples, and reading "
            f"{count} of them from sample {first} gave only {len(audio)}. Get the file again."
        )
    return require_finite(np.ascontiguousarray(audio.T), path), rate


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
        If a sample is not finite or lies outside ±1, or the format cannot be written.
    OSError
        If the disk is full, or the folder cannot be written to.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _WRITABLE:
        raise AudioError(f"{path}: can write {', '.join(_WRITABLE)}, not '{path.suffix}'.")
    if bits not in _INTEGERS:
        raise AudioError(f"{path}: can write 16 or 24 bits a sample, not {bits}.")
    audio = require_finite(as_channels(audio), path)
    peak = float(np.abs(audio).max(initial=0.0))
    if peak > 1.0:
        raise AudioError(
            f"{path}: the audio peaks at {peak:.3f} and would be clipped at 1. Scale it down, "
            "together with every other signal that has to keep its balance with it."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex}{suffix}")
    try:
        # Rounded here, because libsndfile scales floats to 32767 and reads them back from 32768.
        full = 2 ** (bits - 1)
        integers = np.round(audio.T * full).clip(-full, full - 1).astype(_INTEGERS[bits])
        # Of integers of 32 bits libsndfile writes the upper 24.
        integers <<= integers.itemsize * 8 - bits
        soundfile.write(str(temporary), integers, sample_rate, subtype=f"PCM_{bits}")
        os.replace(temporary, path)
    except soundfile.LibsndfileError as error:
        if error.code == _SYSTEM_ERROR:
            raise OSError(
                f"{path} cannot be written. Is the disk full, or write-protected?"
            ) from error
        raise AudioError(
            f"{path}: audio of {len(audio)} channels at {sample_rate} Hz cannot be written "
            f"({error.error_string})."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def resample(audio: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Change the sample rate (soxr, high quality).

    Parameters
    ----------
    audio : array of shape (channels, samples)
    from_rate, to_rate : int, in Hz

    Returns
    -------
    array of shape (channels, samples · to_rate / from_rate), float32
    """
    audio = as_channels(audio)
    if from_rate == to_rate:
        return audio
    return np.ascontiguousarray(soxr.resample(audio.T, from_rate, to_rate).T, dtype=np.float32)


def with_channels(audio: np.ndarray, channels: int) -> np.ndarray:
    """Mix channels down or repeat them, as SoX does.

    Parameters
    ----------
    audio : array of shape (channels, samples), of any type
    channels : int
        With fewer than there are, channel ``i`` is the mean of channels ``i``, ``i + channels`` and
        so on; with more, the channels are repeated in turn.

    Returns
    -------
    array of shape (channels, samples)
        The same numbers in the same units; in float32 if it had to be computed.
    """
    if len(audio) <= channels:
        return audio if len(audio) == channels else audio[np.arange(channels) % len(audio)]
    down = np.empty((channels, audio.shape[1]), np.float32)
    for i in range(channels):
        first, *rest = audio[i::channels]
        down[i] = first
        for other in rest:
            down[i] += other
        down[i] /= 1 + len(rest)
    return down


def loudness(audio: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness in LUFS, after ITU-R BS.1770-4.

    Parameters
    ----------
    audio : array of shape (channels, samples)
        At least 0.4 s long: the measure looks at blocks of that length.
    sample_rate : int, in Hz

    Returns
    -------
    float
        Minus infinity for silence.
    """
    audio = as_channels(audio)
    if audio.shape[1] < 0.4 * sample_rate:
        raise AudioError(
            "Loudness needs at least 0.4 s of audio, and here are only "
            f"{audio.shape[1] / sample_rate:.3f} s."
        )
    from tutorial_utils import loudness  # Compiled code, which takes a moment to load.

    return loudness.integrated(audio, sample_rate)


def as_channels(audio: np.ndarray) -> np.ndarray:
    """Give audio of shape (samples,) or (channels, samples) as (channels, samples), float32.

    Raises
    ------
    AudioError
        If the array has another shape, or more channels than samples, which almost always means
        that its axes are swapped.
    """
    audio = np.asarray(audio, dtype=np.float32)
    if audio.ndim == 1:
        audio = audio[None]
    if audio.ndim != 2 or (audio.shape[0] > audio.shape[1] > 0):
        raise AudioError(
            f"Audio must have the shape (channels, samples), not {audio.shape}. "
            "Transpose it if its samples come first."
        )
    return audio


def segment(start: float, duration: float | None, sample_rate: int, samples: int, what):
    """Turn seconds into the first sample and the number of samples, checked against the length.

    ``what`` names the sound in the error's text.
    """
    length = samples / sample_rate
    first = round(start * sample_rate)
    count = samples - first if duration is None else round(duration * sample_rate)
    if start < 0 or count <= 0 or first + count > samples:
        end = "the end" if duration is None else f"{start + duration:.3f} s"
        raise AudioError(
            f"{what}: the segment from {start:.3f} s to {end} does not lie within its "
            f"{length:.3f} s. Choose a start and a duration within them."
        )
    return first, count


def require_finite(audio: np.ndarray, what) -> np.ndarray:
    """Return ``audio`` if every sample is a number; ``what`` names it in the error's text."""
    if not np.isfinite(audio).all():
        channel, sample = np.argwhere(~np.isfinite(audio))[0]
        raise AudioError(
            f"{what} holds NaN or infinite samples, the first in channel {channel} at sample "
            f"{sample}. Export or download it again."
        )
    return audio


def _existing(path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Check the path.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty (0 bytes). Get the file again, or remove it.")
    return path


def _some(samples, path):
    if samples == 0:
        raise AudioError(f"{path} holds no samples. Replace the file, or remove it.")
    return samples


def _unreadable(path, error) -> str:
    return f"{path} cannot be read as sound ({error}). It may be damaged: get the file again."
