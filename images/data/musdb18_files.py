"""One song of MUSDB18: five coded streams in one file; and of MUSDB18-HQ: five files."""

from images import signals
from images.kit import SMALL, Drawing

LABELS = ("mixture", "drums", "bass", "other", "vocals")


def draw() -> Drawing:
    drawing = Drawing(
        560,
        412,
        "A song of MUSDB18 and of MUSDB18-HQ",
        "Left, MUSDB18: one file, Artist - Title.stem.mp4, with five streams, mixture, drums, "
        "bass, other and vocals. Each passed through an AAC codec of its own. Right, MUSDB18-HQ: a "
        "folder, Artist - Title, with five wav files of the same names and nothing in between.",
    )
    sounds = {"mixture": signals.mixture(), **signals.stems()}
    drawing.text((20, 32), "MUSDB18", bold=True)
    drawing.text((20, 54), "Title.stem.mp4: one file", size=SMALL, muted=True)
    drawing.text((316, 32), "MUSDB18-HQ", bold=True)
    drawing.text((316, 54), "Title/: a folder, five files", size=SMALL, muted=True)
    drawing.box((14, 66), (268, 332))
    drawing.box((310, 66), (236, 332), dashed=True)
    for row, label in enumerate(LABELS):
        top = 76 + 64 * row
        gain = 0.6 if label == "mixture" else 1.0
        drawing.text((24, top + 33), str(row), muted=True)
        drawing.wave((44, top + 8), (84, 40), sounds[label], label, gain=gain)
        drawing.arrow((128, top + 28), (147, top + 28))
        drawing.box((150, top + 10), (54, 36), ("AAC",), strong=True)
        drawing.text((212, top + 33), label, size=SMALL)
        drawing.wave((320, top + 8), (110, 40), sounds[label], label, gain=gain)
        drawing.text((438, top + 33), f"{label}.wav", size=SMALL)
    return drawing
