"""The built book: every page is there and whole. Skipped where it was not built."""

import base64
import io
import os
import urllib.parse
import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
pytestmark = pytest.mark.skipif(
    not (HTML / "index.html").is_file(), reason="the book was not built: run make book"
)


def chapters():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"]] + [
        chapter["file"] for part in toc["parts"] for chapter in part["chapters"]
    ]


each_page = pytest.mark.parametrize("page", chapters())


@cache
def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@each_page
def test_the_page_is_there_and_in_the_menu(page):
    page_soup = soup(HTML / f"{page}.html")
    assert page_soup.select_one("article h1") or page_soup.select_one("main h1")
    start = soup(HTML / f"{chapters()[0]}.html")
    targets = {
        (HTML / chapters()[0]).parent.joinpath(a["href"].split("#")[0]).resolve()
        for a in start.select("nav a[href]")
        if not urllib.parse.urlparse(a["href"]).scheme
    }
    assert page == chapters()[0] or (HTML / f"{page}.html").resolve() in targets


@each_page
def test_every_code_cell_was_executed_without_error(page):
    page_soup = soup(HTML / f"{page}.html")
    assert "Traceback (most recent call last)" not in page_soup.get_text()
    assert not page_soup.select(".output.traceback, .cell_output .stderr .ansi-red-fg")


@each_page
def test_no_cell_warns(page):
    """What cells say on stderr is a progress bar or nothing."""
    for output in soup(HTML / f"{page}.html").select(".cell_output .stderr"):
        lines = [line for line in output.get_text().splitlines() if line.strip()]
        assert all("%|" in line or "it [" in line for line in lines), lines


@each_page
def test_no_reference_is_left_unresolved(page):
    page_soup = soup(HTML / f"{page}.html")
    loose = [tag for tag in page_soup.select(".xref") if tag.find_parent("a") is None]
    assert not loose
    assert not page_soup.select(".problematic, .system-message")


@each_page
def test_internal_links_lead_somewhere(page):
    path = HTML / f"{page}.html"
    for a in soup(path).select("a[href]"):
        url = urllib.parse.urlparse(a["href"])
        if url.scheme or url.netloc:
            continue
        target = path if not url.path else path.parent / urllib.parse.unquote(url.path)
        assert target.exists(), f"{page}: {a['href']}"
        if url.fragment and target.suffix == ".html":
            names = soup(target.resolve())
            found = names.find(id=url.fragment) or names.find(attrs={"name": url.fragment})
            assert found, f"{page}: {a['href']}"


@each_page
def test_every_image_has_alternative_text_and_loads(page):
    path = HTML / f"{page}.html"
    for image in soup(path).select("img"):
        alt = image.get("alt", "").strip()
        # Sphinx names an image without a description by its file.
        assert alt and not alt.endswith((".png", ".svg", ".jpg")), f"{page}: {str(image)[:200]}"
        content = load(image["src"], path)
        if content.lstrip().startswith((b"<svg", b"<?xml")):
            assert ElementTree.fromstring(content).tag.endswith("svg")
        else:
            Image.open(io.BytesIO(content)).verify()


def load(source, page):
    """The bytes of an image that is named by a path or given as a data address."""
    if not source.startswith("data:"):
        assert not urllib.parse.urlparse(source).scheme, f"{page}: {source} is on another host"
        return (page.parent / urllib.parse.unquote(source)).read_bytes()
    head, data = source.split(",", 1)
    if head.endswith(";base64"):
        return base64.b64decode(data)
    return urllib.parse.unquote_to_bytes(data)


def test_the_start_page_is_reached_from_the_top():
    top = soup(HTML / "index.html")
    refresh = top.select_one("meta[http-equiv=refresh]")
    assert refresh is None or (HTML / refresh["content"].split("url=")[-1].strip("'\"")).exists()
