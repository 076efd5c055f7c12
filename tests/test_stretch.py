import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import stretch, tinystems
from tutorial_utils.audio import AudioError
from tutorial_utils.data import open_songs

RATE = 44100
RATES = [8000, 16000, 22050, 44100, 48000]
CHANGES = [(2, 0.8), (-2, 1.2), (1.37, 0.93), (None, 1.2), (None, 0.8), (-1.5, None)]


def sine(frequency, seconds=2.0, rate=RATE):
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)[None]


def harmonic(*fundamentals, seconds=3.0):
    """Tones with all partials below 8 kHz."""
    partials = [(f * k, k) for f in fundamentals for k in range(1, 20) if f * k < 8000]
    time = np.arange(round(seconds * RATE)) / RATE
    signal = sum(np.cos(2 * np.pi * f * time + 0.7 * k * k) / k for f, k in partials)
    return (0.3 * signal / np.abs(signal).max()).astype(np.float32)[None]


def noise(seconds=1.0, channels=2, rate=RATE, seed=0):
    random = np.random.default_rng(seed)
    return random.uniform(-0.5, 0.5, (channels, round(seconds * rate))).astype(np.float32)


def decibels(signal):
    return 10 * np.log10(np.mean(np.square(signal, dtype=np.float64)) + 1e-20)


def frequency(signal, rate=RATE):
    """The frequency of a sine in Hz, from the middle of the signal."""
    middle = signal[rate // 10 : -rate // 10]
    length = 1 << 22
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), length))
    return spectrum.argmax() * rate / length


def hits(times, seconds, seed=0):
    """Drum hits: noise that dies away, with a body."""
    random = np.random.default_rng(seed)
    signal = np.zeros(round(seconds * RATE))
    after = np.arange(round(0.2 * RATE)) / RATE
    for time in times:
        body = random.standard_normal(len(after)) / 2 + np.sin(2 * np.pi * 180 * after)
        first = round(time * RATE)
        signal[first : first + len(after)] += 0.3 * np.exp(-after / 0.03) * body
    return signal.astype(np.float32)[None]


def clicks(times, seconds):
    signal = np.zeros(round(seconds * RATE))
    shape = 0.5 * np.hanning(44) * np.cos(0.9 * np.arange(44))
    for time in times:
        first = round(time * RATE)
        signal[first : first + len(shape)] += shape
    return signal.astype(np.float32)[None]


def onsets(signal):
    """When the energy of high frequencies rises by more than 9 dB, in seconds."""
    hop = RATE // 1000
    bright = scipy.signal.lfilter([1, -0.95], 1, signal) ** 2
    level = 10 * np.log10(np.convolve(bright, np.ones(3 * hop) / 3 / hop, "same")[::hop] + 1e-7)
    before = [level[max(0, i - 8) : max(1, i - 3)].max() for i in range(len(level))]
    found = []
    for i in np.flatnonzero(level - before > 9):
        if not found or i - found[-1] > 15:
            found.append(i)
    return np.array(found) * hop / RATE


