"""Whatever a file or a table holds, a message shows it on one printable line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_utils.text import shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Café – Ωmega 東京.wav", "Café – Ωmega 東京.wav"),
        ("C:\\Music\\bass.wav", "C:\\Music\\bass.wav"),
        (Path("a") / "b.wav", str(Path("a") / "b.wav")),
        (2.5, "2.5"),
        (None, "None"),
        ("\x1b]0;title\x07\x1b[2J", "\\x1b]0;title\\x07\\x1b[2J"),
        ("two\nlines\tand\r", "two\\nlines\\tand\\r"),
        ("caf\udce9.wav", "caf\\udce9.wav"),
        ("right\u202eleft", "right\\u202eleft"),
    ],
)
def test_what_cannot_be_printed_is_escaped(value, expected):
    assert shown(value) == expected


def test_of_a_long_value_the_ends_are_shown():
    assert shown("x" * 300) == "x" * 300
    assert shown("beginning" + "x" * 100_000 + "end.wav", 16) == "beginnin…end.wav"
    assert shown("123456", 5) == "123…6"


@given(st.text(alphabet=st.characters(), max_size=50), st.integers(2, 60))
def test_it_is_always_one_line_that_can_be_encoded(value, longest):
    text = shown(value, longest)
    assert text.isprintable()
    text.encode()
    if value.isprintable():
        assert len(text) == min(len(value), longest)
