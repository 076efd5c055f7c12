"""A U-Net: down, up, and across."""

from images.deep.parts import bar
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        380,
        "A U-Net",
        "Bars become lower and wider from left to the middle: each convolution halves the picture "
        "and doubles the channels. From the middle to the right they grow back. Dashed arrows lead "
        "from each bar on the left to the bar of the same height on the right.",
    )
    heights, widths = (230, 160, 112, 78), (10, 18, 30, 46)
    middle, y = 280, 190
    places = [60, 122, 184, 240]
    for i, (height, width, x) in enumerate(zip(heights, widths, places, strict=True)):
        bar(drawing, (x, y), (width, height), "drums")
        bar(drawing, (2 * middle - x, y), (width, height), "vocals")
        if i < 3:
            top = y - height / 2 + 8
            drawing.arrow(
                (x + width / 2 + 3, top), (2 * middle - x - width / 2 - 3, top), muted=True
            )
            drawing.arrow((x + width / 2 + 3, y), (places[i + 1] - widths[i + 1] / 2 - 3, y))
            drawing.arrow(
                (2 * middle - places[i + 1] + widths[i + 1] / 2 + 3, y),
                (2 * middle - x - width / 2 - 3, y),
            )
    drawing.arrow((places[3] + 25, y), (2 * middle - places[3] - 25, y))
    drawing.text((60, 330), "magnitudes", size=SMALL, anchor="middle")
    drawing.text((500, 330), "masks", size=SMALL, anchor="middle")
    drawing.text((280, 262), "bottleneck:", size=SMALL, anchor="middle")
    drawing.text((280, 282), "plain, LSTM or VAE", size=SMALL, anchor="middle", muted=True)
    drawing.text((280, 40), "skip connections", size=SMALL, anchor="middle", muted=True)
    words = "lower bars: fewer bins and frames; wider bars: more channels"
    drawing.text((280, 366), words, size=SMALL, anchor="middle", muted=True)
    return drawing
