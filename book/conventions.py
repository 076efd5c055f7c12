"""What every notebook of the book has in common, checked and set.

``python book/conventions.py`` checks the notebooks; ``--write`` sets what can be set: outputs are
cleared, metadata reduced to the kernel and tags, and the first cell made one of the two below.
"""

import sys
from pathlib import Path

from address import address

import nbformat

ROOT = Path(__file__).resolve().parent.parent

# soxbindings is named first so that pip takes the stand-in and never compiles the real one.
WITH_ADDRESS = """\
# In Colab this installs the package; anywhere else it does nothing.
import sys

if "google.colab" in sys.modules:
    package = "git+{address}"
    stand_in = package + "#subdirectory=requirements/soxbindings"
    %pip install -q $stand_in $package\
"""
WITHOUT_ADDRESS = """\
# In Colab this would install the package; anywhere else it does nothing.
import sys

if "google.colab" in sys.modules:
    raise RuntimeError(
        "This copy of the book has no address to install its package from. "
        "Run it on your own computer, as its README says. (To publish it, "
        "set the address with: make notebooks)"
    )\
"""
FIRST_TAGS = ["remove-cell"]
METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def first_cell(address: str | None) -> str:
    """The first cell of every notebook of a copy with this address."""
    return (
        WITH_ADDRESS.format(address=address) if address else WITHOUT_ADDRESS
    )


def notebooks() -> list[Path]:
    """All notebooks of the book."""
    return sorted((ROOT / "book").rglob("*.ipynb"))


def knows(path: Path, address: str) -> bool:
    """Whether the first cell of a notebook installs from this address."""
    return nbformat.read(path, as_version=4).cells[0].source == first_cell(
        address
    )


def normalised(
    notebook: nbformat.NotebookNode, address: str | None
) -> nbformat.NotebookNode:
    """A copy of the notebook as it should be committed."""
    cells = []
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags")
        new = nbformat.v4.new_markdown_cell(cell.source)
        if cell.cell_type == "code":
            new = nbformat.v4.new_code_cell(cell.source)
        elif cell.cell_type != "markdown":
            raise ValueError(
                f"Cell {number} is a '{cell.cell_type}' cell; use code or Markdown."
            )
        if tags:
            new.metadata["tags"] = sorted(tags)
        cells.append(new)
    first = nbformat.v4.new_code_cell(
        first_cell(address), metadata={"tags": FIRST_TAGS}
    )
    if cells and "google.colab" in cells[0].source:
        cells.pop(0)
    cells.insert(0, first)
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number:02d}"
    return nbformat.v4.new_notebook(
        cells=cells, metadata=METADATA, nbformat_minor=5
    )


def main() -> int:
    wrong = 0
    here = address()
    for path in notebooks():
        notebook = nbformat.read(path, as_version=4)
        # A checkout need not know the address under which it will be published.
        as_wanted = [
            nbformat.writes(normalised(notebook, one), indent=1) + "\n"
            for one in (here, None)
        ]
        text = path.read_text(encoding="utf-8")
        writing = "--write" in sys.argv
        if text in as_wanted[: 1 if writing else None]:
            continue
        name = path.relative_to(ROOT)
        if writing:
            path.write_text(as_wanted[0], encoding="utf-8")
            print(f"{name}: set right")
        else:
            wrong += 1
            print(
                f"{name}: is not as book/conventions.py wants it; run: make notebooks"
            )
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
