"""Files found by names that were written on another machine.

A table may have been written where accents are encoded otherwise, and a JAMS file where the sounds
lie in another folder, with other separators.
"""

import functools
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath


def normalised(name: str) -> str:
    """A name in the one form (NFC) in which all encodings of it are equal.

    An "é" is one character where it was typed on Windows or Linux, and an "e" with an accent that
    follows where a Mac wrote the name of a file.
    """
    return unicodedata.normalize("NFC", name)


def parts(path: str) -> tuple[str, ...]:
    """The folders and the name in a path of any system, without its root, drive and ``..``."""
    path = PureWindowsPath(path)  # It takes both kinds of slash.
    return tuple(part for part in path.parts if part not in (path.anchor, ".."))


class Folder:
    """A folder in which files are found however the accents in their names are encoded."""

    def __init__(self, root: Path):
        self.root = Path(root)
        self._names = functools.cache(
            lambda folder: {normalised(name): name for name in os.listdir(folder)}
        )

    def find(self, file: str | PurePosixPath) -> str | None:
        """The file by the name that it has on the disk, or None if it is not there.

        Parameters
        ----------
        file : str
            Relative to the root, with forward slashes.
        """
        if (self.root / file).exists():
            return str(file)
        found = PurePosixPath()
        for part in PurePosixPath(file).parts:
            folder = self.root / found
            if not (folder / part).exists():
                part = self._names(folder).get(normalised(part)) if folder.is_dir() else None
                if part is None:
                    return None
            found /= part
        return str(found)

    def find_moved(self, path: str, before: Iterable[str]) -> str | None:
        """A file that lay elsewhere, by the end of its path: the longest that is there.

        Parameters
        ----------
        path : str
            Where the file was, in the style of any system.
        before : iterable of str
            The folders that held such files. What is below the one that held this file is looked
            for as a whole, so that ``drums.wav`` is never that of another song. For a file that was
            in none of them, this is its name and one folder, as Scaper has them.

        Returns
        -------
        str or None
            As of :meth:`find`.
        """
        file = parts(path)
        below = [
            len(file) - len(folder)
            for folder in map(parts, before)
            if folder and file[: len(folder)] == folder != file
        ]
        for length in range(len(file), min(below, default=2) - 1, -1):
            if found := self.find(PurePosixPath(*file[len(file) - length :])):
                return found
        return None
