"""The fast loudness is that of pyloudnorm, for whole signals and for segments of a profile."""

import contextlib
import itertools
import time
import warnings

import numpy as np
import pyloudnorm
import pytest
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import loudness
from tutorial_utils.audio import AudioError

RATES = (8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000)
SAME = 1e-9  # LU


def reference(audio, rate):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # It takes the logarithm of zero.
        return pyloudnorm.Meter(rate).integrated_loudness(audio.T.astype(np.float64))


def swelling(seed, channels, samples, levels):
    """Noise whose level goes through ``levels``, in dB; digital silence where one is None."""
    random = np.random.default_rng(seed)
    audio = random.standard_normal((channels, samples))
    gains = np.array([0.0 if level is None else 10 ** (level / 20) for level in levels])
    return (audio * gains[np.arange(samples) * len(levels) // samples]).astype(np.float32)


level = st.none() | st.floats(-110, 0)


@settings(deadline=None, max_examples=60)
@given(
    rate=st.sampled_from(RATES),
    channels=st.integers(1, 5),
    seconds=st.floats(0.4, 1.8),
    levels=st.lists(level, min_size=1, max_size=8),
    seed=st.integers(0, 99),
)
def test_it_is_that_of_pyloudnorm(rate, channels, seconds, levels, seed):
    audio = swelling(seed, channels, int(np.ceil(seconds * rate)), levels)
    expected = reference(audio, rate)
    measured = loudness.integrated(audio, rate)
    assert measured == expected or abs(measured - expected) <= SAME


@settings(deadline=None, max_examples=60)
@given(
    rate=st.sampled_from([rate for rate in RATES if rate % 50 == 0]),
    channels=st.integers(1, 3),
    start=st.integers(0, 60),
    steps=st.integers(20, 65),
    lost=st.booleans(),
    levels=st.lists(level, min_size=1, max_size=8),
    seed=st.integers(0, 99),
)
def test_a_profile_knows_the_loudness_of_segments(rate, channels, start, steps, lost, levels, seed):
    """Of any multiple of 20 ms: also where the last block of 400 ms is cut off."""
    hop = rate // 50
    audio = swelling(seed, channels, 130 * hop + 17, levels)
    profile = loudness.Profile(audio, rate)
    segment = audio[:, start * hop : (start + steps) * hop]
    onset = segment[:, : round(0.1 * rate)]
    # A segment that lost a sample to rounding counts as whole.
    measured = profile.loudness(start * hop, steps * hop - lost, onset)
    expected = loudness.integrated(segment, rate)
    assert measured == expected or abs(measured - expected) <= SAME


@settings(deadline=None, max_examples=40)
@given(
    rate=st.sampled_from([8000, 22050, 44100]),
    channels=st.integers(1, 5),
    cuts=st.lists(st.floats(0, 1), max_size=6),
    levels=st.lists(level, min_size=1, max_size=8),
)
def test_a_profile_may_be_made_of_blocks(rate, channels, cuts, levels):
    """Of any lengths, also of none, and of less than a step of the grid."""
    audio = swelling(1, channels, 60 * (rate // 50) + 17, levels)
    edges = sorted(round(cut * audio.shape[1]) for cut in (0, *cuts, 1))
    blocks = (audio[:, first:last] for first, last in itertools.pairwise(edges))
    whole, in_blocks = loudness.Profile(audio, rate), loudness.Profile.of_blocks(blocks, rate)
    for start, steps in ((0, 60), (7, 30), (40, 20)):
        onset = audio[:, start * whole.hop :][:, : round(0.1 * rate)]
        segment = (start * whole.hop, steps * whole.hop, onset)
        expected, measured = whole.loudness(*segment), in_blocks.loudness(*segment)
        assert measured == expected or abs(measured - expected) <= SAME


@settings(deadline=None, max_examples=30)
@given(rate=st.sampled_from([8000, 44100]), start=st.integers(0, 60), steps=st.integers(20, 65))
def test_without_its_onset_a_segment_is_nearly_known(rate, start, steps):
    hop = rate // 50
    audio = swelling(0, 2, 130 * hop, [-20])
    measured = loudness.Profile(audio, rate).loudness(start * hop, steps * hop)
    segment = audio[:, start * hop : (start + steps) * hop]
    assert abs(measured - loudness.integrated(segment, rate)) <= 0.01


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("peak", [0.0, 1e-7, 1e-5])
def test_silence_and_what_is_nearly_silent(channels, peak, random):
    audio = noise(random, 2.0, channels, peak=peak)
    assert loudness.integrated(audio, RATE) == reference(audio, RATE) == -np.inf
    assert loudness.Profile(audio, RATE).loudness(0, RATE, audio[:, : RATE // 10]) == -np.inf


def test_the_gate_leaves_silence_out(random):
    """Rests do not make a song quieter."""
    audio = noise(random, 2.0)
    longer = np.concatenate([audio, np.zeros((2, 20 * RATE), np.float32)], axis=1)
    ours = loudness.integrated(longer, RATE)
    assert ours == pytest.approx(reference(longer, RATE), abs=SAME)
    assert ours == pytest.approx(loudness.integrated(audio, RATE), abs=0.5)


def test_what_is_quieter_than_70_does_not_set_the_other_gate():
    """The gate is 10 LU below the mean of the rest: here between the two parts that sound."""
    audio = swelling(0, 1, 8 * RATE, [-20, -34] + [-90] * 14)
    ours = loudness.integrated(audio, RATE)
    assert ours == pytest.approx(reference(audio, RATE), abs=SAME) and ours > -22


@pytest.mark.parametrize(("channels", "expected"), [(1, -3.01), (2, 0.0)])
def test_a_sine_of_full_scale(channels, expected):
    """The recommendation's own example."""
    sine = np.sin(2 * np.pi * 997 * np.arange(2 * 48000) / 48000)
    measured = loudness.integrated(np.tile(np.float32(sine), (channels, 1)), 48000)
    assert measured == pytest.approx(expected, abs=0.05)  # pyloudnorm's filters are a bit off.


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sample", [0, 8000, -1])
def test_what_is_no_number_is_no_silence(random, value, sample):
    """And the blocks before it do not stand for the whole."""
    audio = noise(random, 2.0)
    audio[1, sample] = value
    with pytest.raises(AudioError, match="NaN or infinite samples has no loudness"):
        loudness.integrated(audio, RATE)
    with pytest.raises(AudioError, match="NaN or infinite samples has no loudness"):
        loudness.Profile(audio, RATE).loudness(0, audio.shape[1])


@settings(deadline=None, max_examples=100)
@given(
    channels=st.integers(1, 7),
    samples=st.integers(0, 9000),
    rate=st.sampled_from(RATES),
    level=st.sampled_from([0.0, 1e-300, 1e-9, 0.1, 1e30, np.nan, np.inf]),
    start=st.integers(0, 60),
    length=st.integers(0, 12_000),
)
def test_any_array_has_a_loudness_or_is_refused(channels, samples, rate, level, start, length):
    audio = level * np.random.default_rng(0).uniform(-1, 1, (channels, samples))
    calls = [
        lambda: loudness.integrated(audio, rate),
        lambda: loudness.Profile(audio, rate).loudness(start * rate // 50, length),
    ]
    for call in calls:
        with contextlib.suppress(AudioError):
            measured = call()
            assert measured == -np.inf if level < 1e-3 else np.isfinite(measured)


def test_what_is_too_short_is_no_silence(random):
    audio = noise(random, 0.3)
    with pytest.raises(AudioError, match=r"at least 0\.4 s"):
        loudness.integrated(audio, RATE)
    with pytest.raises(AudioError, match=r"at least 0\.4 s"):
        loudness.Profile(audio, RATE).loudness(0, audio.shape[1])


def test_more_channels_than_five_have_no_loudness(random):
    with pytest.raises(AudioError, match="up to five channels, not for 6"):
        loudness.integrated(noise(random, channels=6), RATE)
    with pytest.raises(AudioError, match="not for 6"):
        loudness.Profile(noise(random, channels=6), RATE)


@pytest.mark.parametrize(
    ("rate", "step"), [(8000, 160), (22050, 441), (44100, 882), (11025, 0), (44099, 0)]
)
def test_the_grid_is_a_whole_number_of_samples_or_none(rate, step):
    assert loudness.grid_samples(rate) == step


def test_digital_silence_takes_no_longer_than_sound(random):
    """A filter that dies away would reach denormal numbers, which are a hundred times slower."""
    sound = noise(random, 10.0, rate=44100)
    rests = sound.copy()
    rests[:, 44100:] = 0

    def seconds(audio):
        times = []
        for _ in range(3):
            begun = time.perf_counter()
            loudness.integrated(audio, 44100)
            times.append(time.perf_counter() - begun)
        return min(times)

    seconds(sound)  # Compiles.
    assert seconds(rests) < 3 * seconds(sound)
