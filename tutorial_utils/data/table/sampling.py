"""A table of mixtures drawn at random, from songs or from single sounds.

What is here is checked first and drawn then: :mod:`tutorial_utils.data.mixing` draws the events,
and nothing is drawn that a table would refuse.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from tutorial_utils.data.mixing import drawing
from tutorial_utils.data.mixing.event import Event
from tutorial_utils.data.songs import Song
from tutorial_utils.data.songs.decoding import decoded
from tutorial_utils.data.sounds import Sound
from tutorial_utils.data.table import checks
from tutorial_utils.data.table.rows import as_rows, root_of
from tutorial_utils.text import shown

if TYPE_CHECKING:
    from tutorial_utils.data.table import MixtureTable


def sample(
    cls,
    songs: Sequence[Song],
    n: int,
    seed: int = 0,
    duration: float = 5.0,
    coherent: float = 0.5,
    *,
    song: tuple = drawing.SONG,
    source_time: tuple | Mapping = drawing.SOURCE_TIME,
    snr: tuple | Mapping | None = drawing.SNR,
    ref_db: tuple = drawing.REF_DB,
    gain: tuple | Mapping | None = None,
    song_gain: tuple | None = None,
    pitch_shift: tuple | Mapping | None = drawing.PITCH_SHIFT,
    time_stretch: tuple | Mapping | None = drawing.TIME_STRETCH,
    polarity: float = 0.0,
    swap: float = 0.0,
    effects: float = 0.0,
    leave_out: float = 0.0,
    audible: str | Sequence[str] = (),
    threshold: float = -40.0,
    channels: int | None = None,
    sample_rate: int | None = None,
    fade: float = 0.01,
) -> "MixtureTable":
    """Draw mixtures of songs.

    Mixture ``i`` depends on the songs, the settings, the seed and ``i`` alone. Its songs are
    all of one split. Where Scaper's distribution tuples are taken, a mapping with one for each
    label is taken too. What the stems of a coherent mixture share is drawn from the first one
    that is not None; a label whose distribution is None stays as it is.

    To hear the songs in their own balance, as validation and test tables should have them, set
    ``coherent=1, snr=None, pitch_shift=None, time_stretch=None``: every mixture is then the sum
    of its song's stems in that segment.

    Parameters
    ----------
    songs : sequence of Song
        All with the same stems. Songs that no table can read from directly are decoded once
        (:func:`tutorial_utils.data.decoded`).
    n : int
        The number of mixtures.
    seed : int
    duration : float, in seconds
    coherent : float
        The probability that all stems come from one song and one time, with one pitch shift
        and one time stretch. Otherwise each stem is drawn on its own, which makes more
        mixtures of few songs, if less musical ones.
    song : distribution of song names
        By default any, all equally likely.
    source_time : distribution, in seconds
        Where a segment begins. It is brought into the song, and rounded down to 20 ms.
    snr : distribution, in LU, or None
        Each source is brought to the loudness ``ref_db + snr``. With None it keeps the level
        that it has in its file, and so the stems of one song keep their balance; changes of
        pitch and tempo and effects do not alter its loudness.
    ref_db : distribution, in LUFS
        Drawn once per mixture.
    gain : distribution, in dB, or None
        Drawn for each stem, on top of the level that ``snr`` gives or leaves.
    song_gain : distribution, in dB, or None
        Drawn once for each song of a mixture, and added to the gains of all its stems.
    pitch_shift : distribution, in semitones, or None for no shift
    time_stretch : distribution of factors on the duration, or None for no stretch
    polarity : float
        The probability, for each stem, that its polarity is inverted: every sample changes its
        sign. This cannot be heard on one stem, but changes how it adds up with others.
    swap : float
        The probability, for each stem, that its channels change places, left with right.
    effects : float
        The probability, for each stem, that it passes a chain of equaliser, compressor and
        reverb with random settings (:func:`tutorial_utils.effects.chain`).
    leave_out : float
        The probability that a mixture lacks one of its sources.
    audible : str or sequence of str
        Draw only segments in which these stems reach the ``threshold``.
    threshold : float, in LUFS
    channels, sample_rate : int, optional
        Of the mixtures; by default those of the songs.
    fade : float, in seconds
        Every segment is faded in and out over this time.

    Raises
    ------
    ValueError
        If songs and settings do not fit together; the message says what to change.

    Examples
    --------
    >>> songs = tu.data.open_songs()                                     # doctest: +SKIP
    >>> table = MixtureTable.sample(songs, n=1000, duration=5.0)         # doctest: +SKIP
    >>> table.render(0).mixture.shape                                    # doctest: +SKIP
    (2, 220500)
    """
    settings = drawing.SongSettings(
        duration, coherent, song, source_time, snr, ref_db, pitch_shift, time_stretch,
        leave_out, audible, threshold, gain, song_gain, polarity, swap, effects,
    )  # fmt: skip
    songs = decoded(_required(songs, "songs", n, seed, duration, fade))
    channels = _common(songs, "channels") if channels is None else channels
    sample_rate = _common(songs, "sample_rate") if sample_rate is None else sample_rate
    every = [(song.files[label], label, song.name) for song in songs for label in song.labels]
    root = _checked_root(every, duration, channels, sample_rate)
    mixtures = drawing.draw_songs(songs, n, seed, int(channels), int(sample_rate), settings)
    return _drawn(cls, mixtures, root, n, seed, settings, songs[0].labels, fade)


def sample_sounds(
    cls,
    sounds: Sequence[Sound],
    n: int,
    seed: int = 0,
    duration: float = 10.0,
    k: int | tuple = 3,
    *,
    source_time: tuple | Mapping = drawing.SOURCE_TIME,
    event_duration: tuple | Mapping = drawing.EVENT_DURATION,
    event_time: tuple | Mapping = drawing.EVENT_TIME,
    snr: tuple | Mapping | None = drawing.SNR,
    ref_db: tuple = drawing.REF_DB,
    gain: tuple | Mapping | None = None,
    pitch_shift: tuple | Mapping | None = None,
    time_stretch: tuple | Mapping | None = None,
    polarity: float = 0.0,
    swap: float = 0.0,
    effects: float = 0.0,
    channels: int | None = None,
    sample_rate: int | None = None,
    fade: float = 0.01,
) -> "MixtureTable":
    """Draw mixtures of single sounds: some categories each, one sound per category.

    Parameters that are not named here are those of :meth:`sample`.

    Parameters
    ----------
    sounds : sequence of Sound
        From :func:`tutorial_utils.data.open_sounds`. A mixture's sounds are all of one split.
    k : int, or distribution
        How many different categories a mixture has.
    event_duration : distribution, in seconds, from 0.001
        How much is cut from a file; the whole file if that is shorter.
    event_time : distribution, in seconds
        Where the sound begins in the mixture. It is brought forward if it would not end in
        time; the rest is silence.

    Raises
    ------
    ValueError
        If sounds and settings do not fit together; the message says what to change.
    """
    settings = drawing.SoundSettings(
        duration, k if isinstance(k, tuple) else ("const", k), source_time, event_duration,
        event_time, snr, ref_db, pitch_shift, time_stretch, gain, polarity, swap, effects,
    )  # fmt: skip
    sounds = _required(sounds, "sounds", n, seed, duration, fade)
    channels = _common(sounds, "channels") if channels is None else channels
    sample_rate = _common(sounds, "sample_rate") if sample_rate is None else sample_rate
    every = [(sound.file, sound.label, sound.file.stem) for sound in sounds]
    root = _checked_root(every, duration, channels, sample_rate)
    mixtures = drawing.draw_sounds(sounds, n, seed, int(channels), int(sample_rate), settings)
    labels = sorted({sound.label for sound in sounds})
    return _drawn(cls, mixtures, root, n, seed, settings, labels, fade)


def _drawn(cls, mixtures, root, n, seed, settings, labels, fade):
    bar = tqdm(mixtures, "Drawing mixtures", n, delay=1)
    rows = as_rows((event for mixture in bar for event in mixture), root)
    return cls(rows, root, settings.duration, labels, fade, fade, seed, vars(settings))


def _checked_root(files, duration: float, channels: int, sample_rate: int) -> Path:
    """The folder that holds all files that might be drawn, however few will be.

    That none of them would make a row that a table refuses is checked here, before anything is
    drawn.

    Parameters
    ----------
    files : sequence of (path, label, song)
    duration : float, in seconds
    channels, sample_rate : int
        Of the mixtures.

    Raises
    ------
    TableError
        If a name, or one of the numbers, can be in no table.
    """
    # Rows that have in common with those that will be drawn what the check is for.
    events = [
        Event(
            mixture=i, split="", label=label, song=song, source_file=str(file), source_time=0.0,
            source_duration=duration, event_time=0.0, snr=0.0, ref_db=0.0, channels=channels,
            sample_rate=sample_rate,
        )
        for i, (file, label, song) in enumerate(files)
    ]  # fmt: skip
    root = root_of(event.source_file for event in events)
    checks.rows(
        as_rows(events, root), duration, {event.label for event in events},
        lambda row: f"A row of {shown(events[row].source_file)}",
    )  # fmt: skip
    return root


def _required(sources: Iterable, what: str, n, seed, duration, fade) -> list:
    """The songs or sounds as a list, if mixtures can be drawn from them.

    Raises
    ------
    ValueError
        If there are none, or one of the numbers is not what it has to be.
    """
    if not (sources := list(sources)):
        raise ValueError(f"There are no {what} to mix.")
    for name, value, least in (("n", n, 1), ("seed", seed, 0)):
        if not (isinstance(value, int | np.integer) and value >= least):
            raise ValueError(f"{name}={shown(repr(value))} is not a whole number, {least} or more.")
    checks.times(duration, fade, fade)
    return sources


def _common(sources: Iterable, name: str):
    """The value of an attribute that all songs or sounds share.

    Raises
    ------
    ValueError
        If they do not.
    """
    values = {getattr(source, name) for source in sources}
    if len(values) > 1:
        raise ValueError(
            f"The files differ in {name}: {', '.join(map(str, sorted(values)))}. Say which one the "
            f"mixtures are to have: {name}={max(values)}."
        )
    return values.pop()
