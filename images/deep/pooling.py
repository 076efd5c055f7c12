"""Max pooling: the largest of each group."""

from images.deep.parts import cells
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        250,
        "Max pooling",
        "Eight numbers in four pairs; below, the larger one of each pair. A second row shows the "
        "same numbers moved by one place within their pairs, with the same result.",
    )
    left, size = 130, 46
    rows = ((2, 5, 1, 0, 7, 3, 4, 4), (5, 2, 0, 1, 3, 7, 4, 4))
    for row, numbers in enumerate(rows):
        y = 24 + 62 * row
        drawing.text((20, y + 27), ("input", "changed")[row], size=SMALL)
        for i, number in enumerate(numbers):
            largest = number == max(numbers[i // 2 * 2 : i // 2 * 2 + 2])
            cells(
                drawing,
                (left + i * size + 8 * (i // 2), y),
                1,
                size,
                label="drums",
                filled=(0,) if largest else (1,),
                words=(str(number),),
            )
    drawing.text((20, 185), "both give", size=SMALL)
    for i, number in enumerate((5, 1, 7, 4)):
        x = left + (2 * i + 0.5) * size + 8 * i
        cells(drawing, (x, 158), 1, size, label="drums", filled=(0,), words=(str(number),))
    words = "where in its pair a number stands makes no difference"
    drawing.text((280, 236), words, size=SMALL, anchor="middle", muted=True)
    return drawing
