"""How stems become a mix, and that mastering comes after the sum."""

from images import signals
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        480,
        "Mixing stems into a mix",
        "Each of four stems, drums, bass, other and vocals, passes its own gain and effects. Their "
        "sum is the mixture. Mastering, drawn dashed, is a further step after the sum: it works on "
        "the mixture as a whole and gives the released recording, which is no sum of the stems.",
    )
    drawing.text((20, 30), "stems", bold=True)
    drawing.text((172, 30), "mixing", bold=True)

    middle = 212
    hub, radius = 344, 22
    for row, (label, stem) in enumerate(signals.stems().items()):
        top = 43 + 82 * row
        centre = top + 46
        drawing.text((20, top + 16), label)
        drawing.wave((20, top + 24), (118, 44), stem, label)
        drawing.arrow((141, centre), (169, centre), label=label)
        drawing.box((172, centre - 22), (84, 44), ("gain", "effects"))
        aside = 10.5 * (row - 1.5)
        edge = hub - (radius**2 - aside**2) ** 0.5 - 2
        drawing.curve((258, centre), (edge, middle + aside), label=label)
    drawing.circle((hub, middle), radius, "+")
    drawing.arrow((hub + radius + 2, middle), (396, middle))
    drawing.text((399, middle - 40), "mixture")
    drawing.wave((399, middle - 32), (141, 64), signals.mixture(), "mixture", gain=0.6)

    drawing.arrow((470, middle + 36), (470, 284), muted=True)
    drawing.box((399, 286), (141, 60), ("mastering", "compress, limit"), dashed=True)
    drawing.arrow((470, 348), (470, 402), muted=True)
    drawing.wave((399, 405), (141, 54), signals.mastered(), "mixture", dashed=True)
    drawing.text((385, 428), "released recording", anchor="end")
    drawing.text((385, 449), "no longer the sum of the stems", size=SMALL, anchor="end", muted=True)
    return drawing
