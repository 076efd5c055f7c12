"""Equaliser, compressor and reverb do what their settings say; a seed means one chain for ever."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import scipy.signal
from helpers import noise
from hostile import numbers, sounds
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import effects, loudness
from tutorial_utils.audio import AudioError

RATES = (8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000)
seeds = st.integers(0, effects.SEEDS - 1)


def decibels(factor):
    return 20 * np.log10(factor)


def response_db(section, frequency, rate):
    _, response = scipy.signal.sosfreqz(section, worN=[frequency], fs=rate)
    return decibels(np.abs(response[0]))


# Equaliser


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("gain", [-6.0, 4.5])
def test_bells_and_shelves_boost_what_they_say(rate, gain):
    """By the whole gain where they work, by half of it at a shelf's frequency, else by nothing."""
    bell = effects.peak(500, gain, 2.0, sample_rate=rate)
    assert response_db(bell, 500, rate) == pytest.approx(gain, abs=1e-6)
    assert abs(response_db(bell, 20, rate)) < 0.05 and abs(response_db(bell, 3900, rate)) < 0.2
    low = effects.shelf("low", 200, gain, sample_rate=rate)
    high = effects.shelf("high", 1000, gain, sample_rate=rate)
    for shelf, frequency, within, beyond in ((low, 200, 5, 3900), (high, 1000, 3990, 20)):
        assert response_db(shelf, frequency, rate) == pytest.approx(gain / 2, abs=1e-6)
        assert response_db(shelf, within, rate) == pytest.approx(gain, abs=0.05)
        assert abs(response_db(shelf, beyond, rate)) < 0.05


def test_the_high_pass_falls_by_12_db_per_octave():
    section = effects.Band("high-pass", 80.0).section(44100)
    assert response_db(section, 80, 44100) == pytest.approx(-3.01, abs=0.01)
    fall = response_db(section, 20, 44100) - response_db(section, 10, 44100)
    assert fall == pytest.approx(12, abs=0.1) and abs(response_db(section, 2000, 44100)) < 0.01


# Compressor


def steps(rate, quiet_db):
    """A second of a loud square wave, then a second of a quiet one."""
    wave = np.where(np.arange(2 * rate) % 16 < 8, 1.0, -1.0)
    wave[rate:] *= 10 ** (quiet_db / 20)
    return np.stack([wave, wave]).astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
