"""A transposed convolution: each input writes the kernel, and overlaps are summed."""

from images.deep.parts import cells
from images.kit import SMALL, Drawing
from tutorial_utils.plots import colour


def draw() -> Drawing:
    drawing = Drawing(
        560,
        400,
        "Transposed convolutions and their checkerboard",
        "Above: four inputs with a stride of two and a kernel of three. Neighbouring copies of the "
        "kernel overlap in every second output, which gets two contributions where the others get "
        "one. Below: with a kernel of four every inner output gets two contributions.",
    )
    labels = ("vocals", "bass", "drums", "other")
    for kernel, top, title in (
        (3, 30, "kernel 3, stride 2: uneven"),
        (4, 220, "kernel 4, stride 2: even"),
    ):
        left, size = 118, 36
        drawing.text((20, top), title, bold=True)
        for i, label in enumerate(labels):
            for k in range(kernel):
                x, y = left + (2 * i + k) * size, top + 14 + 18 * (i % 2)
                drawing.shape(
                    f'<rect x="{x:g}" y="{y:g}" width="{size - 4}" height="14" rx="3" '
                    f'fill="{colour(label)}"/>'
                )
        count = 6 + kernel
        counts = [sum(0 <= n - 2 * i < kernel for i in range(4)) for n in range(count)]
        drawing.text((20, top + 40), "copies", size=SMALL)
        drawing.text((20, top + 98), "how many", size=SMALL)
        cells(drawing, (left, top + 74), count, size, words=[str(number) for number in counts])
    return drawing
