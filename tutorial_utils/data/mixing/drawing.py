"""What to mix: mixtures drawn from distributions, as Scaper writes them, before any audio is read.

A mixture is a list of *events*, one per source: which file, which segment of it, how loud, how
changed. Each of these values is drawn from a distribution (see :mod:`.distributions`), or is there
with a probability.

The draws for mixture ``i`` come from a generator of its own, seeded with the seed and ``i``. So a
mixture does not depend on how many others are drawn, nor in which order, nor by which process.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tutorial_utils.data.mixing.distributions import SHORTEST, Distributions
from tutorial_utils.data.mixing.event import Event
from tutorial_utils.data.mixing.segments import Segment, on_grid
from tutorial_utils.data.songs import FolderSong
from tutorial_utils.data.sounds import Sound
from tutorial_utils.text import shown

SONG = ("choose", [])
SOURCE_TIME = ("uniform", 0.0, math.inf)
SNR = ("uniform", -6.0, 6.0)
REF_DB = ("const", -26.0)
PITCH_SHIFT = ("uniform", -2.0, 2.0)
TIME_STRETCH = ("uniform", 0.8, 1.2)
K = ("const", 3)
EVENT_DURATION = ("uniform", 1.0, 4.0)
EVENT_TIME = ("uniform", 0.0, math.inf)
_TRIES = 1000
_SEEDS = 10**9  # of chains of effects: as many as the table's column may hold


@dataclasses.dataclass(frozen=True)
class SongSettings:
    """How mixtures of songs are drawn; see :meth:`MixtureTable.sample`."""

    duration: float = 5.0
    coherent: float = 0.5
    song: tuple = SONG
    source_time: tuple | Mapping = SOURCE_TIME
    snr: tuple | Mapping | None = SNR
    ref_db: tuple = REF_DB
    pitch_shift: tuple | Mapping | None = PITCH_SHIFT
    time_stretch: tuple | Mapping | None = TIME_STRETCH
    leave_out: float = 0.0
    audible: str | Sequence[str] = ()
    threshold: float = -40.0
    gain: tuple | Mapping | None = None
    song_gain: tuple | None = None
    polarity: float = 0.0
    swap: float = 0.0
    effects: float = 0.0


@dataclasses.dataclass(frozen=True)
class SoundSettings:
    """How mixtures of single sounds are drawn; see :meth:`MixtureTable.sample_sounds`."""

    duration: float = 10.0
    k: tuple = K
    source_time: tuple | Mapping = SOURCE_TIME
    event_duration: tuple | Mapping = EVENT_DURATION
    event_time: tuple | Mapping = EVENT_TIME
    snr: tuple | Mapping | None = SNR
    ref_db: tuple = REF_DB
    pitch_shift: tuple | Mapping | None = None
    time_stretch: tuple | Mapping | None = None
    gain: tuple | Mapping | None = None
    polarity: float = 0.0
    swap: float = 0.0
    effects: float = 0.0


def draw_songs(
    songs: Sequence[FolderSong], n: int, seed: int, channels: int, sample_rate: int, settings
) -> Iterator[list[Event]]:
    """Draw ``n`` mixtures of songs, each a list of events whose files are absolute paths.

    Raises
    ------
    ValueError
        If the songs or the settings cannot be used; the message says why.
    """
    labels = songs[0].labels
    audible = {settings.audible} if isinstance(settings.audible, str) else {*settings.audible}
    _check_songs(songs, labels, audible, settings)
    draw = Distributions(settings, labels)
    in_order = sorted(songs, key=lambda song: song.name)
    songs = _Songs(in_order, {song.name: song for song in in_order})
    for i in range(n):
        random = _generator(seed, i)
        ref_db = draw.value("ref_db", None, random)
        segments = _draw_audible(songs, labels, audible, draw, random, settings)
        if random.random_sample() < settings.leave_out:
            del segments[random.choice([label for label in labels if label not in audible])]
        snr = {label: draw.value("snr", label, random) for label in segments}
        treatments = _draw_treatments(segments, draw, random, settings)
        _add_song_gains(treatments, segments, draw, random)
        events = []
        for label, segment in segments.items():
            event = Event(
                mixture=i,
                split=segment.song.split or "",
                label=label,
                song=segment.song.name,
                source_file=str(segment.song.files[label]),
                source_time=segment.start,
                source_duration=segment.length,
                event_time=0.0,
                snr=snr[label],
                ref_db=ref_db,
                pitch_shift=segment.pitch_shift,
                time_stretch=segment.time_stretch,
                channels=channels,
                sample_rate=sample_rate,
                **treatments[label],
            )
            known = segment.known_loudness(event)
            events.append(
                event if math.isnan(known) else dataclasses.replace(event, loudness=known)
            )
        yield events


def draw_sounds(
    sounds: Sequence[Sound], n: int, seed: int, channels: int, sample_rate: int, settings
) -> Iterator[list[Event]]:
    """Draw ``n`` mixtures of single sounds, like :func:`draw_songs`."""
    for sound in sounds:
        if sound.duration < SHORTEST:
            raise ValueError(
                f"{shown(sound.file)} lasts {sound.duration:.6f} s, and at least {SHORTEST:g} s of "
                "a sound are mixed. Leave it out."
            )
    _check_probabilities(settings, ("polarity", "swap", "effects"))
    sounds = sorted(sounds, key=lambda sound: (sound.split or "", sound.label, str(sound.file)))
    labels = sorted({sound.label for sound in sounds})
    draw = Distributions(settings, labels)
    choices = {}
    for sound in sounds:
        choices.setdefault(sound.split, {}).setdefault(sound.label, []).append(sound)
    for i in range(n):
        random = _generator(seed, i)
        ref_db = draw.value("ref_db", None, random)
        by_label = choices[sounds[random.randint(len(sounds))].split]
        k = draw.value("k", None, random)
        if not 1 <= k < len(by_label) + 1:
            raise ValueError(
                f"A mixture of k={k:g} categories cannot be drawn from {len(by_label)}. Choose k "
                f"from 1 to {len(by_label)}."
            )
        drawn = {}
        for label in random.choice(sorted(by_label), int(k), replace=False):
            sound = by_label[label][random.randint(len(by_label[label]))]
            pitch = draw.value("pitch_shift", label, random)
            stretch = draw.value("time_stretch", label, random)
            factor = 1.0 if math.isnan(stretch) else stretch
            longest = min(sound.duration, settings.duration / factor)
            length = min(draw.value("event_duration", label, random), longest)
            drawn[str(label)] = dict(
                mixture=i,
                split=sound.split or "",
                label=str(label),
                song=sound.file.stem,
                source_file=str(sound.file),
                source_time=draw.time("source_time", label, random, sound.duration, length),
                source_duration=length,
                event_time=draw.time(
                    "event_time", label, random, settings.duration, length * factor
                ),
                snr=draw.value("snr", label, random),
                ref_db=ref_db,
                pitch_shift=pitch,
                time_stretch=stretch,
                channels=channels,
                sample_rate=sample_rate,
            )
        treatments = _draw_treatments(drawn, draw, random, settings)
        yield [Event(**values, **treatments[label]) for label, values in drawn.items()]


def _draw_treatments(labels, draw, random, settings):
    """Draw what else is done to each source: values of an event, for each label.

    This comes after all other draws, and takes as many numbers whatever it decides (but for the
    gains, which come last). So no other value of a mixture depends on it.
    """
    probabilities = settings.polarity, settings.swap, settings.effects
    treatments = {}
    for label in labels:
        inverted, swapped, affected = random.random_sample(3) < probabilities
        chain = random.randint(_SEEDS)
        treatments[label] = {
            "polarity": -1 if inverted else 1,
            "swap": int(swapped),
            "effects": float(chain) if affected else math.nan,
        }
    for label in labels:
        treatments[label]["gain"] = _or_zero(draw.value("gain", label, random))
    return treatments


def _add_song_gains(treatments, segments, draw, random):
    """Draw a gain for each song of a mixture, and add it to those of its stems."""
    names = dict.fromkeys(segment.song.name for segment in segments.values())
    gains = {name: _or_zero(draw.value("song_gain", None, random)) for name in names}
    for label, segment in segments.items():
        treatments[label]["gain"] += gains[segment.song.name]


def _or_zero(decibels):
    return 0.0 if math.isnan(decibels) else decibels


class _Songs(NamedTuple):
    """Songs to draw from: in the order of their names, and by name."""

    in_order: Sequence[FolderSong]
    by_name: Mapping[str, FolderSong]


def _draw_audible(songs, labels, audible, draw, random, settings):
    """Draw a segment per label, again until those that are to be audible are."""
    together = random.random_sample() < settings.coherent
    for _ in range(_TRIES):
        segments = (_draw_coherent if together else _draw_incoherent)(
            songs, labels, draw, random, settings
        )
        if all(segments[label].sounds(label, settings.threshold) for label in audible):
            return segments
    raise ValueError(
        f"In {_TRIES} draws there was no segment in which {' and '.join(sorted(audible))} reach "
        f"{settings.threshold:.1f} LUFS. Lower the threshold, or choose songs in which they sound."
    )


def _draw_coherent(songs, labels, draw, random, settings):
    """All stems from one song and one time, with one pitch shift and one time stretch."""
    song = _draw_song(songs, draw, random)
    pitch = draw.shared("pitch_shift", random)
    stretch = draw.shared("time_stretch", random)
    start, length = _draw_segment(song, labels[0], stretch[labels[0]], draw, random, settings)
    return {label: Segment(song, start, length, pitch[label], stretch[label]) for label in labels}


def _draw_incoherent(songs, labels, draw, random, settings):
    """Each stem on its own, but all from songs of one split."""
    split = _draw_song(songs, draw, random).split
    segments = {}
    for label in labels:
        song = _draw_song(songs, draw, random)
        while song.split != split:
            song = _draw_song(songs, draw, random)
        pitch = draw.value("pitch_shift", label, random)
        stretch = draw.value("time_stretch", label, random)
        start, length = _draw_segment(song, label, stretch, draw, random, settings)
        segments[label] = Segment(song, start, length, pitch, stretch)
    return segments


def _draw_song(songs, draw, random):
    distribution = draw.of("song", None)
    if distribution == SONG:
        return songs.in_order[random.randint(len(songs.in_order))]
    name = draw.value("song", None, random)
    if not isinstance(name, str) or name not in songs.by_name:
        raise ValueError(f"song={shown(repr(distribution))}: there is no song '{shown(name)}'.")
    return songs.by_name[name]


def _draw_segment(song, label, stretch, draw, random, settings):
    """Draw where a segment begins, on the grid of the loudness profile: (start, length)."""
    length = settings.duration / (1.0 if math.isnan(stretch) else stretch)
    if song.duration < length:
        raise ValueError(
            f"{song.name} lasts {song.duration:.1f} s, less than the {length:.1f} s to be cut. "
            "Draw shorter mixtures, or leave the song out."
        )
    start = draw.time("source_time", label, random, song.duration, length)
    return on_grid(start, length, song.sample_rate), length


def _generator(seed, i):
    """Scaper draws from NumPy's older generators: one seeded with the seed and the number."""
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence([seed, i])))


