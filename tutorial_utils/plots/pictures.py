"""Figures on the page: as SVG in its colours, with a description."""

from __future__ import annotations

import base64
import html
import io
import re
import urllib.parse

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from tutorial_utils.plots.canvas import style
from tutorial_utils.plots.palette import FONTS, PAGES

_HEAVY = 300_000  # characters: an SVG beyond this may be the larger form of the picture

_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


class Picture:
    """A picture with a description, ready for the page.

    Attributes
    ----------
    alt : str
        The description.
    html : str
        An ``<img>`` element that holds the whole picture: it needs no file and no network.
    """

    def __init__(self, alt: str, html: str):
        self.alt = alt
        self.html = html

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"


def picture(figure: Figure | Axes, alt: str) -> Picture:
    """Turn a figure into a picture with a description, in colours that follow the page.

    At the end of a cell it is shown, in the book, in Jupyter and in Colab. The figure is closed, so
    that Jupyter does not show it a second time, without its description.

    The picture is an SVG, or a PNG where that is smaller (a cloud of very many points). In an SVG,
    black and white become the page's ink and paper, if the browser lets pictures follow the page's
    ``color-scheme``; where it does not, the figure keeps a ground on which it can be read.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or matplotlib.axes.Axes
    alt : str
        What there is to see, for readers who cannot see it: not what kind of figure it is alone,
        but what one is to notice in it.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError
        If the description is empty.

    Examples
    --------
    >>> import numpy as np
    >>> import tutorial_utils as tu
    >>> ax = tu.plots.waveform(np.sin(np.arange(44100) / 50), 44100)
    >>> tu.plots.picture(ax, alt="Waveform of a tone of one second, even between -1 and 1.")
    Picture: Waveform of a tone of one second, even between -1 and 1.
    """
    if not alt or not alt.strip():
        raise ValueError("a picture needs a description: alt='what there is to see'")
    alt = " ".join(alt.split())
    figure = figure.figure if isinstance(figure, Axes) else figure
    source = _data_uri("image/svg+xml", _svg(figure))
    if len(source) > _HEAVY:
        shot = io.BytesIO()
        with style():
            figure.savefig(shot, format="png", dpi=150)
        source = min(source, _data_uri("image/png", shot.getvalue()), key=len)
    plt.close(figure)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Picture(
        alt,
        f'<img class="tu-figure dark-light" alt="{html.escape(alt)}" width="{width}" '
        f'height="{height}" style="max-width:100%;height:auto" src="{html.escape(source)}">',
    )


def _data_uri(kind: str, data: str | bytes) -> str:
    if isinstance(data, bytes):
        return f"data:{kind};base64,{base64.b64encode(data).decode()}"
    # Percent-encoded text is shorter than Base64, and much shorter once the server compresses it.
    return f"data:{kind}," + urllib.parse.quote(data, safe=" =:;,/?()'!*+$@&")


def _svg(figure: Figure) -> str:
    """The figure as SVG whose black and white are the page's ink and paper."""
    text = io.StringIO()
    with style():
        figure.savefig(text, format="svg", dpi=144, metadata=_NO_METADATA)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # A hundredth of a point is finer than any screen; matplotlib writes a millionth.
    svg = re.sub(r"(?<=data:image/png;base64,)[^\"]*", lambda image: _slim(image[0]), svg)
    svg = re.sub(r' d="[^"]*"', lambda path: _round(path[0]), svg)
    svg = re.sub(r"(font: [^;\"]*?px) [^;\"]*", r"\1 var(--fonts)", svg)
    svg = svg.replace("#000000", "var(--ink)").replace("#ffffff", "var(--paper)")
    svg = re.sub(r"\s+", " ", svg)
    sheet = "".join(
        f"@media {media}{{:root{{--ink:{page['ink']};--paper:{page['paper']}}}}}"
        for media, page in (("all", PAGES["light"]), ("(prefers-color-scheme:dark)", PAGES["dark"]))
    )
    # Matplotlib leaves black unsaid, for it is what SVG fills with by default.
    sheet += f":root{{--fonts:{FONTS};fill:var(--ink)}}"
    return svg.replace("<defs>", f"<style>{sheet}</style><defs>", 1)


def _slim(image: str) -> str:
    """A PNG in Base64, with a palette where it has few colours: the same image in less space."""
    pixels = Image.open(io.BytesIO(base64.b64decode(image)))
    if pixels.mode != "RGBA" or pixels.getextrema()[3] != (255, 255) or not pixels.getcolors(256):
        return image
    png = io.BytesIO()
    pixels.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(png, "png", optimize=True)
    return base64.b64encode(png.getvalue()).decode()


def _round(path: str) -> str:
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", path)
