"""How recorded tracks become stems, stems the mixture, and that mastering comes after the sum."""

from images import signals
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        512,
        "From tracks to stems to the mixture",
        "Six recorded tracks, kick, snare, bass, piano, guitar and voice, each pass a box for gain "
        "and effects. What comes out adds up to four stems: kick and snare to drums, bass to bass, "
        "piano and guitar to other, voice to vocals. The sum of the stems is the mixture. "
        "Mastering, drawn dashed, is a further step after the sum: it works on the mixture as a "
        "whole and gives the released recording, which is no sum of the stems.",
    )
    drawing.text((20, 30), "tracks", bold=True)
    drawing.text((118, 30), "mixing", bold=True)
    drawing.text((232, 30), "stems", bold=True)

    hub, radius, middle = 392, 20, 214
    row = 0
    for number, (label, tracks) in enumerate(signals.tracks().items()):
        centre = 76 + 62 * (row + (len(tracks) - 1) / 2)
        for name, track in tracks.items():
            top = 42 + 62 * row
            drawing.text((20, top + 13), name, size=SMALL)
            drawing.wave((20, top + 19), (74, 30), track, label)
            drawing.arrow((96, top + 34), (116, top + 34), label=label)
            drawing.box((118, top + 12), (76, 44), ("gain", "effects"))
            if len(tracks) == 1:
                drawing.arrow((196, centre), (229, centre), label=label)
            else:
                drawing.curve((196, top + 34), (229, centre), label=label)
            row += 1
        drawing.text((232, centre - 27), label, size=SMALL)
        drawing.wave((232, centre - 21), (110, 42), signals.stems()[label], label)
        aside = 9.5 * (number - 1.5)
        edge = hub - (radius**2 - aside**2) ** 0.5 - 2
        drawing.curve((344, centre), (edge, middle + aside), label=label)
    drawing.circle((hub, middle), radius, "+")
    drawing.arrow((hub + radius + 2, middle), (432, middle))
    drawing.text((435, middle - 38), "mixture", bold=True)
    drawing.wave((435, middle - 30), (105, 60), signals.mixture(), "mixture", gain=0.6)

    drawing.arrow((488, middle + 34), (488, 300), muted=True)
    drawing.box((435, 302), (105, 58), ("mastering", "of the sum"), dashed=True)
    drawing.arrow((488, 362), (488, 416), muted=True)
    drawing.wave((435, 419), (105, 54), signals.mastered(), "mixture", dashed=True)
    drawing.text((421, 442), "released recording", anchor="end")
    drawing.text((540, 496), "no longer the sum of the stems", size=SMALL, anchor="end", muted=True)
    return drawing
