"""What is kept between runs: where it lies, and how several processes share it.

Songs that were composed or decoded once, and functions that were compiled once, lie in the user's
cache folder. On a cluster or in a container there may be none that can be written to. Then they
lie among the temporary files.
"""

import importlib.util
import os
import stat
import sys
import tempfile
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

from tutorial_utils import files

HOME = "TUTORIAL_UTILS_HOME"
"""The environment variable that names the folder for everything that is kept."""

_NUMBA = "NUMBA_CACHE_DIR"


def home() -> Path:
    """The folder for everything that is kept between runs.

    It is the one that ``$TUTORIAL_UTILS_HOME`` names, or the user's cache folder. Where that
    cannot be written to, it is a folder among the temporary files, and a warning says so.

    Raises
    ------
    OSError
        If there is none of them, or the variable names a home that does not exist.
    """
    if named := os.environ.get(HOME):
        return files.expanded(named)
    usual = _user_cache("tutorial_utils")
    # One that is there may hold what is looked for, even if nothing can be added to it.
    if _can_hold(usual) or usual.is_dir():
        return usual
    folder = _own_temporary()
    if folder is None:
        raise PermissionError(
            f"Neither {usual} nor the folder of temporary files can be written to. Set {HOME} to "
            "a folder that can."
        )
    warnings.warn(
        f"{usual} cannot be written to. Songs that are composed or decoded lie in {folder} until "
        f"the system clears it. To keep them, set {HOME} to a folder that can be written to.",
        stacklevel=2,
    )
    return folder


@contextmanager
def exclusive(folder: Path, waiting: str | None = None):
    """Let one process at a time work in a folder (the lock goes when its process ends).

    Parameters
    ----------
    folder : Path
        It is made if it is not there. The lock is its file ``.lock``.
    waiting : str, optional
        Printed if another process holds the lock, before waiting for it.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    from filelock import FileLock, Timeout
    from tqdm import tqdm

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if waiting:
                tqdm.write(waiting)
            lock.acquire()
    except OSError as error:
        cure = f"set {HOME} to" if _is_kept(folder) else "choose"
        raise files.named(error, folder, f"{cure} a folder that can be written to") from error
    try:
        yield
    finally:
        lock.release()


def _is_kept(folder):
    """Is this a place that was chosen for the user?"""
    with suppress(OSError):
        return folder.is_relative_to(home())
    return False


def compiled(function):
    """Compile a function with Numba when it is first called, and keep the result.

    Mathematics is fast, so the function may not rely on NaN or infinity.
    """
    import numba

    dispatcher = numba.njit(fastmath=True)(function)
    try:
        dispatcher.enable_caching()  # As njit(cache=True) does.
    except RuntimeError:  # There is no place, so each process compiles the function anew.
        return dispatcher
    # Where the disk is full, or a quota is reached, Numba raises an error in place of the result.
    # And two processes that save at the same time may give one name to two versions.
    kept = dispatcher._cache
    save = kept.save_overload

    def save_if_possible(*arguments):
        from filelock import FileLock

        with suppress(OSError), FileLock(Path(kept.cache_path, f".{function.__name__}.lock")):
            save(*arguments)

    kept.save_overload = save_if_possible
    return dispatcher


def keep_compiled() -> None:
    """Give Numba a place for what it compiles, where it would find none.

    Numba keeps compiled functions beside their source files or in the user's cache folder. Where it
    can write to neither, librosa cannot even be imported ("cannot cache function ...: no locator
    available"), and with it the player and the plots. The variable ``NUMBA_CACHE_DIR`` names
    another folder. It is set here only in this case, in which nothing that asks Numba to keep
    something works without it. So it changes nothing for code that does work.
    """
    named = os.environ.get(_NUMBA)
    if _beside_sources() or _can_hold(_user_cache("numba")) or (named and _can_hold(Path(named))):
        return
    folder = None if named else _own_temporary()
    if folder is None:
        warnings.warn(
            "Numba has no place to keep compiled functions, without which librosa, the player and "
            f"the plots do not work. Set {_NUMBA} to a folder that can be written to.",
            stacklevel=2,
        )
        return
    os.environ[_NUMBA] = str(folder / "numba")
    if numba := sys.modules.get("numba"):
        numba.config.reload_config()


def _beside_sources():
    """Can compiled functions be kept beside the sources of librosa and of this package?"""
    librosa = importlib.util.find_spec("librosa")
    folders = [Path(__file__).parent, *map(Path, librosa.submodule_search_locations)]
    return all(_can_hold(folder / "__pycache__") for folder in folders)


def _user_cache(name):
    from platformdirs import user_cache_dir

    return Path(user_cache_dir(name, appauthor=False))


def _can_hold(folder):
    """Can files be written to this folder, which need not exist yet?"""
    # Without HOME and an entry for the user, the path begins with a tilde, below any folder.
    if not folder.is_absolute():
        return False
    for place in (folder, *folder.parents):
        if os.path.lexists(place):
            return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    return False


def _own_temporary():
    """This user's own folder among the temporary files, the same for all processes, or None."""
    name = f"tutorial_utils-{os.getuid()}" if hasattr(os, "getuid") else "tutorial_utils"
    try:
        folder = Path(tempfile.gettempdir(), name)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    # Compiled functions that lie there are run. Nobody else may have put them there.
    if hasattr(os, "getuid") and (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid != os.getuid()
        or stat.S_IMODE(found.st_mode) & 0o077
    ):
        return None
    return folder