def _check_songs(songs, labels, audible, settings):
    names = set()
    for song in songs:
        if song.labels != labels:
            raise ValueError(
                f"{song.name} has the stems {song.labels}, the first song has {labels}. Mix songs "
                "that have the same stems."
            )
        if song.name in names:
            raise ValueError(f"Two songs are called {song.name}. Rename the folder of one.")
        names.add(song.name)
    if unknown := audible - {*labels}:
        raise ValueError(
            f"audible names {', '.join(sorted(unknown))}, and the stems are {', '.join(labels)}."
        )
    _check_probabilities(settings, ("coherent", "leave_out", "polarity", "swap", "effects"))
    if settings.leave_out and (len(labels) < 2 or audible == {*labels}):
        raise ValueError(
            "leave_out needs a stem that can be left out, beside those that must sound."
        )
    stretch = settings.time_stretch
    if isinstance(stretch, Mapping) and settings.coherent:
        raise ValueError(
            "time_stretch differs between labels, but the stems of a coherent mixture have to stay "
            "together. Give one distribution for all, or set coherent=0."
        )


def _check_probabilities(settings, names):
    for name in names:
        value = getattr(settings, name)
        if not (isinstance(value, int | float | np.number) and 0 <= value <= 1):
            raise ValueError(f"{name}={shown(repr(value))} is no probability from 0 to 1.")
