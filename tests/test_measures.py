"""What is measured has known answers on signals that are made for it."""

import itertools
import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.signal
from hostile import numbers, sounds
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


def test_clipped_counts_every_sample_of_a_run():
    wave = tone(100, 1.0)
    assert measures.clipped(wave) < 1e-4
    for top in (0.9, 0.5):
        cut = np.clip(wave, -top, top)
        assert measures.clipped(cut) == np.mean(np.abs(cut) >= top)
    short = np.array([[1, 1, 0, 1, 1, 1, 0, -1, -1, -1, -1, 0.5]])
    assert measures.clipped(short) == 7 / 12
    assert measures.clipped(short, run=4) == 4 / 12
    assert measures.clipped(short, run=1) == 9 / 12
    assert measures.clipped(np.stack([short[0], 0 * short[0]])) == 7 / 24  # no run across channels
    assert measures.clipped(np.zeros((2, 100))) == 0


def melody(seed, seconds=12):
    """Notes of random pitch and length, with harmonics."""
    random = np.random.default_rng(seed)
    parts = []
    for _ in range(6 * seconds):
        t = np.arange(round(random.uniform(0.1, 0.3) * RATE)) / RATE
        pitch = 220 * 2 ** (random.integers(24) / 12)
        parts.append(
            sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 8)) * np.exp(-5 * t)
        )
    return 0.1 * np.concatenate(parts)[None, : seconds * RATE]


def test_fingerprints_find_a_song_again():
    song, other = melody(0), melody(1)
    late = 0.3 * song[:, round(1.7 * RATE) :]
    bright = scipy.signal.lfilter([1, -0.7], [1], late)  # some 10 dB more above 2 kHz
    prints = [measures.fingerprint(x, RATE) for x in (song, late, bright, other)]
    assert all(one.shape[0] == 31 and set(np.unique(one)) <= {-1, 0, 1} for one in prints)
    for twin, least in ((prints[1], 0.9), (prints[2], 0.85)):
        share, shift = measures.agreement(prints[0], twin)
        assert share > least and shift == pytest.approx(1.7, abs=0.03)
    assert measures.agreement(prints[0], prints[3])[0] < 0.65
    assert measures.agreement(prints[0], prints[0]) == (pytest.approx(1, abs=0.02), 0)


def test_a_fingerprint_is_the_formula_and_ends_at_3000_hz():
    song = melody(2, 4)
    print_ = measures.fingerprint(song, RATE)
    high = song + 0.5 * np.sin(2 * np.pi * 6000 * np.arange(song.shape[1]) / RATE)
    assert np.mean(print_ == measures.fingerprint(high, RATE)) > 0.95  # not to Nyquist
    assert np.array_equal(print_, measures.fingerprint(0.25 * song, RATE))  # a gain cancels
    size, hop = round(0.2 * RATE), round(0.02 * RATE)
    f, _, spectrum = scipy.signal.stft(song[0], RATE, nperseg=size, noverlap=size - hop)
    edges = np.geomspace(300, 3000, 33)
    level = [
        np.log(np.sum(np.abs(spectrum[(low <= f) & (f < high)]) ** 2, axis=0))
        for low, high in itertools.pairwise(edges)
    ]
    for b, m in ((0, 1), (7, 60), (30, 150)):
        now, before = level[b][m] - level[b + 1][m], level[b][m - 1] - level[b + 1][m - 1]
        assert print_[b, m - 1] == np.sign(now - before)


def test_silence_agrees_with_nothing():
    silence = measures.fingerprint(np.zeros((1, 5 * RATE)), RATE)
    assert not silence.any()
    assert measures.agreement(silence, silence)[0] == 0.5


def test_errors_of_fingerprints_and_of_clipped():
    with pytest.raises(AudioError, match="no samples"):
        measures.clipped(np.zeros((2, 0)))
    with pytest.raises(AudioError, match=r"0\.3 s at 8000 Hz"):
        measures.fingerprint(np.ones((1, 100)), RATE)
    with pytest.raises(AudioError, match=r"0\.3 s at 8000 Hz"):
        measures.fingerprint(np.ones((1, 10000)), 4000)
    short = measures.fingerprint(melody(0, 1), RATE)
    with pytest.raises(AudioError, match="cannot overlap"):
        measures.agreement(short, short)


@given(
    sound=sounds,
    rate=numbers | st.sampled_from([4000, 11025, 44100]),
    longer=st.booleans(),
    shortest=st.floats() | st.floats(0, 2),
)
@settings(max_examples=80, deadline=None)
def test_anything_is_measured_or_refused(sound, rate, longer, shortest):
    try:
        sound = tu.audio.as_channels(sound)
        if longer:
            sound = np.tile(sound, 3000)[:, :30_000]
        assert 0 <= measures.clipped(sound) <= 1
    except AudioError:
        return  # And so do the others, which need more of a sound.
    try:
        found = measures.fingerprint(sound, rate)
        assert found.shape[0] == 31 and np.isin(found, (-1, 0, 1)).all()
        share, _ = measures.agreement(found, found, shortest)
        assert 0.5 <= share < 1.001
    except AudioError:
        pass
    try:
        values = measures.sound(sound, rate)
        assert 0 <= values["silence (%)"] <= 100
        assert np.isfinite(list(values.values())).all() or values["silence (%)"] == 100
    except AudioError:
        pass
    assert measures.decibels(sound) < np.inf
    assert np.isnan(measures.decibels(sound, sound)) == (not np.any(sound))
