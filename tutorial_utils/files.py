"""Files and folders that appear whole or not at all.

A file is written under a temporary name beside its place, and a folder of files in a workshop on
the same disk. Only when everything is written does it get its name. So what is there is whole,
whatever stops the process, and what is missing is made by the next run.
"""

import os
import shutil
import uuid
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

_LITTER = {"thumbs.db", "desktop.ini", "icon\r", "__macosx"}


def is_litter(name: str) -> bool:
    """Is this a file that systems leave in folders, such as ``.DS_Store``, or a hidden one?"""
    return name.startswith(".") or name.lower() in _LITTER


def expanded(path) -> Path:
    """A path whose ``~`` or ``~user`` is the home of that user.

    Raises
    ------
    FileNotFoundError
        If there is no such user, or the user has no home.
    """
    path = Path(path)
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise FileNotFoundError(
            f"{path}: '{path.parts[0]}' stands for nobody's home. Write the path in full."
        ) from error


def named(error: OSError, path, cure: str = "") -> OSError:
    """The same error of the system's, which names a path, and perhaps says what to do."""
    if error.errno is None:  # One of our own, with a message that says all.
        return error
    reason = f"{error.strerror} ({cure})" if cure else error.strerror
    return OSError(error.errno, reason, str(path))


@contextmanager
def whole_file(path: Path):
    """Give the path of a temporary file, which is renamed to ``path`` at the end.

    Raises
    ------
    OSError
        If the disk is full, or the folder cannot be written to. The error names ``path``.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise named(error, path) from error


@contextmanager
def whole_folder(workshop: Path, place: Path, names: Iterable[str]):
    """Give a new folder in a workshop, which is renamed to ``place`` at the end.

    Parameters
    ----------
    workshop : Path
        A folder on the same disk.
    place : Path
        If another process puts the same folder there meanwhile, that one stays.
    names : iterable of str
        The files that the folder has to hold by then.

    Raises
    ------
    OSError
        If the disk is full, the place is taken by something else, or :func:`clear` was called for
        the workshop meanwhile.
    """
    new = workshop / uuid.uuid4().hex
    new.mkdir(parents=True)
    try:
        yield new
        if lost := {*names} - {*os.listdir(new)}:
            raise FileNotFoundError(
                f"{new / min(lost)} was removed before its folder was complete."
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(new, place)
        except OSError:
            # A process that outlived its run may have finished the same folder meanwhile.
            if not (place.is_dir() and {*names} <= {*os.listdir(place)}):
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)


def clear(workshop: Path) -> None:
    """Remove a workshop with all that is unfinished, of this run and of others that were killed.

    Their processes may still write there. So it is renamed first: nothing of it can be given its
    final name while it is being removed.
    """
    with suppress(FileNotFoundError):
        os.rename(workshop, f"{workshop}.{uuid.uuid4().hex}")
    for old in workshop.parent.glob(f"{workshop.name}.*"):
        shutil.rmtree(old, ignore_errors=True)
