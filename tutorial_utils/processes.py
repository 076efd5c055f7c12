"""How many processes share some work, and that none of them outlives the one that started it."""

import functools
import multiprocessing
import os
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import joblib

_LOOK = 0.5  # seconds from one look at the process above to the next


def how_many(wanted: int | None, parts: int) -> int:
    """How many processes to start: never more than there are parts of the work, or cores.

    Parameters
    ----------
    wanted : int or None
        In joblib's way of counting: -1 is one for each core; None is what
        ``joblib.parallel_config`` says, and one without it.
    parts : int
        Of the work.

    Returns
    -------
    int
        1 or more. Where joblib hands the work to a cluster, its cores are counted.
    """
    return max(1, min(joblib.effective_n_jobs(wanted), joblib.effective_n_jobs(-1), parts))


@contextmanager
def explained():
    """Say what to do if a worker is ended from outside.

    Raises
    ------
    ChildProcessError
        Such an error is an OSError.
    """
    try:
        yield
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "A process that did part of the work was ended from outside, as by a system that is "
            "short of memory. What is complete stays. Call this again, with fewer processes."
        ) from error


def end_with(asker: int) -> None:
    """Let a worker end as soon as the process that started it has ended, however that was.

    joblib's workers notice it only when they ask for more work, or after minutes without any. Until
    then they write files, beside those of the next run, and keep their memory.

    Parameters
    ----------
    asker : int
        The number of the process that asks for the work. A worker that another process started,
        such as one of a cluster, is left alone, as is that process itself.
    """
    above = multiprocessing.parent_process()
    if above is not None and above.pid == asker:
        _watch(os.getpid())


@functools.cache
def _watch(own):  # Once in a process. One that is forked from it has another number.
    threading.Thread(target=_end, args=[multiprocessing.parent_process()], daemon=True).start()


def _end(above):
    if os.name == "posix":
        # Who loses its parent is given another. (The handle that join waits for is not always set.)
        while os.getppid() == above.pid:
            time.sleep(_LOOK)
    else:
        above.join()
    os._exit(1)
