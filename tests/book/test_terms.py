"""The glossary defines the words of the chapters, and the notation their symbols."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import nbformat
import pytest

BOOK = Path(__file__).resolve().parents[2] / "book"
GLOSSARY = BOOK / "resources/glossary.md"
NOTATION = BOOK / "resources/notation.md"
PAGES = sorted(
    path
    for path in BOOK.rglob("*")
    if path.suffix in (".md", ".ipynb") and "_static" not in path.parts
)
CHAPTERS = [path for path in PAGES if path != GLOSSARY]
UNUSED: set[str] = set()
"""Terms that may stay although no page uses them yet."""

TERM = re.compile(r"\{term\}`([^`]+)`")
DISPLAY = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
INLINE = re.compile(r"(?<![\\$])\$(?!\$)(.+?)(?<!\\)\$", re.DOTALL)
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega ell Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
).split()

each_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(BOOK).as_posix()
)


@cache
def prose(page: Path) -> str:
    """The Markdown of a page, without listings."""
    if page.suffix == ".ipynb":
        cells = nbformat.read(page, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = page.read_text(encoding="utf-8")
    return re.sub(r"```(?:python|sh|text)\n.*?```", "", text, flags=re.DOTALL)


@cache
def whole(page: Path) -> str:
    """Everything that a reader sees of a page, code too."""
    if page.suffix == ".ipynb":
        return "\n".join(cell.source for cell in nbformat.read(page, as_version=4).cells)
    return page.read_text(encoding="utf-8")


def linked(text: str) -> list[str]:
    """The terms to which a text links: {term}`bins <bin>` leads to bin."""
    roles = (" ".join(role.split()) for role in TERM.findall(text))
    return [re.sub(r"^.*<(.+)>$", r"\1", role) for role in roles]


@cache
def entries() -> dict[tuple[str, ...], str]:
    """The glossary: definitions, each under the term and its other names."""
    body = GLOSSARY.read_text(encoding="utf-8").split("```{glossary}\n")[1].split("```")[0]
    found = {}
    for entry in re.split(r"\n\s*\n", body.strip()):
        lines = entry.splitlines()
        names = tuple(line for line in lines if not line.startswith(" "))
        found[names] = " ".join(line.strip() for line in lines[len(names) :])
    return found


@each_page
def test_every_term_that_is_linked_is_defined(page):
    defined = {name for names in entries() for name in names}
    assert set(linked(prose(page))) <= defined


def test_every_term_of_the_glossary_is_used_in_a_chapter():
    text = "\n".join(whole(page) for page in CHAPTERS)
    unused = {
        names[0]
        for names in entries()
        if not any(
            re.search(rf"(?<!\w){re.escape(name)}(?:e?s|d)?(?!\w)", text, re.I) for name in names
        )
    }
    assert unused == UNUSED


def test_every_page_that_links_to_a_term_links_to_it_at_most_twice():
    """A link belongs to the first use; a page that links every use is hard to read."""
    for page in CHAPTERS:
        if page != NOTATION:
            often = {term: n for term, n in Counter(linked(prose(page))).items() if n > 2}
            assert not often, f"{page.name}: {often}"


def test_the_glossary_is_in_order_and_each_entry_short():
    names = [names[0].lower() for names in entries()]
    assert names == sorted(names)
    assert len(names) >= 60
    everything = [name for names in entries() for name in names]
    assert len(everything) == len(set(everything))
    for names, definition in entries().items():
        text = re.sub(r"\(\{doc\}`[^`]+`\)$", "", definition).strip()
        sentences = re.findall(r"[.!?](?:\s|$)", text)
        assert text.endswith("."), f"{names[0]} has no definition that ends"
        assert 1 <= len(sentences) <= 3, f"{names[0]} is defined in {len(sentences)} sentences"


def test_every_chapter_of_the_glossary_s_links_exists():
    for target in re.findall(r"\{doc\}`[^`<]*<([^>]+)>`", GLOSSARY.read_text(encoding="utf-8")):
        path = (GLOSSARY.parent / target).resolve()
        assert any(path.with_suffix(suffix).is_file() for suffix in (".md", ".ipynb")), target


REPLACED = {
    r"data\s+sets?": "dataset",
    r"coders?": "codec",
    r"passages?": "segment",
    r"ground\s+truths?": "reference",
    r"16\s+bit": "16-bit",
}
"""Words for which the book always takes another one."""


@pytest.mark.parametrize(
    "page",
    [*PAGES, *sorted((BOOK.parent / "images").rglob("*.svg"))],
    ids=lambda page: page.relative_to(BOOK.parent).as_posix(),
)
def test_one_word_for_one_thing(page):
    text = page.read_text(encoding="utf-8") if page.suffix == ".svg" else prose(page)
    found = {
        match[0]: better
        for pattern, better in REPLACED.items()
        for match in re.finditer(rf"\b{pattern}\b", text, re.IGNORECASE)
    }
    assert not found


# ------------------------------------------------------------------------------------ symbols


def letters(formula: str) -> set[str]:
    r"""The letters of a formula that stand for something, without their indices and hats.

    >>> sorted(letters(r"\hat s_j[n] = \text{gain} \cdot \max(0, \theta_{j}) + x^2"))
    ['n', 's', 'theta', 'x']
    """
    formula = re.sub(r"\\(?:text|operatorname|mathrm|mathbf|begin|end)\*?\{[^}]*\}", " ", formula)
    formula = re.sub(r"\\mathcal\s*(?:\{(\w)\}|(\w))", r" \\calligraphic\1\2 ", formula)
    formula = re.sub(r"[_^]\s*(?:\{[^{}]*\}|\\?\w+)", " ", formula)
    commands = re.findall(r"\\([A-Za-z]+)", formula)
    bare = re.sub(r"\\[A-Za-z]+", " ", formula)
    known = {name for name in commands if name in GREEK or name.startswith("calligraphic")}
    return known | set(re.findall(r"[A-Za-z]", bare))


def test_letters_of_a_formula():
    assert letters(r"\hat s_j[n] = \max(0, \theta_{j}) \, x^2, \text{gain}") == {
        "s",
        "n",
        "theta",
        "x",
    }
    assert letters(r"10 \log_{10} \lVert s_\text{v} \rVert^2 + \mathcal{L}") == {
        "s",
        "calligraphicL",
    }


@cache
def notation() -> set[str]:
    """The letters in the first column of the table of symbols."""
    table = NOTATION.read_text(encoding="utf-8").split("## Symbols")[1].split("## Shapes")[0]
    rows = re.findall(r"^\| (\$.+?) \|", table, re.MULTILINE)
    assert len(rows) > 30
    return set().union(*(letters(formula) for row in rows for formula in INLINE.findall(row)))


def test_the_notation_has_one_row_for_each_symbol():
    table = NOTATION.read_text(encoding="utf-8").split("## Symbols")[1].split("## Shapes")[0]
    symbols = [
        symbol
        for row in re.findall(r"^\| (\$.+?) \|", table, re.MULTILINE)
        for symbol in INLINE.findall(row)
    ]
    assert len(symbols) == len(set(symbols))


@each_page
def test_every_letter_of_a_formula_is_in_the_notation_or_named_in_the_text(page):
    """A displayed formula uses letters of the notation, or such that the text around it names."""
    text = prose(page)
    around = DISPLAY.sub(" ", text)
    local = set().union(*(letters(formula) for formula in INLINE.findall(around)), set())
    for formula in DISPLAY.findall(text):
        unknown = letters(formula) - notation() - local
        assert not unknown, f"{page.name}: nothing says what {sorted(unknown)} are in {formula}"
