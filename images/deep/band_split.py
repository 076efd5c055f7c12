"""Band split: narrow bands below, wide ones above, and two directions to read in."""

from itertools import pairwise

from images.kit import SMALL, Drawing
from tutorial_utils.plots import colour


def draw() -> Drawing:
    drawing = Drawing(
        560,
        400,
        "Band-split networks",
        "A spectrogram is cut into bands, narrow at low frequencies and wide at high ones. Each "
        "band of each frame becomes a vector of the same size. Layers read these along the frames, "
        "then along the bands, and again. Each band then gives its part of the mask.",
    )
    edges = (0, 8, 16, 24, 36, 50, 70, 98, 138, 190, 260)
    labels = ("bass", "drums", "vocals", "other")
    drawing.text((95, 28), "spectrogram", anchor="middle", bold=True)
    drawing.text((300, 28), "bands × frames", anchor="middle", bold=True)
    for i, (low, high) in enumerate(pairwise(edges)):
        shade = colour(labels[i % 4])
        drawing.shape(
            f'<rect x="40" y="{320 - high}" width="110" height="{high - low - 2}" '
            f'fill="{shade}" fill-opacity="0.35" stroke="{shade}"/>'
        )
        y = 320 - 26 * (i + 1)
        for m in range(5):
            drawing.shape(
                f'<rect x="{240 + 24 * m}" y="{y}" width="20" height="22" rx="3" '
                f'fill="{shade}" fill-opacity="0.35" stroke="{shade}"/>'
            )
    drawing.arrow((158, 190), (232, 190))
    drawing.text((195, 178), "linear", size=SMALL, anchor="middle", muted=True)
    drawing.arrow((366, 190), (412, 190))
    drawing.box((415, 96), (130, 60), ("along frames", "LSTM, attention"), strong=True)
    drawing.box((415, 224), (130, 60), ("along bands", "LSTM, attention"), strong=True)
    drawing.arrow((450, 158), (450, 221))
    drawing.arrow((510, 222), (510, 159))
    drawing.text((480, 312), "by turns", size=SMALL, anchor="middle", muted=True)
    words = "each band then gives its part of a complex mask"
    drawing.text((280, 372), words, size=SMALL, anchor="middle", muted=True)
    return drawing
