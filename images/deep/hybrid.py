"""A hybrid model: two views of one mixture."""

from images.kit import Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        400,
        "A hybrid model",
        "The mixture goes into a branch on spectrograms and into a branch on waveforms. Each gives "
        "estimates of all sources; a learned share per source and bin joins them.",
    )
    drawing.box((180, 16), (200, 52), ("mixture", "C × N"), strong=True)
    drawing.arrow((280, 70), (280, 92), (140, 92), (140, 117))
    drawing.arrow((280, 70), (280, 92), (420, 92), (420, 117))
    drawing.box((26, 120), (228, 52), ("STFT, U-Net, mask", "good at steady tones"))
    drawing.box((306, 120), (228, 52), ("U-Net on samples", "sharp in time, own phase"))
    drawing.arrow((140, 174), (140, 217))
    drawing.arrow((420, 174), (420, 217))
    drawing.box((26, 220), (228, 52), ("inverse STFT", "J × C × N"))
    drawing.box((306, 220), (228, 52), ("waveforms", "J × C × N"))
    drawing.arrow((140, 274), (140, 300), (250, 300), (250, 325))
    drawing.arrow((420, 274), (420, 300), (310, 300), (310, 325))
    drawing.box((162, 328), (236, 52), ("a share of each, per bin", "estimates"), strong=True)
    return drawing
