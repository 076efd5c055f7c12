"""From events to audio: read, shift, bring to a loudness, place, add.

The steps and their order are Scaper's, so that a mixture without changes of pitch and tempo sounds
here as it does there, to the rounding of the last bits. Only the samples that are needed are read,
and where the loudness of a segment is known from the table it is not measured again: what is left
to do is to scale and to add.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tutorial_utils import audio, loudness, stretch
from tutorial_utils.data.mixing import Event

QUIETEST = -70.0
"""LUFS. What is quieter counts as this loud, so that silence is not amplified without end."""

_SHORTEST = 0.5  # seconds; a shorter sound is repeated to be measured, as Scaper does


@dataclass(frozen=True)
class Mix:
    """A rendered mixture.

    Attributes
    ----------
    mixture : array of shape (channels, samples), float32
    sources : dict of arrays of the same shape
        Every label of the table; silence where the mixture has no such source. They sum to the
        mixture.
    sample_rate : int, in Hz
    scale : float
        The factor by which the mixture and all sources were scaled down so that the mixture stays
        within full scale; 1 if it did without.
    """

    mixture: np.ndarray
    sources: Mapping[str, np.ndarray]
    sample_rate: int
    scale: float


def render(
    events: Sequence[Event],
    root: Path,
    duration: float,
    labels: Mapping[str, Sequence[str]],
    fade_in: float = 0.01,
    fade_out: float = 0.01,
) -> Mix:
    """Render the events of one mixture.

    Parameters
    ----------
    events : sequence of Event
        All with the same channels and sample rate.
    root : Path
        The folder that their files are relative to.
    duration : float, in seconds
        Length of the mixture. Events that reach beyond are cut off.
    labels : {label: labels of events}
        The sources to give, each the sum of the events with these labels.
    fade_in, fade_out : float, in seconds
        How long each event is faded in and out, along a quarter of a sine.

    Raises
    ------
    FileNotFoundError, AudioError
        If a file is missing or damaged, or a segment does not lie within it.
    """
    channels, sample_rate = events[0].channels, events[0].sample_rate
    samples = int(duration * sample_rate)
    # All in one piece of memory, which is handed on from mixture to mixture: asking the system for
    # new memory takes longer than mixing.
    memory = np.empty((1 + len(events), channels * samples), np.float32)
    rendered = {part: [] for parts in labels.values() for part in parts}
    for event, place in zip(events, memory[1:], strict=True):
        signal = _event(event, root, place, fade_in, fade_out)
        rendered[event.label].append(signal)
    sources = {}
    for label, parts in labels.items():
        signals = [signal for part in parts for signal in rendered[part]]
        sources[label] = signals[0] if len(signals) == 1 else _sum(signals, np.empty_like(signal))
    mixture = _sum([*sources.values()], memory[0].reshape(signal.shape, order=_order(signal)))
    scale = 1.0
    # More than once, if the rounding of the products leaves the sum just above full scale.
    while (peak := float(max(mixture.max(), -mixture.min()))) > 1:
        factor = np.nextafter(np.float32(1 / peak), np.float32(0))
        for source in sources.values():
            source *= factor
        _sum([*sources.values()], mixture)
        scale *= float(factor)
    return Mix(mixture, sources, sample_rate, scale)


def _event(event, root, memory, fade_in, fade_out):
    """The audio of one event at its loudness and place: a view of ``memory``.

    It has the shape (channels, samples), with whatever lies side by side in the file, or in what
    was made of it, side by side in memory. This saves a pass over the audio.
    """
    segment, file_rate = _read(Path(root, event.source_file), event)
    measured = event.loudness
    full_scale = 32768 if segment.dtype == np.int16 else 1
    if file_rate != event.sample_rate or event.changed or math.isnan(measured):
        segment = _changed(segment / np.float32(full_scale), file_rate, event)
        full_scale = 1
        measured = _measure(segment, event.sample_rate)
    elif len(segment) != event.channels:
        segment = audio.with_channels(segment, event.channels)
    level = event.ref_db + event.snr - max(measured, QUIETEST)
    gain = 10 ** (level / 20) / full_scale
    placed = memory.reshape((event.channels, -1), order=_order(segment))
    start = int(event.event_time * event.sample_rate)
    end = min(start + segment.shape[1], placed.shape[1])
    placed[:, :start] = 0
    np.multiply(segment[:, : end - start], np.float32(gain), out=placed[:, start:end])
    placed[:, end:] = 0
    if event.role == "foreground":
        _fade_in(placed[:, start:end], int(fade_in * event.sample_rate))
        # Backwards in time; what is cut off at the end of the mixture counts.
        cut = start + segment.shape[1] - end
        _fade_in(placed[:, start:end][:, ::-1], int(fade_out * event.sample_rate), cut)
    return placed


def _read(path, event):
    """Read a segment: (channels, samples), in 16-bit integers where the file has them."""
    try:
        with soundfile.SoundFile(str(path)) as file:
            first = int(event.source_time * file.samplerate)
            last = int((event.source_time + event.source_duration) * file.samplerate)
            if last > file.frames:
                raise audio.AudioError(
                    f"{path} lasts {file.frames / file.samplerate:.3f} s, and mixture "
                    f"{event.mixture} cuts it from {event.source_time:.3f} s to "
                    f"{event.source_time + event.source_duration:.3f} s. The file is not the one "
                    "that the table was made for."
                )
            file.seek(first)
            integers = file.subtype == "PCM_16"
            samples = file.read(last - first, "int16" if integers else "float32", always_2d=True)
            if len(samples) < last - first:
                raise audio.AudioError(f"{path} is truncated. Get the file again.")
            rate = file.samplerate
    except soundfile.LibsndfileError:
        audio.read(path)  # Says what is wrong with the file.
        raise
    return samples.T if integers else audio.require_finite(samples.T, path), rate


def _changed(samples, file_rate, event):
    """Bring a segment to the mixture's rate and channels, then to its pitch and tempo."""
    samples = audio.resample(samples, file_rate, event.sample_rate)
    samples = audio.with_channels(samples, event.channels)
    if not event.changed:
        return samples
    return stretch.change(
        samples,
        event.sample_rate,
        None if math.isnan(event.pitch_shift) else event.pitch_shift,
        None if math.isnan(event.time_stretch) else event.time_stretch,
    )


def _measure(samples, sample_rate):
    length = samples.shape[1] / sample_rate
    if length < _SHORTEST:
        samples = np.tile(samples, math.ceil(_SHORTEST / length))
    return loudness.integrated(samples, sample_rate)


def _fade_in(signal, samples, begun=0):
    """Fade in a signal of shape (channels, samples), in place; ``begun`` samples of it are over."""
    ramp = _ramp(samples)[begun : begun + signal.shape[1]]
    signal[:, : len(ramp)] *= ramp


@functools.lru_cache
def _ramp(samples):
    return np.sin(np.linspace(0, np.pi / 2, samples, dtype=np.float32))


def _order(signal):
    """Whether channels ("F") or samples ("C") lie side by side in memory."""
    return "F" if signal.strides[0] < signal.strides[1] else "C"


def _sum(signals, out):
    """Add signals up in ``out``."""
    out[:] = signals[0] if signals else 0
    for signal in signals[1:]:
        out += signal
    return out
