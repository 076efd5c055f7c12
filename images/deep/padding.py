"""A convolution with padding: as many outputs as inputs. Animated."""

from images.deep.parts import cells, frame, sliding
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        260,
        "A convolution with padding",
        "One zero is put before and one behind seven inputs. A window of three cells then has "
        "seven places, and gives as many outputs as there are inputs.",
    )
    left, size = 118, 36
    drawing.text((20, 72), "input", size=SMALL)
    drawing.text((20, 190), "output", size=SMALL)
    cells(drawing, (left, 50), 9, size, label="other", filled=(0, 8), words=("0", *7 * ("",), "0"))
    cells(drawing, (left + size, 168), 7, size)
    window = frame((left - 4, 46), (3 * size + 4, size + 4), "bass", fill=True)
    path = f'<path class="line" d="M{left + 1.5 * size - 2:g},90 V162" stroke-width="2"/>'
    out = frame((left + size - 4, 164), (size + 4, size + 4), "bass", fill=True)
    sliding(drawing, "padding", size, 7, window + path + out)
    words = "kernel 3, padding 1 on each side: 7 inputs give 7 outputs"
    drawing.text((280, 242), words, size=SMALL, anchor="middle", muted=True)
    drawing.text((280, 26), "zeros at the ends keep the length", anchor="middle", bold=True)
    return drawing