def test_the_compressor_reduces_what_is_loud(rate):
    """Loud parts lie 12 dB above the threshold, above the knee: of 12 dB a quarter is left."""
    curve = effects.compressor_gain(
        steps(rate, -40), -12.0, 4.0, attack=0.005, release=0.05, sample_rate=rate
    )
    assert curve.shape == (2 * rate,) and curve.dtype == np.float32
    assert decibels(curve[rate - rate // 10]) == pytest.approx(-9, abs=0.01)
    assert decibels(curve[-1]) == pytest.approx(0, abs=0.01)
    begin = decibels(curve[round(0.005 * rate)])
    assert begin == pytest.approx(-9 * (1 - np.exp(-1)), abs=1.2)  # Its blocks last 1.5 ms.
    end = decibels(curve[rate + round(0.05 * rate)])
    assert end == pytest.approx(-9 * np.exp(-1), abs=0.2)


def test_the_compressor_does_not_care_how_loud_the_sound_comes_in(random):
    sound = noise(random, 1.0, rate=44100) * np.linspace(0, 1, 44100, dtype=np.float32)
    loud, quiet = (
        effects.compressor_gain(scale * sound, -10.0, 3.0, sample_rate=44100)
        for scale in (1.0, 1e-3)
    )
    np.testing.assert_allclose(loud, quiet, rtol=1e-4)
    assert loud.min() < 0.7


# Reverb


def tail(seconds, bright, rate=44100, channels=2):
    random = np.random.default_rng(1)
    white = random.standard_normal((channels, effects.room_samples(seconds, rate)))
    return effects.room(seconds, bright, white.astype(np.float32), [], rate)


def decay(response, band, rate, begin=0.1, end=0.5):
    """The time in which a band falls by 60 dB, from how it falls in a part of the response."""
    section = scipy.signal.butter(2, band, "bandpass", fs=rate, output="sos")
    power = (scipy.signal.sosfilt(section, response) ** 2).sum(axis=0)
    left = np.cumsum(power[::-1])[::-1]  # Schroeder's integral
    first, last = round(begin * len(left)), round(end * len(left))
    slope = 10 * np.log10(left[last] / left[first]) / ((last - first) / rate)
    return -60 / slope


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
@pytest.mark.parametrize("seconds", [0.4, 1.5])
def test_a_room_dies_away_in_its_time(rate, seconds):
    response = tail(seconds, 0.5, rate)
    assert response.shape == (2, round(1.1 * seconds * rate))
    assert decay(response, (600, 1800), rate) == pytest.approx(seconds, rel=0.15)
    np.testing.assert_allclose((response**2).sum() / 2, 1, rtol=1e-5)


def test_high_frequencies_last_longer_in_a_bright_room():
    dull, bright = (decay(tail(1.5, b), (8000, 12000), 44100, 0.02, 0.1) for b in (0.0, 1.0))
    assert dull < 0.7 * bright and bright < 1.5  # that of the middle


def test_reflections_stand_where_they_are_put():
    white = np.zeros((2, effects.room_samples(0.5, 44100)), np.float32)
    response = effects.room(0.5, 0.5, white, [(0.01, 0, 1), (0.02, 1, -1), (9.0, 0, 1)], 44100)
    assert np.flatnonzero(response[0]) == 441 and np.flatnonzero(response[1]) == 882
    assert response[0, 441] > -response[1, 882] > 0


@pytest.mark.parametrize("samples", [1, 100, 5000])
def test_reverb_is_a_convolution(random, samples):
    sound, response = noise(random, 0.1)[:, :samples], noise(random, 0.2)
    wet = effects.reverb(sound, response)
    assert wet.shape == sound.shape
    for channel in range(2):
        expected = np.convolve(sound[channel], response[channel])[: sound.shape[1]]
        np.testing.assert_allclose(wet[channel], expected, atol=1e-5)


# Chains

WITHIN = {
    "threshold": (-15, -3), "ratio": (1.5, 4), "attack": (0.002, 0.05), "release": (0.05, 0.4),
    "decay": (0.3, 2), "bright": (0, 1), "wet": (-24, -8),
}  # fmt: skip
FREQUENCIES = [(20, 80), (80, 250), (200, 1000), (1000, 5000), (4000, 12000)]


def test_settings_are_spread_over_what_engineers_use():
    chains = [effects.chain(seed) for seed in range(400)]
    for name, (low, high) in WITHIN.items():
        drawn = [getattr(chain, name) for chain in chains]
        assert low <= min(drawn) < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < max(drawn) <= high
    for i, (low, high) in enumerate(FREQUENCIES):
        bands = [chain.bands[i] for chain in chains]
        assert low <= min(band.frequency for band in bands) < low * 1.1
        assert high / 1.1 < max(band.frequency for band in bands) <= high
        assert all(-6 <= band.decibels <= 6 for band in bands)
        assert all((0.5 <= band.q <= 2) == (band.kind == "bell") for band in bands)


SEVEN = """\
Chain of effects, seed 7
  high-pass     22 Hz
  low shelf    195 Hz   -0.7 dB
  bell         641 Hz   +5.7 dB  Q 1.1
  bell        2.2 kHz   -5.1 dB  Q 0.7
  high shelf  6.9 kHz   +2.2 dB
  compressor  2.2 : 1 from 5 dB below the loud parts, attack 2 ms, release 91 ms
  reverb      1.7 s, 17 dB below the sound"""


def test_a_chain_shows_what_it_does_and_is_the_same_in_five_years():
    assert repr(effects.chain(7)) == SEVEN
    assert effects.chain(7) == effects.chain(np.int64(7)) != effects.chain(8)


def test_another_process_makes_the_same_sound(random):
    sound = noise(random, 0.5, rate=44100)
    script = """
import sys, hashlib, numpy as np
from tutorial_utils import effects
sound = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(2, -1)
print(hashlib.sha256(effects.apply(sound, 44100, 5).tobytes()).hexdigest())
"""
    run = subprocess.run(
        [sys.executable, "-c", script], input=sound.tobytes(), capture_output=True, check=True
    )
    here = hashlib.sha256(effects.apply(sound, 44100, 5).tobytes()).hexdigest()
    assert run.stdout.decode().strip() == here


@settings(deadline=None, max_examples=80)
@given(
    seed=seeds,
    rate=st.sampled_from(RATES),
    channels=st.integers(1, 2),
    samples=st.sampled_from([0, 1, 2, 3, 63, 64, 65, 1000, 9999]),
    peak=st.sampled_from([0.0, 1e-30, 1e-6, 0.5, 1e4]),
)
def test_any_sound_stays_finite_and_as_long_as_it_was(seed, rate, channels, samples, peak):
    channels = min(channels, samples or 2)
    sound = np.float32(peak * np.random.default_rng(0).uniform(-1, 1, (channels, samples)))
    before = sound.copy()
    out = effects.apply(sound, rate, seed)
    assert out.shape == sound.shape and out.dtype == np.float32 and np.isfinite(out).all()
    np.testing.assert_array_equal(sound, before)
    assert bool(out.any()) is bool(sound.any())


@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_a_chain_changes_the_sound_but_hides_no_stem(seed):
    sound = noise(np.random.default_rng(seed), 1.0, rate=22050)
    out = effects.apply(sound, 22050, seed)
    change = loudness.integrated(out, 22050) - loudness.integrated(sound, 22050)
    assert -18 < change < 8  # In 400 chains, noise got 12.6 dB quieter at most, 2.8 dB louder.
    ratio = np.vdot(sound, out) / np.vdot(sound, sound)
    rest = decibels(np.linalg.norm(out - ratio * sound) / np.linalg.norm(ratio * sound))
    assert -30 < rest < 3


def test_louder_in_louder_out(random):
    sound = noise(random, 0.5, rate=44100)
    np.testing.assert_allclose(
        effects.apply(sound / 1000, 44100, 3) * 1000, effects.apply(sound, 44100, 3), atol=1e-5
    )


def test_channels_stay_where_they_are(random):
    left = noise(random, 0.5, rate=44100)
    left[1] = 0
    out = effects.apply(left, 44100, 3)
    assert out[0].any() and not out[1].any()


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "7", None, float("nan")])
def test_seeds_are_whole_numbers(seed):
    with pytest.raises(ValueError, match="A seed is a whole number from 0 to 4294967295, not"):
        effects.chain(seed)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=150, deadline=None)
@given(sound=sounds, rate=numbers | st.just(8000), seed=numbers | st.integers(0, 99))
def test_anything_is_processed_or_refused(sound, rate, seed):
    try:
        out = effects.apply(sound, rate, seed)
    except ValueError as error:  # of which AudioError is one
        assert str(error).isprintable() and len(str(error)) > 20
        return
    assert out.shape == np.atleast_2d(sound).shape and np.isfinite(out).all()


@pytest.mark.parametrize(
    ("audio", "rate", "message"),
    [
        (np.zeros((0, 100)), 8000, r"not \(0, 100\)"),
        (np.zeros((2, 2, 100)), 8000, r"not \(2, 2, 100\)"),
        (np.zeros((100, 2)), 8000, "Transpose it"),
        (np.full((2, 100), np.nan), 8000, "NaN or infinite samples"),
        (np.zeros((2, 100)), 0, "A sample rate is a whole number of Hz"),
    ],
)
def test_bad_input_is_named(audio, rate, message):
    with pytest.raises(AudioError, match=message):
        effects.apply(audio, rate, 0)
