"""Open the songs of a folder, whatever the layout in which they lie there.

:func:`open_songs` understands MUSDB18 (one ``.stem.mp4`` per song), MUSDB18-HQ (one folder per
song), any folder of stems, and folders of tracks that are to be summed to stems. Opening reads
headers only; audio is read when it is asked for, and only the segment that is asked for.
"""

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tutorial_utils import audio, files
from tutorial_utils.audio import AudioError
from tutorial_utils.data.disk import normalised
from tutorial_utils.data.songs import stemfiles
from tutorial_utils.data.songs import taxonomy as taxonomies
from tutorial_utils.data.songs.layouts import (
    LENGTHS,
    MIXTURE,
    Song,
    in_order,
    open_tracks,
)
from tutorial_utils.text import shown

SPLITS = ("train", "valid", "test")
_ROOT = "MUSDB_PATH"


def open_songs(
    root=None,
    *,
    taxonomy: Mapping[str | None, Sequence[str]] | None = None,
    lengths: str = "error",
) -> list[Song]:
    """Open every song in a folder.

    These layouts are understood:

    - MUSDB18: ``train/`` and ``test/`` with one ``NAME.stem.mp4`` per song (this needs ffmpeg);
    - MUSDB18-HQ: ``train/`` and ``test/`` with one folder per song, which holds ``mixture.wav`` and
      ``drums.wav``, ``bass.wav``, ``other.wav`` and ``vocals.wav``;
    - any stems: one folder per song, in ``root`` or in ``train/``, ``valid/`` and ``test/``, with
      one wav, flac, mp3 or ogg file per stem, named after it. ``root`` may be such a song;
    - tracks, with a ``taxonomy``: the same, but each stem is the sum of all tracks that belong to
      it. They lie in the folder of the song, or in folders within it that are named after
      instruments, as in MoisesDB.

    Hidden files, and those that systems leave in folders, are skipped.

    Parameters
    ----------
    root : path-like, optional
        By default the folder that the environment variable ``MUSDB_PATH`` names. Without that,
        the TinyStems are opened, and composed first if they are not there yet.
    taxonomy : mapping of str to sequences of str, optional
        The words by which the tracks of each stem are known, such as ``tu.data.TAXONOMY``; see
        :func:`tutorial_utils.data.sort_tracks`, which shows what goes where. A song keeps it in
        its attribute ``tracks``.
    lengths : {"error", "trim", "pad"}
        What to do with a song whose files differ in length: refuse it, cut all to the shortest
        file, or fill them with silence up to the longest.

    Returns
    -------
    list of Song
        Sorted by split, then by name. If songs lack stems that others have, a warning names them.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, no song in it, or a link in it leads nowhere.
    OSError
        If a file or folder may not be read.
    ValueError
        If a song is not usable (:class:`AudioError`; the message names the file), the taxonomy does
        not know a track or is not usable, or the file ``metadata.json`` of the set is damaged.
    RuntimeError
        If the songs are ``.stem.mp4`` files and ffmpeg is not installed.

    Notes
    -----
    Tracks are summed as they are, at the levels they were recorded with, and mono tracks stand in
    the middle: that is a rough mix, without the gains, pans and effects of the real one.

    Examples
    --------
    >>> songs = open_songs()                                             # doctest: +SKIP
    >>> songs[0].stem("vocals", start=2.0, duration=5.0).shape           # doctest: +SKIP
    (2, 220500)

    Sessions of many tracks, whose stems are written to files once:

    >>> songs = open_songs("sessions", taxonomy=tu.data.TAXONOMY, lengths="pad")  # doctest: +SKIP
    >>> songs[0].tracks["drums"]                                         # doctest: +SKIP
    [PosixPath('sessions/a song/01_Kick.wav'), PosixPath('sessions/a song/02_Snare.wav')]
    >>> songs = tu.data.decoded(songs)                                   # doctest: +SKIP
    """
    if lengths not in LENGTHS:
        raise ValueError(f"lengths is one of {', '.join(LENGTHS)}, not {shown(repr(lengths))}.")
    how = _How(None if taxonomy is None else taxonomies.entries(taxonomy), lengths, [])
    root = _folder(root)
    split_folders = [root / split for split in SPLITS if (root / split).is_dir()]
    validation = _validation(root) if root / "train" in split_folders else frozenset()
    songs = []
    for folder in split_folders or [root]:
        songs += _open_folder(folder, folder.name if split_folders else None, validation, how)
    if how.unknown:
        raise ValueError(taxonomies.unknown_text(how.unknown))
    if not songs:
        raise FileNotFoundError(
            f"There are no songs in {shown(root)}. Expected: train/ and test/ with .stem.mp4 "
            f"files, or one folder per song with one file per stem ({', '.join(audio.SUFFIXES)})."
        )
    songs.sort(key=lambda song: ((*SPLITS, None).index(song.split), song.name))
    _check_names(songs)
    if missing := _missing_stems(songs):
        warnings.warn(missing, stacklevel=2)
    return songs


