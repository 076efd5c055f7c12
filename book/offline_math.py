"""Sphinx extension: serve the mathematics from the book, not from another host.

MathJax comes with the package ``sphinx-mathjax-offline``. Used as an extension, that package copies
all variants of MathJax, 24 MB; the book needs one of them, its TeX extensions and its fonts, 2 MB.
``_config.yml`` sets ``mathjax_path`` to what is copied here.
"""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from sphinx.application import Sphinx

WANTED = ("tex-chtml.js", "input/tex/extensions", "output/chtml/fonts")


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Copy what is wanted of MathJax to the built book's static files."""
    if error or app.builder.format != "html":
        return
    with as_file(
        files("sphinx-mathjax-offline") / "static" / "mathjax"
    ) as mathjax:
        for name in WANTED:
            source, target = (
                mathjax / name,
                Path(app.outdir, "_static", "mathjax", name),
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, target)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
