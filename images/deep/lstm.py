"""The cell of an LSTM: a memory, and three gates."""

from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        420,
        "An LSTM cell",
        "A memory runs from left to right along the top. A forget gate multiplies it, then an "
        "input gate adds new content. An output gate decides what of it becomes the state, which "
        "leaves to the right. All gates read the present frame and the state from before.",
    )
    drawing.text((20, 74), "memory", size=SMALL)
    drawing.text((20, 94), "c(m − 1)", size=SMALL, muted=True)
    drawing.arrow((88, 80), (145, 80))
    drawing.circle((165, 80), 18, "×")
    drawing.arrow((185, 80), (275, 80))
    drawing.circle((295, 80), 18, "+")
    drawing.arrow((315, 80), (500, 80))
    drawing.text((506, 85), "c(m)", size=SMALL, muted=True)
    drawing.box((112, 190), (106, 52), ("forget", "sigmoid"), strong=True)
    drawing.arrow((165, 188), (165, 101))
    drawing.box((232, 190), (126, 52), ("new content", "input · tanh"), strong=True)
    drawing.arrow((295, 188), (295, 101))
    drawing.box((372, 190), (106, 52), ("output", "sigmoid"), strong=True)
    drawing.arrow((425, 188), (425, 159))
    drawing.circle((425, 140), 18, "×")
    drawing.arrow((445, 140), (500, 140))
    drawing.text((506, 145), "h(m)", size=SMALL, muted=True)
    drawing.arrow((385, 82), (385, 140), (404, 140))
    drawing.text((378, 116), "tanh", size=SMALL, anchor="end", muted=True)
    drawing.line((40, 310), (425, 310))
    for x in (165, 295, 425):
        drawing.arrow((x, 310), (x, 245))
    drawing.text((20, 340), "state h(m − 1) and frame x(m)", size=SMALL)
    for row, words in enumerate(
        (
            "Gates lie between 0 and 1: what to keep, to add, and to show.",
            "The memory is only multiplied and added to, so it can last.",
        )
    ):
        drawing.text((280, 382 + 22 * row), words, size=SMALL, anchor="middle", muted=True)
    return drawing