def name_of(path: Path) -> str:
    """The name of a file or folder as text, the same however its accents are encoded.

    Raises
    ------
    AudioError
        If the name is not in UTF-8, so that no table could hold it.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise AudioError(
            f"{shown(path)}: this name is not written in UTF-8, and could stand in no table. "
            "Rename it."
        ) from error
    return normalised(path.name)


def contents(folder: Path) -> list[Path]:
    """What lies in a folder, but for what systems leave there, in the order of names."""
    return sorted(path for path in folder.iterdir() if not files.is_litter(path.name))


def sound_files(folder: Path) -> list[Path]:
    """The sound files that lie in a folder, in the order of their names.

    A link that leads nowhere is among them, because whoever opens it gets an error. Without that,
    the stem would be missing without a word.
    """
    return [
        path
        for path in contents(folder)
        if path.suffix.lower() in audio.SUFFIXES
        and (path.is_file() or (path.is_symlink() and not path.exists()))
    ]


class _How(NamedTuple):
    """How songs are opened; tracks that the taxonomy does not know are collected in ``unknown``."""

    words: Sequence[taxonomies.Entry] | None
    lengths: str
    unknown: list[str]


def _folder(root) -> Path:
    """The folder of the songs, which exists."""
    says = ""
    if not root and (root := os.environ.get(_ROOT)):
        says = f" (named by {_ROOT})"
    if not root:
        from tutorial_utils import tinystems

        root = tinystems.build()
    root = files.expanded(root)
    if not root.is_dir():
        what = "is no folder but a file" if root.is_file() else "does not exist"
        raise FileNotFoundError(
            f"There is no folder {shown(root)}{says}: it {what}. Give the folder that holds the "
            f"songs, or none (and no {_ROOT}) to use the TinyStems that come with this package."
        )
    return root


def _open_folder(folder, split, validation, how) -> list[Song]:
    """Open the songs that lie directly in ``folder``, which may be a song itself."""
    songs = [_open_one(path, split, validation, how) for path in contents(folder)]
    songs = [song for song in songs if song]
    if not songs and not how.unknown and (tracks := _tracks(folder, how)):
        songs.append(open_tracks(name_of(folder.resolve()), split, folder, tracks, how.lengths))
    return songs


def _open_one(path, split, validation, how) -> Song | None:
    """Open a stem file or a folder of sound files; None if it is neither."""
    is_stem_file = path.name.lower().endswith(stemfiles.SUFFIX) and path.is_file()
    tracks = _tracks(path, how) if path.is_dir() else {}
    if not (is_stem_file or tracks):
        return None
    name = name_of(path)
    if is_stem_file:
        name = name[: -len(stemfiles.SUFFIX)]
    if split == "train" and name in validation:
        split = "valid"
    if is_stem_file:
        return stemfiles.open_stem_file(path, name, split, how.lengths)
    return open_tracks(name, split, path, tracks, how.lengths)


def _tracks(folder, how) -> dict[str, list[Path]]:
    """The sound files of a song by stem; none if the folder is no song."""
    if how.words is None:
        by_label = _by_name(sound_files(folder), folder)
        return {} if list(by_label) == [MIXTURE] else by_label
    return _sorted_tracks(folder, how)


def _by_name(paths, folder) -> dict[str, list[Path]]:
    """The file of each label, which is its name in small letters."""
    by_name: dict[str, list[Path]] = {}
    for path in paths:
        name = os.path.splitext(name_of(path))[0].lower()
        if name in by_name:
            raise AudioError(
                f"{shown(folder)} holds two files for '{shown(name)}': "
                f"{shown(by_name[name][0].name)} and {shown(path.name)}. Remove one of them."
            )
        by_name[name] = [path]
    return by_name


def _sorted_tracks(folder, how) -> dict[str, list[Path]]:
    """The tracks of a song, in its folder or one level below, sorted by the taxonomy."""
    below = {part: sound_files(part) for part in contents(folder) if part.is_dir()}
    named = (taxonomies.best_entry(part.name, how.words) for part in below if below[part])
    here = sound_files(folder)
    if not here and not any(entry and entry.stem is not None for entry in named):
        return {}  # Perhaps a folder of songs.
    tracks = {}  # By what they really are: a link to another track is not summed twice.
    for part, paths in {folder: here, **below}.items():
        for (path,) in _by_name(paths, part).values():
            tracks.setdefault(path.resolve(), path.relative_to(folder))
    by_stem, unknown = taxonomies.assign(tracks.values(), how.words)
    how.unknown.extend(Path(folder.name, name) for name in unknown)
    return {
        stem: [folder / name for name in names]
        for stem, names in by_stem.items()
        if stem is not None
    }


def _validation(root) -> frozenset[str]:
    """The names of the songs in ``train/`` that are kept for validation."""
    names = stemfiles.validation_songs()
    metadata = root / "metadata.json"
    if metadata.is_file():
        try:
            content = json.loads(metadata.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"{shown(metadata)} cannot be read as JSON ({type(error).__name__}). It may name "
                "the songs of train/ that are for validation: get it again, or, if it does not "
                "belong to these songs, move it away."
            ) from error
        # Other sets have files of this name, too, with other things in them.
        listed = content.get("validation", []) if isinstance(content, dict) else []
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            raise ValueError(
                f"{shown(metadata)}: 'validation' must be a list of names of songs, not "
                f"{shown(repr(listed))}. Mend it, or, if it does not belong to these songs, move "
                "it away."
            )
        names |= {*listed}
    return frozenset(normalised(name) for name in names)


def _check_names(songs):
    """Check that no two songs of a split have the same name, by which tables know them."""
    found: dict[tuple, Song] = {}
    for song in songs:
        other = found.setdefault((song.split, song.name), song)
        if other is not song:
            raise AudioError(
                f"Two songs are called '{shown(song.name)}': {shown(other.path)} and "
                f"{shown(song.path)}. Rename one of them."
            )


def _missing_stems(songs) -> str | None:
    """A warning if songs lack stems that others have."""
    every = in_order({label for song in songs for label in song.labels})
    lacking = [song for song in songs if len(song.labels) < len(every)]
    if not lacking:
        return None
    examples = [
        f"'{shown(song.name)}' has no "
        f"{shown(', '.join(label for label in every if label not in song.labels))}"
        for song in lacking[:3]
    ]
    if len(lacking) > 3:
        examples.append(f"and {len(lacking) - 3} more")
    return (
        f"{len(lacking)} of {len(songs)} songs lack stems that others have: {'; '.join(examples)}. "
        "A table mixes songs that have the same stems: choose them by their labels, "
        "[song for song in songs if 'vocals' in song.labels]."
    )
