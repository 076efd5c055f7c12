"""Every notebook is as the conventions want it; see CONTRIBUTING.md."""

import ast
import json
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book"))
import address  # noqa: E402
import conventions  # noqa: E402

ADDRESS = "https://github.com/someone/her-copy"
NOTEBOOKS = conventions.notebooks()
each_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=[str(path.relative_to(ROOT)) for path in NOTEBOOKS]
)
STANDARD_LIBRARY = sys.stdlib_module_names


def code_cells(path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def pages():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"]] + [
        chapter["file"] for part in toc["parts"] for chapter in part["chapters"]
    ]


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 2


@each_notebook
def test_outputs_metadata_and_first_cell(path):
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    as_wanted = [
        nbformat.writes(conventions.normalised(notebook, one), indent=1) + "\n"
        for one in (address.address(), None)
    ]
    assert text in as_wanted, "run: make notebooks"
    assert not any(cell.outputs or cell.execution_count for cell in code_cells(path))
    for cell in json.loads(text)["cells"]:
        assert set(cell["metadata"]) <= {"tags"}


@each_notebook
def test_the_package_is_imported_before_any_other(path):
    imported = []
    for cell in code_cells(path)[1:]:
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                imported += [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                imported.append(node.module.split(".")[0])
    others = [name for name in imported if name not in STANDARD_LIBRARY]
    assert others and others[0] == "tutorial_utils"
    assert not {"nussl", "scaper", "soxbindings"} & set(others), "reach them through compat"


@each_notebook
def test_no_cell_hides_an_error(path):
    for cell in code_cells(path):
        assert "raises-exception" not in cell.metadata.get("tags", [])
    for cell in code_cells(path)[1:]:
        nodes = list(ast.walk(ast.parse(cell.source)))
        assert not any(isinstance(node, ast.ExceptHandler) for node in nodes)


@each_notebook
def test_every_chapter_says_how_long_it_takes_and_has_exercises(path):
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    assert "You will be able to" in text
    assert "## Summary" in text and "## Exercises" in text and "Solution" in text


def test_every_page_in_the_table_of_contents_exists_and_none_is_left_out():
    files = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for suffix in ("md", "ipynb")
        for path in (ROOT / "book").rglob(f"*.{suffix}")
        if not path.is_relative_to(ROOT / "book" / "_static")
    }
    assert set(pages()) == files


def run_first_cell(monkeypatch, in_colab, address=ADDRESS):
    """Run the first cell in IPython, and return what it asked of pip."""
    shell = InteractiveShell()
    commands = []
    shell.register_magic_function(commands.append, "line", "pip")
    if in_colab:
        monkeypatch.setitem(sys.modules, "google.colab", object())
    shell.run_cell(conventions.first_cell(address)).raise_error()
    return commands


@pytest.mark.parametrize("address", [ADDRESS, None])
def test_the_first_cell_does_nothing_elsewhere(monkeypatch, address):
    assert run_first_cell(monkeypatch, in_colab=False, address=address) == []


def test_the_first_cell_installs_in_colab(monkeypatch):
    (command,) = run_first_cell(monkeypatch, in_colab=True)
    stand_in = f"git+{ADDRESS}#subdirectory=requirements/soxbindings"
    assert command.split() == ["install", "-q", stand_in, f"git+{ADDRESS}"]


def test_the_first_cell_says_in_colab_that_there_is_no_address(monkeypatch):
    with pytest.raises(RuntimeError, match="no address"):
        run_first_cell(monkeypatch, in_colab=True, address=None)


def test_the_conventions_clear_what_does_not_belong(tmp_path):
    cell = nbformat.v4.new_code_cell(
        "1 + 1",
        execution_count=3,
        outputs=[nbformat.v4.new_output("stream", text="2")],
        metadata={"tags": ["b", "a"], "collapsed": True},
    )
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"x": 1})
    clean = conventions.normalised(notebook, ADDRESS)
    assert [c.source for c in clean.cells] == [conventions.first_cell(ADDRESS), "1 + 1"]
    assert clean.cells[1].outputs == [] and clean.cells[1].execution_count is None
    assert clean.cells[1].metadata == {"tags": ["a", "b"]}
    assert set(clean.metadata) == {"kernelspec", "language_info"}
    assert conventions.normalised(clean, ADDRESS) == clean
    moved = conventions.normalised(clean, None)
    assert [c.source for c in moved.cells] == [conventions.first_cell(None), "1 + 1"]
