"""Attention: every frame asks all others."""

from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        380,
        "Self-attention",
        "Each frame gives a query, a key and a value. A query is compared with the keys of all "
        "frames; the shares that result weight the values, whose sum is the output.",
    )
    drawing.box((216, 16), (128, 52), ("frames", "M × features"), strong=True)
    for x, name, use in (
        (60, "queries", "what I look for"),
        (216, "keys", "what I am"),
        (372, "values", "what I give"),
    ):
        drawing.box((x, 118), (128, 52), (name, use))
        drawing.arrow((280, 70), (280, 92), (x + 64, 92), (x + 64, 115))
    drawing.box((110, 222), (180, 52), ("all with all", "M × M, softmax"), strong=True)
    drawing.arrow((124, 172), (124, 200), (170, 200), (170, 219))
    drawing.arrow((280, 172), (280, 200), (230, 200), (230, 219))
    drawing.box((346, 222), (180, 52), ("weighted sum", "M × features"), strong=True)
    drawing.arrow((292, 248), (343, 248))
    drawing.arrow((436, 172), (436, 219))
    drawing.arrow((436, 276), (436, 320))
    drawing.text((436, 344), "output", anchor="middle", bold=True)
    for row, words in enumerate(
        (
            "The path between any two frames is one step long;",
            "the price is a table of M × M numbers.",
        )
    ):
        drawing.text((20, 326 + 22 * row), words, size=SMALL, muted=True)
    return drawing
