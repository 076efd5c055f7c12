"""What figures of networks share: chains of layers, rows of cells, bars, animations."""

from collections.abc import Sequence

from images.kit import SMALL, Drawing, Point
from tutorial_utils.plots import colour

BOX = (236, 52)
STEP = 92  # from one box of a chain to the next


def chain(
    drawing: Drawing,
    centre: float,
    top: float,
    layers: Sequence[tuple[Sequence[str], str]],
    *,
    width: float = BOX[0],
    strong: Sequence[int] = (),
    step: float = STEP,
) -> float:
    """Boxes one under the other; beside the arrow that leaves each, the shape of what it gives.

    Returns where the last arrow ends.
    """
    for i, (lines, shape) in enumerate(layers):
        y = top + i * step
        drawing.box((centre - width / 2, y), (width, BOX[1]), lines, strong=i in strong)
        drawing.arrow((centre, y + BOX[1] + 2), (centre, y + step - 3))
        if shape:
            drawing.text((centre + 10, y + BOX[1] + 26), shape, size=SMALL, muted=True)
    return top + len(layers) * step


def cells(
    drawing: Drawing,
    at: Point,
    count: int,
    size: float = 36,
    *,
    label: str | None = None,
    filled: Sequence[int] = (),
    words: Sequence[str] = (),
):
    """A row of squares, some of them filled in a source's colour."""
    x, y = at
    for i in range(count):
        look = 'class="panel"'
        if i in filled or (label and not filled):
            shade = colour(label)
            look = f'fill="{shade}" fill-opacity="0.3" stroke="{shade}" stroke-width="1.5"'
        drawing.shape(
            f'<rect x="{x + i * size:g}" y="{y:g}" width="{size - 4:g}" height="{size - 4:g}" '
            f'rx="4" {look}/>'
        )
        if i < len(words):
            middle = (x + i * size + size / 2 - 2, y + size / 2 + 3)
            drawing.text(middle, words[i], size=SMALL, anchor="middle")


def sliding(drawing: Drawing, name: str, distance: float, steps: int, markup: str):
    """Something that moves to the right in steps; it stands still in print, and where asked to."""
    drawing.shape(
        f"<style>.{name}{{animation:{name} {1.1 * steps:g}s steps({steps}) infinite}}"
        f"@keyframes {name}{{to{{transform:translateX({distance * steps:g}px)}}}}"
        f"@media print,(prefers-reduced-motion:reduce){{.{name}{{animation:none}}}}</style>"
        f'<g class="{name}">{markup}</g>'
    )


def frame(at: Point, size: Point, label: str, *, fill: bool = False) -> str:
    """A rounded rectangle in a source's colour, as markup."""
    opacity = 0.25 if fill else 0
    return (
        f'<rect x="{at[0]:g}" y="{at[1]:g}" width="{size[0]:g}" height="{size[1]:g}" rx="6" '
        f'fill="{colour(label)}" fill-opacity="{opacity:g}" stroke="{colour(label)}" '
        f'stroke-width="3"/>'
    )


def bar(drawing: Drawing, centre: Point, size: Point, label: str | None = None):
    """A layer of a U-Net: high where it holds many samples or bins, wide where many channels."""
    (x, y), (width, height) = centre, size
    look = 'class="panel"'
    if label:
        look = f'fill="{colour(label)}" fill-opacity="0.3" stroke="{colour(label)}"'
    drawing.shape(
        f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width:g}" '
        f'height="{height:g}" rx="4" {look}/>'
    )
