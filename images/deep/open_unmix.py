"""Open-Unmix: the network of one source."""

from images.deep.parts import chain
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        684,
        "Open-Unmix",
        "The lower bins of the mixture's magnitudes are normalised, encoded, read by three LSTM "
        "layers around which a shortcut leads, decoded and normalised. What comes out multiplies "
        "the magnitudes of the mixture. There is one such network for each source.",
    )
    drawing.text((220, 26), "magnitudes of the mixture, C × K × M", size=SMALL, anchor="middle")
    drawing.arrow((220, 34), (220, 51))
    end = chain(
        drawing,
        220,
        54,
        [
            (("the lowest bins", "shift and scale, learned"), "M × C · 1487"),
            (("linear, batch norm, tanh",), "M × 512"),
            (("three LSTM layers", "both ways"), "M × 512"),
            (("join with the shortcut",), "M × 1024"),
            (("linear, norm, ReLU",), "M × 512"),
            (("linear, norm, ReLU", "shift and scale, learned"), "C × K × M"),
            (("multiply the magnitudes",), ""),
        ],
        strong=(2,),
        step=86,
    )
    drawing.text((220, end + 16), "magnitudes of the source", size=SMALL, anchor="middle")
    drawing.arrow((340, 166), (420, 166), (420, 338), (341, 338), muted=True)
    drawing.text((430, 250), "shortcut", size=SMALL, muted=True)
    return drawing
