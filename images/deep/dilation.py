"""A dilated convolution: the same few weights see further. Animated."""

from images.deep.parts import cells, frame, sliding
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        260,
        "A dilated convolution",
        "Three weights read every second cell of a row of nine inputs, so that they span five. "
        "They move one cell at a time and give five outputs.",
    )
    left, size = 118, 36
    drawing.text((20, 72), "input", size=SMALL)
    drawing.text((20, 190), "output", size=SMALL)
    cells(drawing, (left, 50), 9, size)
    cells(drawing, (left + 2 * size, 168), 5, size)
    markup = "".join(
        frame((left - 4 + 2 * i * size, 46), (size + 4, size + 4), "other", fill=True)
        + f'<path class="line" d="M{left + 2 * i * size + size / 2 - 2:g},90 '
        f'L{left + 2.5 * size - 2:g},162" stroke-width="2"/>'
        for i in range(3)
    )
    markup += frame((left + 2 * size - 4, 164), (size + 4, size + 4), "other", fill=True)
    sliding(drawing, "dilation", size, 5, markup)
    words = "kernel 3, dilation 2: it spans 5 inputs, with 3 weights"
    drawing.text((280, 242), words, size=SMALL, anchor="middle", muted=True)
    drawing.text((280, 26), "the weights reach further", anchor="middle", bold=True)
    return drawing
