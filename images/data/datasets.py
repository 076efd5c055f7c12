"""Sets that are made of other sets: whose songs are in which."""

from images.kit import SMALL, Drawing

WIDTH = 152
HEIGHT = 50
COLUMNS = (20, 204, 388)


def draw() -> Drawing:
    drawing = Drawing(
        560,
        640,
        "Sets that are made of other sets",
        "The Mixing Secrets library gave 100 songs to DSD100, and these went into MUSDB18. "
        "MedleyDB gave 46 songs to MUSDB18, two more sources gave 2 each. MUSDB18 was published "
        "again as MUSDB18-HQ, whose test songs became MUSDB-XL. MedleyDB also became MedleyVox. "
        "MoisesDB became SDXDB23. MIDI files of the Lakh collection became Slakh2100. The player "
        "of CocoChorales was trained on URMP.",
    )
    first, second, third = COLUMNS

    _set(drawing, first, 20, "Mixing Secrets", "a library")
    _set(drawing, second, 20, "DSD100", "100 songs")
    _set(drawing, third, 100, "MUSDB18", "150 songs", strong=True)
    _set(drawing, third, 200, "MUSDB18-HQ", "the same, in WAV")
    _set(drawing, third, 300, "MUSDB-XL", "its tests, louder")
    _across(drawing, first, 45, second)
    drawing.arrow((second + WIDTH, 45), (third + WIDTH / 2, 45), (third + WIDTH / 2, 97))
    drawing.text((third + 10, 37), "100", size=SMALL, muted=True)
    _down(drawing, third, 150, 197)
    _down(drawing, third, 250, 297)

    _set(drawing, first, 100, "MedleyDB", "122 songs")
    _across(drawing, first, 125, third)
    drawing.text((third - 6, 117), "46", size=SMALL, anchor="end", muted=True)
    _set(drawing, second, 180, "two others", "stem packs")
    drawing.line((second + WIDTH, 205), (366, 205), (366, 140))
    drawing.arrow((366, 140), (third - 3, 140))
    drawing.text((third - 12, 160), "4", size=SMALL, muted=True)

    _set(drawing, first, 200, "MedleyVox", "several voices")
    _down(drawing, first, 150, 197)

    for top, here, there, dashed in (
        (400, ("MoisesDB", "240 songs"), ("SDXDB23", "203, with errors"), False),
        (480, ("Lakh", "MIDI files"), ("Slakh2100", "played by samplers"), False),
        (560, ("URMP", "44 pieces"), ("CocoChorales", "played by a model"), True),
    ):
        _set(drawing, first, top, *here)
        _set(drawing, second, top, *there, width=WIDTH + 22)
        drawing.arrow((first + WIDTH, top + 25), (second - 3, top + 25), muted=dashed)
    drawing.text((second + WIDTH + 34, 590), "trained on it", size=SMALL, muted=True)
    return drawing


def _set(drawing, left, top, name, note, *, strong=False, width=WIDTH):
    drawing.box((left, top), (width, HEIGHT), (name, note), strong=strong)


def _across(drawing, left, height, right):
    drawing.arrow((left + WIDTH, height), (right - 3, height))


def _down(drawing, left, top, bottom):
    drawing.arrow((left + WIDTH / 2, top), (left + WIDTH / 2, bottom))
