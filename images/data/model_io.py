"""What goes into a separation model, and what comes out."""

from images import signals
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        398,
        "The inputs and outputs of a separation model",
        "One mixture, an array of the shape (channels, samples), goes into a trained model. Out of "
        "it come four estimates: drums, bass, other and vocals. Each has the mixture's shape.",
    )
    drawing.text((20, 172), "mixture", bold=True)
    drawing.text((380, 30), "estimates", bold=True)

    middle = 212
    drawing.wave((20, middle - 32), (160, 64), signals.mixture(), "mixture", gain=0.6)
    drawing.text((100, middle + 54), "(channels, samples)", size=SMALL, anchor="middle", muted=True)

    drawing.arrow((184, middle), (220, middle))
    drawing.box((222, middle - 50), (100, 100), ("model", "trained"), strong=True)

    for row, (label, estimate) in enumerate(signals.estimates().items()):
        top = 43 + 82 * row
        drawing.text((380, top + 16), label)
        drawing.wave((380, top + 24), (160, 44), estimate, label)
        drawing.curve((324, middle + 16 * (row - 1.5)), (377, top + 46), label=label)
    drawing.text((540, 384), "each of the same shape", size=SMALL, anchor="end", muted=True)
    return drawing
