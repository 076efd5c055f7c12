"""Several processes that train one model, each on its part of every batch.

PyTorch's own ``DistributedDataParallel`` does the work, with processes that ``torchrun`` starts:
one dependency fewer than an engine, and what happens between processes stays in sight. A process
knows its place from the environment that ``torchrun`` sets.
"""

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist


@dataclass(frozen=True)
class Place:
    """Which of how many processes this one is."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes what there is to write."""
        return self.rank == 0

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """The mean over all processes of a number that each has."""
        if self.world == 1:
            return value.detach()
        value = value.detach().clone()
        dist.all_reduce(value)
        return value / self.world

    def gathered(self, thing) -> list:
        """What each process has, in the order of their ranks."""
        if self.world == 1:
            return [thing]
        found = [None] * self.world
        dist.all_gather_object(found, thing)
        return found

    def wait(self) -> None:
        """Until all processes are here."""
        if self.world > 1:
            dist.barrier()


def is_first() -> bool:
    """Whether this process is the one, or the first, that trains."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def place(device: torch.device):
    """This process's place, and its connection to the others for as long as it trains."""
    world = int(os.environ.get("WORLD_SIZE", 1))
    if world == 1:
        yield Place()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Place(dist.get_rank(), world)
    finally:
        dist.destroy_process_group()


def device_of(name: str | None) -> torch.device:
    """The device of this process: a GPU of its own, where there are some."""
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and "LOCAL_RANK" in os.environ:
        name = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(name)
    return torch.device(name)


def started(devices: int, arguments: list[str]) -> int:
    """Run ``tutorial-utils`` with these arguments in several processes; their exit status."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={devices}", "-m", "tutorial_utils", *arguments]
    threads = os.environ.get("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // devices)))
    return subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": threads}).returncode
