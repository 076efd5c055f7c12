"""What the player puts into a page. That it works there is tested in tests/browser."""

import base64
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import bs4
import numpy as np
import pytest
import soundfile
from hostile import numbers, sounds, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import markup
from tutorial_utils.markup import clean, web
from tutorial_utils.player import Player, player
from tutorial_utils.plots import colour

RATE = 16000


@pytest.fixture
def sound(random):
    """A function that makes noise of shape (2, samples)."""
    return lambda seconds=0.5, peak=0.1: random.uniform(
        -peak, peak, (2, round(seconds * RATE))
    ).astype(np.float32)


def parse(made: Player):
    # Text inside a template is text to us, though not to a page that has no script.
    return bs4.BeautifulSoup(made._repr_html_(), "html.parser", string_containers={})


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
@given(name=texts, version=texts)
def test_any_name_stays_text(name, version):
    sounds = {version: np.zeros(100), f"{version} 2": np.zeros(100)}
    made = player({name: sounds, f"{name} 2": sounds}, RATE, title=f"A {name}")
    made._repr_html_().encode()
    repr(made).encode()
    page = parse(made)
    assert len(page.select("script")) == 2
    if not clean(name + version).isprintable():
        return  # the reader that is used here has its own way with other white space
    assert page.select_one(".tu-name").text == clean(name)
    assert page.select_one(".tu-choices button").text == clean(version)
    assert page.select_one(".tu-title").text == clean(f"A {name}")
    assert page.select_one(".tu-volume")["aria-label"] == clean(f"Volume of {name}")


def test_names_that_look_alike_are_not_mixed_up():
    """Every track, and every version, plays its own sound whatever its name is."""
    loud, quiet = 0.5 * np.ones(4000), 0.01 * np.ones(4000)
    for tracks in (
        {1: loud, "1": quiet},
        {"a": {1: loud, "1": quiet}},
        {chr(0xD800): loud, chr(0xD801): quiet},
    ):
        made = player(tracks, RATE, quality=1)
        first, second = (np.median(np.abs(decoded(file))) for file in data(made)["files"])
        assert first > 0.3 and second < 0.02
        numbers = [number for part in data(made)["tracks"] for number in part]
        assert numbers == [0, 1]
        assert [each["data-file"] for each in parse(made).select(".tu-picture")] == ["0", "1"]


def test_without_a_script_it_says_what_is_missing(sound):
    page = bs4.BeautifulSoup(player({"bass": sound()}, RATE)._repr_html_(), "html.parser")
    assert page.find("tu-player").text.strip() == "Player of bass: this player needs JavaScript."


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        texts | st.just("mixture"),
        sounds | st.dictionaries(st.sampled_from(["a", 1, "1"]), sounds, max_size=2),
        max_size=3,
    ),
    numbers | st.just(RATE),
    numbers | st.just(0.3),
    st.sampled_from(["waveform", "spectrogram", "", None]),
)
def test_sounds_are_played_or_refused(tracks, rate, quality, view):
    try:
        made = player(tracks, rate, quality=quality, view=view)
    except ValueError as error:
        assert str(error).isprintable()
    else:
        assert len(data(made)["tracks"]) == len(tracks)


@pytest.mark.parametrize(
    "rate", [np.nan, np.inf, -np.inf, 0, -44100, 1, 44100.5, 1e12, None, "44100", True, 44100 + 0j]
)
def test_what_is_no_sample_rate_is_refused(rate):
    with pytest.raises(ValueError, match="sample_rate must be a whole number of Hz"):
        player({"a": np.zeros(9)}, rate)


def test_a_whole_rate_of_another_type_is_taken():
    assert data(player({"a": np.zeros(9)}, np.float64(44100)))["rate"] == 44100
    assert data(player({"a": np.zeros(9)}, np.int32(8000)))["rate"] == 8000


@pytest.mark.parametrize("view", ["waveform", "spectrogram"])
def test_many_tracks_and_versions(view):
    versions = {f"version {i}": np.full(50, 0.01 * i) for i in range(12)}
    made = player({f"track {i}": versions for i in range(15)}, RATE, view=view)
    assert len(data(made)["files"]) == 180
    page = parse(made)
    assert len(page.select(".tu-track")) == 15
    keys = [button["title"] for button in page.select(".tu-choices button")]
    assert keys == [*(f"Key {i}" for i in range(1, 10)), "", "", ""]


def test_samples_of_any_size_are_turned_down(sound):
    made = player({"a": 1e30 * np.ones(4000), "b": -5e37 * np.ones(4000)}, RATE)
    assert "turned down by" in parse(made).select_one(".tu-note").text
    assert np.abs(decoded(data(made)["files"][1])).max() > 0.9


def test_the_end_of_a_script_in_the_data_is_harmless():
    made = player({"</script>": np.zeros(10)}, RATE)
    assert "</script>" not in re.sub(r"</script>(?=</tu-player>|$)", "", made._repr_html_())


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        ({}, "at least one track"),
        ([np.zeros((2, 9))], "a dict"),
        ({"drums": np.zeros(9), "bass": np.zeros((2, 0))}, '"bass" cannot be played: it is empty'),
        (
            {"bass": np.zeros((2, 9)), "drums": np.zeros((2, 8))},
            '"drums" has 8 samples, and the track "bass"',
        ),
        ({"bass": np.array([0.0, np.nan])}, 'the track "bass" cannot be played: it holds NaN'),
        ({"bass": np.array([0.0, np.inf])}, '"bass" cannot be played: it holds NaN or infinite'),
        ({"bass": np.array([0.0, 1e200])}, '"bass" cannot be played: it holds NaN or infinite'),
        ({"bass": np.zeros(9, np.int16)}, '"bass" cannot be played: it holds int16'),
        ({"bass": [[0.0], [0.0, 1.0]]}, '"bass" cannot be played'),
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
    for quality in (2, np.nan, "high", None):
        with pytest.raises(ValueError, match="quality"):
            player({"a": np.zeros(9)}, RATE, quality=quality)


def test_more_sound_than_a_page_should_hold_is_said(monkeypatch, sound):
    monkeypatch.setattr(sys.modules[Player.__module__], "_PAGE_LIMIT", 1000)
    with pytest.warns(UserWarning, match="a page should stay under"):
        player({"a": sound()}, RATE)


def test_script_and_styles_are_short():
    folder = Path(markup.__file__).parent / "_web"
    sizes = {path.name: path.read_text(encoding="utf-8").splitlines() for path in folder.iterdir()}
    assert len(sizes["player.js"]) <= 320 and len(sizes["explore.js"]) <= 80
    assert max(len(line) for lines in sizes.values() for line in lines) < 115
    assert len(web("player.js") + web("theme.css")) < 25_000  # of every page that has a player


def test_styles_fit_into_the_scripts():
    """They stand between backticks, where these three have a meaning."""
    for name in ("player.css", "explore.css", "shadow.css"):
        assert not re.search(r"[`\\]|\$\{", web(name))
        assert web(name) in web("player.js") + web("explore.js")


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
