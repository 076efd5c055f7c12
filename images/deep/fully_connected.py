"""A fully connected layer: every output is a weighted sum of all inputs."""

from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        330,
        "A fully connected layer",
        "Five inputs in a column on the left, three outputs on the right. A line leads from every "
        "input to every output: each line is a weight.",
    )
    inputs = [(150, 60 + 52 * i) for i in range(5)]
    outputs = [(410, 86 + 78 * i) for i in range(3)]
    for x, y in inputs:
        for u, v in outputs:
            drawing.shape(f'<path class="line" d="M{x},{y} L{u},{v}" stroke-opacity="0.45"/>')
    for places in (inputs, outputs):
        for x, y in places:
            drawing.shape(f'<circle class="panel strong" cx="{x}" cy="{y}" r="17"/>')
    drawing.text((150, 28), "5 inputs", anchor="middle", bold=True)
    drawing.text((410, 28), "3 outputs", anchor="middle", bold=True)
    drawing.text((280, 28), "5 × 3 weights", anchor="middle", size=SMALL, muted=True)
    words = "y = activation(W x + b): each output has a bias of its own, too"
    drawing.text((280, 314), words, anchor="middle", size=SMALL, muted=True)
    return drawing
