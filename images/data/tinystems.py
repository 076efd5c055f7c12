"""How a song of TinyStems is made: from a seed to a score, instruments, production and the sum."""

from images import signals
from images.kit import SMALL, Drawing

PLAYERS = {
    "drums": ("drum kit", "skins, metal"),
    "bass": ("bass", "a string"),
    "other": ("guitars, keys", "strings, pipes, …"),
    "vocals": ("singer", "glottis, mouth"),
}


def draw() -> Drawing:
    drawing = Drawing(
        560,
        548,
        "From a seed to a song",
        "A seed goes to the composer, who writes a score. From the score, four players play: a "
        "drum kit, a bass, guitars and keyboards, and a singer. Each part is produced alone, with "
        "equaliser, compressor, panning and reverb, and becomes a stem. The four stems are "
        "rounded to 16 bits and summed. The sum is the mixture.",
    )
    middle = 47
    drawing.box((42, 20), (92, 54), ("seed", "a number"), strong=True)
    drawing.arrow((136, middle), (183, middle))
    drawing.box((186, 20), (150, 54), ("composer", "throws dice"))
    drawing.arrow((338, middle), (375, middle))
    drawing.box((378, 20), (150, 54), ("score", "all the notes"))

    # One line hands the score to the players on the left, another one collects the stems.
    left, right = 20, 540
    drawing.text((42, 126), "instruments", bold=True)
    drawing.text((230, 126), "production", bold=True)
    drawing.text((408, 126), "stems", bold=True)
    centres = [170 + 80 * row for row in range(4)]
    drawing.line((453, 76), (453, 96), (left, 96), (left, centres[-1]))
    for centre, (label, stem) in zip(centres, signals.stems().items(), strict=True):
        drawing.arrow((left, centre), (39, centre))
        drawing.box((42, centre - 29), (150, 58), PLAYERS[label])
        drawing.arrow((194, centre), (227, centre), label=label)
        drawing.box((230, centre - 29), (140, 58), ("mixing desk", "eq, pan, reverb"))
        drawing.arrow((372, centre), (405, centre), label=label)
        drawing.text((408, centre - 19), label, size=SMALL)
        drawing.wave((408, centre - 13), (112, 42), stem, label)
        drawing.line((522, centre), (right, centre))

    bottom = 502
    drawing.line((right, centres[0]), (right, bottom))
    drawing.arrow((right, bottom), (486, bottom))
    drawing.circle((464, bottom), 20, "+")
    drawing.arrow((442, bottom), (373, bottom))
    drawing.wave((230, bottom - 30), (140, 60), signals.mixture(), "mixture", gain=0.6)
    drawing.text((220, bottom - 4), "mixture", anchor="end")
    drawing.text(
        (220, bottom + 17), "the sum, to the last bit", size=SMALL, anchor="end", muted=True
    )
    return drawing
