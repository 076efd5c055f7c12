"""The palette and the style."""

import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from helpers import RATE
from hostile import texts
from hypothesis import given

from tutorial_utils import plots
from tutorial_utils.plots import palette

SOURCES = ("drums", "bass", "other", "vocals", "mixture", "accompaniment")

# What people with one kind of cone missing see, in linear sRGB (Machado et al. 2009, severity 1).
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.052]],
    "deuteranopia": [
        [0.3673, 0.8606, -0.2279],
        [0.2801, 0.6725, 0.0474],
        [-0.0118, 0.0429, 0.9689],
    ],
    "tritanopia": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


def linear(shade):
    values = np.array([int(shade[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    """As WCAG 2 defines it."""
    dark, light = sorted(linear(shade) @ [0.2126, 0.7152, 0.0722] for shade in (first, second))
    return (light + 0.05) / (dark + 0.05)


def lab(shade, sight):
    rgb = np.clip(np.array(SIGHT[sight]) @ linear(shade), 0, 1)
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = matrix @ rgb / np.array([0.9505, 1, 1.0888])
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(first, second, sight):
    """CIE94 for graphic arts."""
    one, two = lab(first, sight), lab(second, sight)
    lightness, (a, b) = one[0] - two[0], one[1:] - two[1:]
    chroma_one, chroma_two = np.hypot(*one[1:]), np.hypot(*two[1:])
    chroma = chroma_one - chroma_two
    hue = max(a**2 + b**2 - chroma**2, 0)
    mean = np.sqrt(chroma_one * chroma_two)
    return np.sqrt(
        lightness**2 + (chroma / (1 + 0.045 * mean)) ** 2 + hue / (1 + 0.015 * mean) ** 2
    )


@pytest.mark.parametrize("page", ["light", "dark"])
def test_all_colours_can_be_seen_on_both_pages(page):
    paper = plots.PAGES[page]["paper"]
    for shade in (*plots.COLOURS.values(), *palette.SPARE):
        assert contrast(shade, paper) >= 3, shade
    assert contrast(plots.PAGES[page]["ink"], paper) >= 12


@pytest.mark.parametrize("sight", SIGHT)
def test_the_colour_blind_can_tell_the_colours_apart(sight):
    for first, second in combinations(plots.COLOURS, 2):
        least = 13 if {first, second} <= set(SOURCES) else 11
        found = difference(plots.COLOURS[first], plots.COLOURS[second], sight)
        assert found >= least, (first, second, found)


@given(texts)
def test_every_label_has_a_colour_of_its_own_for_good(label):
    assert re.fullmatch("#[0-9a-f]{6}", plots.colour(label))
    assert plots.colour(label) == plots.colour(f" {label} ")


def test_colours_do_not_depend_on_the_process():
    code = "from tutorial_utils.plots import colour; print(colour('Kazoo'))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == plots.colour("kazoo")


def test_the_theme_has_the_same_colours():
    sheet = Path(__file__).parents[2] / "book" / "_static" / "book.css"
    found = dict(re.findall(r"--tu-(\w+): (#\w{6});", sheet.read_text(encoding="utf-8")))
    assert found == plots.COLOURS


def test_import_leaves_matplotlib_alone():
    code = (
        "import matplotlib as m; before = repr(dict(m.rcParams.copy()));"
        "import tutorial_utils.plots; assert repr(dict(m.rcParams.copy())) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_colours_come_without_matplotlib():
    # The player and the drawings of the book want no more than the palette.
    code = "import sys; from tutorial_utils.plots import colour; print('matplotlib' in sys.modules)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == "False"


def test_every_public_name_can_be_loaded():
    assert {"waveform", "sources", "scores", "score_table", "picture", "style"} <= set(dir(plots))
    for name in dir(plots):
        assert getattr(plots, name).__doc__


def test_style_lets_a_backend_turn_on_interaction():
    # Jupyter's backend does so when the first figure loads it, which may be one of ours.
    assert not plt.isinteractive()
    with plots.style():
        plt.ion()
    assert plt.isinteractive()
    plt.ioff()


def test_the_users_own_style_does_not_show(sound):
    plain = plots.picture(plots.waveform(sound, RATE), alt="noise").html
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30, "lines.linewidth": 9}):
        assert plots.picture(plots.waveform(sound, RATE), alt="noise").html == plain
