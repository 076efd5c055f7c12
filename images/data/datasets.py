"""Datasets that are made of other datasets: whose songs are in which."""

from images.kit import SMALL, Drawing

WIDTH = 152
HEIGHT = 50
COLUMNS = (20, 204, 388)


def draw() -> Drawing:
    drawing = Drawing(
        560,
        720,
        "Datasets that are made of other datasets",
        "The Mixing Secrets library gave 100 songs to DSD100, and these went into MUSDB18. "
        "RawStems, by a red arrow, is a copy of the same library's raw tracks. MedleyDB gave 46 "
        "songs to MUSDB18, and two more sources gave 2 each. MUSDB18 was published again as "
        "MUSDB18-HQ, which became MUSDB-XL and musdb-XL-train, and MUSDB25 builds its songs anew. "
        "MedleyDB also became MedleyVox. MoisesDB became SDXDB23. MIDI files of the Lakh "
        "collection became Slakh2100. The player of CocoChorales was trained on URMP.",
    )
    first, second, third = COLUMNS

    _dataset(drawing, first, 20, "Mixing Secrets", "a library")
    _dataset(drawing, second, 20, "DSD100", "100 songs")
    _dataset(drawing, second, 100, "RawStems", "578 songs, raw")
    _dataset(drawing, third, 180, "MUSDB18", "150 songs", strong=True)
    drawing.arrow((first + WIDTH, 45), (second - 3, 45))
    drawing.arrow((96, 72), (96, 125), (second - 3, 125), label="vocals")
    middle = third + WIDTH / 2
    drawing.arrow((second + WIDTH, 45), (middle, 45), (middle, 177))
    drawing.text((third + 10, 37), "100", size=SMALL, muted=True)

    _dataset(drawing, first, 180, "MedleyDB", "122 songs")
    _dataset(drawing, first, 280, "MedleyVox", "several voices")
    drawing.arrow((first + WIDTH, 205), (third - 3, 205))
    drawing.text((third - 12, 197), "46", size=SMALL, anchor="end", muted=True)
    _down(drawing, first, 230)
    _dataset(drawing, second, 280, "two others", "stem packs")
    drawing.arrow((second + WIDTH, 305), (370, 305), (370, 220), (third - 3, 220))
    drawing.text((364, 250), "4", size=SMALL, anchor="end", muted=True)

    _dataset(drawing, third, 280, "MUSDB18-HQ", "the same, in WAV")
    _dataset(drawing, third, 380, "MUSDB-XL", "and -train, loud")
    _dataset(drawing, second, 380, "MUSDB25", "built anew")
    _down(drawing, third, 230)
    _down(drawing, third, 330)
    drawing.arrow((third + 20, 332), (third + 20, 355), (280, 355), (280, 377))

    for top, here, there, dashed in (
        (480, ("MoisesDB", "240 songs"), ("SDXDB23", "203, with errors"), False),
        (560, ("Lakh", "MIDI files"), ("Slakh2100", "played by samplers"), False),
        (640, ("URMP", "44 pieces"), ("CocoChorales", "played by a model"), True),
    ):
        _dataset(drawing, first, top, *here)
        _dataset(drawing, second, top, *there, width=WIDTH + 22)
        drawing.arrow((first + WIDTH, top + 25), (second - 3, top + 25), muted=dashed)
    drawing.text((second + WIDTH + 34, 670), "trained on it", size=SMALL, muted=True)
    return drawing


def _dataset(drawing, left, top, name, note, *, strong=False, width=WIDTH):
    drawing.box((left, top), (width, HEIGHT), (name, note), strong=strong)


def _down(drawing, left, bottom):
    """An arrow from the lower edge of a box to the next one."""
    drawing.arrow((left + WIDTH / 2, bottom + 2), (left + WIDTH / 2, bottom + 47))
