"""Recordings on the disk are separated into folders of stems, whatever their length.

A file is read, separated and written part by part, so that memory does not grow with it. A folder
of stems appears whole or not at all, and what is there already is not computed again.
"""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from tutorial_utils import audio, files
from tutorial_utils.audio import AudioError
from tutorial_utils.data.songs import MIXTURE
from tutorial_utils.separation.estimating import Estimator, Settings, bar_of, fingerprint, of_length
from tutorial_utils.text import shown

RECORD = "separation.json"
FORMATS = (".wav", ".flac")
READ = (*audio.SUFFIXES, ".aiff", ".aif", ".au", ".caf", ".w64", ".opus")
BY_FFMPEG = (".mp4", ".m4a", ".aac", ".wma", ".webm", ".mkv", ".mov")
_BLOCK = 1 << 18  # samples that are read or converted at a time
_UNFINISHED = ".unfinished"
_LARGEST_WAV = 2**32 - 2**16  # bytes; longer ones get the header of RF64
_BITS = 24


@dataclass(frozen=True)
class Outcome:
    """What became of one recording.

    Attributes
    ----------
    recording : Path
    folder : Path
        Of its stems.
    error : str or None
        Why there are none.
    skipped : bool
        Whether they were there already.
    scale : float
        By which all of them were multiplied, so that none goes beyond full scale.
    """

    recording: Path
    folder: Path
    error: str | None = None
    skipped: bool = False
    scale: float = 1.0


def separate_files(
    model,
    recordings: Iterable,
    folder,
    settings: Settings | None = None,
    *,
    suffix: str = ".wav",
    device: str | torch.device | None = None,
    name: str | None = None,
) -> Iterator[Outcome]:
    """Separate recordings into a folder of stems each, as long as one asks for the next outcome.

    Stems have the rate and the channels of their recording::

        folder/
          a song/
            vocals.wav          float32, so that nothing is clipped; flac has 24 bits
            ...
            separation.json     model, settings, and the factor that flac may have needed

    Parameters
    ----------
    model : callable
        See :func:`tutorial_utils.separate`.
    recordings : iterable of path-like
        Sound files, and folders that are searched for them. Where a folder holds a ``mixture``,
        as that of a song in MUSDB18-HQ, only this is separated, into a folder of the same name.
        What libsndfile does not read needs ffmpeg.
    folder : path-like
        Below it, folders are arranged as those that were searched.
    settings : Settings, optional
    suffix : {".wav", ".flac"}
    device : str or torch.device, optional
    name : str, optional
        Of the model, for the record; by default that of its class.

    Yields
    ------
    Outcome
        For each recording, in order. One that fails does not stop the others.

    Raises
    ------
    ValueError
        If there is nothing to separate, or a setting or the model makes no sense.
    FileNotFoundError
        If a recording is not there.
    """
    if suffix not in FORMATS:
        raise ValueError(f"suffix='{suffix}' is none of {', '.join(FORMATS)}.")
    settings = settings or Settings()
    folder = files.expanded(folder).absolute()
    found = find(recordings)
    with Estimator(model, 1, settings, device) as estimator:
        record = {
            "model": name or type(model).__name__,
            "weights": fingerprint(model),
            "settings": asdict(settings),
            "stems": estimator.names,
            "format": suffix,
        }
    del record["settings"]["batch_size"]  # which changes nothing but rounding
    for recording, place in found:
        place = folder / place
        try:
            yield _separated(model, recording, place, settings, record, suffix, device, folder)
        except (OSError, ValueError, RuntimeError, MemoryError, soundfile.SoundFileError) as error:
            yield Outcome(recording, place, error=str(error) or type(error).__name__)
    files.clear(folder / _UNFINISHED)


def find(recordings: Iterable) -> list[tuple[Path, Path]]:
    """The sound files among some paths and below them, each with the folder for its stems.

    Raises
    ------
    FileNotFoundError
        If there is no such path.
    ValueError
        If there is no sound file.
    """
    recordings = [files.expanded(path) for path in recordings]
    found = []
    for path in recordings:
        if path.is_dir():
            found += _below(path, Path())
        elif path.exists():
            found.append((path, Path(_title(path))))
        else:
            raise FileNotFoundError(f"There is no file or folder {shown(path)}. Check the path.")
    if not found:
        raise ValueError(
            f"There is no sound file in {', '.join(map(shown, recordings)) or 'an empty list'}. "
            f"Looked for {', '.join((*READ, *BY_FFMPEG))}."
        )
    # Two recordings that would share a folder keep their suffixes, or are numbered.
    taken, unique = Counter(place for _, place in found), []
    for path, place in found:
        if taken[place] > 1:
            place = place.with_name(path.name)
        number, first = 2, place
        while place in {other for _, other in unique}:
            place, number = first.with_name(f"{first.name} ({number})"), number + 1
        unique.append((path, place))
    return unique


