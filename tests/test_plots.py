"""Plots: the palette, the style, what is drawn, and the picture that goes on the page."""

import base64
import doctest
import html
import re
import subprocess
import sys
import urllib.parse
import warnings
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

matplotlib.use("agg")

import matplotlib.pyplot as plt

from tutorial_utils import plots

RATE = 8000
SOURCES = ("drums", "bass", "other", "vocals", "mixture", "accompaniment")

# What people with one kind of cone missing see, in linear sRGB (Machado et al. 2009, severity 1).
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.052]],
    "deuteranopia": [
        [0.3673, 0.8606, -0.2279],
        [0.2801, 0.6725, 0.0474],
        [-0.0118, 0.0429, 0.9689],
    ],
    "tritanopia": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


def linear(shade):
    values = np.array([int(shade[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    """As WCAG 2 defines it."""
    dark, light = sorted(linear(shade) @ [0.2126, 0.7152, 0.0722] for shade in (first, second))
    return (light + 0.05) / (dark + 0.05)


def lab(shade, sight):
    rgb = np.clip(np.array(SIGHT[sight]) @ linear(shade), 0, 1)
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = matrix @ rgb / np.array([0.9505, 1, 1.0888])
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(first, second, sight):
    """CIE94 for graphic arts."""
    one, two = lab(first, sight), lab(second, sight)
    lightness, (a, b) = one[0] - two[0], one[1:] - two[1:]
    chroma_one, chroma_two = np.hypot(*one[1:]), np.hypot(*two[1:])
    chroma = chroma_one - chroma_two
    hue = max(a**2 + b**2 - chroma**2, 0)
    mean = np.sqrt(chroma_one * chroma_two)
    return np.sqrt(
        lightness**2 + (chroma / (1 + 0.045 * mean)) ** 2 + hue / (1 + 0.015 * mean) ** 2
    )


@pytest.fixture(autouse=True)
def quiet():
    """Drawing raises no warning, leaves no setting changed, and no figure stays open."""
    before = matplotlib.rcParams.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")
    assert matplotlib.rcParams == before


@pytest.fixture
def sound(random):
    return 0.3 * random.standard_normal((2, RATE))


@pytest.fixture
def table(random):
    rows = [
        {"method": method, "source": source, "metric": metric, "value": random.normal(5, 2)}
        for method, count in (("mixture", 2), ("model", 12))
        for source in ("drums", "vocals")
        for metric in ("SI-SDR", "SDR")
        for _ in range(count)
    ]
    return pd.DataFrame(rows)


def svg(picture):
    source = html.unescape(re.search(r'src="([^"]*)"', picture.html)[1])
    head, data = source.split(",", 1)
    assert head == "data:image/svg+xml"
    return urllib.parse.unquote(data)


# ------------------------------------------------------------------------------ palette and style


@pytest.mark.parametrize("page", ["light", "dark"])
def test_all_colours_can_be_seen_on_both_pages(page):
    paper = plots.PAGES[page]["paper"]
    for shade in (*plots.COLOURS.values(), *plots._SPARE):
        assert contrast(shade, paper) >= 3, shade
    assert contrast(plots.PAGES[page]["ink"], paper) >= 12


@pytest.mark.parametrize("sight", SIGHT)
def test_the_colour_blind_can_tell_the_colours_apart(sight):
    for first, second in combinations(plots.COLOURS, 2):
        least = 13 if {first, second} <= set(SOURCES) else 11
        found = difference(plots.COLOURS[first], plots.COLOURS[second], sight)
        assert found >= least, (first, second, found)


@given(st.text())
def test_every_label_has_a_colour_of_its_own_for_good(label):
    assert re.fullmatch("#[0-9a-f]{6}", plots.colour(label))
    assert plots.colour(label) == plots.colour(f" {label} ")


def test_colours_do_not_depend_on_the_process():
    code = "from tutorial_utils.plots import colour; print(colour('Kazoo'))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == plots.colour("kazoo")


def test_the_theme_has_the_same_colours():
    sheet = Path(__file__).parent.parent / "book" / "_static" / "book.css"
    found = dict(re.findall(r"--tu-(\w+): (#\w{6});", sheet.read_text(encoding="utf-8")))
    assert found == plots.COLOURS


def test_import_leaves_matplotlib_alone():
    code = (
        "import matplotlib as m; before = repr(dict(m.rcParams.copy()));"
        "import tutorial_utils.plots; assert repr(dict(m.rcParams.copy())) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_style_lets_a_backend_turn_on_interaction():
    # Jupyter's backend does so when the first figure loads it, which may be one of ours.
    assert not plt.isinteractive()
    with plots.style():
        plt.ion()
    assert plt.isinteractive()
    plt.ioff()


def test_the_users_own_style_does_not_show(sound):
    plain = plots.picture(plots.waveform(sound, RATE), alt="noise").html
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30, "lines.linewidth": 9}):
        assert plots.picture(plots.waveform(sound, RATE), alt="noise").html == plain


# ------------------------------------------------------------------------------ sound


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(50, 300)),
        elements=st.floats(-1, 1, width=32),
    ),
    st.integers(1, 40),
)
def test_envelope_holds_every_sample(audio, columns):
    time, low, high = plots._envelope(audio, RATE, columns)
    edges = [*np.round(time * RATE).astype(int), audio.shape[-1]]
    assert edges[0] == 0 and len(low) == len(high) == columns
    for column, (start, end) in enumerate(pairwise(edges)):
        assert low[column] == audio[:, start:end].min()
        assert high[column] == audio[:, start:end].max()


