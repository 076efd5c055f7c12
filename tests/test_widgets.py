"""Explorable figures, with a kernel and without. How they move is tested in tests/browser."""

import base64
import io
import itertools
import json
import re
from fractions import Fraction

import bs4
import hostile
import matplotlib.pyplot as plt
import nbclient
import nbformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from hostile import numbers, texts
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from tutorial_utils import plots, widgets
from tutorial_utils.player import player
from tutorial_utils.widgets import explore

RATE = 16000


def page(made):
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    return bs4.BeautifulSoup(bundle["text/html"], "html.parser", string_containers={})


def sounds(made):
    """The sounds of an explorable figure, in the order of its frames."""
    [element] = page(made).select(".tu-sounds > tu-player")
    held = json.loads(element.find("script").string)
    [track] = held["tracks"]
    files = (io.BytesIO(base64.b64decode(held["files"][number])) for number in track)
    return [soundfile.read(file)[0] for file in files]


def line(slope):
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([0, slope])
    return figure


def test_every_combination_is_prepared_in_order():
    made = explore(lambda **chosen: str(chosen), a=[1, 2], b=["x", "y", "z"])
    frames = page(made).select(".tu-frame")
    expected = [str({"a": a, "b": b}) for a in (1, 2) for b in "xyz"]
    assert [frame.text for frame in frames] == expected
    assert [frame.has_attr("hidden") for frame in frames] == [False, *[True] * 5]


def test_numbers_get_a_slider_and_all_else_a_list():
    made = explore(
        lambda **chosen: "",
        whole=range(3),
        broken=np.linspace(0, 1, 3),
        text=["a", "b"],
        truth=[True, False],
        one_number=[3],
    )
    controls = page(made).select(".tu-control")
    kinds = [control.select_one("input, select").name for control in controls]
    assert kinds == ["input", "input", "select", "select", "select"]
    assert controls[1]["data-values"] == '["0", "0.5", "1"]'
    assert controls[4].span.text == "one number"


def test_figures_need_a_description_and_are_closed():
    with pytest.raises(ValueError, match="alt="):
        explore(line, slope=[1, 2])
    before = plt.get_fignums()
    made = explore(
        lambda slope: plt.subplots()[1].plot([0, slope])[0].axes, alt="To {slope}.", slope=[1, 2]
    )
    assert plt.get_fignums() == before
    assert [image["alt"] for image in page(made).select("img")] == ["To 1.", "To 2."]


def test_what_can_be_returned():
    picture = plots.picture(line(1), alt="A line.")
    table = pd.DataFrame({"<b>": ["<i>"]})
    sound = player({"a": np.zeros((2, 100))}, RATE)
    made = explore(lambda k: [picture, table, (sound, f"<script>{k}")], k=[1])
    frame = page(made).select_one(".tu-frame")
    assert frame.img["alt"] == "A line."
    assert frame.td.text == "<i>" and frame.find("b") is None
    assert frame.find("tu-player") is not None
    assert frame.select("p")[-1].text == "<script>1"


def test_sounds_become_one_player():
    made = explore(lambda k: (np.full((2, 800), k / 10), RATE), k=[1, 2, 3])
    [element] = page(made).select(".tu-sounds > tu-player")
    assert '"tracks":[[0,1,2]]' in element.find("script").string
    assert element.select(".tu-choices") == []


def test_values_that_look_alike_have_their_own_frames_and_sounds():
    """What is shown and heard goes by the place of a value, never by what it is called."""
    seen = []

    def hear(value):
        seen.append(value)
        return f"{value!r}", (np.full(4000, len(seen) / 10), RATE)

    values = [44100, 44101, "44100", 44100.00001, 44100, np.float64(0.5), 0.50000001]
    made = explore(hear, value=values)
    assert seen == values
    frames = [frame.text for frame in page(made).select(".tu-frame")]
    assert frames == [repr(value) for value in values]
    levels = [np.median(np.abs(sound)) for sound in sounds(made)]
    np.testing.assert_allclose(levels, 0.1 * np.arange(1, 8), rtol=0.15)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([44100, 44101], ["44100", "44101"]),
        ([0.1, 1 / 3, 1e-7], ["0.1", "0.3333", "1e-07"]),
        ([0.12341, 0.12342], ["0.12341", "0.12342"]),
        ([1 / 3, 1 / 3 + 1e-16], ["0.33333333333333331", "0.33333333333333343"]),
        ([1.0, 44100.0, np.float32(0.5)], ["1", "44100", "0.5"]),
        ([0.5, 0.5], ["0.5", "0.5"]),
        ([np.nan, np.inf, 10**400], ["nan", "inf", str(10**400)]),
        ([Fraction(1, 4), True, None], ["0.25", "True", "None"]),
        (["\ud800", "<b>"], ["\ufffd", "<b>"]),
    ],
)
def test_labels_tell_values_apart(values, labels):
    [control] = page(explore(lambda value: "", value=values)).select(".tu-control")
    assert json.loads(control["data-values"]) == labels


@given(st.lists(st.floats(), min_size=2, max_size=5, unique=True))
def test_all_different_numbers_have_different_labels(values):
    assert len(set(widgets._labels(values))) == len({str(value) for value in values})


