"""The cell of a GRU: one state, and two gates."""

from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        400,
        "A GRU cell",
        "The state runs from left to right along the top. An update gate mixes the old state with "
        "new content. The new content is made from the frame and from the part of the old state "
        "that a reset gate lets through.",
    )
    drawing.text((20, 74), "state", size=SMALL)
    drawing.text((20, 94), "h(m − 1)", size=SMALL, muted=True)
    drawing.arrow((88, 80), (312, 80))
    drawing.box((314, 54), (112, 52), ("mix", "z and 1 − z"), strong=True)
    drawing.arrow((428, 80), (496, 80))
    drawing.text((502, 85), "h(m)", size=SMALL, muted=True)
    drawing.box((90, 190), (106, 52), ("reset", "sigmoid"), strong=True)
    drawing.box((222, 190), (126, 52), ("new content", "tanh"), strong=True)
    drawing.box((374, 190), (106, 52), ("update z", "sigmoid"), strong=True)
    drawing.arrow((285, 188), (285, 140), (345, 140), (345, 109))
    drawing.arrow((427, 188), (427, 140), (395, 140), (395, 109))
    drawing.arrow((198, 216), (219, 216))
    drawing.line((40, 300), (427, 300))
    for x in (143, 285, 427):
        drawing.arrow((x, 300), (x, 245))
    drawing.text((20, 330), "state h(m − 1) and frame x(m)", size=SMALL)
    words = "Fewer weights than an LSTM: three blocks of them in place of four."
    drawing.text((280, 378), words, size=SMALL, anchor="middle", muted=True)
    return drawing
