"""Chimera: one body, two heads."""

from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        400,
        "Chimera",
        "Magnitudes go through recurrent layers, on which two heads stand: one gives masks, with "
        "the mask loss, the other gives embeddings, with the loss of deep clustering. Only the "
        "masks are used to separate.",
    )
    drawing.text((280, 26), "magnitudes, K × M", size=SMALL, anchor="middle")
    drawing.arrow((280, 34), (280, 51))
    drawing.box((162, 54), (236, 52), ("recurrent layers", "shared"), strong=True)
    drawing.arrow((280, 108), (280, 132), (150, 132), (150, 157))
    drawing.arrow((280, 108), (280, 132), (410, 132), (410, 157))
    drawing.box((40, 160), (220, 52), ("linear, softmax", "J masks of K × M"))
    drawing.box((300, 160), (220, 52), ("linear, length one", "K · M embeddings"))
    drawing.arrow((150, 214), (150, 257))
    drawing.arrow((410, 214), (410, 257), muted=True)
    drawing.box((40, 260), (220, 52), ("multiply the STFT", "estimates"), strong=True)
    drawing.box((300, 260), (220, 52), ("deep clustering", "its loss, in training"), dashed=True)
    for row, words in enumerate(
        (
            "The embeddings help the shared layers to learn",
            "what belongs together, and are dropped afterwards.",
        )
    ):
        drawing.text((280, 352 + 22 * row), words, size=SMALL, anchor="middle", muted=True)
    return drawing