def test_waveform_of_a_long_sound_stays_small(random):
    long = random.standard_normal((2, 1_000_000))
    ax = plots.waveform(long, 44100, label="vocals")
    assert len(ax.collections[0].get_paths()[0].vertices) < 2000
    assert ax.get_xlim() == (0, pytest.approx(1_000_000 / 44100))
    assert ax.get_ylim()[1] >= np.abs(long).max()
    assert ax.get_title("left") == "vocals"
    assert ax.get_xlabel() == "time (s)"


def test_waveform_of_a_short_sound_is_a_line_for_each_channel(sound):
    ax = plots.waveform(sound[:, :500], RATE)
    assert [line.get_ydata().size for line in ax.lines] == [500, 500]


@pytest.mark.parametrize("scale", ["log", "linear", "mel"])
def test_spectrogram_shows_a_tone_where_it_is(scale):
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    ax = plots.spectrogram(tone, RATE, scale=scale)
    mesh = ax.collections[0]
    row = mesh.get_array().reshape(mesh.get_coordinates().shape[0] - 1, -1).mean(axis=1).argmax()
    low, high = mesh.get_coordinates()[row : row + 2, 0, 1]
    assert low - 40 <= 1000 <= high + 40
    assert mesh.get_array().max() == 0
    assert mesh.get_clim() == (-80, 0)
    assert "dB" in ax.figure.axes[-1].get_ylabel() and "80" in ax.figure.axes[-1].get_ylabel()
    assert ax.get_ylabel() == "frequency (Hz)"
    assert ax.get_xlim()[1] == pytest.approx(1, abs=0.1)


def test_spectrogram_reference_is_a_power(sound):
    usual = plots.spectrogram(sound, RATE, dynamic_range=200).collections[0].get_array()
    peak = plots._loudest(plots._power(sound, RATE, "linear", 2048, 512))
    scaled = plots.spectrogram(sound, RATE, dynamic_range=200, reference=1.0)
    offset = 10 * np.log10(peak)
    np.testing.assert_allclose(scaled.collections[0].get_array(), usual + offset, atol=1e-3)


def test_spectrogram_of_a_song_keeps_every_click():
    song = np.zeros((1, 120 * RATE))
    song[0, 61 * RATE + 17] = 1
    mesh = plots.spectrogram(song, RATE, hop=128).collections[0]
    times = mesh.get_coordinates()[0, :, 0]
    columns = mesh.get_array().reshape(-1, times.size - 1)
    assert columns.shape[1] <= plots._FRAMES
    assert times[columns.max(axis=0).argmax()] == pytest.approx(61, abs=0.3)
    assert mesh.get_array().max() == 0


def test_silence_and_short_sounds_can_be_drawn():
    plots.spectrogram(np.zeros((2, 4000)), RATE)
    plots.waveform(np.zeros((2, 4000)), RATE)
    plots.spectrogram(np.ones(10) * 0.1, RATE)
    plots.sources({"silence": np.zeros(4000)}, RATE)


def test_mask_is_drawn_from_0_to_1(random):
    ax = plots.mask(random.uniform(0, 1.5, (2, 513, 40)), RATE, hop=256, label="drums")
    mesh = ax.collections[0]
    assert mesh.get_clim() == (0, 1)
    assert mesh.get_coordinates()[-1, 0, 1] == pytest.approx(RATE / 2, rel=0.01)
    assert ax.get_xlim()[1] == pytest.approx(40 * 256 / RATE, rel=0.05)


def test_sources_are_drawn_on_one_scale(sound):
    tracks = {"drums": sound, "bass": 0.1 * sound, "vocals": sound[:, : RATE // 2]}
    waves = plots.sources(tracks, RATE)
    assert [ax.get_title("left") for ax in waves.axes] == list(tracks)
    assert len({ax.get_ylim() for ax in waves.axes}) == 1
    assert {ax.get_xlim() for ax in waves.axes} == {(0, 1)}
    pictures = plots.sources(tracks, RATE, kind="spectrogram", title="Three")
    *cells, _ = pictures.axes
    drums, bass, _ = (ax.collections[0].get_array() for ax in cells)
    assert drums.max() == 0 and bass.max() == pytest.approx(-20, abs=0.01)
    assert {ax.get_xlim() for ax in cells} == {(0, 1)}


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros((2, 0)), "no samples"),
        (np.zeros((100, 2)), "transpose"),
        (np.zeros((1, 2, 3)), "shape"),
        (np.zeros(10, dtype=np.int16), "int16"),
        (np.array([0.0, np.nan, np.inf]), "2 of 3"),
    ],
)
def test_what_is_not_a_sound_is_refused(audio, message):
    for draw in (plots.waveform, plots.spectrogram):
        with pytest.raises(ValueError, match=message):
            draw(audio, RATE)
    with pytest.raises(ValueError, match=f"bass: .*{message}"):
        plots.sources({"drums": np.zeros(10), "bass": audio}, RATE)


