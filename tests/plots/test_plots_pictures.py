"""The picture that goes on the page."""

import base64
import doctest
import html
import io
import re
import urllib.parse
from xml.etree import ElementTree

import bs4
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers import RATE
from hostile import TEXTS, texts
from hypothesis import given, settings
from PIL import Image

from tutorial_utils import plots
from tutorial_utils.markup import clean
from tutorial_utils.plots import palette, pictures

SVG = "{http://www.w3.org/2000/svg}"


def one_score(**names):
    return pd.DataFrame([{**names, "value": 1.0}])


def svg(picture):
    source = html.unescape(re.search(r'src="([^"]*)"', picture.html)[1])
    head, data = source.split(",", 1)
    assert head == "data:image/svg+xml"
    return urllib.parse.unquote(data)


def test_picture_is_an_svg_that_follows_the_page(sound):
    ax = plots.spectrogram(sound, RATE, label="vocals")
    picture = plots.picture(ax, alt='Noise <at> "all"\n frequencies')
    assert 'alt="Noise &lt;at&gt; &quot;all&quot; frequencies"' in picture.html
    assert repr(picture) == 'Picture: Noise <at> "all" frequencies'
    assert picture._repr_html_() == picture.html
    drawn = svg(picture)
    ElementTree.fromstring(drawn)
    assert "prefers-color-scheme:dark" in drawn and "var(--ink)" in drawn
    assert "#000000" not in drawn and drawn.count("#ffffff") == 1  # where the paper is defined
    assert "var(--fonts)" in drawn and "DejaVu" not in drawn
    assert len(picture.html) < 200_000
    assert not plt.get_fignums()


def test_the_same_picture_is_drawn_twice(sound):
    first, second = (plots.picture(plots.sources({"a": sound}, RATE), alt="a") for _ in range(2))
    assert first.html == second.html


def test_picture_is_a_png_where_that_is_smaller(random):
    figure, ax = plt.subplots()
    ax.scatter(*random.standard_normal((2, 20_000)))
    picture = plots.picture(figure, alt="a cloud")
    assert "data:image/png" in picture.html and len(picture.html) < 300_000


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_is_drawn_as_it_is(sound, name):
    figures = (
        plots.waveform(sound, RATE, label="drums", title=name),
        plots.sources({name: sound, "bass": sound}, RATE, title=f"{name}!"),
        plots.training_curves({name: [1, 2], "loss": [2, 1]}, title=name),
        plots.scores(one_score(method=name, source=name, metric=name), title=name),
    )
    for figure in figures:
        drawn = ElementTree.fromstring(svg(plots.picture(figure, alt=f"alt {name}")))
        texts = ["".join(each.itertext()) for each in drawn.iter(f"{SVG}text")]
        wanted = clean(name)
        assert not wanted or any(wanted.strip("!") in text for text in texts), texts


@settings(max_examples=15, deadline=None)
@given(texts, texts)
def test_any_title_and_description_give_a_picture(title, alt):
    figure, ax = plt.subplots(figsize=(2, 1))
    ax.set_title(title)  # by matplotlib's rules, so it can be wrong mathematics
    try:
        page = plots.picture(figure, alt=alt).html
    except ValueError as error:
        assert "cannot draw" in str(error) or not clean(alt).split()
        return
    finally:
        plt.close(figure)
    page.encode()
    image = bs4.BeautifulSoup(page, "html.parser").img
    assert image["alt"] == " ".join(clean(alt).split())
    assert image["src"].startswith("data:image/svg+xml,")


def test_text_of_other_alphabets_raises_no_warning(sound):
    """The browser has the letters; the fixture makes an error of matplotlib's warning."""
    plots.picture(plots.waveform(sound, RATE, title="音楽 🎵"), alt="noise")


def test_what_matplotlib_cannot_draw_is_refused(sound):
    ax = plots.waveform(sound, RATE)
    ax.set_xlabel("$\\foo$")  # the reader's own mathematics, and wrong
    with pytest.raises(ValueError, match=r"(?s)cannot draw the figure.*foo"):
        plots.picture(ax, alt="noise")
    assert not plt.get_fignums()


def test_picture_needs_a_description(sound):
    for alt in (" ", "", None):
        with pytest.raises(ValueError, match="alt="):
            plots.picture(plots.waveform(sound, RATE), alt=alt)


def test_images_inside_get_smaller_and_stay_the_same(random):
    shades = random.integers(0, 256, (40, 3), dtype=np.uint8)
    pixels = np.concatenate(
        [shades[random.integers(0, 40, (64, 64))], np.full((64, 64, 1), 255, np.uint8)], axis=-1
    )

    def encode(image):
        file = io.BytesIO()
        image.save(file, "png")
        return base64.b64encode(file.getvalue()).decode()

    before = encode(Image.fromarray(pixels, "RGBA"))
    after = pictures._slim(before)
    read = Image.open(io.BytesIO(base64.b64decode(after))).convert("RGBA")
    assert len(after) < len(before) / 2
    np.testing.assert_array_equal(np.asarray(read), pixels)


def test_examples_in_the_docstrings_run():
    for module in (palette, pictures):
        result = doctest.testmod(module)
        assert result.failed == 0 < result.attempted


def test_a_png_in_a_file_is_shown_at_its_size_with_a_description(tmp_path):
    path = tmp_path / "1.png"
    Image.new("RGB", (240, 120), "teal").save(path, dpi=(120, 120))
    picture = plots.picture(path, alt="A teal field")
    assert 'alt="A teal field"' in picture.html
    assert 'width="192" height="96"' in picture.html
    encoded = re.search(r'src="data:image/png;base64,([^"]*)"', picture.html)[1]
    assert base64.b64decode(encoded) == path.read_bytes()
    assert plots.picture(str(path), alt="A teal field").html == picture.html


def test_a_file_that_is_no_png_is_refused(tmp_path):
    path = tmp_path / "1.png"
    path.write_text("<svg/>")
    with pytest.raises(ValueError, match=r"1\.png is no PNG"):
        plots.picture(path, alt="Nothing")
    with pytest.raises(FileNotFoundError):
        plots.picture(tmp_path / "2.png", alt="Nothing")
