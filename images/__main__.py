"""Draw every picture beside the code that draws it: ``python -m images``."""

import importlib
import os
import pkgutil
from pathlib import Path

import images
from images.kit import Drawing

HERE = Path(__file__).parent


def drawings() -> dict[Path, Drawing]:
    """Every picture: where it belongs, and its drawing."""
    found = {}
    for module in pkgutil.walk_packages(images.__path__, "images."):
        if module.name == __name__ or module.name.endswith("__main__"):
            continue
        draw = getattr(importlib.import_module(module.name), "draw", None)
        if draw:
            found[HERE.joinpath(*module.name.split(".")[1:]).with_suffix(".svg")] = draw()
    return found


def main() -> None:
    for path, drawing in drawings().items():
        part = path.with_suffix(".part")
        part.write_text(drawing.svg(), encoding="utf-8", newline="\n")
        os.replace(part, path)
        print(path.relative_to(HERE.parent))


if __name__ == "__main__":
    main()
