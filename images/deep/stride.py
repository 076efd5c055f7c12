"""A convolution with a stride: fewer outputs than inputs. Animated."""

from images.deep.parts import cells, frame, sliding
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        260,
        "A convolution with a stride of two",
        "A window of three cells moves over nine inputs, two cells at a time, and gives four "
        "outputs.",
    )
    left, size = 118, 36
    drawing.text((20, 72), "input", size=SMALL)
    drawing.text((20, 190), "output", size=SMALL)
    cells(drawing, (left, 50), 9, size)
    for i in range(4):
        cells(drawing, (left + size + 2 * i * size, 168), 1, size)
    window = frame((left - 4, 46), (3 * size + 4, size + 4), "drums", fill=True)
    path = f'<path class="line" d="M{left + 1.5 * size - 2:g},90 V162" stroke-width="2"/>'
    out = frame((left + size - 4, 164), (size + 4, size + 4), "drums", fill=True)
    sliding(drawing, "stride", 2 * size, 4, window + path + out)
    words = "kernel 3, stride 2: (9 − 3) // 2 + 1 = 4 outputs"
    drawing.text((280, 242), words, size=SMALL, anchor="middle", muted=True)
    drawing.text((280, 26), "the window moves two steps at a time", anchor="middle", bold=True)
    return drawing
