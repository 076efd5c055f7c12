"""What is written into pages: text made safe, and the scripts and styles of the package."""

import doctest
import html
import re
from xml.etree import ElementTree

import pytest
from hostile import texts
from hypothesis import given

from tutorial_utils import markup
from tutorial_utils.markup import clean, escape, web


@given(texts)
def test_any_text_can_be_written_and_stays_text(text):
    assert clean(text).encode().decode() == clean(text)
    assert html.unescape(escape(text)) == clean(text)
    read = ElementTree.fromstring(f'<p title="{escape(text)}">{escape(text)}</p>')
    assert len(read) == 0 and list(read.attrib) == ["title"]


def test_only_what_no_page_can_hold_is_replaced():
    assert clean("a\tb\n音 🎵 \x7f") == "a\tb\n音 🎵 \x7f"
    assert clean("\x00\x1b\ud800\uffff") == "\ufffd" * 4
    assert clean(3.5) == "3.5"


def test_data_become_addresses():
    assert markup.data_uri("image/png", b"\x89") == "data:image/png;base64,iQ=="
    assert markup.data_uri("image/svg+xml", '<a b="#">') == "data:image/svg+xml,%3Ca b=%22%23%22%3E"


@pytest.mark.parametrize("name", ["player.js", "explore.js", "theme.css"])
def test_scripts_and_styles_are_whole_and_alone(name):
    text = web(name)
    assert "/* " not in text or ".css */" not in text
    assert not re.search(r"https?:|//\w+\.|@import|url\(|</", text)


def test_examples_in_the_docstrings_run():
    result = doctest.testmod(markup)
    assert result.failed == 0 < result.attempted
