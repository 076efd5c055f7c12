"""Demucs: a U-Net on the waveform with an LSTM inside."""

from images.deep.parts import bar
from images.kit import SMALL, Drawing
from images.signals import mixture, stems


def draw() -> Drawing:
    drawing = Drawing(
        560,
        420,
        "Demucs",
        "The waveform of the mixture is shortened by four and widened in each of several gated "
        "convolutions, read by an LSTM, and lengthened again to the waveforms of all sources. "
        "Skips lead across.",
    )
    drawing.wave((20, 20), (200, 52), mixture(), "mixture", gain=0.6)
    drawing.text((120, 96), "mixture, C × N", size=SMALL, anchor="middle", muted=True)
    for i, (label, stem) in enumerate(stems().items()):
        drawing.wave((340, 14 + 18 * i), (200, 16), stem, label)
    drawing.text((440, 110), "J × C × N", size=SMALL, anchor="middle", muted=True)
    for i, (width, height) in enumerate(((190, 14), (140, 22), (96, 34), (62, 50))):
        y = 140 + 58 * i
        bar(drawing, (120, y), (width, height), "drums")
        bar(drawing, (440, y), (width, height), "vocals")
        drawing.arrow((223, y), (337, y), muted=True)
        if i < 3:
            drawing.arrow((120, y + height / 2 + 2), (120, y + 58 - (22, 34, 50)[i] / 2 - 2))
            drawing.arrow((440, y + 58 - (22, 34, 50)[i] / 2 - 2), (440, y + height / 2 + 2))
    drawing.box((212, 344), (136, 52), ("LSTM", "both ways"), strong=True)
    drawing.arrow((120, 341), (120, 370), (209, 370))
    drawing.arrow((350, 370), (440, 370), (440, 342))
    drawing.text((280, 132), "added", size=SMALL, anchor="middle", muted=True)
    words = "a quarter as long and twice as many channels, layer by layer"
    drawing.text((280, 412), words, size=SMALL, anchor="middle", muted=True)
    return drawing
