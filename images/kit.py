"""A small drawing kit: boxes, arrows, labels and waveforms, in the book's palette.

Everything is plain SVG with classes, so that a picture follows the light or dark page it stands on
and still opens in any program that knows SVG. Lengths are in pixels. A column of text on a phone
shows 560 of them on 343, so no text is smaller than 15.
"""

from collections.abc import Sequence
from html import escape

import numpy as np

from tutorial_utils.plots import FONTS, PAGES, colour

TEXT = 16
SMALL = 15
ROUND = 8
_SOFT = {"light": ("#f3f5f8", "#c6cdd6", "#59636e"), "dark": ("#1e2227", "#4a525c", "#a3adb8")}

Point = tuple[float, float]


class Drawing:
    """A picture that grows by calls; :meth:`svg` returns it as text.

    Parameters
    ----------
    width, height : float
    title : str
        What the picture shows, in a few words.
    description : str
        What there is to see, for those who cannot see it.
    paper : bool
        Whether the picture brings its own ground.
    """

    def __init__(
        self, width: float, height: float, title: str, description: str, *, paper: bool = True
    ):
        self.width, self.height = width, height
        self.title, self.description = title, description
        self._parts: list[str] = []
        if paper:  # a ground of the page's colour: the picture can be read wherever it is shown
            self.shape(f'<rect class="paper" width="{_n(width)}" height="{_n(height)}"/>')

    def text(self, at: Point, words: str, *, size=TEXT, anchor="start", bold=False, muted=False):
        """Words, set from their baseline."""
        weight = ' font-weight="600"' if bold else ""
        kind = "muted" if muted else "ink"
        self._parts.append(
            f'<text class="{kind}" x="{_n(at[0])}" y="{_n(at[1])}" font-size="{_n(size)}" '
            f'text-anchor="{anchor}"{weight}>{escape(words)}</text>'
        )

    def box(self, at: Point, size: Point, lines: Sequence[str] = (), *, dashed=False, strong=False):
        """A box with centred lines of words, the first one in bold."""
        (x, y), (width, height) = at, size
        kind = "panel dashed" if dashed else "panel strong" if strong else "panel"
        self._rectangle(at, size, f'class="{kind}"')
        top = y + height / 2 - (len(lines) - 1) * 10 + 5.5
        for row, line in enumerate(lines):
            self.text(
                (x + width / 2, top + 20 * row),
                line,
                size=TEXT if row == 0 else SMALL,
                anchor="middle",
                bold=row == 0,
                muted=dashed or row > 0,
            )

    def wave(
        self, at: Point, size: Point, audio: np.ndarray, label: str, *, gain=1.0, dashed=False
    ):
        """A waveform in its source's colour, on a ground of the same colour."""
        (x, y), (width, height) = at, size
        shade = colour(label)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self._rectangle(
            at,
            size,
            f'fill="{shade}" fill-opacity="0.12" stroke="{shade}" stroke-opacity="0.55"{dash}',
        )
        columns = int(width / 1.6)
        starts = np.arange(columns) * audio.size // columns
        low, high = np.minimum.reduceat(audio, starts), np.maximum.reduceat(audio, starts)
        middle, reach = y + height / 2, gain * (height / 2 - 3)
        across = x + 3 + np.arange(columns) * (width - 6) / (columns - 1)
        # Half a pixel at least, so that silence is still a line.
        up = middle - np.clip(high * reach, 0.5, height / 2 - 3)
        down = middle - np.clip(low * reach, 3 - height / 2, -0.5)
        outline = [*zip(across, up, strict=True), *zip(across[::-1], down[::-1], strict=True)]
        points = " ".join(f"{_n(px)},{_n(py)}" for px, py in outline)
        self._parts.append(f'<polygon points="{points}" fill="{shade}"/>')

    def line(self, *points: Point):
        """A line in ink along straight pieces."""
        self._line("M" + " L".join(map(_p, points)), None)

    def arrow(self, *points: Point, label: str | None = None, muted=False):
        """An arrow along straight pieces, in ink or in a source's colour; dashed if muted."""
        bends = (*points[:-1], _back(points[-1], points[-2]))
        self._line("M" + " L".join(map(_p, bends)), label, muted)
        self._head(points[-2], points[-1], label, muted)

    def curve(self, start: Point, end: Point, *, label: str | None = None):
        """An arrow that leaves and arrives horizontally."""
        middle = (start[0] + end[0]) / 2
        tip = _back(end, (start[0], end[1]))
        path = f"M{_p(start)} C{_p((middle, start[1]))} {_p((middle, end[1]))} {_p(tip)}"
        self._line(path, label)
        self._head((start[0], end[1]), end, label)

    def circle(self, at: Point, radius: float, words: str):
        self._parts.append(
            f'<circle class="panel strong" cx="{_n(at[0])}" cy="{_n(at[1])}" r="{_n(radius)}"/>'
        )
        self.text((at[0], at[1] + 7.5), words, size=22, anchor="middle", bold=True)

    def shape(self, markup: str):
        """SVG of the caller's own."""
        self._parts.append(markup)

    def svg(self) -> str:
        """The whole picture, one element a line."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} '
            f'{_n(self.height)}" width="{_n(self.width)}" height="{_n(self.height)}" role="img">'
        )
        return "\n".join(
            [
                head,
                f"<title>{escape(self.title)}</title>",
                f"<desc>{escape(self.description)}</desc>",
                f"<style>{_sheet('light')}@media (prefers-color-scheme: dark){{{_sheet('dark')}}}"
                f"text{{font-family:{FONTS}}}</style>",
                *self._parts,
                "</svg>\n",
            ]
        )

    def _rectangle(self, at: Point, size: Point, look: str):
        self._parts.append(
            f'<rect x="{_n(at[0])}" y="{_n(at[1])}" width="{_n(size[0])}" height="{_n(size[1])}" '
            f'rx="{ROUND}" {look}/>'
        )

    def _line(self, path: str, label: str | None, muted: bool = False):
        ink = 'class="quiet"' if muted else 'class="line"'
        look = f'fill="none" stroke="{colour(label)}"' if label else ink
        self._parts.append(f'<path d="{path}" {look} stroke-width="2" stroke-linejoin="round"/>')

    def _head(self, start: Point, end: Point, label: str | None, muted: bool = False):
        direction = np.subtract(end, start) / np.hypot(*np.subtract(end, start))
        side = np.array([-direction[1], direction[0]])
        corners = (end, end - 10 * direction + 5 * side, end - 10 * direction - 5 * side)
        ink = 'class="muted"' if muted else 'class="ink"'
        look = f'fill="{colour(label)}"' if label else ink
        self._parts.append(f'<polygon points="{" ".join(map(_p, corners))}" {look}/>')


def _back(end: Point, start: Point) -> Point:
    """A little before the end, so that a line does not show beside the tip of its head."""
    direction = np.subtract(end, start) / np.hypot(*np.subtract(end, start))
    return tuple(end - 8 * direction)


def _sheet(page: str) -> str:
    ink, paper = PAGES[page]["ink"], PAGES[page]["paper"]
    ground, edge, muted = _SOFT[page]
    return (
        f".ink{{fill:{ink}}}.muted{{fill:{muted}}}.paper{{fill:{paper}}}"
        f".line{{stroke:{ink};fill:none}}.quiet{{stroke:{muted};fill:none;stroke-dasharray:6 4}}"
        f".panel{{fill:{ground};stroke:{edge};stroke-width:1.5}}"
        f".strong{{stroke:{ink};stroke-width:2}}"
        f".dashed{{fill:none;stroke:{muted};stroke-dasharray:6 4}}"
    )


def _n(number: float) -> str:
    """A length with at most one decimal: a tenth of a pixel is finer than what one sees."""
    return f"{round(float(number), 1) + 0:g}"


def _p(point: Point) -> str:
    return f"{_n(point[0])},{_n(point[1])}"