@settings(max_examples=40, deadline=None)
@given(texts, hostile.sounds | texts, numbers)
def test_what_a_function_returns_is_shown_or_refused(name, what, rate):
    for returned in (what, (what, rate), [name, (what, rate)]):
        try:
            made = explore(lambda **_: returned, **{name: [name, rate]})  # noqa: B023
        except (TypeError, ValueError) as error:
            assert str(error).isprintable()
        else:
            made._repr_mimebundle_()["text/html"].encode()
            repr(made).encode()


@pytest.mark.parametrize("alt", ["{other}", "{}", "{0}", "{x.y}", "{x", "{x:d}"])
def test_a_description_may_name_the_controls_alone(alt):
    with pytest.raises(ValueError, match="may name the controls x in braces"):
        explore(lambda x: line(1), alt=alt, x=["a"])


def test_what_looks_like_an_image_in_a_text_stays_text():
    """Also where the frames are so large that images are made smaller."""
    text = "data:image/png;base64,AAAA src="
    made = explore(lambda k: [text, "x" * 300_000, picture(k)], k=range(4))
    assert page(made).select_one(".tu-frame p").text == text


def picture(k):
    figure = Figure(figsize=(5, 3))
    pixels = np.random.default_rng(k).normal(size=(300, 500))
    figure.subplots().imshow(pixels, aspect="auto", cmap="magma")
    return plots.picture(figure, alt=f"Noise, {k}.")


@pytest.mark.parametrize(
    ("function", "controls", "error", "message"),
    [
        (str, {}, ValueError, "at least one control"),
        (str, {"a": []}, ValueError, '"a" has no values'),
        (str, {"a": 0.5}, TypeError, r'"a" needs a list of values, not 0\.5'),
        (str, {"a": "vocals"}, TypeError, '"a" needs a list of values, not vocals'),
        (str, {"a": itertools.count()}, ValueError, "61 a = 61 ways"),
        (str, {"a": range(10), "b": range(7)}, ValueError, "10 a × 7 b = 70 ways"),
        (lambda a: 3, {"a": [1]}, TypeError, "returned int"),
        (lambda a: None, {"a": [1]}, TypeError, "returned NoneType"),
        (lambda a: [("a", (np.zeros(9), RATE))][:a], {"a": [0, 1]}, ValueError, "equally many"),
        (lambda a: (np.zeros(9), 8000 * a), {"a": [1, 2]}, ValueError, r"rates: \[8000, 16000\]"),
        (lambda a: (np.zeros(9), np.nan), {"a": [1]}, ValueError, "sample_rate.* nan"),
        (lambda a: (np.zeros(9), 44100.5), {"a": [1]}, ValueError, r"sample_rate.* 44100\.5"),
        (lambda a: (np.zeros(a), 8000), {"a": [8, 9]}, ValueError, "sound of a 9 has 9 samples"),
        (lambda a: ([np.nan], 8000), {"a": [1]}, ValueError, "sound of a 1 cannot .* NaN"),
        (lambda a: "x" * 1_600_000, {"a": [1]}, ValueError, r"1 frames take 1.6 MB .* fewer"),
    ],
)
def test_errors(function, controls, error, message):
    with pytest.raises(error, match=message):
        explore(function, **controls)


def test_frames_that_are_too_large_are_compressed():
    made = explore(picture, k=range(8))
    text = made._repr_mimebundle_()["text/html"]
    assert len(text.encode()) < 1_500_000
    assert text.count("data:image/webp;base64,") == 8
    assert re.search(r"8 frames, [01]\.\d\d MB", repr(made))


def run(code, monkeypatch, **environment):
    """The outputs of a cell that a program executes, as it does for the book."""
    for name in ("TUTORIAL_UTILS_STATIC", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=120).execute()
    return notebook.cells[0].outputs


CELL = """
from tutorial_utils.widgets import explore
calls = []
def f(x):
    calls.append(x)
    return f"x is {x}"
explored = explore(f, x=[1, 2, 3])
explored
"""
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.mark.slow
def test_executed_by_a_program_it_needs_no_kernel(monkeypatch):
    for environment in ({}, {"JPY_SESSION_NAME": "a.ipynb", "TUTORIAL_UTILS_STATIC": "1"}):
        [output] = run(CELL, monkeypatch, **environment)
        assert VIEW not in output["data"]
        assert "x is 3" in output["data"]["text/html"]


@pytest.mark.slow
def test_with_a_live_kernel_the_function_is_called_as_the_control_moves(monkeypatch):
    code = (
        CELL.replace("\nexplored\n", "\nfrom IPython.display import display\ndisplay(explored)\n")
        + """
import gc, ipywidgets
[slider] = [each for each in gc.get_objects() if isinstance(each, ipywidgets.SelectionSlider)]
slider.index = 2
[output] = [each for each in gc.get_objects() if isinstance(each, ipywidgets.Output)]
print(calls)
"""
    )
    outputs = run(code, monkeypatch, JPY_SESSION_NAME="a.ipynb")
    shown = [output for output in outputs if output["output_type"] == "display_data"]
    assert VIEW in shown[0]["data"] and "text/html" not in shown[0]["data"]
    assert outputs[-1]["text"] == "[1, 3]\n"
