"""Listening tests: the anchors, the page that is written, and the reading of its answers."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

import tutorial_utils as tu
from tutorial_utils import loudness
from tutorial_utils.listening.answers import COLUMNS
from tutorial_utils.listening.mushra import HIDDEN

RATE = 44100


def noise(seed=0, samples=RATE, channels=2, level=0.1):
    return np.random.default_rng(seed).normal(0, level, (channels, samples)).astype(np.float32)


@pytest.fixture
def trials():
    return {
        "song A": {"reference": noise(0), "NMF": 0.3 * noise(1), "U-Net": noise(2)},
        "song B": {"reference": noise(3), "NMF": noise(4), "U-Net": noise(5)},
    }


# ------------------------------------------------------------------ anchors


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 96000])
@pytest.mark.parametrize("cutoff", [3500, 7000])
def test_an_anchor_keeps_what_is_below_and_nothing_above(rate, cutoff):
    if cutoff * 9 / 8 >= rate / 2:
        with pytest.raises(ValueError, match=f"{cutoff} Hz needs a sample rate above"):
            tu.listening.low_pass(noise(), rate, cutoff)
        return
    impulse = np.zeros((1, 2 * 4096 + 1))
    impulse[0, 4096] = 1
    frequencies, response = scipy.signal.freqz(
        tu.listening.low_pass(impulse, rate, cutoff)[0], worN=8192, fs=rate
    )
    level = 20 * np.log10(np.abs(response) + 1e-12)
    assert np.abs(level[frequencies <= cutoff]).max() <= 0.1
    assert level[frequencies >= cutoff * 9 / 8].max() <= -50
    # Not delayed: the phase of a filter of odd length around its middle is that of the impulse.
    below = frequencies <= cutoff
    expected = np.exp(-2j * np.pi * frequencies[below] / rate * 4096)
    assert np.abs(response[below] - expected).max() < 0.02


@settings(deadline=None)
@given(samples=st.integers(3, 3000), channels=st.integers(1, 3))
def test_an_anchor_has_the_shape_of_its_sound(samples, channels):
    sound = noise(0, samples, channels)
    anchor = tu.listening.low_pass(sound, RATE)
    assert anchor.shape == sound.shape and anchor.dtype == np.float32
    assert tu.listening.low_pass(sound[0], RATE).shape == (1, samples)


# ------------------------------------------------------------------ the page


def data(test):
    page = test._repr_html_()
    payloads = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return [json.loads(payload) for payload in payloads]


def test_the_page_holds_all_sounds_and_says_what_they_are(trials):
    test = tu.listening.mushra(trials, RATE, name="two songs")
    assert repr(test).startswith("ListeningTest(2 trials, 10 sounds to rate, ")
    first, second, whole = data(test)
    expected = [HIDDEN, "3.5 kHz anchor", "7 kHz anchor", "NMF", "U-Net"]
    assert test.conditions == {"song A": expected, "song B": expected}
    assert whole["trials"] == [{"name": n, "conditions": expected} for n in ("song A", "song B")]
    for trial in (first, second):
        # The open reference and the hidden one are the same sound.
        assert trial["tracks"] == [[0, 0, 1, 2, 3, 4]] and len(trial["files"]) == 5


def test_no_picture_tells_what_stands_under_a_letter(trials):
    page = tu.listening.mushra(trials, RATE)._repr_html_()
    assert page.count('class="tu-picture"') == len(trials)
    assert "data-file=" not in page.split("<script>")[0]


def test_all_sounds_of_a_trial_are_equally_loud(trials, monkeypatch):
    heard = []
    build = tu.listening.mushra.__globals__["build"]
    monkeypatch.setitem(
        tu.listening.mushra.__globals__,
        "build",
        lambda *given, **settings: heard.append(given[3]) or build(*given, **settings),
    )
    trials["song A"]["nothing"] = np.zeros_like(trials["song A"]["NMF"])
    tu.listening.mushra(trials, RATE)
    for sounds in heard:
        levels = [loudness.integrated(np.asarray(sound, float), RATE) for _, sound in sounds]
        levels = [level for level in levels if np.isfinite(level)]
        assert np.ptp(levels) < 0.01
    assert len(heard[0]) == 6 and not heard[0][-1][1].any()


def test_another_text_or_sound_is_another_test(trials):
    marks = {data(tu.listening.mushra(trials, RATE))[-1]["mark"]}
    marks.add(data(tu.listening.mushra(trials, RATE, question="Which is the best?"))[-1]["mark"])
    trials["song B"]["NMF"] = trials["song A"]["NMF"]
    marks.add(data(tu.listening.mushra(trials, RATE))[-1]["mark"])
    assert len(marks) == 3


def test_names_cannot_break_the_page(trials):
    evil = '</script><b title="x">\x00'
    test = tu.listening.mushra({evil: trials["song A"]}, RATE, name=evil, question=evil)
    page = test._repr_html_()
    assert "<b title" not in page and data(test)[-1]["name"] == '</script><b title="x">\ufffd'


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({}, "at least one trial"),
        ([noise()], "at least one trial"),
        ({"a": noise()}, 'trial "a" needs a dict with a "reference"'),
        ({"a": {"reference": noise()}}, "at least one sound to compare"),
        ({"a": {"NMF": noise(), "U-Net": noise()}}, r"not \[.NMF., .U-Net.\]"),
        ({"a": {"reference": noise(), HIDDEN: noise()}}, "rename it"),
        (
            {"a": {"reference": noise(), "b": noise(1, 100)}},
            'sound "b" of trial "a" has 100 samples',
        ),
        ({"a": {"reference": noise(), "b": noise(channels=3)}}, "3 channels, more than two"),
        ({"a": {"reference": noise(), "b": "b.wav"}}, 'sound "b" of trial "a" cannot be played'),
        ({"a": {"reference": "a.wav", "b": noise()}}, 'the reference of trial "a"'),
        ({"a": {"reference": noise() * np.nan, "b": noise()}}, "NaN or infinite samples"),
        ({"a": {"reference": noise(), **{str(i): noise(i) for i in range(10)}}}, "12 at most"),
    ],
)
def test_what_is_no_test(made, message):
    with pytest.raises(ValueError, match=message):
        tu.listening.mushra(made, RATE)


def test_a_test_that_opens_slowly_says_so(trials):
    long = {"reference": noise(0, 40 * RATE), "estimate": noise(1, 40 * RATE)}
    with pytest.warns(UserWarning, match="the sounds of this test take"):
        tu.listening.mushra({"a": long, "b": long}, RATE, anchors=())


# ------------------------------------------------------------------ answers


def answers(participant="Ann", hidden=100, trials=("song A", "song B"), test="mine"):
    rows = [
        (test, participant, trial, place, letter, condition, score, 40)
        for place, trial in enumerate(trials, 1)
        for letter, condition, score in (
            ("A", "NMF", 30),
            ("B", HIDDEN, hidden),
            ("C", "U-Net", 60),
        )
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_answers_come_back_from_any_spreadsheet(tmp_path):
    table = answers('Ann, "7"')
    ways = {
        "plain": (",", "utf-8"),
        "page": (",", "utf-8-sig"),
        "semicolons": (";", "utf-8-sig"),
        "tabs": ("\t", "utf-16"),
    }
    for name, (separator, encoding) in ways.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(table.to_csv(sep=separator, index=False), encoding=encoding)
        pd.testing.assert_frame_equal(tu.listening.read(path), table, check_dtype=False)


def test_a_folder_of_answers(tmp_path):
    for name in ("Ann", "Bob"):
        answers(name).to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "notes.txt").write_text("not an answer")
    assert list(tu.listening.read(tmp_path)["participant"].unique()) == ["Ann", "Bob"]
    assert len(tu.listening.read([tmp_path / "Bob.csv"])) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.csv is no CSV file"),
        ("hello", "a.csv lacks the column"),
        ("name;value\n1;2\n", "lacks the column.* test, participant"),
        (
            answers().assign(score=101).to_csv(index=False),
            'line 2: "101" is no score from 0 to 100',
        ),
        (answers().assign(score="loud").to_csv(index=False), '"loud" is no score'),
        (answers().assign(score="").to_csv(index=False), '"" is no score'),
        (
            pd.concat([answers(), answers()]).to_csv(index=False),
            'answered the trial "song A" twice',
        ),
        (pd.concat([answers(), answers(test="b")]).to_csv(index=False), "from 2 tests"),
    ],
)
def test_what_is_no_file_of_answers(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        tu.listening.read(tmp_path / "a.csv")


def test_random_bytes_are_no_answers(tmp_path):
    path = tmp_path / "a.csv"
    random = np.random.default_rng(0)
    for size in (1, 2, 3, 100, 5000):
        for _ in range(20):
            path.write_bytes(random.bytes(size))
            with pytest.raises(ValueError, match=r"a\.csv"):
                tu.listening.read(path)


def test_no_answers(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no \.csv files"):
        tu.listening.read(tmp_path)
    with pytest.raises(FileNotFoundError):
        tu.listening.read(tmp_path / "absent.csv")


def test_listeners_who_do_not_find_the_reference_are_left_out():
    songs = [f"song {i}" for i in range(10)]
    careful, careless = answers("Ann", 95, songs), answers("Bob", 100, songs)
    missed = careless["trial"].isin(songs[:2]) & (careless["condition"] == HIDDEN)
    once = careless.assign(participant="Eve")
    careless.loc[missed, "score"] = 89
    once.loc[missed & (once["trial"] == songs[0]), "score"] = 89  # one in ten is within 15 %
    kept, out = tu.listening.reliable(pd.concat([careful, careless, once]))
    assert out == ["Bob"] and list(kept["participant"].unique()) == ["Ann", "Eve"]


def test_participants_take_the_place_of_songs():
    table = pd.concat([answers("Ann"), answers("Bob", 90), answers("Eve", 80)])
    scores = tu.listening.as_scores(table)
    means = tu.evaluation.aggregate(scores, frames="mean", songs="mean").set_index("method")
    assert list(means.index) == [HIDDEN, "U-Net", "NMF"]
    assert means["value"].to_dict() == {HIDDEN: 90, "U-Net": 60, "NMF": 30}
    assert set(means["songs"]) == {3}
    spans = tu.evaluation.intervals(scores, frames="mean", songs="mean").set_index("method")
    low, high = spans.loc[HIDDEN, ["low", "high"]]
    assert 80 <= low < 90 < high <= 100
