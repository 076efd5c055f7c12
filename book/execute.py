"""Execute the notebooks of the book side by side, and keep the results for Jupyter Book.

Jupyter Book executes one notebook after the other, and takes from its cache those that did not
change. So the cache is filled here first, by as many kernels at once as there are processors. Each
kernel computes with one thread, so that they do not take the processors from each other.

Kernels that run at the same time keep what Numba compiles in different folders. Two processes that
compile one of librosa's generalised ufuncs at once leave a mixture of both versions in a folder
that they share, and every process that loads it from there dies.
"""

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import (
    CellExecutionError,
    CellTimeoutError,
    DeadKernelError,
)
from nbformat import NotebookNode

ONE_THREAD = {
    f"{library}_NUM_THREADS": "1"
    for library in ("OMP", "MKL", "OPENBLAS", "NUMBA", "VECLIB_MAXIMUM")
}
_SECONDS = "execution_seconds"  # as MyST-NB calls it


def execute(
    notebooks: dict[str, Path],
    folder: Path,
    timeout: int,
    environment: dict[str, str],
) -> tuple[dict[str, float], bool]:
    """Execute the notebooks that the cache does not hold yet.

    Parameters
    ----------
    notebooks : {name: path}
    folder : Path
        That of Jupyter Book's cache.
    timeout : int, in seconds
        For each cell.
    environment : dict
        Of the kernels, which get ONE_THREAD besides.

    Returns
    -------
    seconds : {name: float}
        What executing each notebook took, now or when it was put into the cache.
    whole : bool
        False if a notebook failed; what is wrong was printed.
    """
    cache = get_cache(folder)
    seconds, missing = {}, {}
    for name, path in notebooks.items():
        notebook = nbformat.read(path, as_version=4)
        record = None
        with suppress(KeyError):
            record = cache.match_cache_notebook(notebook)
        if record is None:
            missing[name] = notebook
        else:
            seconds[name] = record.data[_SECONDS]
    whole = True
    kernels = min(_processors(), len(missing) or 1)
    compiled = (
        SimpleQueue()
    )  # the folders that no kernel uses at the moment
    for number in range(kernels):
        compiled.put(folder.parent / "numba" / str(number))
    with ThreadPoolExecutor(kernels) as pool:
        running = {
            pool.submit(
                _execute,
                notebook,
                notebooks[name].parent,
                timeout,
                environment,
                compiled,
            ): name
            for name, notebook in missing.items()
        }
        for done in as_completed(running):
            name = running[done]
            took, error = done.result()
            print(f"{took:5.0f} s  {name}", flush=True)
            if error:
                whole = False
                print(error, file=sys.stderr, flush=True)
                continue
            seconds[name] = took
            cache.cache_notebook_bundle(
                CacheBundleIn(
                    missing[name],
                    str(notebooks[name]),
                    data={_SECONDS: took},
                ),
                check_validity=False,
                overwrite=True,
            )
    return seconds, whole


def _execute(
    notebook: NotebookNode,
    folder: Path,
    timeout: int,
    environment: dict[str, str],
    compiled: SimpleQueue,
) -> tuple[float, str]:
    """Execute a notebook in place: the seconds that it took, and what went wrong."""
    began = time.monotonic()
    error = ""
    numba = compiled.get()
    environment = {
        **environment,
        **ONE_THREAD,
        "NUMBA_CACHE_DIR": str(numba),
        "PYTHONFAULTHANDLER": "1",  # A kernel that dies says where.
    }
    # What a kernel says on its own is of use only where it died: it goes to a file.
    with tempfile.TemporaryFile("w+") as log:
        # The cache knows a notebook by its cells and their metadata: no times may be added to it.
        client = NotebookClient(
            notebook,
            timeout=timeout,
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute(env=environment, stdout=log, stderr=log)
        except (CellExecutionError, CellTimeoutError) as failure:
            error = str(failure)
        except DeadKernelError as failure:
            log.seek(0)
            error = f"{failure}\n{log.read()[-4000:]}"
    compiled.put(numba)
    return time.monotonic() - began, error


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