def _below(folder, place):
    """The sound files in a folder and those below it."""
    entries = sorted(path for path in folder.iterdir() if not files.is_litter(path.name))
    sounds = [
        path for path in entries if path.suffix.lower() in (*READ, *BY_FFMPEG) and path.is_file()
    ]
    for path in sounds:
        if path.stem == MIXTURE:
            name = place if place.name else Path(folder.resolve().name)
            return [(path, name)]
    found = [(path, place / _title(path)) for path in sounds]
    for path in entries:
        if path.is_dir() and not (path / RECORD).exists():  # which we wrote
            found += _below(path, place / path.name)
    return found


def _title(path):
    return path.stem.removesuffix(".stem") or path.name


def _separated(model, recording, place, settings, record, suffix, device, root):
    record = {"recording": recording.name, **record}
    names = {RECORD, *(f"{name}{suffix}" for name in record["stems"])}
    if os.path.lexists(place):
        return _there(recording, place, record, names)
    with ExitStack() as stack:
        new = stack.enter_context(files.whole_folder(root / _UNFINISHED, place, names))
        path = stack.enter_context(_readable(recording, new))
        sound = stack.enter_context(audio.opened(path))
        estimator = stack.enter_context(Estimator(model, sound.channels, settings, device))
        target = suffix if suffix == ".wav" else ".part.wav"
        peak = _write(estimator, path, sound, new, target, recording)
        scale = 1.0
        if suffix == ".flac":
            scale = min(1.0, (1 - 2.0 ** (1 - _BITS)) / peak) if peak else 1.0
            for name in estimator.names:
                _to_flac(new / f"{name}{target}", new / f"{name}{suffix}", scale)
                (new / f"{name}{target}").unlink()
        text = json.dumps({**record, "scale": scale}, indent=1)
        (new / RECORD).write_text(f"{text}\n", encoding="utf-8")
    return Outcome(recording, place, scale=scale)


def _there(recording, place, record, names):
    """The outcome for a folder that exists, if it holds what would be written now."""
    try:
        found = json.loads((place / RECORD).read_text(encoding="utf-8"))
        scale = float(found.pop("scale"))
        complete = names <= {*os.listdir(place)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{shown(place)} exists, and was not written by this command. Choose another folder."
        ) from error
    if different := [key for key in record if found.get(key) != record[key]]:
        raise ValueError(
            f"{shown(place)} was made with other {', '.join(different)}. Choose another folder, or "
            "remove this one to have it made again."
        )
    if not complete:
        raise ValueError(f"{shown(place)} lacks a file. Remove it to have it made again.")
    return Outcome(recording, place, skipped=True, scale=scale)


