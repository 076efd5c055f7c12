"""Lossy codecs there and back, and the trace that they leave in a spectrum.

A dataset may have passed through a codec, and its makers need not have said so. :func:`mp3`,
:func:`vorbis` and :func:`aac` code a sound and decode it again, so that one can hear and measure
what a codec does to mixtures and stems; :func:`cliff` finds the edge that most of them leave at the
top of the spectrum.
"""

import io
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.signal
import soundfile

from tutorial_utils.audio import AudioError, as_channels


class Coded(NamedTuple):
    """A sound that was coded and decoded, and what it took in between.

    Attributes
    ----------
    audio : array of shape (channels, samples), float32
        As long as the original.
    kbits : float
        Size of the coded file per second of sound, in kbit/s.
    """

    audio: np.ndarray
    kbits: float


def mp3(audio: np.ndarray, sample_rate: int, quality: float = 0.5) -> Coded:
    """Code and decode as MP3 with a variable bit rate, by libsndfile.

    Parameters
    ----------
    audio : array of shape (channels, samples)
        Mono or stereo.
    sample_rate : int, in Hz
        One that MP3 knows: 8, 11.025, 12, 16, 22.05, 24, 32, 44.1 or 48 kHz.
    quality : float
        From 0, the smallest file, to 1, the best sound.

    Returns
    -------
    Coded

    Raises
    ------
    AudioError
        If the array is not of this shape, the quality not in this range, or the codec refuses.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (2, 44100)).astype(np.float32)
    >>> mp3(noise, 44100, quality=0.1).kbits < mp3(noise, 44100, quality=0.9).kbits
    True
    """
    settings = {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "VARIABLE"}
    return _by_libsndfile(audio, sample_rate, quality, settings)


def vorbis(audio: np.ndarray, sample_rate: int, quality: float = 0.5) -> Coded:
    """Code and decode as Ogg Vorbis, by libsndfile; parameters and errors as for :func:`mp3`."""
    return _by_libsndfile(audio, sample_rate, quality, {"format": "OGG", "subtype": "VORBIS"})


def aac(audio: np.ndarray, sample_rate: int, kbits: int = 256) -> Coded:
    """Code and decode as AAC in an MP4 file, by the program ffmpeg.

    Parameters
    ----------
    audio : array of shape (channels, samples)
    sample_rate : int, in Hz
    kbits : int
        Bit rate to aim at, in kbit/s; by default that of MUSDB18's streams.

    Returns
    -------
    Coded

    Raises
    ------
    AudioError
        If ffmpeg is not installed or refuses, or the array is not of this shape.
    """
    audio = _some(audio)
    if not shutil.which("ffmpeg"):
        raise AudioError(
            "AAC needs the program ffmpeg, which is not installed here; install it, or take mp3 or "
            "vorbis, which need nothing."
        )
    wav = io.BytesIO()
    soundfile.write(wav, audio.T, sample_rate, format="WAV", subtype="FLOAT")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "coded.mp4")  # a file: MP4 cannot be written to a pipe
        _ffmpeg("-i", "-", "-c:a", "aac", "-b:a", f"{kbits}k", path, given=wav.getvalue())
        size = path.stat().st_size
        samples = _ffmpeg("-i", path, "-f", "f32le", "-")
    back = np.frombuffer(samples, "<f4").reshape(-1, len(audio)).T
    return _coded(back, size, audio.shape, sample_rate)


def cliff(audio: np.ndarray, sample_rate: int, above: float = 8000.0) -> tuple[float, float]:
    """The steepest drop of the mean spectrum within 500 Hz.

    Parameters
    ----------
    audio : array of shape (channels, samples)
        At least 0.1 s.
    sample_rate : int, in Hz
    above : float
        Where to begin to look, in Hz: below it, drops are music.

    Returns
    -------
    frequency, drop : float
        The middle of the drop, in Hz, and how deep it is, in dB. Music drops by some ten dB; codecs
        and lower sample rates in the past leave more.

    Raises
    ------
    AudioError
        If the array is not of this shape or is shorter, or nothing lies above that frequency.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (1, 44100))
    >>> wall = scipy.signal.ellip(12, 0.1, 80, 12000, fs=44100, output="sos")
    >>> 11500 < cliff(scipy.signal.sosfilt(wall, noise), 44100)[0] < 12500
    True
    """
    audio = as_channels(audio)
    size = 4096
    if audio.shape[1] < size:
        raise AudioError(
            f"A cliff is looked for in the mean of {size} samples and more; these are "
            f"{audio.shape[1]}."
        )
    frequencies, power = scipy.signal.welch(audio, sample_rate, nperseg=size)
    level = 10 * np.log10(power.mean(axis=0) + 1e-20)
    width = round(500 / frequencies[1])
    drop = level[:-width] - level[width:]
    lower = frequencies[:-width]
    if lower[-1] < above:
        raise AudioError(
            f"At a sample rate of {sample_rate} Hz there is nothing above {above:g} Hz to look at."
        )
    place = int(np.argmax(np.where(lower >= above, drop, -np.inf)))
    return float(lower[place] + frequencies[width] / 2), float(drop[place])


def _some(audio):
    audio = as_channels(audio)
    if not audio.size:
        raise AudioError("There are no samples to code.")
    return audio


def _by_libsndfile(audio, sample_rate, quality, settings):
    audio = _some(audio)
    if not 0 <= quality <= 1:
        raise AudioError(f"The quality is {quality}; it must lie between 0 and 1.")
    file = io.BytesIO()
    try:
        soundfile.write(file, audio.T, sample_rate, compression_level=1 - quality, **settings)
        size = file.tell()
        file.seek(0)
        back, _ = soundfile.read(file, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{settings['format']} does not take {len(audio)} channels at {sample_rate} Hz: {error}"
        ) from error
    return _coded(back.T, size, audio.shape, sample_rate)


def _coded(back, size, shape, sample_rate):
    """What came back, as long as what was sent: codecs pad their last block."""
    audio = np.zeros(shape, np.float32)
    samples = min(shape[1], back.shape[1])
    audio[:, :samples] = back[:, :samples]
    return Coded(audio, 8 * size / (shape[1] / sample_rate) / 1000)


def _ffmpeg(*arguments, given=None):
    command = ["ffmpeg", "-loglevel", "error", *map(str, arguments)]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    if done.returncode:
        raise AudioError(f"ffmpeg failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
