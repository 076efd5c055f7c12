import os
import signal
import subprocess
import sys
import time

import joblib
import pytest

from tutorial_utils import processes

CORES = joblib.cpu_count()


@pytest.mark.parametrize("wanted", [1, 2, 99_999, -1])
def test_there_are_never_more_processes_than_parts_or_cores(wanted):
    assert processes.how_many(wanted, 1) == 1
    assert processes.how_many(wanted, 10**6) == (CORES if wanted < 0 else min(wanted, CORES))
    assert processes.how_many(wanted, 0) == 1


def test_by_default_joblib_decides_as_far_as_there_are_cores():
    assert processes.how_many(None, 10**6) == 1
    with joblib.parallel_config("threading", n_jobs=99_999):
        assert processes.how_many(None, 10**6) == CORES


WORKERS = """
import os, pathlib, sys, time
import joblib
from tutorial_utils import processes

def work(asker, folder):
    processes.end_with(asker)
    pathlib.Path(folder, str(os.getpid())).touch()
    time.sleep(300)

if __name__ == "__main__":
    with joblib.parallel_config(sys.argv[1], n_jobs=2):
        joblib.Parallel()(joblib.delayed(work)(os.getpid(), sys.argv[2]) for _ in range(4))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("backend", "how"),
    [
        ("multiprocessing", signal.SIGKILL),
        pytest.param("loky", signal.SIGKILL, marks=pytest.mark.slow),
        pytest.param("loky", signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_workers_end_with_the_process_that_started_them(tmp_path, backend, how):
    script, folder = tmp_path / "work.py", tmp_path / "workers"
    script.write_text(WORKERS)
    folder.mkdir()
    command = [sys.executable, script, backend, folder]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len([*folder.iterdir()]) < 2:
        assert started.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    started.send_signal(how)
    # The workers have inherited the pipe: it is closed when the last of them has ended.
    started.communicate(timeout=15)
    assert started.returncode == -how


def test_the_process_that_asks_and_workers_of_others_are_left_alone(monkeypatch):
    monkeypatch.setattr(processes, "_watch", lambda own: pytest.fail("watched"))
    processes.end_with(os.getpid())
    with joblib.parallel_config("threading", n_jobs=2):
        joblib.Parallel()(joblib.delayed(processes.end_with)(os.getpid()) for _ in range(2))


@pytest.mark.slow
def test_a_worker_that_is_ended_from_outside_is_explained():
    with pytest.raises(ChildProcessError, match=r"short of memory.*with fewer processes"):
        with processes.explained():
            joblib.Parallel(2)(joblib.delayed(os._exit)(9) for _ in range(2))
