"""Training mixtures: what to mix is drawn with Scaper, and mixed here.

Scaper describes a mixture by *events*: which file, which segment of it, how loud. It draws each of
these from a distribution, and the description can be kept. Mixing the audio is then a matter of
reading, scaling and adding.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tutorial_utils import audio
from tutorial_utils.data.songs import FolderSong


@dataclass(frozen=True)
class Event:
    """One source of a mixture.

    Attributes
    ----------
    label : str
    file : str
        Path of the stem.
    start, duration : float, in seconds
        The segment of the file.
    level : float, in LUFS
        The loudness to which the segment is brought: Scaper's ``ref_db + snr``.
    """

    label: str
    file: str
    start: float
    duration: float
    level: float


@dataclass(frozen=True)
class Mix:
    """A mixture of shape (channels, samples) and its sources, which sum to it."""

    mixture: np.ndarray
    sources: Mapping[str, np.ndarray]
    sample_rate: int


def draw(
    songs: Sequence[FolderSong],
    seed: int,
    duration: float = 5.0,
    coherent: float = 0.5,
    ref_db: float = -26.0,
    snr: tuple = ("uniform", -6.0, 6.0),
) -> list[Event]:
    """Draw one mixture with Scaper: a segment of every stem, each brought to a loudness.

    Parameters
    ----------
    songs : sequence of FolderSong
        All with the same labels.
    seed : int
        The same seed draws the same mixture from the same songs.
    duration : float, in seconds
    coherent : float
        The probability that all stems come from one song and one time. Otherwise each is drawn on
        its own, which makes more mixtures from few songs, if less musical ones.
    ref_db : float, in LUFS
        The loudness to which ``snr`` is relative.
    snr : tuple
        A distribution as Scaper writes them, in LU. It is not a ratio between two sources: a
        source is brought to the loudness ``ref_db + snr``.

    Returns
    -------
    list of Event

    Raises
    ------
    ValueError
        If a song is shorter than ``duration``, is kept in a file that Scaper cannot read, or has
        other labels than the first.
    """
    from tutorial_utils.compat import scaper

    labels = songs[0].labels
    for song in songs:
        _require_usable(song, labels, duration)
    random = np.random.RandomState(seed)
    together = random.random_sample() < coherent
    song = songs[random.randint(len(songs))]
    start = random.uniform(0, song.duration - duration)
    with tempfile.TemporaryDirectory() as folder:
        # Scaper wants a folder a label. Empty ones will do, because the files are given by path:
        # so nothing is copied.
        for label in labels:
            (Path(folder) / label).mkdir()
        soundscape = scaper.Scaper(duration, folder, folder, random_state=random)
        soundscape.ref_db = ref_db
        for label in labels:
            chosen = [song] if together else songs
            soundscape.add_event(
                label=("const", label),
                source_file=("choose", [str(one.files[label]) for one in chosen]),
                source_time=("const", start)
                if together
                else ("uniform", 0, min(one.duration for one in songs) - duration),
                event_time=("const", 0),
                event_duration=("const", duration),
                snr=snr,
                pitch_shift=None,
                time_stretch=None,
            )
        annotation = soundscape.generate(no_audio=True)[1].annotations.search(namespace="scaper")[0]
    return [
        Event(
            label=value["label"],
            file=value["source_file"],
            start=value["source_time"],
            duration=value["event_duration"],
            level=ref_db + value["snr"],
        )
        for value in (event.value for event in annotation.data)
    ]


def render(events: Sequence[Event]) -> Mix:
    """Read, scale and add the events of one mixture.

    A silent segment stays silent. If the sum would exceed full scale, the mixture and all sources
    are scaled down together, so that they still sum.

    Returns
    -------
    Mix
    """
    sources = {}
    for event in events:
        segment, sample_rate = audio.read(event.file, event.start, event.duration)
        loudness = audio.loudness(segment, sample_rate)
        gain = 10 ** ((event.level - loudness) / 20) if np.isfinite(loudness) else 0.0
        sources[event.label] = np.float32(gain) * segment
    mixture = np.sum(list(sources.values()), axis=0)
    peak = max(float(np.abs(mixture).max()), 1.0)
    return Mix(mixture / peak, {k: v / peak for k, v in sources.items()}, sample_rate)


def as_table(events: Sequence[Event]) -> pd.DataFrame:
    """The events of a mixture as a table for the eye: each file by its song, numbers rounded."""
    table = pd.DataFrame([vars(event) for event in events]).round(2)
    table["file"] = [Path(file).parent.name for file in table["file"]]
    return table.rename(columns={"file": "song"})


def _require_usable(song, labels, duration):
    if not isinstance(song, FolderSong):
        raise ValueError(
            f"{song.name} is a stem file, which Scaper cannot read. Use songs with one file a stem "
            "(MUSDB18-HQ, TinyStems)."
        )
    if song.labels != labels:
        raise ValueError(f"{song.name} has the stems {song.labels}, the first song has {labels}.")
    if song.duration < duration:
        raise ValueError(
            f"{song.name} lasts {song.duration:.1f} s, less than the {duration:.1f} s to be cut."
        )
