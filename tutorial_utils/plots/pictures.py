"""Figures on the page: as SVG in its colours, with a description."""

import base64
import html
import io
import re
import warnings
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, UnidentifiedImageError

from tutorial_utils.markup import clean, data_uri, escape
from tutorial_utils.plots.canvas import style
from tutorial_utils.plots.palette import FONTS, PAGES

_HEAVY = 300_000  # characters: an SVG beyond this may be the larger form of the picture
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_SPACES = ("{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}")
_PNG = "data:image/png;base64,"


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


def picture(figure: Figure | Axes | str | Path, alt: str) -> Picture:
    """Turn a figure into a picture with a description, in colours that follow the page.

    At the end of a cell it is shown, in the book, in Jupyter and in Colab. The figure is closed, so
    that Jupyter does not show it a second time, without its description. A PNG that is already in
    a file, such as those in a run's ``images/``, keeps its colours.

    The picture is an SVG, or a PNG where that is smaller (a cloud of very many points). In an SVG,
    black and white become the page's ink and paper, if the browser lets pictures follow the page's
    ``color-scheme``; where it does not, the figure keeps a ground on which it can be read.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or matplotlib.axes.Axes, or the path of a PNG
    alt : str
        What there is to see, for readers who cannot see it: not what kind of figure it is alone,
        but what one is to notice in it.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError
        If the description is empty, matplotlib cannot draw the figure, or the file is no PNG.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import numpy as np
    >>> import tutorial_utils as tu
    >>> ax = tu.plots.waveform(np.sin(np.arange(44100) / 50), 44100)
    >>> tu.plots.picture(ax, alt="Waveform of a tone of one second, even between -1 and 1.")
    Picture: Waveform of a tone of one second, even between -1 and 1.
    """
    alt = " ".join(clean(alt or "").split())
    if not alt:
        raise ValueError("a picture needs a description: alt='what there is to see'")
    if isinstance(figure, (str, Path)):
        return _from_file(Path(figure), alt)
    figure = figure.figure if isinstance(figure, Axes) else figure
    try:
        source = data_uri("image/svg+xml", _svg(figure))
        if len(source) > _HEAVY:
            png = _saved(figure, io.BytesIO(), format="png", dpi=150)
            source = min(source, data_uri("image/png", png), key=len)
    finally:
        plt.close(figure)
    return _image(source, alt, *(round(96 * inches) for inches in figure.get_size_inches()))


def _from_file(path: Path, alt: str) -> Picture:
    try:
        with Image.open(path, formats=["PNG"]) as image:
            width, height = image.size
            dpi = image.info.get("dpi", (96, 96))[0]
    except UnidentifiedImageError as error:
        raise ValueError(f"{path} is no PNG") from error
    scale = 96 / dpi
    source = data_uri("image/png", path.read_bytes())
    return _image(source, alt, round(scale * width), round(scale * height))


def _image(source: str, alt: str, width: int, height: int) -> Picture:
    # Hosts style all images of a page, so the picture says itself how it is to look.
    look = f"all:revert;width:{width}px;max-width:100%;height:auto;aspect-ratio:{width}/{height}"
    return Picture(
        alt,
        f'<img class="tu-figure dark-light" alt="{escape(alt)}" width="{width}" '
        f'height="{height}" style="{look}" src="{html.escape(source)}">',
    )


def _saved(figure: Figure, file: io.IOBase, **settings) -> str | bytes:
    with style():
        try:
            figure.savefig(file, **settings)
        # A text that is no mathematics between its dollars, for instance, or half a surrogate pair.
        except (TypeError, ValueError) as error:
            raise ValueError(f"matplotlib cannot draw the figure: {error}") from error
    return file.getvalue()


def _svg(figure: Figure) -> str:
    """The figure as SVG whose black and white are the page's ink and paper."""
    with warnings.catch_warnings():
        # The letters are the browser's, which has more than the font that is measured here.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        svg = _saved(figure, io.StringIO(), format="svg", dpi=144, metadata=_NO_METADATA)
    root = ElementTree.fromstring(clean(svg))  # this leaves comments out
    for element in root.iter():
        _shorten(element)
    root.set("xmlns", _SPACES[0].strip("{}"))
    sheet = "".join(
        f"@media {media}{{:root{{--ink:{page['ink']};--paper:{page['paper']}}}}}"
        for media, page in (("all", PAGES["light"]), ("(prefers-color-scheme:dark)", PAGES["dark"]))
    )
    # Matplotlib leaves black unsaid, for it is what SVG fills with by default.
    sheet += f":root{{--fonts:{FONTS};fill:var(--ink)}}"
    look = ElementTree.Element("style")
    look.text = sheet
    root.insert(0, look)
    return ElementTree.tostring(root, encoding="unicode")


def _shorten(element: ElementTree.Element) -> None:
    """Give an element the page's colours and fonts, and leave out what nobody sees."""
    element.tag = _bare(element.tag)
    element.tail = None
    if element.tag != "text" and not (element.text or "").strip():
        element.text = None
    for name, value in list(element.items()):
        del element.attrib[name]
        element.set(_bare(name), _shortened(_bare(name), value))


def _bare(name: str) -> str:
    """A name without its namespace, of which a page's SVG needs none but the first."""
    for space in _SPACES:
        name = name.removeprefix(space)
    return name


def _shortened(name: str, value: str) -> str:
    if name == "href":
        return _PNG + _slim(value.removeprefix(_PNG)) if value.startswith(_PNG) else value
    if name == "d":
        # A hundredth of a point is finer than any screen; matplotlib writes a millionth.
        value = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", value)
        return " ".join(value.split())
    if name == "style":
        # before and since Matplotlib 3.11
        value = re.sub(r"(font: [^;]*?px|font-family:) [^;]*", r"\1 var(--fonts)", value)
    return value.replace("#000000", "var(--ink)").replace("#ffffff", "var(--paper)")


def _slim(image: str) -> str:
    """A PNG in Base64, with a palette where it has few colours: the same image in less space."""
    pixels = Image.open(io.BytesIO(base64.b64decode(image)))
    if pixels.mode != "RGBA" or pixels.getextrema()[3] != (255, 255) or not pixels.getcolors(256):
        return image
    png = io.BytesIO()
    pixels.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(png, "png", optimize=True)
    return base64.b64encode(png.getvalue()).decode()
