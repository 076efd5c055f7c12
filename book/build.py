"""Build the book: execute every notebook, fail on any warning, and say where the result lies.

    python book/build.py                       the whole book
    python book/build.py book/data/scaper      one chapter, for its author

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

from address import address
from conventions import knows
from execute import execute
from tutorial_utils import tinystems

import yaml

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
MADE_WITH = BUILD / ".made-with"
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
CACHE = ROOT / CONFIG["execute"]["cache"]
ENVIRONMENT = {
    **os.environ,
    # A page shows a progress bar's beginning and end, not each of its steps.
    "TQDM_MININTERVAL": "3600",
    # Nobody moves a control while the book is built: see tutorial_utils.widgets.
    "TUTORIAL_UTILS_STATIC": "1",
}
# One chapter on its own cannot reach the others; Sphinx need not say so for every link.
ALONE = ["ref", "myst.xref_missing", "toc.not_included", "bibtex"]


def main() -> int:
    if len(sys.argv) > 2:
        print(__doc__, file=sys.stderr)
        return 2
    only = sys.argv[1].removesuffix(".ipynb") if len(sys.argv) > 1 else None
    if only and only not in chapters():
        print(
            f"There is no chapter '{only}'. There are: {', '.join(chapters())}.",
            file=sys.stderr,
        )
        return 2
    forget_what_changed()
    tinystems.build()
    pages = [only] if only else chapters()
    notebooks = {
        page: ROOT / f"{page}.ipynb"
        for page in pages
        if (ROOT / f"{page}.ipynb").is_file()
    }
    seconds, whole = execute(
        notebooks, CACHE, CONFIG["execute"]["timeout"], ENVIRONMENT
    )
    if not whole:
        print("The book was not built: a notebook failed.", file=sys.stderr)
        return 1
    html = pages_of(only, notebooks)
    if html is None:
        print(
            "The book was not built: see the errors and warnings above.",
            file=sys.stderr,
        )
        return 1
    for page in pages:
        size = (html / f"{page}.html").stat().st_size / 1e6
        took = f"{seconds[page]:4.0f} s" if page in seconds else "      "
        print(f"{took} {size:6.2f} MB  {page}")
    print(f"The book is in {html / (only or 'index')}.html")
    return 0


def chapters() -> list[str]:
    """All pages of the book, in order."""
    return [TOC["root"]] + [
        chapter["file"]
        for part in TOC["parts"]
        for chapter in part["chapters"]
    ]


def forget_what_changed() -> None:
    """Throw away what was made with another package, lock or songs."""
    made_with = fingerprint()
    if not MADE_WITH.is_file() or MADE_WITH.read_text() != made_with:
        # The pages as well: Sphinx keeps those whose notebooks did not change.
        for made in (CACHE, BUILD / ".doctrees", BUILD / "html"):
            shutil.rmtree(made, ignore_errors=True)
    BUILD.mkdir(exist_ok=True)
    MADE_WITH.write_text(made_with)


def fingerprint() -> str:
    """A hash of all that the notebooks' outputs depend on, apart from the notebooks."""
    digest = hashlib.sha256(os.environ.get("MUSDB_PATH", "").encode())
    package = (
        path
        for path in (ROOT / "tutorial_utils").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    for path in [*sorted(package), ROOT / "requirements" / "lock.txt"]:
        digest.update(
            str(path.relative_to(ROOT)).encode() + path.read_bytes()
        )
    return digest.hexdigest()


def pages_of(only: str | None, notebooks: dict[str, Path]) -> Path | None:
    """Write the pages of the whole book or of one chapter: their folder, or None."""
    place = BUILD / "chapter" if only else ROOT
    (BUILD / "made").mkdir(exist_ok=True)
    config, toc = (
        BUILD / "made" / "_config.yml",
        BUILD / "made" / "_toc.yml",
    )
    config.write_text(yaml.safe_dump(configuration(only, notebooks)))
    toc.write_text(
        yaml.safe_dump(
            {"format": "jb-book", "root": only} if only else TOC,
            sort_keys=False,
        )
    )
    command = [
        Path(sys.executable).with_name("jupyter-book"),
        *("build", ROOT, "--config", config, "--toc", toc),
        *("--path-output", place, "--quiet"),
    ]
    if not only:
        command += ["--warningiserror", "--nitpick", "--keep-going"]
    # What it says on standard output helps where it failed, and only there.
    said = subprocess.run(
        command,
        env=ENVIRONMENT,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    if said.returncode:
        print(said.stdout)
        return None
    return place / "_build" / "html"


def configuration(only: str | None, notebooks: dict[str, Path]) -> dict:
    """The book's configuration, with the buttons that lead to the repository if it has one."""
    config = {**CONFIG, "html": {**CONFIG["html"]}}
    if here := address():
        config["repository"] = {"url": here, "branch": "main"}
        config["html"] |= {
            "use_repository_button": True,
            "use_issues_button": True,
            "use_edit_page_button": True,
        }
        # Colab opens notebooks as they were committed: they have to know the address as well.
        if all(knows(path, here) for path in notebooks.values()):
            config["launch_buttons"] = {
                "colab_url": "https://colab.research.google.com"
            }
    sphinx = CONFIG["sphinx"]
    config["sphinx"] = {
        # Their folders are given relative to the file, and the file is elsewhere now.
        "local_extensions": {
            name: str(ROOT / folder)
            for name, folder in sphinx["local_extensions"].items()
        },
        "config": dict(sphinx["config"]),
    }
    if only:
        config["sphinx"]["config"]["suppress_warnings"] = ALONE
    return config


if __name__ == "__main__":
    sys.exit(main())
