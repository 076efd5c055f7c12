"""A convolution: one small set of weights, everywhere. Animated."""

from images.deep.parts import cells, frame, sliding
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        260,
        "A convolution of kernel three",
        "A window of three cells moves over a row of nine inputs, one cell at a time. At each "
        "place the three inputs are multiplied by the same three weights and summed to one of "
        "seven outputs.",
    )
    left, size = 118, 36
    drawing.text((20, 72), "input", size=SMALL)
    drawing.text((20, 190), "output", size=SMALL)
    cells(drawing, (left, 50), 9, size)
    cells(drawing, (left + size, 168), 7, size)
    window = frame((left - 4, 46), (3 * size + 4, size + 4), "vocals", fill=True)
    path = f'<path class="line" d="M{left + 1.5 * size - 2:g},90 V162" stroke-width="2"/>'
    out = frame((left + size - 4, 164), (size + 4, size + 4), "vocals", fill=True)
    sliding(drawing, "convolution", size, 7, window + path + out)
    words = "kernel 3, stride 1, no padding: 9 inputs give 9 − 3 + 1 = 7 outputs"
    drawing.text((280, 242), words, size=SMALL, anchor="middle", muted=True)
    drawing.text((280, 26), "the same three weights at every place", anchor="middle", bold=True)
    return drawing
