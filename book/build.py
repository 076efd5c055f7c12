"""Build the book: execute every notebook, fail on any warning, and say where the result lies.

The songs that the notebooks use are composed first, where they are not there yet, so that no
notebook has to wait for them.

Executed notebooks are cached and executed again only when they changed. The cache knows nothing of
the package that they call, so it is thrown away when the package, the lock or the songs changed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tutorial_utils import tinystems

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"
MADE_WITH = BUILD / ".made-with"


def fingerprint() -> str:
    """A hash of all that the notebooks' outputs depend on, apart from the notebooks."""
    digest = hashlib.sha256(os.environ.get("MUSDB_PATH", "").encode())
    package = (
        path
        for path in (ROOT / "tutorial_utils").rglob("*")
        if path.is_file()
    )
    for path in [*sorted(package), ROOT / "requirements" / "lock.txt"]:
        if "__pycache__" not in path.parts:
            digest.update(
                str(path.relative_to(ROOT)).encode() + path.read_bytes()
            )
    return digest.hexdigest()


def main() -> int:
    made_with = fingerprint()
    if not MADE_WITH.is_file() or MADE_WITH.read_text() != made_with:
        # The pages as well: Sphinx keeps those whose notebooks did not change.
        for made in (CACHE, BUILD / ".doctrees", BUILD / "html"):
            shutil.rmtree(made, ignore_errors=True)
    BUILD.mkdir(exist_ok=True)
    MADE_WITH.write_text(made_with)
    tinystems.build()
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    command = [
        jupyter_book,
        "build",
        ROOT,
        "--warningiserror",
        "--nitpick",
        "--keep-going",
    ]
    environment = {
        **os.environ,
        # A page shows a progress bar's beginning and end, not each of its steps.
        "TQDM_MININTERVAL": "3600",
        # Nobody moves a control while the book is built: see tutorial_utils.widgets.
        "TUTORIAL_UTILS_STATIC": "1",
    }
    status = subprocess.run(command, env=environment).returncode
    if status:
        print(
            "The book was not built: see the errors and warnings above.",
            file=sys.stderr,
        )
        return status
    print(f"The book is in {BUILD / 'html' / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
