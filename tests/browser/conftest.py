"""A headless Chromium, cut off from the network, that looks at pages served on this machine."""

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

RATE = 44100
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
]


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    """The browser, or a skipped test where there is none, or no client to drive it."""
    client = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(PROGRAMS)} is installed")
    with client.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def serve():
    """A function that serves a folder on localhost, and returns its address."""
    servers = {}

    def start(folder: Path) -> str:
        if folder not in servers:
            handler = functools.partial(_Quiet, directory=str(folder))
            server = http.server.ThreadingHTTPServer(("localhost", 0), handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            servers[folder] = server
        return f"http://localhost:{servers[folder].server_port}/"

    yield start
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.fixture
def visit(chromium):
    """A function that opens an address in a fresh context, which must stay free of complaints.

    Errors on the console, exceptions, dialogs and requests to other hosts fail the test.
    """
    contexts, complaints = [], []

    def open_page(address, width=1000, height=900, **settings):
        context = chromium.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda message: (
                complaints.append(f"console: {message.text}") if message.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("http://localhost:", "data:", "blob:"))
                else complaints.append(f"request to another host: {request.url}")
            ),
        )
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def show(visit, serve, tmp_path):
    """A function that puts objects, as a notebook would, into a page of their own and opens it.

    The page can have a style, as the hosts of notebooks have theirs.
    """

    def show_objects(*objects, theme="light", style="", **settings):
        outputs = "".join(
            f'<div class="output text_html">{_html(each)}</div><p>Text between outputs.</p>'
            for each in objects
        )
        mark = f' data-theme="{theme}"' if theme else ""
        (tmp_path / "page.html").write_text(
            f'<!doctype html><html lang="en"{mark}><head><meta charset="utf-8"><title>Page</title>'
            '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
            f"<style>{style}</style></head>"
            f"<body id='host'>{outputs}<input id='outside'></body></html>",
            encoding="utf-8",
        )
        return visit(serve(tmp_path) + "page.html", **settings)

    return show_objects


def _html(shown):
    if hasattr(shown, "_repr_mimebundle_"):
        return shown._repr_mimebundle_()["text/html"]
    return shown._repr_html_()


@pytest.fixture
def tone():
    """A function that makes a stereo tone of shape (2, samples)."""

    def make(frequency, seconds=4.0, level=0.1, rate=RATE):
        time = np.arange(round(seconds * rate)) / rate
        return np.tile(level * np.sin(2 * np.pi * frequency * time), (2, 1)).astype(np.float32)

    return make


# What the tests measure of a page's colours, as WCAG 2 defines it.
CONTRAST = """
(element) => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (colours) => {
    paint.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 1, 1);
    }
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const grounds = [];
  const outside = (each) => each.assignedSlot ?? each.parentElement ?? each.getRootNode().host;
  for (let each = element; each; each = outside(each)) {
    grounds.unshift(getComputedStyle(each).backgroundColor);
  }
  const ground = luminance(["white", ...grounds]);
  const ink = luminance(["white", ...grounds, getComputedStyle(element).color]);
  return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
}
"""


@pytest.fixture
def contrast():
    """A function that gives the contrast of an element's text with what lies under it."""
    return lambda locator: locator.evaluate(CONTRAST)
