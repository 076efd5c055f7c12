"""From events to audio: read, change, bring to a level, place, add.

The steps and their order are Scaper's, so that a mixture without changes of pitch and tempo sounds
here as it does there, to the rounding of the last bits. Only the samples that are needed are read,
and where the loudness of a segment is known from the table, or its level is to stay as it is,
nothing is measured: what is left to do is to scale and to add.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tutorial_utils import audio, effects, loudness, stretch
from tutorial_utils.cache import compiled
from tutorial_utils.data.mixing.event import Event
from tutorial_utils.text import shown

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
    OSError
        If a file is missing, or may not be read.
    AudioError
        If a file is damaged, a segment does not lie within it, or a level is beyond all numbers.
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
    if not math.isfinite(peak):
        raise audio.AudioError(
            f"Mixture {events[0].mixture} is louder than a float can hold. Check the levels in its "
            "rows: is their loudness that of the files?"
        )
    return Mix(mixture, sources, sample_rate, scale)


def level(event: Event, root: Path) -> float:
    """Loudness to which the segment of an event is brought, before the mixture is scaled: in LUFS.

    This is ``ref_db + snr + gain``. For an event that keeps the level of its file (its ``snr`` is
    nan) it is the loudness of the segment in the file plus ``gain``; the segment is read and
    measured if its loudness is not known. Pitch, tempo and effects are changed afterwards, and do
    not change it.

    Parameters
    ----------
    event : Event
    root : Path
        The folder that its file is relative to.

    Raises
    ------
    OSError, AudioError
        As :func:`render`.
    """
    known = not math.isnan(event.loudness)
    if not math.isnan(event.snr) or known:
        return _level(event, event.loudness)
    segment, file_rate = _source(event, root)
    return _level(event, _measure(_converted(segment, file_rate, event), event.sample_rate))


def _level(event, in_file):
    """The level of an event whose segment has a loudness in its file."""
    if math.isnan(event.snr):
        return max(in_file, QUIETEST) + event.gain
    return event.ref_db + event.snr + event.gain


def _event(event, root, memory, fade_in, fade_out):
    """The audio of one event at its level and place: a view of ``memory``.

    It has the shape (channels, samples), with whatever lies side by side in the file, or in what
    was made of it, side by side in memory. This saves a pass over the audio.
    """
    segment, decibels = _segment(event, root)
    gain = event.polarity * 10 ** (decibels / 20)
    if segment.dtype == np.int16:
        gain /= 32768
    placed = memory.reshape((event.channels, -1), order=_order(segment))
    start = min(int(event.event_time * event.sample_rate), placed.shape[1])
    end = min(start + segment.shape[1], placed.shape[1])
    placed[:, :start] = 0
    _scale(segment[:, : end - start], gain, event.swap, placed[:, start:end])
    placed[:, end:] = 0
    if event.role == "foreground":
        _fade_in(placed[:, start:end], int(fade_in * event.sample_rate))
        # Backwards in time; what is cut off at the end of the mixture counts.
        cut = start + segment.shape[1] - end
        _fade_in(placed[:, start:end][:, ::-1], int(fade_out * event.sample_rate), cut)
    return placed


def _segment(event, root):
    """A segment with all its changes, and the gain in dB that brings it to its level.

    One that is not changed may still be in integers, and have the channels of its file.
    """
    segment, file_rate = _source(event, root)
    as_it_is = file_rate == event.sample_rate and not event.changed
    keeps, known = math.isnan(event.snr), not math.isnan(event.loudness)
    if as_it_is and keeps:
        return segment, event.gain
    if as_it_is and known:
        return segment, _level(event, event.loudness) - max(event.loudness, QUIETEST)
    segment = _converted(segment, file_rate, event)
    if keeps and not event.changed:
        return segment, event.gain
    in_file = event.loudness
    if keeps and not known:
        in_file = _measure(segment, event.sample_rate)
    segment = _changed(segment, event)
    return segment, _level(event, in_file) - max(_measure(segment, event.sample_rate), QUIETEST)


def _source(event, root):
    """The segment of an event as it lies in its file: (channels, samples), and the rate.

    It is in 16-bit integers where the file has them.
    """
    path = Path(root, event.source_file)
    with audio.opened(path) as sound:
        rate = sound.sample_rate
        first = int(event.source_time * rate)
        last = int((event.source_time + event.source_duration) * rate)
        if last <= sound.samples:
            return sound.read(first, last - first, integers=True), rate
        if event.role == "background" and first == 0:
            whole = sound.read(0, sound.samples, integers=True)
            return whole[:, np.arange(last) % sound.samples], rate
        raise audio.AudioError(
            f"{shown(path)} lasts {sound.samples / rate:.3f} s, and mixture {event.mixture} cuts "
            f"it from {event.source_time:.3f} s to {event.source_time + event.source_duration:.3f} "
            "s. The file is not the one that the table was made for."
        )


def _converted(samples, file_rate, event):
    """Bring a segment to the mixture's rate and channels."""
    if samples.dtype == np.int16:
        samples = samples / np.float32(32768)
    if _is_sound(samples):
        samples = audio.resample(samples, file_rate, event.sample_rate)
    return audio.with_channels(samples, event.channels)


