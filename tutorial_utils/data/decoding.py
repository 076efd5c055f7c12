"""MUSDB18's stem files, decoded once into wav files, which can be read at any place at once."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from tutorial_utils import audio, cache
from tutorial_utils.data.songs import MIXTURE, FolderSong, Song, StemFileSong

_STAMP = "source.json"


def decoded(songs: Iterable[Song], folder=None) -> list[FolderSong]:
    """Decode songs in stem files to wav files, once, and open these instead.

    A ``.stem.mp4`` is slow to read from: for each segment ffmpeg has to be started, and decodes
    all that comes before. A wav file is read at any place at once. The price is the disk: a minute
    of a song takes about 50 MB, all of MUSDB18 about 30 GB.

    The wav files have 16 bits, as musdb reads them, so that both ways of reading give the same
    samples. AAC may overshoot ±1 where the original touched it; what is beyond full scale is
    clipped.

    Parameters
    ----------
    songs : iterable of Song
        Songs that are folders of sound files already are passed through untouched.
    folder : path-like, optional
        Where to keep the wav files; by default in ``$TUTORIAL_UTILS_HOME`` or the user's cache.
        A set lies below ``musdb18-<hash of the path of the set>``, in MUSDB18-HQ's layout, with
        the validation songs in a folder ``valid``.

    Returns
    -------
    list of FolderSong
        In the order of ``songs``, with their names and splits.

    Raises
    ------
    AudioError
        If a stem file is damaged.

    Notes
    -----
    A song is written to a temporary folder, which is renamed when it is complete. What was stopped
    goes on where it was, two processes that decode one set share the work, and a stem file that
    changed (by its size or its time) is decoded again.
    """
    songs = list(songs)
    folder = cache.home() if folder is None else Path(folder).expanduser()
    coded = [song for song in songs if isinstance(song, StemFileSong)]
    missing = [song for song in coded if not _is_decoded(song, _decoded_folder(song, folder))]
    bar = tqdm(missing, desc="Decoding stem files (once)", unit="song", disable=not missing)
    for song in bar:
        _decode(song, _decoded_set(song, folder), _decoded_folder(song, folder))
    return [
        _open_decoded(song, folder) if isinstance(song, StemFileSong) else song for song in songs
    ]


def _decoded_set(song, folder):
    """The folder that holds all decoded songs of the set to which a song belongs."""
    above = Path(song.track.path).resolve().parent
    root = above if song.split is None else above.parent
    return folder / f"musdb18-{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"


def _decoded_folder(song, folder):
    return _decoded_set(song, folder) / (song.split or "") / song.name


def _decoded_files(song, place):
    return {label: place / f"{label}.wav" for label in (MIXTURE, *song.labels)}


def _open_decoded(song, folder):
    return FolderSong(song.name, song.split, _decoded_files(song, _decoded_folder(song, folder)))


def _stamp(song) -> str:
    """What tells whether a stem file is still the one that was decoded, as JSON."""
    found = os.stat(song.track.path)
    file = str(Path(song.track.path).resolve())
    return json.dumps({"file": file, "size": found.st_size, "mtime_ns": found.st_mtime_ns})


def _is_decoded(song, place):
    stamp = place / _STAMP
    return (
        stamp.is_file()
        and stamp.read_text(encoding="utf-8") == _stamp(song)
        and all(file.is_file() for file in _decoded_files(song, place).values())
    )


def _decode(song, root, place):
    """Write the wav files of a song to ``place``, a folder below ``root``: all, or nothing."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with cache.exclusive(root, f"Waiting for another process that decodes to {root}"):
        if _is_decoded(song, place):
            return
        # We hold the lock: whatever lies here was left by a process that was killed.
        workshop = root / ".decoding"
        shutil.rmtree(workshop, ignore_errors=True)
        try:
            new = workshop / "new"
            stamp = _stamp(song)
            for label, file in _decoded_files(song, new).items():
                samples = song.mixture() if label == MIXTURE else song.stem(label)
                audio.write(file, samples, song.sample_rate)
            (new / _STAMP).write_text(stamp, encoding="utf-8")
            if place.exists():
                os.replace(place, workshop / "old")
            os.replace(new, place)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
