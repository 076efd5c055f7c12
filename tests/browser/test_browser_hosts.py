"""Every host of notebooks styles the elements of its pages; ours look the same in all of them."""

import io
import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image, ImageChops

from tutorial_utils import plots
from tutorial_utils.player import player
from tutorial_utils.widgets import explore

HOSTS = {
    # After JupyterLab 4.6, where .output is .jp-RenderedHTMLCommon.
    "JupyterLab": """
.output { color: rgba(0, 0, 0, 0.87); font: 14px/1.6 serif; }
.output img, .output svg { max-width: 100%; height: auto; }
.output > img { display: block; margin: 0 0 1em; }
.output p { text-align: left; margin: 0 0 1em; }
.output pre, .output code { border: 0; background: #eee; font-size: 13px; line-height: 1.3; }
.output kbd { background: #eee; border: 1px solid; border-radius: 3px; padding: 1px 7px;
  box-shadow: inset 0 -1px 0 rgba(0, 0, 0, 0.25); display: inline-block; font-size: 11px; }
.output > *:last-child { margin-bottom: 0.5em; }
""",
    # After the page of outputs in VS Code, whose rules hang on an id.
    "VS Code": """
#host { font: 13px monospace; line-height: 22px; }
#host img { max-width: 100%; max-height: 100%; object-fit: contain; }
#host svg { overflow: hidden; fill: currentcolor; }
#host table, #host pre { border: none; margin: 8px; width: 100%; }
#host input, #host select, #host button { font: inherit; border: 1px solid; padding: 4px 9px; }
#host kbd { border-bottom: 2px solid; padding: 3px 5px; vertical-align: middle; font-size: 11px; }
#host button:focus, #host input:focus { outline: 3px solid red; outline-offset: 4px; }
""",
    # After Colab's components and the resets of themes.
    "Colab": """
*, *::before, *::after { box-sizing: content-box; }
html { font-size: 20px; letter-spacing: 0.03em; word-spacing: 2px; }
svg { width: 24px; height: 24px; vertical-align: middle; display: inline-block; }
img { max-width: 40%; border-radius: 12px; padding: 8px; border: 2px solid; background: pink; }
button { min-width: 88px; min-height: 36px; margin: 6px 8px; text-transform: uppercase;
  background: linear-gradient(#fff, #ccc); border: 1px solid; border-radius: 2px; }
input[type="range"] { width: 50%; margin: 20px; accent-color: red; filter: hue-rotate(90deg); }
label { display: inline-block; margin-bottom: 0.5rem; font-weight: bold; white-space: nowrap; }
select { width: 100%; appearance: none; background: yellow; font-size: 1.5rem; }
output { display: inline-block; padding-top: 7px; font-size: 2em; }
p { margin: 1rem 0; font-size: 1.15rem; max-width: 20ch; text-indent: 2em; }
span { display: inline-block; }
[role="group"] { display: flex; gap: 4px; padding: 12px; border: 1px solid; background: grey; }
[role="slider"] { height: 4px; background: grey; }
[hidden] { display: revert; }
""",
}
# Against this only a shadow root helps; a picture has none.
NIGHTMARE = """
svg, img, path { height: auto !important; max-width: 30% !important; fill: red !important; }
button, input, kbd, p, span, label, select { all: revert !important; margin: 9px !important;
  font-size: 30px !important; color: red !important; position: static !important; }
body { line-height: 4; text-align: right; white-space: pre; color: red; cursor: wait;
  text-transform: uppercase; word-break: break-all; font-style: italic; text-shadow: 1px 1px red; }
"""


def sound(frequency, level=0.2):
    return level * np.sin(np.arange(16000) * frequency / 3000).astype(np.float32)


def line(slope):
    figure = Figure(figsize=(4, 2))
    figure.subplots().plot([0, slope])
    return figure


@pytest.fixture(scope="module")
def stems():
    versions = {"reference": sound(200), "estimate": sound(300)}
    tracks = {"drums": sound(100, 0.9), "a name that is much longer": versions, "bass": versions}
    return player(tracks, 16000, title="A song of three stems")


@pytest.fixture(scope="module")
def spectrograms():
    return player({"low": sound(100), "high": sound(4000)}, 16000, view="spectrogram")


def same(first, second):
    """Whether two screenshots are the same, but for what rounding does to the edges of letters."""
    first, second = (Image.open(io.BytesIO(shot)).convert("RGB") for shot in (first, second))
    if first.size != second.size:
        return False
    difference = np.asarray(ImageChops.difference(first, second)).max(axis=-1)
    return (difference > 24).mean() < 1e-4


@pytest.mark.parametrize("width", [1000, 375])
@pytest.mark.parametrize("name", ["stems", "spectrograms"])
def test_a_player_looks_the_same_on_every_host(show, request, name, width):
    made = request.getfixturevalue(name)
    plain = show(made, width=width).locator("tu-player").screenshot()
    for host, style in (HOSTS | {"a nightmare": NIGHTMARE}).items():
        page = show(made, width=width, style=style)
        assert same(page.locator("tu-player").screenshot(), plain), host
        # And where it has the focus, and plays.
        page.locator(".tu-mute").first.click()
        page.locator(".tu-loop").click()
        boxes = [each.bounding_box() for each in page.locator(".tu-bar, .tu-track, .tu-foot").all()]
        shown = [box for box in boxes if box]
        assert len(shown) >= 3
        for above, below in itertools.pairwise(shown):
            assert above["y"] + above["height"] <= below["y"] + 0.6, host


@pytest.mark.parametrize("width", [1000, 375])
def test_controls_and_figures_look_the_same_on_every_host(show, width):
    made = explore(lambda slope, mode: line(slope), alt="A line.", slope=[1, 2], mode=["a", "b"])
    plain = show(made, width=width).locator("tu-explore").screenshot()
    for host, style in HOSTS.items():
        page = show(made, width=width, style=style)
        assert same(page.locator("tu-explore").screenshot(), plain), host
        page.locator(".tu-control input").press("End")
        assert page.locator(".tu-frame:visible").count() == 1


@pytest.mark.parametrize("width", [1000, 375])
def test_a_picture_looks_the_same_on_every_host(show, width):
    made = plots.picture(plots.spectrogram(sound(300), 16000, label="bass"), alt="A tone.")
    plain = show(made, width=width).locator("img").screenshot()
    assert Image.open(io.BytesIO(plain)).width == min(557, width - 16)
    for host, style in HOSTS.items():
        page = show(made, width=width, style=style)
        assert same(page.locator("img").screenshot(), plain), host
