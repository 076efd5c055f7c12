"""``tutorial-utils doctor``: what this machine has, to be read, or pasted into a report."""

import platform
import shutil
import sys

from tutorial_utils.text import shown


def add(commands):
    parser = commands.add_parser(
        "doctor",
        help="say what this machine has and what that allows",
        description="Say what this machine has: versions, devices, programs, songs, the cache. The "
        "text holds no names but those of folders, and can be pasted into a bug report.",
    )
    parser.set_defaults(run=run)


def run(options):
    for name, found in report():
        print(f"{name:10} {shown(found)}")
    return 0


def report():
    """What there is, as pairs of a name and a text."""
    import os
    from importlib.metadata import PackageNotFoundError, version

    import torch

    from tutorial_utils import __version__, cache

    yield "package", f"tutorial_utils {__version__}"
    yield "python", f"{platform.python_version()} at {sys.executable}"
    yield "system", f"{platform.platform()}, {os.cpu_count()} cores"
    for name in ("torch", "numpy", "scipy", "librosa", "soundfile", "nussl", "scaper", "museval"):
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "not installed: install tutorial_utils again"
    yield "versions", _differing()
    devices = ["cpu"]
    devices += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    devices += ["mps"] if torch.backends.mps.is_available() else []
    yield "devices", ", ".join(devices)
    uses = {
        "ffmpeg": "reads mp4, MUSDB18's .stem.mp4 and the like",
        "sox": "lets Scaper itself render",
    }
    for program, use in uses.items():
        yield program, shutil.which(program) or f"not there; it {use}. Nothing else needs it"
    songs = os.environ.get("MUSDB_PATH")
    yield "songs", f"MUSDB_PATH={songs}" if songs else "TinyStems (MUSDB_PATH is not set)"
    folder = cache.home()
    free = shutil.disk_usage(_there(folder)).free / 2**30
    yield "cache", f"{folder} ({free:.1f} GiB free)"


def _differing():
    """Where versions are not those of the lock, or of the package's ranges where there is none."""
    from importlib.metadata import PackageNotFoundError, requires, version
    from pathlib import Path

    from packaging.requirements import Requirement

    lock = Path(__file__).parents[2] / "requirements" / "lock.txt"  # of a checkout
    if lock.is_file():
        lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line]
        source = "the lock"
    else:
        lines, source = requires("tutorial-utils"), "the package's requirements"
    wrong = []
    for needed in map(Requirement, lines):
        if needed.marker and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            here = version(needed.name)
        except PackageNotFoundError:
            here = "nothing"
        if here == "nothing" or not needed.specifier.contains(here, prereleases=True):
            wrong.append(f"{needed.name} {here} ({needed.specifier})")
    if not wrong:
        return f"as in {source}"
    return f"{len(wrong)} not as in {source}: {', '.join(wrong)}"


def _there(folder):
    """The folder, or the nearest above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.exists())
