import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils.data import stretch

RATE = 44100


def sine(frequency, seconds=2.0, rate=RATE):
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)[None]


def frequency(signal, rate=RATE):
    """The frequency of a sine in Hz, from the middle of the signal."""
    middle = signal[rate // 10 : -rate // 10]
    length = 1 << 22
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), length))
    return spectrum.argmax() * rate / length


def hits(times, seconds, rate=RATE):
    """Drum hits: noise that dies away, with a body."""
    random = np.random.default_rng(0)
    signal = np.zeros(round(seconds * rate))
    for time in times:
        after = np.arange(round(0.2 * rate)) / rate
        noise = random.standard_normal(len(after)) / 2 + np.sin(2 * np.pi * 180 * after)
        first = round(time * rate)
        signal[first : first + len(after)] += 0.3 * np.exp(-after / 0.03) * noise
    return signal.astype(np.float32)[None]


def onsets(signal, rate=RATE):
    """When the energy of high frequencies rises by more than 9 dB, in seconds."""
    hop = rate // 1000
    bright = scipy.signal.lfilter([1, -0.95], 1, signal) ** 2
    level = 10 * np.log10(np.convolve(bright, np.ones(3 * hop) / 3 / hop, "same")[::hop] + 1e-7)
    before = [level[max(0, i - 8) : max(1, i - 3)].max() for i in range(len(level))]
    rise = level - before
    found = []
    for i in np.flatnonzero(rise > 9):
        if not found or i - found[-1] > 15:
            found.append(i)
    return np.array(found) / 1000


@settings(deadline=None, max_examples=60)
@given(
    channels=st.integers(1, 5),
    samples=st.integers(8, 9000),
    rate=st.sampled_from([8000, 16000, 22050, 44100, 48000]),
    pitch=st.one_of(st.none(), st.floats(-24, 24)),
    factor=st.one_of(st.none(), st.floats(0.25, 4)),
    seed=st.integers(0, 99),
)
def test_any_audio_has_the_length_that_was_asked_for(channels, samples, rate, pitch, factor, seed):
    random = np.random.default_rng(seed)
    audio = random.uniform(-0.5, 0.5, (channels, samples)).astype(np.float32)
    kept = audio.copy()
    changed = stretch.change(audio, rate, pitch, factor)
    assert changed.shape == (channels, round(samples * (factor or 1)))
    assert changed.dtype == np.float32 and np.isfinite(changed).all()
    assert np.abs(changed).max(initial=0) <= 1.0
    np.testing.assert_array_equal(changed, stretch.change(audio, rate, pitch, factor))
    np.testing.assert_array_equal(audio, kept)


def test_nothing_to_change_changes_nothing():
    audio = np.random.default_rng(0).uniform(-1, 1, (2, 5000)).astype(np.float32)
    for nothing in ((None, None), (0.0, 1.0), (None, 1.0)):
        np.testing.assert_array_equal(stretch.change(audio, RATE, *nothing), audio)


def test_silence_stays_silent():
    silence = np.zeros((2, RATE), np.float32)
    assert not stretch.change(silence, RATE, 2.0, 1.2).any()


@pytest.mark.parametrize(
    "pitch,factor", [(2, 0.8), (-2, 1.2), (0.1, 1.0), (1.37, 0.93), (None, 1.2)]
)
@pytest.mark.parametrize("tone", [41.2, 110, 440, 3000, 10000])
def test_pitch_is_within_10_cents_and_the_tone_stays_clean(tone, pitch, factor):
    changed = stretch.change(sine(tone), RATE, pitch, factor)[0]
    expected = tone * 2 ** ((pitch or 0) / 12)
    assert abs(1200 * np.log2(frequency(changed) / expected)) < 4
    middle = changed[RATE // 10 : -RATE // 10]
    spectrum = np.abs(np.fft.rfft(middle * np.blackman(len(middle)))) ** 2
    peak = int(spectrum.argmax())
    of_the_tone = spectrum[max(0, peak - 20) : peak + 20].sum()
    assert 1 - of_the_tone / spectrum.sum() < 0.01  # 20 dB
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_what_would_alias_is_filtered_out():
    raised = stretch.change(sine(20000), RATE, 4.0, None)
    assert np.abs(raised[0, 500:-500]).max() < 0.005


@pytest.mark.parametrize("pitch,factor", [(None, 0.8), (None, 1.2), (2, 1.1), (-2, 0.9)])
def test_hits_land_where_the_stretch_says(pitch, factor):
    times = np.arange(0.2, 4.4, 0.23)
    changed = stretch.change(hits(times, 5.0), RATE, pitch, factor)[0]
    found = onsets(changed)
    hop = stretch.PAUSE
    for time in times * factor:
        assert np.abs(found - time).min() < hop, time
    # None are lost; a few may sound twice, as with any method that repeats pieces of sound.
    assert len(times) <= len(found) <= 1.3 * len(times)


def test_all_channels_are_cut_at_the_same_places():
    random = np.random.default_rng(1)
    left = scipy.signal.lfilter([1], [1, -0.9], random.standard_normal(RATE))
    stereo = np.stack([left, -0.5 * left]).astype(np.float32) * 0.1
    changed = stretch.change(stereo, RATE, 1.5, 1.1)
    np.testing.assert_allclose(changed[1], -0.5 * changed[0], atol=1e-6)


@pytest.mark.parametrize(
    "name,value",
    [
        ("pitch_shift", 30),
        ("pitch_shift", np.nan),
        ("time_stretch", 5),
        ("time_stretch", -1),
        ("time_stretch", np.nan),
    ],
)
def test_what_is_out_of_range_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is .*must be a number from"):
        stretch.change(sine(100), RATE, **{name: value})
