"""Explorable figures in a page without a kernel, moved by mouse and keyboard."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tutorial_utils.player import player
from tutorial_utils.widgets import explore

RATE = 16000


def bars(height, colour):
    figure = Figure(figsize=(3, 2))
    figure.subplots().bar([0], [height], color=colour)
    return figure


@pytest.fixture
def figure():
    alt = "A {colour} bar of the height {height}."
    return explore(bars, alt=alt, height=[1, 2, 4, 8], colour=["red", "blue"])


def described(page):
    """The description of the one picture that is seen."""
    [picture] = page.locator(".tu-frame img:visible").all()
    assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    return picture.get_attribute("alt")


def test_moved_by_keyboard(show, figure):
    page = show(figure)
    slider, choice = page.locator("input[type=range]"), page.locator("select")
    assert described(page) == "A red bar of the height 1."
    assert slider.get_attribute("aria-valuetext") == page.locator("output").inner_text() == "1"
    page.locator("tu-explore").press("Tab")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert described(page) == "A red bar of the height 4."
    assert slider.get_attribute("aria-valuetext") == page.locator("output").inner_text() == "4"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert choice.input_value() == "1"
    assert described(page) == "A blue bar of the height 4."
    slider.press("End")
    assert described(page) == "A blue bar of the height 8."


def test_moved_by_mouse(show, figure):
    page = show(figure)
    box = page.locator("input[type=range]").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.click(box["x"] + box["width"] - 3, y)
    assert described(page) == "A red bar of the height 8."
    page.mouse.move(box["x"] + box["width"] - 6, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 3, y, steps=6)
    page.mouse.up()
    assert described(page) == "A red bar of the height 2."
    page.locator("select").select_option("blue")
    assert described(page) == "A blue bar of the height 2."


def test_each_moves_alone(show, figure):
    page = show(figure, figure)
    page.locator("input[type=range]").nth(1).press("End")
    shown = [each.get_attribute("alt") for each in page.locator(".tu-frame img:visible").all()]
    assert shown == ["A red bar of the height 1.", "A red bar of the height 8."]


def test_inserted_whole_beside_others(show, tone):
    """As JupyterLab does: the scripts run while elements inside are none of their kind yet."""
    figure = explore(lambda k: (f"k is {k}", (k * tone(200, seconds=0.5), 44100)), k=[0.1, 0.2])
    page = show(figure)
    page.evaluate(
        """
        (html) => {
          const output = document.createElement("div");
          output.innerHTML = html;
          for (const script of output.querySelectorAll("script:not([type])")) {
            const again = document.createElement("script");
            again.textContent = script.textContent;
            script.replaceWith(again);
          }
          document.body.append(output);
        }
        """,
        figure._repr_mimebundle_()["text/html"],
    )
    second = page.locator("tu-explore").nth(1)
    second.locator(".tu-control input").press("End")
    assert second.locator("p:visible").first.inner_text() == "k is 0.2"
    assert second.locator("tu-player").evaluate("(player) => player.choice") == 1
    assert page.locator("tu-player").first.evaluate("(player) => player.choice") == 0


def test_the_sound_follows_without_a_gap(show):
    time = np.arange(4 * RATE) / RATE

    def tone(octave):
        return f"{octave} octaves up", (0.2 * np.sin(2 * np.pi * 200 * 2**octave * time), RATE)

    page = show(explore(tone, octave=[0, 1, 2]))
    element = page.locator("tu-player")
    assert element.count() == 1
    assert element.locator(".tu-choices").count() == 0
    page.locator(".tu-play").click()
    page.wait_for_function("document.querySelector('tu-player').run?.gains")
    run = element.evaluate_handle("(element) => element.run")
    slider = page.locator(".tu-control input")
    slider.press("End")
    page.wait_for_timeout(150)
    gains = run.evaluate("({ gains }) => gains.map((node) => node.gain.value)")
    assert np.round(gains, 2).tolist() == [0, 0, 1]
    assert element.evaluate("(element, run) => element.run === run", run)  # it was not restarted
    assert page.locator(".tu-frame p:visible").inner_text() == "2 octaves up"
    page.locator("tu-player").press("1")  # here the control alone chooses
    assert element.evaluate("(element) => element.choice") == 2


def test_players_and_tables_in_frames(show, tone):
    def mix(gain):
        sounds = {"bass": gain * tone(200), "vocals": tone(300)}
        return player(sounds, 44100), pd.DataFrame({"gain": [gain]})

    page = show(explore(mix, gain=[0.5, 1.0]))
    assert page.locator("table:visible td").all_inner_texts() == ["0.5"]
    page.locator(".tu-play:visible").click()
    page.wait_for_timeout(500)
    page.locator(".tu-control input").press("ArrowRight")
    assert page.locator("table:visible td").all_inner_texts() == ["1.0"]
    assert page.locator("tu-player:visible").count() == 1
    # What is no longer seen is no longer heard, and what is seen instead goes on.
    page.wait_for_function("document.querySelectorAll('tu-player')[1].run?.gains")
    first, second = page.evaluate(
        "[...document.querySelectorAll('tu-player')].map(({ run, cursor }) => [run, cursor])"
    )
    assert first[0] is None and second[0] is not None
    assert first[1] == second[1] > 0.2


def test_values_and_texts_stay_text(show):
    page = show(explore(lambda name: name, name=["<script>alert(1)</script>", "\"'</select>"]))
    assert page.locator(".tu-frame p:visible").inner_text() == "<script>alert(1)</script>"
    page.locator("select").select_option(index=1)
    assert page.locator(".tu-frame p:visible").inner_text() == "\"'</select>"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_phone_light_and_dark(show, figure, contrast, theme):
    page = show(figure, width=375, theme=theme)
    width, visible = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    assert width <= visible == 375
    for text in page.locator(".tu-control span, .tu-control output, .tu-control select").all():
        assert contrast(text) >= 4.5
    box = page.locator(".tu-frame img:visible").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 375
