"""An event: cut from a source file, brought to a loudness, placed in a soundscape."""

import numpy as np

from images import signals
from images.kit import ROUND, SMALL, Drawing
from tutorial_utils.plots import colour

LEFT, RIGHT = 20, 540
SECOND = 65  # px: the file and the soundscape last eight seconds
CUT, LENGTH = 2.3, 1.6  # s
PLACE = 4.2  # s


def draw() -> Drawing:
    drawing = Drawing(
        560,
        588,
        "The values of an event",
        "From a source file in the folder vocals, a segment is cut. It begins at source_time and "
        "lasts event_duration. Its pitch may be shifted and its time stretched. Then it is brought "
        "to a loudness: snr above or below ref_db, in LUFS. At last it is placed into the "
        "soundscape at event_time, beside the events of other labels.",
    )
    _source_file(drawing)
    middle = LEFT + SECOND * (CUT + LENGTH / 2)
    drawing.arrow((middle, 134), (middle, 170))
    drawing.box((middle - 125, 172), (250, 44), ("pitch_shift, time_stretch",))
    drawing.arrow((middle, 218), (middle, 246))
    _loudness(drawing)
    _soundscape(drawing)
    return drawing


def _source_file(drawing):
    vocals = signals.stems()["vocals"]
    file = np.concatenate([vocals, vocals[::-1]])
    drawing.text((LEFT, 28), "source_file", bold=True)
    drawing.text((LEFT + 106, 28), "drawn from the folder of its label")
    drawing.wave((LEFT, 38), (RIGHT - LEFT, 52), file, "vocals")
    start, width = LEFT + SECOND * CUT, SECOND * LENGTH
    _frame(drawing, start, 34, width, 60)
    _span(drawing, LEFT, start, 104, "source_time")
    _span(drawing, start, start + width, 104, "event_duration")


def _loudness(drawing):
    """A scale of loudness, on which snr is the way from the reference to the event."""
    line, reference, event = 288, 215, 345
    drawing.box((LEFT, 248), (RIGHT - LEFT, 82))
    drawing.text((LEFT + 14, 268), "loudness (LUFS)", size=SMALL, muted=True)
    drawing.arrow((LEFT + 14, line), (RIGHT - 14, line), muted=True)
    drawing.line((reference, line - 9), (reference, line + 9))
    drawing.text((reference, line + 30), "ref_db", anchor="middle", bold=True)
    drawing.arrow((reference, line), (event - 8, line), label="vocals")
    drawing.text(((reference + event) / 2, line - 11), "snr", anchor="middle", bold=True)
    drawing.shape(f'<circle cx="{event}" cy="{line}" r="8" fill="{colour("vocals")}"/>')
    drawing.text((event, line + 30), "the event", anchor="middle")
    other = 115
    drawing.shape(f'<circle cx="{other}" cy="{line}" r="8" fill="{colour("drums")}"/>')
    drawing.text((other, line + 30), "another", anchor="middle", muted=True)


def _soundscape(drawing):
    stems = signals.stems()
    top = 384
    place = LEFT + SECOND * PLACE
    drawing.arrow((place + 52, 332), (place + 52, 378))
    drawing.text((LEFT, top - 12), "soundscape", bold=True)
    drawing.box((LEFT, top), (RIGHT - LEFT, 130))
    width = SECOND * LENGTH
    count = len(stems["vocals"]) // 4
    event = np.concatenate([stems["vocals"], stems["vocals"][::-1]])[
        round(CUT * signals.RATE) : round((CUT + LENGTH) * signals.RATE)
    ]
    drawing.wave((place, top + 8), (width, 34), event, "vocals", gain=1.2)
    drawing.wave((LEFT + 60, top + 48), (300, 34), stems["drums"], "drums")
    drawing.wave((LEFT + 10, top + 88), (200, 34), stems["bass"], "bass")
    drawing.wave((LEFT + 270, top + 88), (230, 34), stems["other"][count:], "other")
    _span(drawing, LEFT, place, top + 144, "event_time")
    _span(drawing, LEFT, RIGHT, top + 178, "duration")


def _frame(drawing, x, y, width, height):
    drawing.shape(
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{ROUND}" '
        'class="line" stroke-width="2"/>'
    )


def _span(drawing, start, end, y, words):
    """A line with two ends, and under it what it measures."""
    drawing.line((start, y - 6), (start, y + 6))
    drawing.line((end, y - 6), (end, y + 6))
    drawing.line((start, y), (end, y))
    drawing.text(((start + end) / 2, y + 20), words, anchor="middle", size=SMALL)
