"""Coherent and incoherent mixtures: where in the songs their stems are cut."""

from images import signals
from images.kit import SMALL, Drawing
from tutorial_utils.plots import colour

SONGS = ("song A", "song B", "song C")
LENGTH = 60  # px
# Of each stem of the incoherent mixture: its song, and where it begins in it.
ALONE = {"drums": (0, 30), "bass": (2, 86), "other": (1, 122), "vocals": (0, 138)}


def draw() -> Drawing:
    drawing = Drawing(
        560,
        540,
        "Coherent and incoherent mixtures",
        "Two columns. In each, three songs are drawn as four lanes: drums, bass, other and vocals. "
        "On the left, a coherent mixture takes all four stems from the second song, at the same "
        "time. On the right, an incoherent mixture takes each stem from a song and a time of its "
        "own. Below each column is the mixture.",
    )
    _column(drawing, 20, "coherent", {label: (1, 92) for label in ALONE})
    _column(drawing, 300, "incoherent", ALONE)
    for number, label in enumerate(ALONE):
        x = 110 + 90 * number
        drawing.shape(f'<circle cx="{x}" cy="516" r="6" fill="{colour(label)}"/>')
        drawing.text((x + 13, 521), label, size=SMALL)
    return drawing


def _lane(x, y, width):
    """A thin line on which a stem lies."""
    return f'<rect x="{x}" y="{y - 0.5}" width="{width}" height="1" class="muted"/>'


def _column(drawing, left, name, cuts):
    width = 240
    drawing.text((left, 30), name, bold=True)
    for number, song in enumerate(SONGS):
        top = 44 + 104 * number
        drawing.box((left, top), (width, 94))
        drawing.text((left + 10, top + 21), song, size=SMALL, muted=True)
        for lane, (label, stem) in enumerate(signals.stems().items()):
            y = top + 28 + 16 * lane
            drawing.shape(_lane(left + 10, y + 7, width - 20))
            chosen, start = cuts[label]
            if chosen == number:
                part = stem[: len(stem) // 2]
                drawing.wave((left + 10 + start, y), (LENGTH, 14), part, label)
    middle = left + width / 2
    drawing.arrow((middle, 350), (middle, 384))
    drawing.wave((left + 60, 388), (120, 52), signals.mixture(), "mixture", gain=0.6)
    words = ("one song, one time,", "one shift, one stretch")
    if name == "incoherent":
        words = ("any songs, any times,", "each stem by itself")
    for row, line in enumerate(words):
        drawing.text((middle, 463 + 20 * row), line, anchor="middle", size=SMALL, muted=True)
