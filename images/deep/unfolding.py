"""A recurrent layer, as a loop and unfolded over the frames."""

from images.kit import SMALL, Drawing


def draw() -> Drawing:
    drawing = Drawing(
        560,
        300,
        "A recurrent layer, unfolded",
        "On the left a layer whose output returns to it. On the right the same layer drawn once "
        "per frame: it reads the frame and its own state from the frame before. All copies have "
        "the same weights.",
    )
    drawing.box((20, 110), (86, 52), ("layer",), strong=True)
    drawing.arrow((63, 236), (63, 166))
    drawing.arrow((63, 108), (63, 46))
    drawing.arrow((106, 136), (132, 136), (132, 84), (36, 84), (36, 107))
    drawing.text((63, 258), "frame m", size=SMALL, anchor="middle")
    drawing.text((63, 36), "state h", size=SMALL, anchor="middle")
    drawing.text((163, 141), "=", size=22, anchor="middle", bold=True)
    for i in range(3):
        x = 196 + 122 * i
        drawing.box((x, 110), (86, 52), ("layer",), strong=True)
        drawing.arrow((x + 43, 236), (x + 43, 166))
        drawing.arrow((x + 43, 108), (x + 43, 46))
        drawing.text((x + 43, 258), f"frame {i + 1}", size=SMALL, anchor="middle")
        drawing.text((x + 43, 36), f"h({i + 1})", size=SMALL, anchor="middle")
        drawing.arrow((x + 88, 136), (x + 120, 136))
    words = "the same weights at every frame, so that any number of frames will do"
    drawing.text((280, 288), words, size=SMALL, anchor="middle", muted=True)
    return drawing