def test_wrong_arguments_are_refused(sound):
    for call, message in (
        (lambda: plots.waveform(sound, 0), "sample_rate"),
        (lambda: plots.spectrogram(sound, RATE, scale="bark"), "'mel', not 'bark'"),
        (lambda: plots.spectrogram(sound, RATE, dynamic_range=-1), "above 0"),
        (lambda: plots.mask(np.zeros(5), RATE), "bins, frames"),
        (lambda: plots.mask(np.full((5, 5), np.nan), RATE), "25 of 25"),
        (lambda: plots.sources({}, RATE), "empty"),
        (lambda: plots.sources({"a": sound}, RATE, kind="pie"), "pie"),
        (lambda: plots.training_curves({}), "empty"),
        (lambda: plots.training_curves({"loss": []}), "loss"),
        (lambda: plots.training_curves({"loss": ([1, 2], [1])}), "loss"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_figures_are_drawn_on_given_axes(sound):
    figure, axes = plt.subplots(1, 3)
    assert plots.waveform(sound, RATE, ax=axes[0]) is axes[0]
    assert plots.spectrogram(sound, RATE, ax=axes[1]) is axes[1]
    assert plots.training_curves({"loss": [2, 1]}, ax=axes[2]) is axes[2]
    assert plt.get_fignums() == [figure.number]


# ------------------------------------------------------------------------------ numbers


def test_training_curves():
    ax = plots.training_curves(
        {"training": [3, 2, np.nan, 1], "validation": ([2, 4], [3, 2])}, title="Loss"
    )
    assert [list(line.get_xdata()) for line in ax.lines] == [[1, 2, 3, 4], [2, 4]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]
    assert len({line.get_color() for line in ax.lines}) == 2


def test_scores_have_one_place_a_method_and_source(table):
    table.loc[0, "value"] = np.nan
    figure = plots.scores(table, title="Scores")
    assert [ax.get_xlabel() for ax in figure.axes] == ["SI-SDR (1 not finite, left out)", "SDR"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["drums, mixture", "drums, model", "vocals, mixture", "vocals, model"]


def test_score_table_holds_the_medians_and_marks_the_best(table):
    styler = plots.score_table(table, caption="a < b")
    expected = table[(table.method == "model") & (table.source == "drums")].groupby("metric").value
    assert styler.data.loc[("SDR", "model"), "drums"] == expected.median()["SDR"]
    assert list(styler.data.columns) == ["drums", "vocals", "mean"]
    page = styler.to_html()
    assert "a &lt; b" in page and "font-weight: bold" in page and 'class="dataframe"' in page


def test_score_table_escapes_names(table):
    table["source"] = "<script>alert(1)</script>"
    table["method"] = "<b>"
    page = plots.score_table(table).to_html()
    assert "<script>" not in page and "<b>" not in page and "&lt;script&gt;" in page


def test_scores_say_what_is_missing(table):
    with pytest.raises(ValueError, match=r"lacks the column.* metric; it has method"):
        plots.scores(table.drop(columns="metric"))
    with pytest.raises(ValueError, match="finite"):
        plots.score_table(table.assign(value=np.nan))


# ------------------------------------------------------------------------------ on the page


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


def test_picture_needs_a_description(sound):
    with pytest.raises(ValueError, match="alt="):
        plots.picture(plots.waveform(sound, RATE), alt=" ")


def test_images_inside_get_smaller_and_stay_the_same(random):
    shades = random.integers(0, 256, (40, 3), dtype=np.uint8)
    pixels = np.concatenate(
        [shades[random.integers(0, 40, (64, 64))], np.full((64, 64, 1), 255, np.uint8)], axis=-1
    )

    def encode(image):
        file = plots.io.BytesIO()
        image.save(file, "png")
        return base64.b64encode(file.getvalue()).decode()

    before = encode(plots.Image.fromarray(pixels, "RGBA"))
    after = plots._slim(before)
    read = plots.Image.open(plots.io.BytesIO(base64.b64decode(after))).convert("RGBA")
    assert len(after) < len(before) / 2
    np.testing.assert_array_equal(np.asarray(read), pixels)


def test_examples_in_the_docstrings_run():
    assert doctest.testmod(plots).failed == 0
