"""Player, figures and controls in a live JupyterLab, which has its own styles and shortcuts."""

import itertools
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")

CELLS = (
    """
import os
import numpy as np
import pandas as pd
import tutorial_utils as tu
rate = 16000
time = np.arange(4 * rate) / rate
def tone(frequency):
    return 0.2 * np.sin(2 * np.pi * frequency * time) * np.exp(-4 * (time % 0.5))
tu.player(
    {
        "drums": {"reference": tone(200), "estimate": tone(210)},
        "bass": {"reference": tone(100), "estimate": tone(110)},
        "a name that is much longer than others": tone(300),
    },
    rate,
    title="A song",
)
""",
    """
tu.player({"low": tone(200), "high": tone(800)}, rate, view="spectrogram")
""",
    """
def wave(frequency, colour_of):
    sound = tone(frequency)
    return tu.plots.waveform(sound[:400], rate, label=colour_of), (sound, rate)
alt = "A wave of {frequency} Hz in the colour of {colour_of}."
controls = {"frequency": [100, 200, 400], "colour_of": ["bass", "vocals"]}
tu.widgets.explore(wave, alt=alt, **controls)
""",
    """
os.environ["TUTORIAL_UTILS_STATIC"] = "1"
explored = tu.widgets.explore(wave, alt=alt, **controls)
del os.environ["TUTORIAL_UTILS_STATIC"]
explored
""",
    """
rows = [
    ("model", source, metric, value)
    for metric in ("SDR (BSS Eval v4)", "SI-SDR")
    for source, value in (("drums", 1.0), ("bass", 2.0))
]
scores = pd.DataFrame(rows, columns=["method", "source", "metric", "value"])
tu.plots.score_table(scores, caption="In dB")
""",
    """
sounds = {"reference": tone(200), "method 1": tone(210), "method 2": tone(220)}
tu.listening.mushra({"one": sounds, "two": sounds}, rate, name="Tones")
""",
)
PLAYER, SPECTROGRAMS, LIVE, STATIC, SCORES, LISTENING = range(len(CELLS))


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab of its own: the address of its notebook, and what opens it."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    (folder / "root").mkdir()
    nbformat.write(notebook, folder / "root" / "page.ipynb")
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    token = secrets.token_hex(16)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ip=localhost", "--port=0", f"--IdentityProvider.token={token}"),
        f"--ServerApp.root_dir={folder / 'root'}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        # Should this test be killed, they end by themselves.
        *(
            "--ServerApp.shutdown_no_activity_timeout=300",
            "--MappingKernelManager.cull_interval=60",
        ),
        "--MappingKernelManager.cull_idle_timeout=300",
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "TUTORIAL"))}
    environment |= {
        "HOME": str(folder),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    log = folder / "log"
    with log.open("w") as file:
        server = subprocess.Popen(
            command, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    try:
        port = _port(server, folder / "runtime", log)
        yield f"http://localhost:{port}/lab/workspaces/{{}}/tree/page.ipynb?token={token}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _port(server, runtime: Path, log: Path, patience=120) -> int:
    """The port that the server took, from the file that it writes when it is ready."""
    late = time.monotonic() + patience
    while time.monotonic() < late and server.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            try:
                return json.loads(file.read_text())["port"]
            except json.JSONDecodeError:
                pass  # not written to its end
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture(scope="module", params=[1200, 700], ids="{}px".format)
def page(request, lab, chromium):
    """The notebook in a window of this width, all of its cells run."""
    context = chromium.new_context(viewport={"width": request.param, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(120_000)
    complaints = []
    page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
    page.on(
        "request",
        lambda each: (
            None
            if each.url.startswith(("http://localhost:", "data:", "blob:"))
            else complaints.append(f"request to another host: {each.url}")
        ),
    )
    page.goto(lab.format(f"width{request.param}"))
    kernel = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel"
    page.wait_for_function(f"{kernel}?.status === 'idle'")
    # Not waited for here, where a wait would have no end.
    page.evaluate(
        """
        () => {
          const { shell, commands } = window.jupyterapp;
          if (!shell.leftCollapsed) shell.collapseLeft();
          window.ran = commands.execute("notebook:run-all-cells").then(() => true);
          window.ran.then((ran) => (window.ran = ran));
        }
        """
    )
    page.wait_for_function("window.ran === true")
    save(page)
    page.set_default_timeout(30_000)
    yield page
    context.close()
    assert complaints == []


def output(page, cell):
    """The output of a cell, brought into view so that Lab draws it."""
    found = page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-Cell-outputArea")
    found.scroll_into_view_if_needed()
    return found


def save(page):
    page.evaluate("void window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")


def use_theme(page, name):
    page.evaluate(
        "(theme) => void window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
        name,
    )
    light = "true" if name == "JupyterLab Light" else "false"
    page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")


def boxes(locator):
    return [each.bounding_box() for each in locator.all() if each.is_visible()]


def inside(inner, outer, slack=0.6):
    return (
        inner["x"] >= outer["x"] - slack
        and inner["y"] >= outer["y"] - slack
        and inner["x"] + inner["width"] <= outer["x"] + outer["width"] + slack
        and inner["y"] + inner["height"] <= outer["y"] + outer["height"] + slack
    )


def state(page):
    """What shortcuts of Lab would change: the cells, which is active, the mode, where it stands."""
    return page.evaluate(
        """
        () => {
          const { content, context } = window.jupyterapp.shell.currentWidget;
          return {
            cells: content.widgets.map(({ model }) => [model.type, model.sharedModel.getSource()]),
            active: content.activeCellIndex,
            mode: content.mode,
            dirty: context.model.dirty,
            scrolled: content.node.querySelector(".jp-WindowedPanel-outer")?.scrollTop,
            lines: content.widgets[0].editor?.getOption("lineNumbers"),
            dialogs: document.querySelectorAll(".jp-Dialog").length,
          };
        }
        """
    )


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("cell", [PLAYER, SPECTROGRAMS, LIVE, STATIC])
def test_a_player_keeps_its_layout(page, contrast, cell, theme):
    use_theme(page, theme)
    area = output(page, cell)
    player = area.locator("tu-player:visible")
    player.wait_for()
    frame = player.bounding_box()
    assert inside(frame, area.bounding_box())
    tracks, lanes = boxes(player.locator(".tu-track")), boxes(player.locator(".tu-lane"))
    assert len(tracks) == len(lanes) > 0
    for track, lane in zip(tracks, lanes, strict=True):
        assert inside(lane, track) and 50 <= lane["height"] <= 100
    pictures = boxes(player.locator(".tu-picture :is(svg, img)"))
    assert len(pictures) == len(lanes)
    for picture, lane in zip(pictures, lanes, strict=True):
        assert inside(picture, lane) and picture["height"] == pytest.approx(lane["height"], abs=2)
    # One below the other, from the bar to the line of keys.
    parts = boxes(player.locator(".tu-bar, .tu-ruler, .tu-track, .tu-foot"))
    for above, below in itertools.pairwise(parts):
        assert above["y"] + above["height"] <= below["y"] + 0.6
    assert all(inside(part, frame) for part in parts)
    ground = player.locator(".tu-box").evaluate("(box) => getComputedStyle(box).backgroundColor")
    red = int(re.findall(r"\d+", ground)[0])
    assert red < 60 if "Dark" in theme else red > 220
    for text in player.locator(".tu-title, .tu-now, .tu-name, .tu-ruler span, .tu-loop").all():
        assert contrast(text) >= 4.5


@pytest.mark.parametrize("cell", [LIVE, STATIC])
def test_a_figure_has_its_size(page, cell):
    picture = output(page, cell).locator("img.tu-figure:visible")
    natural = picture.evaluate("(image) => [image.width, image.naturalWidth, image.naturalHeight]")
    box = picture.bounding_box()
    assert natural[0] == pytest.approx(box["width"], abs=1)
    assert box["width"] > 450
    assert box["height"] / box["width"] == pytest.approx(natural[2] / natural[1], rel=0.02)


def test_scores_fit(page):
    area = output(page, SCORES)
    tables = area.locator("table")
    assert tables.locator("thead th:first-child").all_inner_texts() == [
        "SDR (BSS Eval v4)",
        "SI-SDR",
    ]
    assert all(inside(table, area.bounding_box()) for table in boxes(tables))


def test_it_plays(page):
    player = output(page, PLAYER).locator("tu-player")
    player.locator(".tu-play").click()
    page.wait_for_function("(player) => player.run?.gains", arg=player.element_handle())
    page.wait_for_timeout(400)
    assert player.evaluate("(player) => player.position") > 0.1
    player.locator(".tu-choices button").nth(1).click()
    assert player.evaluate("(player) => player.choice") == 1
    box = player.locator(".tu-lane").first.bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2)
    assert player.evaluate("(player) => player.position") == pytest.approx(3, abs=0.5)
    # Lab gives the focus to its cells where one clicks; the player keeps it.
    before = state(page)
    for expected in (True, False):
        page.keyboard.press("s")
        assert player.evaluate("(player) => player.tracks[0].solo") is expected
    page.keyboard.press(" ")
    assert player.evaluate("(player) => player.run") is None
    page.keyboard.press(" ")
    page.wait_for_function("(player) => player.run?.gains", arg=player.element_handle())
    assert state(page) == before
    volume = player.locator(".tu-volume").first
    volume.fill("25")
    assert player.evaluate("(player) => player.tracks[0].volume") == 0.25
    player.locator(".tu-play").click()
    assert player.evaluate("(player) => player.run") is None


def test_keys_of_the_player_are_no_shortcuts_of_lab(page):
    player = output(page, PLAYER).locator("tu-player")
    player.focus()
    before = state(page)
    assert before["mode"] == "command"
    # What the player uses, and what Lab's command mode would make of letters that it does not use.
    used = [
        "m",
        "s",
        "m",
        "s",
        "l",
        "l",
        "1",
        "2",
        "ArrowRight",
        "ArrowLeft",
        "[",
        "]",
        "Home",
        "l",
    ]
    unused = ["d", "d", "a", "b", "x", "y", "c", "v", "z", "0", "0", "i", "i", "j", "k", "Enter"]
    for key in [*used, *unused, " ", " ", "ArrowDown", "ArrowDown", "ArrowUp", "Shift+M"]:
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.localName") == "tu-player", key
        assert state(page) == before, key
    assert player.evaluate("(player) => player.choice") == 1
    # And inside of it, where a control has the focus.
    for control in (player.locator(".tu-volume").first, player.locator(".tu-mute").first):
        control.focus()
        for key in ("ArrowDown", "ArrowUp", "d", "d", "b", "y"):
            page.keyboard.press(key)
            assert state(page) == before, key
    # The shortcuts are alive, only not here.
    page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCell.node.focus()")
    page.keyboard.press("b")
    assert len(state(page)["cells"]) == len(before["cells"]) + 1
    page.keyboard.press("d")
    page.keyboard.press("d")
    assert len(state(page)["cells"]) == len(before["cells"])
    save(page)


def test_explore_follows_its_controls_with_a_kernel(page):
    area = output(page, LIVE)
    picture = area.locator("img.tu-figure")
    assert picture.get_attribute("alt") == "A wave of 100 Hz in the colour of bass."
    before = state(page)
    area.locator(".noUi-handle").press("ArrowRight")
    area.locator("img[alt='A wave of 200 Hz in the colour of bass.']").wait_for()
    area.locator("select").select_option("vocals")
    area.locator("img[alt='A wave of 200 Hz in the colour of vocals.']").wait_for()
    assert picture.count() == 1
    player = area.locator("tu-player")
    player.wait_for(state="attached")
    assert player.count() == 1
    player.locator(".tu-play").click()
    page.wait_for_function("(player) => player.run?.gains", arg=player.element_handle())
    player.locator(".tu-play").click()
    assert state(page)["cells"] == before["cells"]
    # The name is not cut off.
    label = area.locator(".widget-label", has_text="colour of")
    assert label.evaluate("(label) => label.scrollWidth <= label.clientWidth")


def test_explore_follows_its_controls_without_a_kernel(page):
    figure = output(page, STATIC).locator("tu-explore")
    slider, choice = figure.locator("input[type=range]").first, figure.locator("select")
    slider.focus()
    before = state(page)
    for key in ("ArrowRight", "ArrowUp", "d", "d", "b"):
        page.keyboard.press(key)
        assert state(page) == before, key
    described = "A wave of 400 Hz in the colour of bass."
    assert figure.locator("img:visible").get_attribute("alt") == described
    choice.select_option("vocals")
    choice.focus()
    page.keyboard.press("y")
    assert state(page) == before
    assert figure.locator("img:visible").get_attribute("alt") == described.replace("bass", "vocals")
    assert figure.locator("output").inner_text() == "400"


def test_a_listening_test_can_be_taken(page, contrast):
    area = output(page, LISTENING)
    test = area.locator("tu-listening")
    name = test.locator("input[name=participant]")
    name.click()  # which makes this cell the active one
    before = state(page) | {"scrolled": None}
    name.press_sequentially("dd x")  # letters that are shortcuts of Lab's cells
    test.locator(".tu-start button").click()
    test.locator(".tu-trials").wait_for()
    assert inside(test.bounding_box(), area.bounding_box())
    page.keyboard.press("2")
    page.wait_for_function("(test) => test.heard.has(2)", arg=test.element_handle())
    for row in test.locator(".tu-row").all()[1:]:
        row.locator("button").click()
        row.locator("input").press("ArrowUp")
        assert row.locator("output").inner_text() == "51"
    for text in test.locator(".tu-title, .tu-question, .tu-letter, output").all():
        assert contrast(text) >= 4.5
    test.locator(".tu-next").click()
    assert test.locator(".tu-progress").inner_text() == "Trial 2 of 2"
    assert state(page) | {"scrolled": None} == before
