"""Mask inference with a recurrent network."""

from images.deep.parts import chain
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        610,
        "Mask inference",
        "The mixture's STFT gives magnitudes; their logarithm goes through recurrent layers and a "
        "linear layer to masks, which multiply the STFT of the mixture. The inverse STFT gives "
        "waveforms.",
    )
    drawing.text((200, 26), "mixture, C × N", size=SMALL, anchor="middle")
    drawing.arrow((200, 34), (200, 51))
    end = chain(
        drawing,
        200,
        54,
        [
            (("STFT",), "K × M, complex"),
            (("logarithm of magnitudes", "standardised"), "M frames of K bins"),
            (("recurrent layers", "LSTM or GRU, both ways"), "M × 2 · hidden"),
            (("linear layer", "softmax over the sources"), "J masks of K × M"),
            (("multiply",), "J × K × M, complex"),
            (("inverse STFT",), ""),
        ],
        strong=(2,),
        step=86,
    )
    drawing.text((200, end + 16), "estimates, J × C × N", size=SMALL, anchor="middle")
    drawing.arrow((320, 80), (450, 80), (450, 424), (321, 424), muted=True)
    drawing.text((460, 250), "the phase of", size=SMALL, muted=True)
    drawing.text((460, 270), "the mixture", size=SMALL, muted=True)
    return drawing
