"""What the player puts into a page. That it works there is tested in tests/browser."""

import base64
import io
import json
import re
import subprocess
import sys

import bs4
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils.player import Player, player, web
from tutorial_utils.plots import colour

RATE = 16000


@pytest.fixture
def sound(random):
    """A function that makes noise of shape (2, samples)."""
    return lambda seconds=0.5, peak=0.1: random.uniform(
        -peak, peak, (2, round(seconds * RATE))
    ).astype(np.float32)


def parse(made: Player):
    return bs4.BeautifulSoup(made._repr_html_(), "html.parser")


def data(made: Player):
    return json.loads(parse(made).find("script", type="application/json").string)


def decoded(file):
    return soundfile.read(io.BytesIO(base64.b64decode(file)), always_2d=True)[0].T


def test_stems_play_together(sound):
    made = player({"drums": sound(), "bass": sound()}, RATE, title="A song")
    assert data(made)["tracks"] == [[0], [1]]
    page = parse(made)
    assert [name.text for name in page.select(".tu-name")] == ["drums", "bass"]
    assert page.select(".tu-choices") == []
    assert page.find("tu-player")["aria-label"] == "A song"
    assert [row["style"] for row in page.select(".tu-track")] == [
        f"--colour:{colour('drums')}",
        f"--colour:{colour('bass')}",
    ]
    assert made.duration == 0.5
    assert made.nbytes == sum(len(file) for file in data(made)["files"])
    assert repr(made).startswith("Player(drums, bass; 0.5 s, ")


def test_the_mixture_is_heard_instead_of_the_stems(sound):
    made = player({"mixture": sound(), "drums": sound(), "bass": sound()}, RATE)
    assert data(made)["tracks"] == [[None, 0], [1, None], [2, None]]
    page = parse(made)
    assert [button.text for button in page.select(".tu-choices button")] == ["stems", "mixture"]
    assert [len(row.select(".tu-solo, .tu-mute")) for row in page.select(".tu-track")] == [0, 2, 2]


def test_versions(sound):
    made = player(
        {
            "vocals": {"reference": sound(), "estimate": sound()},
            "bass": {"estimate": sound(), "reference": sound()},  # in another order
            "drums": sound(),
            "mixture": sound(),
        },
        RATE,
    )
    assert data(made)["tracks"] == [
        [0, 1, None],
        [2, 3, None],
        [4, 4, None],
        [None, None, 5],
    ]
    page = parse(made)
    buttons = [button.text for button in page.select(".tu-choices button")]
    assert buttons == ["reference", "estimate", "mixture"]
    labels = [picture["aria-label"] for picture in page.select(".tu-picture svg")]
    assert labels[:2] == ["Waveform of vocals, reference", "Waveform of vocals, estimate"]
    assert labels[4] == "Waveform of drums"


def test_versions_follow_the_first_track_whatever_the_order(sound):
    first, second = sound(), np.zeros_like(sound())
    made = player({"a": {"x": first, "y": second}, "b": {"y": second, "x": first}}, RATE, quality=1)
    assert [np.abs(decoded(file)).max() > 0.01 for file in data(made)["files"]] == [
        True,
        False,
        True,
        False,
    ]


def test_one_track_needs_neither_solo_nor_mute(sound):
    page = parse(player({"mixture": {"first": sound(), "second": sound()}}, RATE))
    assert page.select(".tu-solo, .tu-mute") == []
    assert "solo" not in page.select_one(".tu-help").text


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("shape", [(4001,), (1, 4001), (2, 4001), (2, 2)])
def test_sound_comes_back_with_its_shape(random, rate, shape):
    made = player({"a": random.uniform(-0.1, 0.1, shape)}, rate)
    assert data(made)["rate"] == rate
    assert data(made)["samples"] == shape[-1]
    back = decoded(data(made)["files"][0])
    assert back.shape == (1 if len(shape) == 1 else shape[0], shape[-1])


