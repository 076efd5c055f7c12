"""Two ways to keep a training set: what is done once, what lies on the disk, what every epoch."""

import numpy as np

from images import signals
from images.kit import SMALL, Drawing
from tutorial_utils.plots import colour

LEFT, RIGHT, WIDTH = 20, 300, 240


def draw() -> Drawing:
    drawing = Drawing(
        560,
        592,
        "Stored spectrograms and a table of mixtures",
        "Two columns, each from songs down to the model. On the left mixtures are drawn, rendered "
        "and turned into spectrograms once; many large files lie on the disk, and every epoch "
        "reads them. On the right mixtures are only drawn once; a small table lies on the disk, "
        "and every epoch reads the songs, renders the mixtures and computes the spectrograms.",
    )
    for x, words in ((LEFT, "stored spectrograms"), (RIGHT, "table of mixtures")):
        drawing.text((x + WIDTH / 2, 30), words, anchor="middle", bold=True)
        _songs(drawing, x)
        drawing.arrow((x + 120, 111), (x + 120, 141))
        drawing.arrow((x + 120, 214), (x + 120, 244))
        drawing.arrow((x + 120, 377), (x + 120, 405))
        drawing.arrow((x + 120, 477), (x + 120, 505))
    drawing.box((LEFT, 144), (WIDTH, 68), ("draw, render, transform", "once"))
    drawing.box((RIGHT, 144), (WIDTH, 68), ("draw", "once"))

    drawing.box((LEFT, 247), (WIDTH, 128), strong=True)
    for row in range(3):
        for column in range(7):
            _spectrogram(drawing, (LEFT + 12 + 31.5 * column, 258 + 29 * row), 7 * row + column)
    drawing.text((LEFT + 120, 364), "a large file a mixture", anchor="middle", size=SMALL)

    drawing.box((RIGHT, 247), (WIDTH, 128), strong=True)
    for row, label in enumerate(signals.stems()):
        _row(drawing, (RIGHT + 52, 262 + 20 * row), label)
    drawing.text((RIGHT + 120, 364), "a few lines a mixture", anchor="middle", size=SMALL)

    # The songs are read again in every epoch.
    right = RIGHT + WIDTH
    drawing.arrow((right + 1, 75), (right + 13, 75), (right + 13, 442), (right + 2, 442))
    drawing.box((LEFT, 408), (WIDTH, 68), ("read", "every epoch"))
    drawing.box((RIGHT, 408), (WIDTH, 68), ("read, render, transform", "every epoch"))
    drawing.box((LEFT, 508), (520, 68), ("model", "the same batches from both"), strong=True)
    return drawing


def _songs(drawing, x):
    for column, (label, stem) in enumerate(signals.stems().items()):
        drawing.wave((x + 61 * column, 44), (57, 62), stem, label)


def _spectrogram(drawing, at, seed):
    """A small spectrogram: bands of overtones that end with the notes."""
    x, y = at
    random = np.random.default_rng(seed)
    drawing.shape(
        f'<rect x="{x:.1f}" y="{y:.1f}" width="27" height="25" rx="3" fill="{colour("mixture")}" '
        'fill-opacity="0.2"/>'
    )
    for note in range(3):
        lowest = random.integers(3, 7)
        for height in range(lowest, 25, lowest):
            strength = 0.95 * np.exp(-height / 14)
            drawing.shape(
                f'<rect x="{x + 1 + 8.5 * note:.1f}" y="{y + 24 - height:.1f}" width="7.5" '
                f'height="2" fill="{colour("mixture")}" fill-opacity="{strength:.2f}"/>'
            )


def _row(drawing, at, label):
    """A row of the table: its cells, the first in the colour of its source."""
    x, y = at
    for column, width in enumerate((34, 26, 26, 20, 22)):
        opacity = 1 if column == 0 else 0.25
        drawing.shape(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{width}" height="15" rx="3" '
            f'fill="{colour(label)}" fill-opacity="{opacity}"/>'
        )
        x += width + 3
