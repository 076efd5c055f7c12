"""The book's mark: a cable that opens into its four wires. It is the favicon too."""

from images import signals
from images.kit import Drawing
from tutorial_utils.plots import colour


def draw() -> Drawing:
    drawing = Drawing(
        64, 64, "Music source separation", "A cable opens into four wires.", paper=False
    )
    for label, end in zip(signals.stems(), (9, 24, 40, 55), strict=True):
        drawing.shape(
            f'<path d="M14,32 C36,32 30,{end} 58,{end}" fill="none" stroke="{colour(label)}" '
            'stroke-width="8" stroke-linecap="round"/>'
        )
    drawing.shape(
        f'<path d="M9,32 H22" fill="none" stroke="{colour("mixture")}" stroke-width="14" '
        'stroke-linecap="round"/>'
    )
    return drawing
