"""Songs that no table can read from directly, written once as wav files that it can."""

import hashlib
import json
import os
from collections.abc import Iterable

import numpy as np
from tqdm import tqdm

from tutorial_utils import audio, cache, files
from tutorial_utils.data.songs.layouts import MIXTURE, FolderSong, Song, TrackSong, open_tracks
from tutorial_utils.data.songs.stemfiles import StemFileSong

_CODED = (".mp3", ".ogg")
_STAMP = "source.json"
_BITS = 24


def decoded(songs: Iterable[Song], folder=None) -> list[FolderSong]:
    """Write songs as wav files, one per stem, once, and open these instead.

    This is done with songs that are slow to read from at any place, or whose stems have to be
    computed:

    - stem files, for which ffmpeg has to be started, and decodes all that comes before;
    - folders with mp3 or ogg files;
    - songs whose stems are sums of tracks, or are filled with silence to one length.

    The price is the disk: a minute of a song takes 50 to 80 MB, all of MUSDB18 about 30 GB.

    Parameters
    ----------
    songs : iterable of Song
        Others than these are passed through untouched.
    folder : path-like, optional
        Where to keep the wav files; by default in ``$TUTORIAL_UTILS_HOME`` or the user's cache.
        A set lies below ``musdb18-<hash>`` or ``songs-<hash>``, a hash of the path of the set, in
        MUSDB18-HQ's layout, with the validation songs in a folder ``valid``.

    Returns
    -------
    list of FolderSong
        In the order of ``songs``, with their names and splits.

    Raises
    ------
    AudioError
        If a file is damaged.
    OSError
        If a file is gone or may not be read, the disk is full, or the folder cannot be written to.

    Notes
    -----
    A stem file's wav files have 16 bits, as musdb reads them, so that both ways of reading give the
    same samples. AAC may overshoot ±1 where the original touched it; what is beyond full scale is
    clipped.

    Other songs get 24 bits. If a stem or the mixture would go beyond full scale, all of the song is
    scaled down by one factor, which keeps the balance, and is recorded as ``scale`` in the file
    ``source.json`` beside the stems. The mixture is exactly the sum of the stems, unless the song
    has a file of its own for it.

    A song is written to a temporary folder, which is renamed when it is complete. What was stopped
    goes on where it was, two processes that decode one set share the work, and a song is decoded
    again if one of its files changed (by its size or its time). A song that is opened with another
    taxonomy, or another choice of ``lengths``, is another song, with files of its own.
    """
    songs = list(songs)
    places = {}
    if any(_is_to_be_decoded(song) for song in songs):
        folder = cache.home() if folder is None else files.expanded(folder)
        places = {song: _Place(song, folder) for song in songs if _is_to_be_decoded(song)}
    missing = [song for song, place in places.items() if not place.is_complete()]
    for song in tqdm(missing, "Decoding songs (once)", unit="song", disable=not missing):
        _decode(song, places[song])
    return [places[song].open() if song in places else song for song in songs]


def _is_to_be_decoded(song):
    return isinstance(song, StemFileSong | TrackSong) or any(
        file.suffix.lower() in _CODED for file in song.files.values()
    )


class _Place:
    """Where a song's wav files lie, and whether they are those of its files as they are now.

    Attributes
    ----------
    set : Path
        The folder that holds all decoded songs of the set to which the song belongs.
    folder : Path
        The folder of the song.
    files : dict of Path
        The wav file of each stem and of the mixture.
    """

    def __init__(self, song, folder):
        self.song = song
        above = song.path.resolve().parent
        root = above if song.split is None else above.parent
        kind = "musdb18" if isinstance(song, StemFileSong) else "songs"
        self.set = folder / f"{kind}-{_hash(str(root))[:12]}"
        self.folder = self.set / (song.split or "") / f"{song.name}{self._way()}"
        self.files = {label: self.folder / f"{label}.wav" for label in (MIXTURE, *song.labels)}

    def _way(self):
        """What tells apart the songs that are opened from the same files in different ways."""
        song = self.song
        if isinstance(song, StemFileSong):
            return "" if song.lengths == "error" else f"-{song.lengths}"
        tracks = {
            label: [file.relative_to(song.path).as_posix() for file in files]
            for label, files in song.tracks.items()
        }
        return f"-{_hash(json.dumps([tracks, song.lengths]))[:8]}"

    def open(self):
        tracks = {label: [file] for label, file in self.files.items()}
        return open_tracks(self.song.name, self.song.split, self.folder, tracks, "error")

    def sources(self):
        """What tells whether the song's files are still those that were decoded."""
        every = dict.fromkeys(file for files in self.song.tracks.values() for file in files)
        return [
            {"file": str(file.resolve()), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
            for file in every
            for status in [os.stat(file)]
        ]

    def is_complete(self):
        try:
            stamp = json.loads((self.folder / _STAMP).read_text(encoding="utf-8"))
            return stamp["sources"] == self.sources() and all(
                file.is_file() for file in self.files.values()
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return False


def _hash(text):
    return hashlib.sha256(os.fsencode(text)).hexdigest()


def _decode(song, place):
    """Write the wav files of a song: all, or nothing."""
    with cache.exclusive(place.set, f"Waiting for another process that decodes to {place.set}"):
        if place.is_complete():
            return
        # We hold the lock: whatever lies here was left by a process that was killed.
        workshop = place.set / ".decoding"
        files.clear(workshop)
        names = [_STAMP, *(file.name for file in place.files.values())]
        try:
            with files.whole_folder(workshop, place.folder, names) as new:
                stamp = {"sources": place.sources()}
                stems, stamp["scale"], bits = _as_stored(song)
                for label, samples in stems.items():
                    audio.write(new / f"{label}.wav", samples, song.sample_rate, bits)
                (new / _STAMP).write_text(json.dumps(stamp), encoding="utf-8")
                if place.folder.exists():
                    os.replace(place.folder, workshop / "old")
        finally:
            files.clear(workshop)


def _as_stored(song):
    """The stems and the mixture as they are written: within full scale, on the grid of the bits.

    Returns
    -------
    stems : dict of arrays of shape (channels, samples)
    scale : float
        By which all of them were multiplied.
    bits : int
    """
    stems = song.stems()
    if isinstance(song, StemFileSong):
        return {MIXTURE: song.mixture(), **stems}, 1.0, 16
    own_mixture = MIXTURE in song.tracks
    mixture = song.mixture() if own_mixture else _sum(stems.values())
    peak = max(float(max(x.max(), -x.min())) for x in (mixture, *stems.values()))
    # Scaling and rounding may add a step to each stem, and as many to the mixture as it has stems.
    step = 2.0 ** (1 - _BITS)
    highest = 1 - step * (1 + len(stems))
    scale = min(1.0, highest / peak) if peak else 1.0
    for samples in (mixture, *stems.values()):
        samples *= np.float32(scale / step)
        np.round(samples, out=samples)
        samples *= np.float32(step)
    return {MIXTURE: mixture if own_mixture else _sum(stems.values()), **stems}, scale, _BITS


def _sum(signals):
    """The sum of arrays of shape (channels, samples), rounded but once."""
    return np.stack(
        [sum(channel.astype(np.float64) for channel in row) for row in zip(*signals, strict=True)]
    ).astype(np.float32)