@contextmanager
def _readable(path, folder):
    """The path of a file that we can read: this one, or what ffmpeg makes of it for a while."""
    if path.suffix.lower() not in BY_FFMPEG:
        yield path
        return
    if not shutil.which("ffmpeg"):
        raise AudioError(
            f"{shown(path)} is read by ffmpeg, which is not installed. Install it, or convert the "
            "file to wav or flac."
        )
    decoded = folder / ".decoded.w64"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", f"file:{path}", "-map", "0:a:0"]
    command += ["-c:a", "pcm_f32le", f"file:{decoded}"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise AudioError(
            f"{shown(path)}: ffmpeg cannot decode its first stream of audio ({shown(said[-1])}). "
            "Get the file again."
        )
    yield decoded
    decoded.unlink()


class _Stream:
    """A file that is read once from its beginning to its end, at another sample rate.

    ``samples`` is how many there are at that rate.
    """

    def __init__(self, sound, sample_rate):
        self.sound = sound
        self.samples = max(1, round(sound.samples * sample_rate / sound.sample_rate))
        self.converter = _converter(sound.sample_rate, sample_rate, sound.channels)
        self.taken = 0  # samples of the file
        self.first = 0  # of what is kept, at the new rate
        self.kept = np.zeros((sound.channels, 0), np.float32)

    def read(self, first, count):
        """Samples of shape (channels, count); ``first`` must not decrease from call to call."""
        if first > self.first:
            self.kept = self.kept[:, first - self.first :]
            self.first = first
        parts = [self.kept]
        there = self.first + self.kept.shape[1]
        while there < min(first + count, self.samples) and self.taken < self.sound.samples:
            take = min(_BLOCK, self.sound.samples - self.taken)
            block = self.sound.read(self.taken, take)
            self.taken += take
            part = self.converter(block, self.taken == self.sound.samples)
            skip = max(0, self.first - there)  # where more was skipped than had been read
            parts.append(part[:, skip:])
            there += part.shape[1]
        self.kept = np.concatenate(parts, axis=1)
        start = self.first - first  # above 0 before the beginning
        found = np.zeros((len(self.kept), count), np.float32)
        inside = self.kept[:, : max(0, min(count - start, self.samples - self.first))]
        found[:, start : start + inside.shape[1]] = inside
        return found


def _converter(from_rate, to_rate, channels):
    """A function that converts block after block, and gets to know which is the last."""
    if from_rate == to_rate:
        return lambda block, last: block
    stream = soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32")
    return lambda block, last: (
        stream.resample_chunk(np.ascontiguousarray(block.T), last=last).reshape(-1, channels).T
    )


def _write(estimator, path, sound, folder, suffix, recording):
    """Separate an opened file into wav files, and return the highest peak of all."""
    stream = _Stream(sound, estimator.sample_rate)
    sources = len(estimator.labels)
    shape = sources, sound.channels
    back = _converter(estimator.sample_rate, sound.sample_rate, sources * sound.channels)
    peak, written, heard = 0.0, 0, 0
    with ExitStack() as stack:
        mixture = stack.enter_context(audio.opened(path))
        bar = stack.enter_context(
            bar_of(shown(recording.name, 30), sound.samples, sound.sample_rate, leave=False)
        )
        stems = [
            stack.enter_context(_Wav(folder / f"{name}{suffix}", sound)) for name in estimator.names
        ]
        for part in estimator.parts(stream.read, stream.samples):
            heard += part.shape[-1]
            last = heard == stream.samples
            flat = back(part.reshape(-1, part.shape[-1]), last)
            left = sound.samples - written
            part = flat.reshape(*shape, -1)[..., :left]
            if last:
                part = np.stack([of_length(one, left) for one in part])
            if part.shape[-1] == 0:
                continue
            finished = estimator.finished(part, mixture.read(written, part.shape[-1]))
            for stem, samples in zip(stems, finished, strict=True):
                stem.write(samples)
            peak = max(peak, float(np.abs(finished).max()))
            written += part.shape[-1]
            bar.update(part.shape[-1])
    return peak


class _Wav:
    """A wav file of float32 that is written block by block."""

    def __init__(self, path, sound):
        self.path, self.size = path, sound.samples * sound.channels * 4
        header = "WAV" if self.size < _LARGEST_WAV else "RF64"
        self.file = soundfile.SoundFile(
            os.fspath(path), "w", sound.sample_rate, sound.channels, "FLOAT", format=header
        )

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.file.close()
        # Of a disk that is full libsndfile does not always say something.
        if kind is None and self.path.stat().st_size < self.size:
            raise OSError(f"{shown(self.path.name)} could not be written whole. Is the disk full?")

    def write(self, samples):
        self.file.write(np.ascontiguousarray(samples.T))


def _to_flac(source, target, scale):
    """Write what a wav file holds, times a factor, as flac of 24 bits, and look whether it is."""
    full = 2 ** (_BITS - 1)
    with audio.opened(source) as sound:
        with soundfile.SoundFile(
            os.fspath(target),
            "w",
            sound.sample_rate,
            sound.channels,
            f"PCM_{_BITS}",
            format="FLAC",
        ) as file:
            for first in range(0, sound.samples, _BLOCK):
                block = sound.read(first, min(_BLOCK, sound.samples - first))
                integers = np.round(block.T * (scale * full)).clip(-full, full - 1)
                # Of integers of 32 bits libsndfile writes the upper 24.
                file.write(integers.astype(np.int32) << (32 - _BITS))
        samples = sound.samples
    with audio.opened(target) as written:
        if written.samples != samples:
            raise OSError(f"{shown(target.name)} could not be written whole. Is the disk full?")
        written.read(max(0, samples - _BLOCK), min(_BLOCK, samples))


def summary(outcomes: Sequence[Outcome]) -> str:
    """What became of recordings, in some lines: how many are done, and why others are not."""
    failed = [outcome for outcome in outcomes if outcome.error]
    skipped = sum(outcome.skipped for outcome in outcomes)
    done = len(outcomes) - len(failed) - skipped
    lines = [f"{done} separated, {skipped} were there already, {len(failed)} failed"]
    for outcome in outcomes:
        if outcome.scale < 1:
            decibels = 20 * np.log10(outcome.scale)
            lines.append(
                f"{shown(outcome.folder.name)}: all stems are {-decibels:.1f} dB quieter, so that "
                "none is clipped"
            )
    lines += [f"{shown(outcome.recording)}: {shown(outcome.error, 1000)}" for outcome in failed]
    return "\n".join(lines)
