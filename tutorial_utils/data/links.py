"""Scaper's layout of sounds, a folder a label, made of links."""

import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from tutorial_utils.data.disk import normalised
from tutorial_utils.data.songs import FolderSong, Song
from tutorial_utils.files import expanded
from tutorial_utils.text import shown


def label_folders(
    songs_or_files: Iterable[Song] | Mapping[str, Mapping[str, Path]], folder
) -> Path:
    """Lay songs out as Scaper wants its sounds: a folder per label, without copying audio.

    Each entry ``<folder>/<label>/<song>.wav`` is a symbolic link to the stem (a hard link where
    the system refuses symbolic ones).

    Parameters
    ----------
    songs_or_files : iterable of Song, or mapping
        Songs with one file per stem, or ``{label: {name: file}}``. The suffix of an entry is that
        of its file.
    folder : path-like
        Links that are there already are left if they are right, and replaced if they lead
        elsewhere. The folder must hold nothing else that Scaper would draw from.

    Returns
    -------
    Path
        ``folder``, ready to be Scaper's ``fg_path`` or ``bg_path``.

    Raises
    ------
    FileNotFoundError
        If a file to link to does not exist.
    FileExistsError
        If ``folder`` holds labels or files that do not belong to these songs.
    ValueError
        If the stems of a song are no files (:func:`decoded` makes files of them), two songs have
        one name, or a name is not usable for a file.
    OSError
        If the system makes links of neither kind, or the folder cannot be written to.
    """
    is_mapping = isinstance(songs_or_files, Mapping)
    links = _links(songs_or_files if is_mapping else _files_by_label(songs_or_files))
    folder = expanded(folder)
    _require_no_others(folder, links)
    for link, file in links.items():
        (folder / link).parent.mkdir(parents=True, exist_ok=True)
        _link(folder / link, file)
    return folder


def _files_by_label(songs) -> dict[str, dict[str, Path]]:
    files: dict[str, dict[str, Path]] = {}
    for song in songs:
        if not isinstance(song, FolderSong):
            raise ValueError(
                f"The stems of {shown(song.name)} are no files of their own, to which a link could "
                "lead. Decode it first: label_folders(decoded(songs), folder)."
            )
        for label in song.labels:
            of_label = files.setdefault(label, {})
            if of_label.setdefault(song.name, song.files[label]) != song.files[label]:
                raise ValueError(
                    f"Two songs are called '{shown(song.name)}': "
                    f"{shown(of_label[song.name].parent)} and {shown(song.files[label].parent)}. "
                    "Rename one of them, or use two folders."
                )
    return files


def _links(files) -> dict[Path, Path]:
    """From the path of each link, below the folder of all labels, to its file."""
    links: dict[Path, Path] = {}
    for label, of_label in files.items():
        for name, file in of_label.items():
            for part in (label, name):
                if part in ("", ".") or part.startswith(".") or {*part} & {"/", os.sep, "\0"}:
                    raise ValueError(
                        f"'{shown(part)}' cannot be the name of a file that Scaper sees: it must "
                        "not be empty, begin with a dot or hold a slash. Rename it."
                    )
            if not Path(file).is_file():
                raise FileNotFoundError(f"There is no file {shown(file)}. Check the path.")
            link = Path(normalised(label), normalised(f"{name}{Path(file).suffix}"))
            if link in links:
                raise ValueError(
                    f"Two names are '{shown(link.stem)}', with accents that are encoded in two "
                    "ways. Rename one of them."
                )
            links[link] = Path(file).absolute()
    return links


def _require_no_others(folder, links):
    """Check that Scaper would see nothing but ``links`` (it sees neither files nor dots here)."""
    labels = {link.parent.name for link in links}
    for path in sorted(folder.glob("[!.]*/")):
        others = [entry for entry in path.glob("[!.]*") if not _is_one_of(links, entry, folder)]
        if normalised(path.name) not in labels or others:
            raise FileExistsError(
                f"{shown(min(others, default=path))} does not belong to these songs, and Scaper "
                "would draw from it. Delete it, or choose an empty folder."
            )


def _is_one_of(links, entry, folder):
    name = entry.relative_to(folder)
    if name in links:
        return True
    # Some disks change the encoding of accents in names, others keep both as two files.
    link = Path(normalised(str(name)))
    there = folder / link
    return (
        link in links and os.path.lexists(there) and os.path.samestat(entry.lstat(), there.lstat())
    )


def _link(link, file):
    """Make ``link`` lead to ``file``, without a moment at which there is no link."""
    if link.exists() and link.samefile(file):
        return
    is_link = link.is_symlink() or not link.exists() or link.stat().st_nlink > 1
    if not is_link or (link.is_dir() and not link.is_symlink()):
        raise FileExistsError(
            f"{shown(link)} is in the way: it is not a link to {shown(file)}, and may be the only "
            "copy of what it holds. Move it, or choose an empty folder."
        )
    temporary = link.with_name(f".{uuid.uuid4().hex}")
    try:
        _make_link(temporary, file)
        os.replace(temporary, link)
    finally:
        # It is still there if another process made the same hard link meanwhile.
        temporary.unlink(missing_ok=True)


def _make_link(link, file):
    try:
        link.symlink_to(file)
    except (OSError, NotImplementedError) as refusal:
        try:
            link.hardlink_to(file)
        except (OSError, NotImplementedError) as error:
            raise OSError(
                f"{shown(link.parent)} cannot hold links to {shown(file)}, neither symbolic "
                f"({refusal}) nor hard ({error}). Choose a folder on the disk of the songs, or, in "
                "Windows, switch on its developer mode, which allows symbolic links."
            ) from error
