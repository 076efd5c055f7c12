"""Deep clustering: embeddings, and clusters of them."""

from images.deep.parts import chain
from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        520,
        "Deep clustering",
        "Magnitudes go through recurrent layers to an embedding for every bin of every frame. In "
        "training the affinities of embeddings are compared with those of labels; to separate, "
        "k-means finds clusters, each of which is a binary mask.",
    )
    drawing.text((180, 26), "magnitudes, K × M", size=SMALL, anchor="middle")
    drawing.arrow((180, 34), (180, 51))
    chain(
        drawing,
        180,
        54,
        [
            (("recurrent layers",), "M × 2 · hidden"),
            (("linear layer", "each of length one"), "V: K · M points"),
        ],
        strong=(0,),
        step=96,
    )
    drawing.box((62, 246), (236, 52), ("k-means", "to separate"))
    drawing.arrow((180, 300), (180, 345))
    drawing.text((190, 328), "J clusters", size=SMALL, muted=True)
    drawing.box((62, 348), (236, 52), ("binary masks",), strong=True)
    drawing.arrow((180, 402), (180, 446))
    drawing.text((180, 466), "estimates", size=SMALL, anchor="middle")
    drawing.box((352, 170), (188, 60), ("affinities  V Vᵀ", "compared with  Y Yᵀ"), dashed=True)
    drawing.arrow((300, 176), (326, 176), (326, 200), (349, 200), muted=True)
    drawing.text((446, 254), "to learn", size=SMALL, anchor="middle", muted=True)
    words = "No output says 'drums': only what belongs together is learned."
    drawing.text((280, 504), words, size=SMALL, anchor="middle", muted=True)
    return drawing
