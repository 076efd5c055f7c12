"""What is kept between runs: where it lies, and how several processes share it."""

import os
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_dir
from tqdm import tqdm


def home() -> Path:
    """Folder for everything that is kept between runs: ``$TUTORIAL_UTILS_HOME`` or the cache."""
    kept = os.environ.get("TUTORIAL_UTILS_HOME") or user_cache_dir("tutorial_utils")
    return Path(kept).expanduser()


@contextmanager
def exclusive(folder: Path, waiting: str | None = None):
    """Let one process at a time work in a folder (the lock goes when its process ends).

    Parameters
    ----------
    folder : Path
        It exists; the lock is its file ``.lock``.
    waiting : str, optional
        Printed if another process holds the lock, before waiting for it.
    """
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if waiting:
            tqdm.write(waiting)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
