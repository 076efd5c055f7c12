"""The drawings: what is committed is what the code draws."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def drawings():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        from images.__main__ import drawings

        return drawings()


def test_committed_drawings_are_what_the_code_draws(drawings):
    assert set(drawings) == set((ROOT / "images").rglob("*.svg"))
    for path, drawing in drawings.items():
        assert path.read_text(encoding="utf-8") == drawing.svg(), f"{path.name}: run `make images`"


def test_drawings_have_a_title_a_description_and_stay_inside(drawings):
    space = "{http://www.w3.org/2000/svg}"
    for path, drawing in drawings.items():
        root = ElementTree.fromstring(drawing.svg())
        assert root.findtext(f"{space}title") and root.findtext(f"{space}desc"), path
        width, height = (float(number) for number in root.get("viewBox").split()[2:])
        for text in root.iter(f"{space}text"):
            assert float(text.get("font-size")) >= 15, text.text
        for box in root.iter(f"{space}rect"):
            right = float(box.get("x", 0)) + float(box.get("width"))
            bottom = float(box.get("y", 0)) + float(box.get("height"))
            assert 0 <= right <= width and 0 <= bottom <= height, path


def test_text_in_a_drawing_is_escaped(drawings):
    from images.kit import Drawing

    drawing = Drawing(10, 10, "<title>", "a & b")
    drawing.text((0, 0), "<script>")
    assert "<script>" not in drawing.svg()
    ElementTree.fromstring(drawing.svg())
