"""MUSDB18's 150 songs: where they come from, and in which split they are."""

from images.kit import SMALL, Drawing
from tutorial_utils.plots import colour

LEFT, RIGHT = 20, 540
SONGS = 150
SOURCES = (("DSD100", 100, "drums"), ("MedleyDB", 46, "other"), ("", 4, "vocals"))
SPLITS = (("training", 86, "bass"), ("", 14, "estimate"), ("test", 50, "accompaniment"))


def draw() -> Drawing:
    drawing = Drawing(
        560,
        268,
        "The songs of MUSDB18",
        "Two bars of the same length, 150 songs. Above, where they come from: 100 from DSD100, 46 "
        "from MedleyDB and 4 from two other sources. Below, how they are divided: 100 in the "
        "folder train, of which 14 are kept for validation, and 50 in the folder test.",
    )
    drawing.text((LEFT, 32), "where they come from", bold=True)
    _bar(drawing, 46, SOURCES)
    drawing.text((RIGHT, 114), "4: others", size=SMALL, anchor="end", muted=True)
    drawing.text((LEFT, 156), "how they are divided", bold=True)
    _bar(drawing, 170, SPLITS)
    middle = _place(86 + 14 / 2)
    drawing.text((middle, 198), "14", size=SMALL, anchor="middle")
    drawing.text((middle, 162), "validation", size=SMALL, anchor="middle", muted=True)
    _brace(drawing, 0, 100, "train/")
    _brace(drawing, 100, 150, "test/")
    return drawing


def _place(songs: float) -> float:
    return LEFT + songs * (RIGHT - LEFT) / SONGS


def _bar(drawing, top, parts):
    before = 0
    for name, songs, label in parts:
        start, end = _place(before), _place(before + songs)
        shade = colour(label)
        drawing.shape(
            f'<rect x="{start + 1:.1f}" y="{top}" width="{end - start - 2:.1f}" height="46" rx="5" '
            f'fill="{shade}" fill-opacity="0.2" stroke="{shade}"/>'
        )
        if name:
            words = f"{name} {songs}"
            drawing.text(((start + end) / 2, top + 28), words, size=SMALL, anchor="middle")
        before += songs


def _brace(drawing, first, last, words):
    start, end = _place(first) + 2, _place(last) - 2
    drawing.line((start, 222), (start, 230), (end, 230), (end, 222))
    drawing.text(((start + end) / 2, 250), words, size=SMALL, anchor="middle", muted=True)
