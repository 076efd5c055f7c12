import numpy as np
import pytest
from hostile import numbers, sounds
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import mastering
from tutorial_utils.audio import AudioError

RATE = 8000


def decibels(factors):
    return 20 * np.log10(np.asarray(factors, dtype=np.float64))


def steady(level_db, seconds=2.0):
    """A square wave, whose every sample has the level."""
    samples = int(seconds * RATE)
    return 10 ** (level_db / 20) * np.where(np.arange(samples) % 20 < 10, 1.0, -1.0)


@pytest.mark.parametrize(
    ("level", "out"),
    [(-40.0, -40.0), (-23.0, -23.0), (-20.0, -20.5625), (-17.0, -19.25), (-8.0, -17.0)],
)
def test_the_static_curve_has_a_knee_and_a_slope(level, out):
    # By hand, T = -20 dB, R = 4, W = 6 dB: below T - W/2 nothing happens; at T it is
    # (1 - 1/R) (W/2)² / 2W = 0.5625 dB; from T + W/2 on the output is T + (level - T) / R.
    gain = mastering.compressor_gain(steady(level), RATE, -20.0, 4.0, 6.0, attack=0.01, release=0.1)
    assert level + decibels(gain[-1]) == pytest.approx(out, abs=1e-3)


def test_without_a_knee_compression_sets_in_at_the_threshold():
    for level, reduction in [(-20.1, 0.0), (-10.0, 5.0)]:
        gain = mastering.compressor_gain(steady(level), RATE, -20.0, ratio=2.0, knee_db=0.0)
        assert decibels(gain[-1]) == pytest.approx(-reduction, abs=1e-3)


def test_attack_and_release_are_time_constants():
    audio = np.concatenate([steady(-60.0, 0.5), steady(0.0, 1.0), steady(-60.0, 1.0)])
    gain = mastering.compressor_gain(audio, RATE, -20.0, 4.0, 0.0, attack=0.02, release=0.2)
    reduction = -decibels(gain)
    up, down = int(0.5 * RATE), int(1.5 * RATE)
    after_attack = reduction[up + int(0.02 * RATE) - 1]
    after_release = reduction[down + int(0.2 * RATE) - 1]
    assert after_attack == pytest.approx(15 * (1 - np.exp(-1)), rel=0.01)
    assert after_release == pytest.approx(15 * np.exp(-1), rel=0.01)


def test_channels_are_linked():
    loud, quiet = steady(0.0), steady(-40.0)
    for curve in (mastering.compressor_gain, mastering.limiter_gain):
        both = curve(np.stack([quiet, loud]), RATE)
        assert both.shape == loud.shape
        assert both.dtype == np.float32
        np.testing.assert_array_equal(both, curve(loud, RATE))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    samples=st.integers(2, 3000),
    ceiling=st.floats(-30.0, 0.0),
    look_ahead=st.sampled_from([0.0, 1 / RATE, 2 / RATE, 3 / RATE, 0.005, 0.02]),
    release=st.sampled_from([0.0, 0.001, 0.1]),
)
def test_the_limiter_holds_its_ceiling(seed, samples, ceiling, look_ahead, release):
    random = np.random.default_rng(seed)
    # Bursts among near-silence: the hard case for a limiter.
    audio = random.normal(0, 1, (2, samples)) * (random.random(samples) < 0.05)
    gain = mastering.limiter_gain(audio, RATE, ceiling, look_ahead, release)
    assert np.abs(gain * audio).max() <= 10 ** (ceiling / 20) * (1 + 1e-6)
    assert gain.min() > 0
    assert gain.max() <= 1


def test_the_limiter_begins_before_the_peak_and_reaches_it():
    audio = np.zeros(RATE)
    audio[RATE // 2] = 1.0
    gain = mastering.limiter_gain(audio, RATE, ceiling_db=-12.0, look_ahead=0.01, release=0.05)
    working = np.flatnonzero(decibels(gain) < -0.05)
    assert working[0] == RATE // 2 - 80
    assert decibels(gain[RATE // 2]) == pytest.approx(-12.0, abs=1e-4)
    assert (np.diff(decibels(gain[working[0] : RATE // 2])) < 0).all()


def test_what_is_quiet_passes_untouched():
    audio = np.stack([steady(-40.0), steady(-50.0)])
    assert (mastering.compressor_gain(audio, RATE) == 1).all()
    assert (mastering.limiter_gain(audio, RATE) == 1).all()
    assert (mastering.limiter_gain(np.zeros((2, 100)), RATE) == 1).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: mastering.compressor_gain(x, RATE, ratio=0.5), "ratio"),
        (lambda x: mastering.compressor_gain(x, RATE, knee_db=-1.0), "knee"),
        (lambda x: mastering.compressor_gain(x, RATE, attack=-1.0), "Attack"),
        (lambda x: mastering.limiter_gain(x, 0), "sample rate"),
        (lambda x: mastering.limiter_gain(x, RATE, look_ahead=-0.1), "ahead"),
        (lambda x: mastering.limiter_gain(x.T, RATE), "Transpose"),
        (lambda x: mastering.limiter_gain(x[:, :0], RATE), "no samples"),
        (lambda x: mastering.compressor_gain(np.where(x > 0, np.nan, x), RATE), "NaN"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(AudioError, match=message):
        call(np.stack([steady(-6.0), steady(-6.0)]))


@settings(max_examples=150, deadline=None)
@given(
    sound=sounds,
    rate=numbers | st.just(RATE),
    compressor=st.tuples(*[numbers | st.floats(0, 20)] * 5),
    limiter=st.tuples(*[numbers | st.floats(0, 1)] * 3),
)
def test_anything_has_a_gain_curve_or_is_refused(sound, rate, compressor, limiter):
    curves = {mastering.compressor_gain: compressor, mastering.limiter_gain: limiter}
    for curve, values in curves.items():
        for some in (values, ()):
            try:
                gain = curve(sound, rate, *some)
            except AudioError as error:
                assert str(error).isprintable()
                continue
            assert gain.shape == (np.shape(sound)[-1],) and gain.dtype == np.float32
            assert ((gain >= 0) & (gain <= 1)).all()
