"""What is measured has known answers on signals that are made for it."""

import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tutorial_utils as tu
from tutorial_utils import measures
from tutorial_utils.audio import AudioError

RATE = 44100
TIME = np.arange(2 * RATE) / RATE


def tone(frequency, level=0.1):
    """A stereo sine of two seconds."""
    return np.tile(np.float32(level * np.sin(2 * np.pi * frequency * TIME)), (2, 1))


def noise(seed=0, channels=2):
    return np.random.default_rng(seed).normal(0, 0.1, (channels, len(TIME))).astype(np.float32)


def song(**stems):
    """A song in memory, with as much of the interface as is used."""

    def cut(start=0.0, duration=None):
        end = None if duration is None else round((start + duration) * RATE)
        return {label: stem[:, round(start * RATE) : end] for label, stem in stems.items()}

    return SimpleNamespace(
        name="+".join(stems), sample_rate=RATE, duration=len(TIME) / RATE, stems=cut
    )


def test_decibels():
    assert measures.decibels(tone(1000, 1.0)) == pytest.approx(-3.01, abs=0.01)  # of full scale
    assert measures.decibels(np.full(10, 0.1), np.ones(10)) == pytest.approx(-20)
    assert measures.decibels(np.full(10, 0.1), 1.0) == pytest.approx(-20)
    assert measures.decibels(np.array([3 + 4j, 0]), np.array([5.0])) == pytest.approx(
        -3.01, abs=0.01
    )
    # Squares of 16-bit samples do not fit into 16 bits.
    assert measures.decibels(np.array([-32768, 16384], np.int16), 32768.0) == pytest.approx(
        -2.04, abs=0.01
    )


def test_decibels_of_silence():
    silence = np.zeros(10)
    assert measures.decibels(silence) == measures.decibels(silence, np.ones(10)) == -np.inf
    assert measures.decibels(np.ones(10), silence) == np.inf
    assert np.isnan(measures.decibels(silence, silence))
    with pytest.raises(AudioError, match="no values"):
        measures.decibels(silence[:0])


def test_a_sine():
    values = measures.sound(tone(1000, 1.0), RATE)
    assert values["loudness (LUFS)"] == pytest.approx(0.0, abs=0.1)  # two channels of -3 LUFS
    assert values["centroid (Hz)"] == pytest.approx(1000, abs=15)
    assert values["bandwidth (Hz)"] < 400
    assert values["crest (dB)"] == pytest.approx(3.01, abs=0.01)
    assert values["silence (%)"] == 0
    assert values["side/mid (dB)"] == measures.MONO


def test_white_noise_fills_the_spectrum_evenly():
    values = measures.sound(noise(), RATE)
    assert values["centroid (Hz)"] == pytest.approx(RATE / 4, rel=0.01)
    assert values["bandwidth (Hz)"] == pytest.approx(RATE / 2 / np.sqrt(12), rel=0.01)
    assert values["side/mid (dB)"] == pytest.approx(0, abs=0.1)  # the channels are independent


def test_clicks_are_onsets():
    clicks = np.zeros((1, len(TIME)), np.float32)
    for start in np.arange(0.25, 2, 0.25):
        first = round(start * RATE)
        clicks[0, first : first + 2000] = noise()[0, :2000]
    values = measures.sound(clicks, RATE)
    assert values["onsets (1/s)"] == 7 / 2
    assert values["silence (%)"] > 50
    assert values["side/mid (dB)"] == measures.MONO  # one channel has no sides


def test_a_channel_that_is_missing_is_as_wide_as_the_other():
    left = tone(440)
    left[1] = 0
    assert measures.sound(left, RATE)["side/mid (dB)"] == pytest.approx(0, abs=1e-6)


@given(seconds=st.floats(0.1, 1.9))
@settings(max_examples=10, deadline=None)
def test_the_share_of_silence(seconds):
    half = noise(channels=1)
    half[:, : round(seconds * RATE)] = 0
    assert measures.sound(half, RATE)["silence (%)"] == pytest.approx(50 * seconds, abs=1)


def test_of_silence_only_the_silence_is_known():
    values = measures.sound(np.zeros((2, RATE), np.float32), RATE)
    assert values.pop("silence (%)") == 100
    assert np.isnan(list(values.values())).all()


def test_less_than_loudness_needs_is_refused():
    with pytest.raises(AudioError, match=r"0\.4 s"):
        measures.sound(tone(440)[:, :4000], RATE)