def off_partials(signal, fundamentals, pitch):
    """The energy off the partials of shifted tones in dB, against all, over its middle second."""
    middle = signal[len(signal) // 2 - RATE // 2 :][:RATE]
    energy = np.abs(np.fft.rfft(middle * scipy.signal.get_window("blackmanharris", RATE))) ** 2
    bins, off = np.arange(len(energy)), np.ones(len(energy), bool)  # of 1 Hz
    for fundamental in fundamentals:
        for partial in fundamental * 2 ** (pitch / 12) * np.arange(1, 10000 // fundamental):
            off &= np.abs(bins - partial) > 6 + 0.002 * partial
    return 10 * np.log10(energy[off].sum() / energy.sum())


@settings(deadline=None, max_examples=60)
@given(
    channels=st.integers(1, 5),
    samples=st.integers(8, 9000),
    rate=st.sampled_from(RATES),
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


@settings(deadline=None, max_examples=40)
@given(
    rate=st.sampled_from(RATES),
    seconds=st.floats(0.5, 1.5),
    pitch=st.floats(-4, 4),
    factor=st.floats(0.5, 2),
    level=st.floats(-60, 0),
    seed=st.integers(0, 99),
)
def test_the_level_stays_from_the_beginning_to_the_end(rate, seconds, pitch, factor, level, seed):
    # Of noise in the lower half of the spectrum, so that nothing leaves it on the way up.
    audio = scipy.signal.sosfilt(
        scipy.signal.butter(8, 0.5, output="sos"), noise(seconds, 2, rate, seed)
    )
    audio = (10 ** (level / 20) * audio).astype(np.float32)
    changed = stretch.change(audio, rate, pitch, factor)
    assert decibels(changed) == pytest.approx(decibels(audio), abs=1.0)
    for part in (changed[:, : rate // 20], changed[:, -rate // 20 :]):
        assert decibels(part) == pytest.approx(decibels(audio), abs=3.0)


def test_nothing_to_change_changes_nothing():
    audio = noise(0.1)
    for nothing in ((None, None), (0.0, 1.0), (None, 1.0), (0, None)):
        np.testing.assert_array_equal(stretch.change(audio, RATE, *nothing), audio)


@pytest.mark.parametrize("rate", RATES)
def test_silence_stays_silent(rate):
    silence = np.zeros((2, rate), np.float32)
    assert not stretch.change(silence, rate, 2.0, 1.2).any()


@pytest.mark.parametrize("samples", [1, 7, 100, 2000])
@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_what_is_too_short_to_be_stretched_is_kept_or_cut(samples, factor):
    audio = noise(channels=1)[:, :samples]
    changed = stretch.change(audio, RATE, None, factor)
    kept = min(samples, changed.shape[1])
    np.testing.assert_array_equal(changed[:, :kept], audio[:, :kept])
    assert not changed[:, kept:].any()


def test_no_samples_stay_none():
    assert stretch.change(np.zeros((2, 0)), RATE, 1.0, 1.2).shape == (2, 0)


@pytest.mark.parametrize("pitch, factor", [(2, 0.8), (-2, 1.2), (0.1, None), (1.37, 0.93)])
@pytest.mark.parametrize("tone", [41.2, 110, 440, 3000, 10000])
def test_a_tone_has_the_pitch_that_was_asked_for_and_stays_clean(tone, pitch, factor):
    changed = stretch.change(sine(tone), RATE, pitch, factor)[0]
    expected = tone * 2 ** (pitch / 12)
    assert abs(1200 * np.log2(frequency(changed) / expected)) < 2
    middle = changed[RATE // 10 : -RATE // 10]
    spectrum = np.abs(np.fft.rfft(middle * np.blackman(len(middle)))) ** 2
    peak = int(spectrum.argmax())
    of_the_tone = spectrum[max(0, peak - 20) : peak + 20].sum()
    assert 1 - of_the_tone / spectrum.sum() < 0.003  # -25 dB
    assert decibels(middle) == pytest.approx(decibels(sine(tone)), abs=0.3)


@settings(deadline=None, max_examples=30)
@given(
    rate=st.sampled_from(RATES),
    tone=st.floats(41, 2500),
    pitch=st.floats(-4, 4),
    factor=st.floats(0.7, 1.4),
)
@pytest.mark.slow
def test_the_pitch_is_right_at_any_rate(rate, tone, pitch, factor):
    changed = stretch.change(sine(tone, rate=rate), rate, pitch, factor)[0]
    found = frequency(changed, rate)
    assert abs(1200 * np.log2(found / (tone * 2 ** (pitch / 12)))) < 4


@pytest.mark.parametrize("pitch, factor", CHANGES)
@pytest.mark.parametrize(
    "fundamentals, limit",
    [((41.2,), -40), ((82.4,), -40), ((196.0,), -40), ((880.0,), -30), ((110, 165, 220, 277), -20)],
    ids=str,
)
def test_between_the_partials_of_a_tone_there_is_nothing(fundamentals, limit, pitch, factor):
    changed = stretch.change(harmonic(*fundamentals), RATE, pitch, factor)[0]
    assert off_partials(changed, fundamentals, pitch or 0) < limit


@pytest.mark.parametrize("pitch", [4.0, 0.7])
def test_what_would_alias_is_filtered_out(pitch):
    raised = stretch.change(sine(21900), RATE, pitch, None)
    assert np.abs(raised[0, 500:-500]).max() < 0.002


def test_treble_is_kept():
    lowered = stretch.change(sine(17500), RATE, -1.0, None)
    assert decibels(lowered[0, 500:-500]) == pytest.approx(decibels(sine(17500)), abs=0.5)


@pytest.mark.parametrize("pitch, factor", CHANGES)
@pytest.mark.parametrize("bed", [None, 55.0], ids=["alone", "over a bass"])
@pytest.mark.parametrize("make", [hits, clicks])
def test_every_hit_is_heard_once_and_in_time(make, bed, pitch, factor):
    times = 0.1 + np.cumsum(np.random.default_rng(5).uniform(0.09, 0.3, 20))
    times = times[times < 3.8]
    signal = make(times, 4.0) + (0 if bed is None else 0.5 * harmonic(bed, seconds=4.0))
    found = onsets(stretch.change(signal, RATE, pitch, factor)[0])
    assert len(found) == len(times)
    assert np.abs(found - times * (factor or 1)).max() < stretch.PAUSE


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_attacks_stay_sharp(factor):
    before = hits(np.arange(0.2, 3.8, 0.17), 4.0)
    after = stretch.change(before, RATE, None, factor)

    def energy(signal, time, first, last):
        """From ``first`` to ``last`` milliseconds after an onset."""
        start = round(1000 * time)
        samples = [round((start + ms) * RATE / 1000) for ms in (first, last)]
        return np.sum(signal[0, slice(*samples)] ** 2)

    for then, now in zip(onsets(before[0]), onsets(after[0]), strict=True):
        attack = energy(after, now, -2, 8)
        assert attack == pytest.approx(energy(before, then, -2, 8), rel=0.5)
        assert energy(after, now, -12, -2) < 0.05 * attack


def test_all_channels_are_cut_at_the_same_places():
    left = scipy.signal.lfilter([1], [1, -0.9], noise(channels=1)[0])
    stereo = np.stack([left, -0.5 * left]).astype(np.float32) * 0.1
    changed = stretch.change(stereo, RATE, 1.5, 1.1)
    np.testing.assert_allclose(changed[1], -0.5 * changed[0], atol=1e-6)


def test_opposite_channels_are_as_clean_as_one():
    tone = harmonic(82.4)
    changed = stretch.change(np.concatenate([tone, -tone]), RATE, 1.5, 1.1)
    np.testing.assert_allclose(changed[1], -changed[0], atol=1e-6)
    assert off_partials(changed[0], [82.4], 1.5) < -40


def test_the_place_of_a_sound_between_the_channels_stays():
    sources = np.concatenate([harmonic(220.0), hits(np.arange(0.5, 2.7, 0.25), 3.0)])
    gains = np.array([[0.9, 0.2], [0.3, 0.8]], np.float32)
    tone, drums = np.linalg.solve(gains, stretch.change(gains @ sources, RATE, -1.0, 1.1))
    # Unmixed with the gains that they were mixed with, one is not heard in the other's place.
    assert decibels(tone[: RATE // 2]) > -20
    assert decibels(drums[: RATE // 2]) < -100


@pytest.mark.parametrize("kind", ["float64", "read-only", "samples first in memory", "one channel"])
def test_any_kind_of_array_gives_the_same(kind):
    audio = noise(0.5)
    expected = stretch.change(audio, RATE, 1.0, 1.1)
    if kind == "one channel":
        expected, audio = stretch.change(audio[:1], RATE, 1.0, 1.1), audio[0]
    elif kind == "read-only":
        audio.setflags(write=False)
    else:
        audio = audio.astype(float) if kind == "float64" else np.asfortranarray(audio)
    np.testing.assert_array_equal(stretch.change(audio, RATE, 1.0, 1.1), expected)


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    root = tmp_path_factory.mktemp("set") / "one"
    tinystems.build(root, n_train=1, n_valid=0, n_test=0, duration=6.0, progress=False)
    return open_songs(root)[0]


def spectrum_by_cents(signal):
    """The long-term spectrum from 60 Hz to 4 kHz, one value per cent, as a deviation."""
    magnitudes = np.abs(np.fft.rfft(signal * np.hanning(len(signal)), 1 << 19))
    places = 60 * 2 ** (np.arange(7200) / 1200) * (1 << 19) / RATE
    level = np.log(np.interp(places, np.arange(len(magnitudes)), magnitudes) + 1e-3)
    return scipy.signal.detrend(scipy.ndimage.gaussian_filter1d(level, 3.0))


@pytest.mark.parametrize("label", ["bass", "other", "vocals"])
@pytest.mark.parametrize("pitch, factor", [(2.0, 0.8), (-1.3, 1.2)])
def test_a_stem_is_shifted_by_that_much(song, label, pitch, factor):
    stem = song.stem(label)
    changed = stretch.change(stem, RATE, pitch, factor)
    assert changed.shape == (2, round(stem.shape[1] * factor))
    one, other = spectrum_by_cents(stem.mean(axis=0)), spectrum_by_cents(changed.mean(axis=0))
    cents = round(100 * pitch)
    shifts = np.arange(cents - 40, cents + 41)
    overlap = [np.dot(one[300:-300], other[300 + s : len(other) - 300 + s]) for s in shifts]
    assert abs(shifts[np.argmax(overlap)] - cents) < 10


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_a_stem_keeps_its_rhythm(song, factor):
    stem = song.stem("drums")
    before, after = onsets(stem[0]), onsets(stretch.change(stem, RATE, None, factor)[0])
    assert len(before) > 5
    distances = np.abs(after[None] - before[:, None] * factor).min(axis=1)
    assert np.mean(distances < stretch.PAUSE) > 0.9
    assert abs(len(after) - len(before)) <= 0.1 * len(before) + 1


@pytest.mark.parametrize(
    "name, value",
    [
        ("pitch_shift", 30),
        ("pitch_shift", -24.5),
        ("pitch_shift", np.nan),
        ("time_stretch", 5),
        ("time_stretch", 0),
        ("time_stretch", -1),
        ("time_stretch", np.inf),
        ("time_stretch", np.nan),
    ],
)
def test_what_is_out_of_range_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is .*must be a number from"):
        stretch.change(sine(100), RATE, **{name: value})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [(0, 0), (1, 20000), (1, -1)])
@pytest.mark.parametrize("samples", [1000, 30001])
def test_samples_that_are_not_finite_are_refused(bad, where, samples):
    audio = noise()[:, :samples]
    audio[where[0], min(where[1], 500) if samples == 1000 else where[1]] = bad
    with pytest.raises(AudioError, match="holds NaN or infinite samples"):
        stretch.change(audio, RATE, 1.0, 1.1)


def test_swapped_axes_are_refused():
    with pytest.raises(AudioError, match="Transpose"):
        stretch.change(noise().T, RATE, 1.0, 1.1)


EVERYTHING = """
import numpy as np
from tutorial_utils import stretch

random = np.random.default_rng(0)
for _ in range(3000):
    rate = int(random.choice([1000, 8000, 22050, 44100, 96000]))
    channels = int(random.integers(1, 4))
    samples = int(random.choice([random.integers(8, 4000), random.integers(8, 2 * rate)]))
    audio = random.standard_normal((channels, samples)).astype(np.float32)
    audio *= random.choice([0, 1e-4, 1]) + (np.arange(samples) % 5000 < 500)
    changes = random.choice([(2, 2**0.3), (24, 4)])
    pitch, factor = random.uniform(-changes[0], changes[0]), changes[1] ** random.uniform(-1, 1)
    changed = stretch.change(audio, rate, random.choice([None, pitch]), factor)
    assert changed.shape == (channels, round(samples * factor)) and np.isfinite(changed).all()
print("done")
"""


@pytest.mark.slow
def test_nothing_is_read_or_written_out_of_bounds(tmp_path):
    """Compiled code does not check its indices, unless it is told to before it is compiled."""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", EVERYTHING], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "done\n", done.stderr
