"""The built book in a browser: every page, with the network cut.

The book is looked for in ``_build/html``, or where the environment variable ``BOOK_HTML`` says.
"""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOOK = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html")).resolve()
MADE_BY_SPHINX = ("_static/", "_sources/", "genindex", "search", "py-modindex", "_modules/")
PAGES = sorted(
    name
    for path in BOOK.rglob("*.html")
    if not (name := path.relative_to(BOOK).as_posix()).startswith(MADE_BY_SPHINX)
    and 'http-equiv="refresh"' not in path.read_text(encoding="utf-8")[:1000].lower()
)
SOUND_LIMIT = 3_000_000  # bytes of a page

pytestmark = pytest.mark.skipif(not PAGES, reason=f"there is no built book in {BOOK}: make book")


@pytest.fixture
def turn_to(visit, serve):
    """A function that opens a page of the book and waits until it came to rest."""

    def open_page(name, **settings):
        page = visit(serve(BOOK) + name, **settings)
        page.wait_for_load_state("networkidle")
        return page

    return open_page


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_without_errors_and_without_other_hosts(turn_to, name):
    page = turn_to(name)
    assert page.locator("article h1").count() == 1
    # Mathematics is set, which means that its script was found in the book.
    unset = page.locator(".math.notranslate:not(:has(mjx-container, .katex))")
    assert unset.count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_pictures_load_and_have_text(turn_to, name):
    page = turn_to(name)
    for picture in page.locator("img").all():
        source = (picture.get_attribute("src") or "")[:80]
        picture.evaluate("(image) => { image.loading = 'eager'; }")
        assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)"), source
        alt = picture.get_attribute("alt")
        assert alt and not alt.endswith((".png", ".svg", ".jpg")), f"no description: {source}"


@pytest.mark.parametrize("name", PAGES)
def test_fits_a_phone(turn_to, name):
    page = turn_to(name, width=375, height=700)
    width, visible = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    assert width <= visible == 375


@pytest.mark.parametrize("name", PAGES)
def test_light_and_dark(turn_to, contrast, name):
    for theme in ("light", "dark"):
        page = turn_to(name, color_scheme=theme)
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        page.wait_for_timeout(100)
        ground = page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor")
        red = int(re.findall(r"\d+", ground)[0])
        assert red < 60 if theme == "dark" else red > 220
        texts = page.locator(
            "article h1, article h2, article p, article td, article th, article li, "
            "article .tu-name, article .tu-choices button, article .tu-control span"
        )
        for text in texts.all()[:80]:
            if text.is_visible() and text.inner_text().strip():
                assert contrast(text) >= 4.5, f"{theme}: {text.inner_text()[:60]}"


@pytest.mark.parametrize("name", PAGES)
def test_sound_of_a_page_stays_small(turn_to, name):
    page = turn_to(name)
    sizes = page.evaluate(
        """
        () => [...document.querySelectorAll("tu-player")].map((player) =>
          player.data.files.reduce((sum, file) => sum + file.length, 0))
        """
    )
    sizes += page.evaluate(
        "() => [...document.querySelectorAll('audio, audio source')].map((each) => each.src.length)"
    )
    assert sum(sizes) < SOUND_LIMIT


@pytest.mark.parametrize("name", PAGES)
def test_no_widget_waits_for_a_kernel(name):
    text = (BOOK / name).read_text(encoding="utf-8")
    assert "application/vnd.jupyter.widget" not in text
    assert "require.min.js" not in text


@pytest.mark.parametrize("name", PAGES)
def test_every_player_plays(turn_to, name):
    page = turn_to(name)
    for element in page.locator("tu-player:visible").all():
        element.locator(".tu-play").click()
        element.evaluate(
            """
            async (element) => {
              const late = Date.now() + 20000;
              while (!element.run?.gains && Date.now() < late) {
                await new Promise((resolve) => setTimeout(resolve, 50));
              }
            }
            """
        )
        page.wait_for_timeout(200)
        assert element.evaluate("(element) => element.position") > 0
        element.locator(".tu-play").click()


@pytest.mark.parametrize("name", PAGES)
def test_every_explorable_figure_moves(turn_to, name):
    page = turn_to(name)
    for element in page.locator("tu-explore").all():
        before = element.locator(".tu-frame:visible").evaluate("(frame) => frame.innerHTML")
        control = element.locator(".tu-control :is(input, select)").first
        control.press("ArrowRight" if control.get_attribute("type") == "range" else "ArrowDown")
        after = element.locator(".tu-frame:visible").evaluate("(frame) => frame.innerHTML")
        assert after != before
