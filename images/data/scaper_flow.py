"""From songs to batches: the five things that this part is about."""

from images import signals
from images.kit import SMALL, Drawing
from tutorial_utils.plots import colour

STEPS = (
    ("songs", "open_songs", "stems on the disk,", "in splits"),
    ("table", "MixtureTable.sample", "a row for each source:", "what to cut, how loud"),
    ("render", "table.render", "read, scale, add;", "the sum is exact"),
    ("dataset", "MixtureDataset", "mixture and sources,", "as tensors"),
    ("loader", "DataLoader", "shuffles, works ahead,", "makes batches"),
)


def draw() -> Drawing:
    drawing = Drawing(
        560,
        500,
        "From songs to batches",
        "Five boxes from top to bottom, joined by arrows: songs, table, render, dataset, loader. "
        "Beside each box is what it does. The table alone is kept on the disk beside the songs. "
        "Everything after it is made when it is needed.",
    )
    for row, (name, call, *does) in enumerate(STEPS):
        top = 16 + 100 * row
        if row:
            drawing.arrow((130, top - 30), (130, top - 3))
        drawing.box((20, top), (220, 68), (name, call), strong=row == 1)
        for line, words in enumerate(does):
            drawing.text((262, top + 28 + 22 * line), words, size=SMALL)
    stems = signals.stems()
    for lane, (label, stem) in enumerate(stems.items()):
        drawing.wave((440, 18 + 17 * lane), (100, 14), stem, label)
        drawing.shape(_row(120 + 17 * lane, label))
        drawing.wave((440 + 26 * lane, 350), (22, 34), stem[: len(stem) // 3], label)
    for top, height in ((222, 56), (316, 30)):
        drawing.wave((440, top), (100, height), signals.mixture(), "mixture", gain=0.6)
    for column in range(3):
        drawing.wave((440 + 35 * column, 420), (30, 60), signals.mixture(), "mixture", gain=0.6)
    return drawing


def _row(y, label):
    """A row of a table: four cells, the first in the colour of its source."""
    shades = (f'fill="{colour(label)}"', *[f'fill="{colour(label)}" fill-opacity="0.25"'] * 3)
    cells = zip((440, 474, 497, 520), (31, 20, 20, 20), shades, strict=True)
    return "".join(
        f'<rect x="{x}" y="{y}" width="{width}" height="13" rx="3" {shade}/>'
        for x, width, shade in cells
    )
