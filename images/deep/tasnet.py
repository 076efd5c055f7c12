"""Conv-TasNet: learned filters, a mask on them, and back."""

from images.deep.parts import chain
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        560,
        "Conv-TasNet",
        "A learned encoder turns the waveform into frames of filters. Stacks of dilated "
        "convolutions give a mask for each source, which multiplies the frames. A learned decoder "
        "gives waveforms.",
    )
    drawing.text((200, 26), "mixture, C × N", size=SMALL, anchor="middle")
    drawing.arrow((200, 34), (200, 51))
    end = chain(
        drawing,
        200,
        54,
        [
            (("encoder", "N filters of L samples, ReLU"), "filters × frames"),
            (("norm, 1 × 1 convolution",), "B × frames"),
            (("R stacks of X blocks", "dilation 1, 2, 4, …"), "B × frames"),
            (("1 × 1 convolution, ReLU",), "J masks"),
            (("multiply, decoder", "transposed convolution"), ""),
        ],
        strong=(2,),
        width=250,
        step=92,
    )
    drawing.text((200, end + 16), "estimates, J × C × N", size=SMALL, anchor="middle")
    drawing.arrow((327, 80), (450, 80), (450, 448), (328, 448), muted=True)
    drawing.text((460, 270), "its own", size=SMALL, muted=True)
    drawing.text((460, 290), "transform", size=SMALL, muted=True)
    return drawing
