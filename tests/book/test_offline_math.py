"""The mathematics of the built book come from the book."""

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

BOOK = Path(__file__).parents[2] / "book"


@pytest.fixture
def extension():
    spec = importlib.util.spec_from_file_location("offline_math", BOOK / "offline_math.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(tmp_path, builder="html"):
    return SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(format=builder))


def test_what_the_page_loads_is_copied(extension, tmp_path):
    for _ in range(2):  # a rebuild finds the files there
        extension.copy_mathjax(build(tmp_path), None)
    configured = re.search(r"mathjax_path: (\S+)", (BOOK.parent / "_config.yml").read_text())[1]
    mathjax = (tmp_path / "_static" / configured).parent
    assert (mathjax / Path(configured).name).stat().st_size > 1_000_000
    assert len(list(mathjax.rglob("*.woff"))) > 15
    assert (mathjax / "input" / "tex" / "extensions" / "boldsymbol.js").is_file()
    assert sum(file.stat().st_size for file in mathjax.rglob("*") if file.is_file()) < 4_000_000


@pytest.mark.parametrize(("builder", "error"), [("latex", None), ("html", RuntimeError())])
def test_nothing_is_copied_where_it_is_not_wanted(extension, tmp_path, builder, error):
    extension.copy_mathjax(build(tmp_path, builder), error)
    assert not list(tmp_path.iterdir())