def _changed(samples, event):
    """Bring a segment to its pitch, its tempo and its sound."""
    if not _is_sound(samples):
        return samples
    pitch, factor = (
        None if math.isnan(value) else value for value in (event.pitch_shift, event.time_stretch)
    )
    if not (pitch is None and factor is None):
        samples = stretch.change(samples, event.sample_rate, pitch, factor)
    if not math.isnan(event.effects) and _is_sound(samples):
        samples = effects.apply(samples, event.sample_rate, int(event.effects))
    return samples


def _is_sound(samples):
    """Whether there are enough samples to have a pitch: a row may ask for a few, or for none."""
    return samples.shape[1] > samples.shape[0]


def _measure(samples, sample_rate):
    length = samples.shape[1] / sample_rate
    if length == 0:
        return -math.inf
    if length < _SHORTEST:
        samples = np.tile(samples, math.ceil(_SHORTEST / length))
    return loudness.integrated(samples, sample_rate)


def _scale(segment, gain, swap, out):
    """Write a segment to ``out``, which may have fewer or more channels.

    Channels are mixed down or repeated as :func:`tutorial_utils.audio.with_channels` does it.
    """
    there, wanted = len(segment), len(out)
    if swap:
        out = out[::-1]
    elif there == wanted:
        np.multiply(segment, np.float32(gain), out=out)
        return
    if (there, wanted) == (2, 1):
        _mean_of_pairs(segment.T.reshape(-1), np.float32(gain / 2), out[0])
        return
    for i in range(wanted):
        first, *rest = segment[i::wanted] if there > wanted else segment[[i % there]]
        factor = np.float32(gain / (1 + len(rest)))
        np.multiply(first, factor, out=out[i])
        for channel in rest:
            out[i] += factor * channel


@compiled
def _mean_of_pairs(interleaved, factor, out):
    """Mix stereo down to mono in one pass, five times as fast as NumPy in three."""
    for i in range(len(out)):
        out[i] = factor * (np.float32(interleaved[2 * i]) + np.float32(interleaved[2 * i + 1]))


def _fade_in(signal, samples, begun=0):
    """Fade in a signal of shape (channels, samples), in place; ``begun`` samples of it are over."""
    signal = signal[:, : max(samples - begun, 0)]
    signal *= _ramp(samples, begun, signal.shape[1])


@functools.lru_cache(16)
def _ramp(samples, begun, length):
    """A part of a quarter of a sine that lasts so many samples."""
    step = np.pi / 2 / max(samples - 1, 1)
    return np.sin(np.float32(step * np.arange(begun, begun + length)))


def _order(signal):
    """Whether channels ("F") or samples ("C") lie side by side in memory."""
    return "F" if signal.strides[0] < signal.strides[1] else "C"


def _sum(signals, out):
    """Add signals up in ``out``."""
    out[:] = signals[0] if signals else 0
    for signal in signals[1:]:
        out += signal
    return out