@pytest.mark.parametrize(("given_rate", "used"), [(96000, 48000), (11000, 11025), (6000, 8000)])
def test_sample_rates_that_mp3_does_not_know_are_changed(given_rate, used):
    time = np.arange(given_rate) / given_rate
    made = player({"a": 0.5 * np.sin(2 * np.pi * 440 * time)}, given_rate, quality=1)
    assert data(made)["rate"] == used
    spectrum = np.abs(np.fft.rfft(decoded(data(made)["files"][0])[0]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=1)


def test_sound_beyond_full_scale_is_turned_down_alike(sound):
    loud, quiet = sound(peak=0.9), sound(peak=0.3)
    made = player({"a": loud + quiet, "b": loud}, RATE, quality=1)
    decibels = 20 * np.log10(np.abs(2 * loud + quiet).max())
    assert f"turned down by {decibels:.1f} dB" in parse(made).select_one(".tu-note").text
    first, second = (decoded(file) for file in data(made)["files"])
    level = np.sqrt(np.mean(second**2) / np.mean(loud**2))
    assert 20 * np.log10(level) == pytest.approx(-decibels, abs=0.5)
    level = np.sqrt(np.mean(first**2) / np.mean((loud + quiet) ** 2))
    assert 20 * np.log10(level) == pytest.approx(-decibels, abs=0.5)


def test_sound_within_full_scale_stays_as_it_is(sound):
    # The mixture is not heard on top of the stems, so it does not count in their sum.
    made = player({"a": sound(peak=0.9), "mixture": sound(peak=0.9)}, RATE)
    assert parse(made).select_one(".tu-note").text == ""


def test_twenty_seconds_of_stems_fit_a_page():
    """The loudest that there is: pink noise in stereo, in all four stems and in their mixture."""
    random = np.random.default_rng(0)
    spectrum = np.fft.rfft(random.normal(size=(4, 2, 20 * 44100)))
    spectrum /= np.sqrt(np.maximum(1, np.arange(spectrum.shape[-1])))
    stems = np.fft.irfft(spectrum).astype(np.float32)
    stems *= 0.2 / np.abs(stems).max()
    tracks = dict(zip(("drums", "bass", "other", "vocals"), stems, strict=True))
    made = player({"mixture": stems.sum(axis=0), **tracks}, 44100)
    assert made.nbytes < 1_800_000
    rest = len(made._repr_html_()) - made.nbytes
    assert rest < 80_000  # pictures, style and script


@pytest.mark.parametrize("view", ["waveform", "spectrogram"])
def test_pictures_are_small_and_described(sound, view):
    made = player({"a": sound(2.0), "b": sound(2.0)}, RATE, view=view)
    pictures = parse(made).select(".tu-picture > *")
    names = [picture.get("aria-label") or picture.get("alt") for picture in pictures]
    assert len(names) == 2 and all(re.search(r"of [ab]\b", name) for name in names)
    assert all(len(str(picture)) < 40_000 for picture in pictures)


def test_waveforms_share_one_scale():
    loud, quiet = np.full((2, 1000), 0.8), np.full((2, 1000), 0.2)
    paths = parse(player({"a": loud, "b": quiet}, RATE)).select(".tu-peak")
    tops = [int(re.match(r"M0 (\d+)", path["d"])[1]) for path in paths]
    assert 50 - tops[0] == pytest.approx(4 * (50 - tops[1]), abs=2)


def test_silence_can_be_played():
    for view in ("waveform", "spectrogram"):
        made = player({"a": np.zeros((2, RATE))}, RATE, view=view)
        assert data(made)["samples"] == RATE


@settings(max_examples=25, deadline=None)
@given(name=st.text(min_size=1, max_size=30), version=st.text(min_size=1, max_size=30))
def test_any_name_stays_text(name, version):
    sounds = {version: np.zeros(100), f"{version} 2": np.zeros(100)}
    made = player({name: sounds, f"{name} 2": sounds}, RATE, title=name)
    # A strict reader of the markup; names with control characters have no spelling in HTML.
    if not (name + version).isprintable():
        return
    page = parse(made)
    assert page.select_one(".tu-name").text == name
    assert page.select_one(".tu-choices button").text == version
    assert page.select_one(".tu-title").text == name
    assert page.select_one(".tu-volume")["aria-label"] == f"Volume of {name}"
    assert len(page.select("script")) == 2


def test_the_end_of_a_script_in_the_data_is_harmless():
    made = player({"</script>": np.zeros(10)}, RATE)
    assert "</script>" not in re.sub(r"</script>(?=</tu-player>|$)", "", made._repr_html_())


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        ({}, "at least one track"),
        ([np.zeros((2, 9))], "a dict"),
        ({"drums": np.zeros(9), "bass": np.zeros((2, 0))}, '"bass" is empty'),
        (
            {"bass": np.zeros((2, 9)), "drums": np.zeros((2, 8))},
            '"drums" has 8 samples, and "bass"',
        ),
        ({"bass": np.array([0.0, np.nan])}, 'the track "bass" holds NaN'),
        ({"bass": np.array([0.0, np.inf])}, 'the track "bass" holds NaN or infinite'),
        ({"bass": np.zeros((5, 9))}, '"bass" has 5 channels'),
        ({"bass": np.zeros((9, 2))}, '"bass" cannot be played'),
        ({"bass": np.zeros((2, 2, 9))}, '"bass" cannot be played'),
        ({"bass": {}}, '"bass" has the versions'),
        (
            {"bass": {"a": np.zeros(9)}, "drums": {"b": np.zeros(9)}},
            r'"drums" has the versions \[\'b\'\], not \[\'a\'\]',
        ),
        (
            {"bass": {"a": np.zeros(9), "b": np.zeros(8)}},
            r'"bass" \(b\) has 8 samples',
        ),
        ({"bass": np.zeros(9), "mixture": {"a": np.zeros(9)}}, '"mixture" beside other tracks'),
    ],
)
def test_errors_name_the_track(tracks, message):
    with pytest.raises(ValueError, match=message):
        player(tracks, RATE)


def test_errors_of_settings():
    with pytest.raises(ValueError, match="view"):
        player({"a": np.zeros(9)}, RATE, view="cepstrum")
    with pytest.raises(ValueError, match="quality"):
        player({"a": np.zeros(9)}, RATE, quality=2)


def test_more_sound_than_a_page_should_hold_is_said(monkeypatch, sound):
    monkeypatch.setattr(sys.modules[Player.__module__], "_PAGE_LIMIT", 1000)
    with pytest.warns(UserWarning, match="a page should stay under"):
        player({"a": sound()}, RATE)


def test_the_script_is_short_and_alone():
    lines = web("player.js").splitlines()
    assert len(lines) <= 300
    assert max(map(len, lines)) < 110
    for name in ("player.js", "player.css", "explore.js", "explore.css"):
        assert not re.search(r"https?:|//\w+\.|@import|url\(|</", web(name))


@pytest.mark.slow
def test_it_can_be_called_however_it_was_imported():
    code = """
import numpy as np
import tutorial_utils as tu
{first}
print(tu.player({{"a": np.zeros(9)}}, 8000))
"""
    for first in ("", "tu.widgets.explore", "import tutorial_utils.player"):
        result = subprocess.run(
            [sys.executable, "-c", code.format(first=first)], capture_output=True, text=True
        )
        assert result.stdout.startswith("Player(a"), result.stderr
