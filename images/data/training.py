"""How a separation model is trained, and that evaluation looks at the same difference."""

from images import signals
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        430,
        "Training a separation model",
        "Stems are summed to a mixture, the mixture goes into the model, the model gives an "
        "estimate of each stem. The difference between the estimates and the stems is the loss, "
        "and the loss says how to update the model. Evaluation measures the same difference, on "
        "songs that the model has not seen, and updates nothing.",
    )
    drawing.text((20, 30), "stems", bold=True)
    drawing.text((408, 30), "estimates", bold=True)

    # One line collects the stems on the left, another one the estimates on the right.
    left, right, loss = 154, 542, 342
    estimates = signals.estimates()
    for row, (label, stem) in enumerate(signals.stems().items()):
        top = 42 + 62 * row
        centre = top + 38
        drawing.text((20, top + 15), label, size=SMALL)
        drawing.wave((20, top + 21), (120, 34), stem, label)
        drawing.line((142, centre), (left, centre))
        drawing.curve((346, 204 + 14 * (row - 1.5)), (405, centre), label=label)
        drawing.text((408, top + 15), label, size=SMALL)
        drawing.wave((408, top + 21), (120, 34), estimates[label], label)
        drawing.line((530, centre), (right, centre))
    drawing.arrow((left, 266), (left, 80), (172, 80))
    drawing.arrow((left, 266), (left, loss), (206, loss))
    drawing.arrow((right, 80), (right, loss), (364, loss))

    drawing.circle((190, 80), 16, "+")
    drawing.arrow((208, 80), (225, 80))
    drawing.text((228, 47), "mixture", size=SMALL)
    drawing.wave((228, 54), (116, 52), signals.mixture(), "mixture", gain=0.6)
    drawing.arrow((286, 109), (286, 168))
    drawing.box((228, 170), (116, 68), ("model",), strong=True)
    drawing.box((209, loss - 29), (152, 58), ("loss", "the difference"))
    drawing.arrow((286, loss - 31), (286, 241), muted=True)
    drawing.text((296, 283), "update", size=SMALL)

    for row, words in enumerate(
        (
            "Evaluation measures the same difference",
            "on songs that the model has not seen, and updates nothing.",
        )
    ):
        drawing.text((280, 398 + 20 * row), words, anchor="middle", size=SMALL, muted=True)
    return drawing
