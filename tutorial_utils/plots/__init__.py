"""What the book draws: one palette and one style for every figure.

Importing this package changes nothing in matplotlib. The style holds only while one of the
functions draws, and every function draws on the axes that it is given, or on a new figure.

Figures follow light and dark pages. They are drawn in black on white, and :func:`picture` turns
exactly these two into variables of the SVG, which a page in dark colours swaps. All colours of the
palette have a contrast of at least 3:1 on both pages, so they stay as they are.

A figure without a description is lost on those who cannot see it, so in the book a figure is put on
the page by ``picture(figure, alt="what there is to see")``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "canvas": ["style"],
        "experiments": ["answers"],
        "palette": ["COLOURS", "FONTS", "PAGES", "colour"],
        "pictures": ["Picture", "picture"],
        "results": ["score_table", "scores", "training_curves"],
        "signals": ["mask", "sources", "spectrogram", "waveform"],
    },
)