@pytest.fixture(scope="module")
def apart():
    """Three sines that no mask can confuse, the first twice as loud as each of the others."""
    return measures.stems(song(drums=tone(500, 0.2), bass=tone(3000), vocals=tone(9000)))


def test_stems_that_do_not_overlap(apart):
    assert list(apart.index) == ["drums", "bass", "vocals"]
    assert list(apart.columns) == list(measures.COLUMNS)
    ratio = 10 * np.log10(np.array([4 / 2, 1 / 5, 1 / 5]))
    np.testing.assert_allclose(apart["mixture SI-SDR (dB)"], ratio, atol=0.01)
    assert (apart[["ratio mask (dB)", "binary mask (dB)"]] > 25).all(axis=None)
    np.testing.assert_allclose(apart["WDO"], 1, atol=1e-3)


def test_stems_that_are_the_same_share_all():
    table = measures.stems(song(other=noise(), vocals=noise()))
    np.testing.assert_allclose(table["WDO"], 0, atol=1e-6)


def test_disjoint_orthogonality_of_two_levels():
    """Where one is twice the other everywhere: 1 - 1/4 for the loud one, nothing for the other."""
    table = measures.stems(song(other=2 * noise(), vocals=noise()))
    np.testing.assert_allclose(table["WDO"], [0.75, 0], atol=1e-6)


def test_a_stem_that_rests_throughout_does_not_spoil_the_others(apart):
    silent = np.zeros_like(tone(500))
    table = measures.stems(
        song(drums=tone(500, 0.2), bass=tone(3000), vocals=tone(9000), other=silent)
    )
    pd.testing.assert_frame_equal(table.loc[list(apart.index)], apart)
    assert table.loc["other"].dropna().to_dict() == {"silence (%)": 100}


def test_a_segment_is_measured_alone():
    late = noise()
    late[:, :RATE] = 0
    one = song(other=late, vocals=tone(440))
    assert measures.stems(one, 0.0, 1.0).loc["other", "silence (%)"] == 100
    assert measures.stems(one, 1.0, 1.0).loc["other", "silence (%)"] == 0


def test_songs_are_measured_one_by_one(capsys):
    both = [song(drums=noise(1), vocals=tone(440)), song(bass=tone(80), vocals=noise(2))]
    table = measures.songs(both)
    assert "measuring" in capsys.readouterr().err
    assert table.index.names == ["song", "stem"]
    assert list(table.index.get_level_values("stem")) == ["drums", "vocals", "bass", "vocals"]
    pd.testing.assert_frame_equal(table.loc["bass+vocals"], measures.stems(both[1]))


def test_the_middle_of_a_song():
    middle = noise()
    middle[:, : RATE // 2] = middle[:, -RATE // 2 :] = 0
    table = measures.songs([song(other=middle, vocals=tone(440))], duration=1.0)
    assert (table["silence (%)"] == 0).all()
    longer = measures.songs([song(other=middle, vocals=tone(440))], duration=60.0)
    assert longer["silence (%)"].max() == pytest.approx(50, abs=1)


def test_the_numbers_of_the_real_song():
    table = measures.musdb_excerpt()
    assert list(table.columns) == list(measures.COLUMNS)
    known = {
        "drums": (-4.1, 10.1),
        "bass": (-6.7, 7.3),
        "other": (-8.1, 7.6),
        "vocals": (-1.5, 13.4),
    }
    for label, (mixture, ratio) in known.items():
        assert table.loc[label, "mixture SI-SDR (dB)"] == pytest.approx(mixture, abs=0.05)
        assert table.loc[label, "ratio mask (dB)"] == pytest.approx(ratio, abs=0.06)


@pytest.mark.skipif(not os.environ.get("MUSDB_PATH"), reason="MUSDB_PATH names no real songs")
def test_the_real_song_is_as_its_numbers_say():
    found = [one for one in tu.data.open_songs() if one.name == "Music Delta - 80s Rock"]
    excerpts = [one for one in found if one.duration < 8]
    if not excerpts:
        pytest.skip("MUSDB_PATH does not name the excerpts of 7 s")
    measured = measures.stems(excerpts[0])
    expected = measures.musdb_excerpt()
    pd.testing.assert_frame_equal(measured, expected, rtol=2e-3, atol=0.01)
