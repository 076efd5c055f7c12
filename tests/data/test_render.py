"""What is rendered is what the events say; where Scaper can say it too, it is what Scaper says."""

import dataclasses
import itertools
import math
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
import soundfile
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio, effects
from tutorial_utils.audio import AudioError
from tutorial_utils.compat import scaper
from tutorial_utils.data import MixtureTable, open_sounds, render
from tutorial_utils.data.mixing.event import Event
from tutorial_utils.data.songs import LABELS
from tutorial_utils.data.table.checks import TableError

AS_IT_IS = dict(pitch_shift=None, time_stretch=None)
EXACT = 1e-6


def sample(songs, n=3, seed=0, duration=1.0, **changes):
    return MixtureTable.sample(songs, n, seed, duration, **changes)


def error_of_sum(mix):
    """How far the sources are from summing to the mixture: a peak, in double precision."""
    total = sum(source.astype(float) for source in mix.sources.values())
    return float(np.abs(mix.mixture - total).max())


def event(**changes):
    """An event whose loudness is known to be what is asked for: it is placed with a gain of 1."""
    one = Event(
        mixture=3, split="", label="x", song="x", source_file="x.wav", source_time=0.0,
        source_duration=0.5, event_time=0.25, snr=0.0, ref_db=-30.0, loudness=-30.0,
        channels=2, sample_rate=RATE,
    )  # fmt: skip
    return dataclasses.replace(one, **changes)


def alone(root, *events, duration=1.0, fade=0.0):
    return render.render(events, root, duration, {"x": ("x",)}, fade, fade)


# Whatever is drawn


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    duration=st.sampled_from([0.1, 0.33337, 1.0]),
    ref_db=st.floats(-60, 30),
    spread=st.sampled_from([0.0, 6.0, 30.0]),
    leave_out=st.sampled_from([0.0, 0.9]),
    augmented=st.booleans(),
    channels=st.integers(1, 3),
    rate=st.sampled_from([RATE, 11025]),
)
def test_sources_sum_to_the_mixture(
    songs, seed, duration, ref_db, spread, leave_out, augmented, channels, rate
):
    wanted = {} if augmented else AS_IT_IS
    table = sample(
        songs, 2, seed, duration, coherent=0.5, ref_db=("const", ref_db),
        snr=("uniform", -spread, spread), leave_out=leave_out, channels=channels,
        sample_rate=rate, **wanted,
    )  # fmt: skip
    for i in range(2):
        mix = table.render(i)
        assert error_of_sum(mix) <= EXACT
        assert tuple(mix.sources) == LABELS and mix.sample_rate == rate
        there = {one.label for one in table.events(i)}
        for label, signal in {**mix.sources, "": mix.mixture}.items():
            assert signal.shape == (channels, int(duration * rate))
            assert signal.dtype == np.float32 and np.isfinite(signal).all()
            assert label in there or label == "" or not signal.any()
        peak = np.abs(mix.mixture).max()
        assert peak <= 1 and 0 < mix.scale <= 1
        assert mix.scale == 1 or peak > 0.999999


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 5), ref_db=st.floats(-60, 30))
def test_so_do_single_sounds(sounds_root, seed, k, ref_db):
    table = MixtureTable.sample_sounds(
        open_sounds(sounds_root), 2, seed, duration=1.3, k=k, channels=2, sample_rate=RATE,
        event_duration=("uniform", 0.01, 1.5), ref_db=("const", ref_db),
        pitch_shift=("uniform", -3, 3), time_stretch=("uniform", 0.5, 2.0),
    )  # fmt: skip
    for i in range(2):
        mix = table.render(i)
        assert error_of_sum(mix) <= EXACT and np.abs(mix.mixture).max() <= 1
        assert mix.mixture.shape == (2, 10400)
        for one in table.events(i):
            first = int(one.event_time * RATE)
            last = first + math.ceil(one.duration * RATE) + 2
            source = mix.sources[one.label]
            assert not source[:, :first].any() and not source[:, last:].any()


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1),
    ref_db=st.floats(-45, -10),
    augmented=st.booleans(),
    channels=st.integers(1, 2),
    rate=st.sampled_from([RATE, 16000]),
)
def test_sources_are_as_loud_as_they_say(songs, seed, ref_db, augmented, channels, rate):
    """Also if what is measured is not what lies in the file: other channels, rate or pitch."""
    wanted = {} if augmented else AS_IT_IS
    table = sample(
        songs, 2, seed, ref_db=("const", ref_db), fade=0.0, channels=channels, sample_rate=rate,
        **wanted,
    )  # fmt: skip
    for i in range(2):
        mix = table.render(i)
        for one in table.events(i):
            measured = audio.loudness(mix.sources[one.label], rate)
            if one.label == "vocals" and one.song in "ab" and measured < -60:
                continue  # It rests.
            expected = one.ref_db + one.snr + 20 * math.log10(mix.scale)
            assert measured == pytest.approx(expected, abs=0.1)


def test_silence_stays_silent(songs):
    for wanted in (AS_IT_IS, {}):
        mix = sample(songs, 1, song=("const", "b"), **wanted).render(0)
        assert not mix.sources["vocals"].any() and mix.sources["drums"].any()


def test_what_is_nearly_silent_is_not_amplified_without_end(tmp_path, random):
    audio.write(tmp_path / "x.wav", noise(random, peak=1 / 32768), RATE)
    (quiet,) = alone(tmp_path, event(loudness=math.nan, ref_db=-20.0)).sources.values()
    samples = audio.read(tmp_path / "x.wav", 0, 0.5)[0]
    gain = 10 ** ((-20 - render.QUIETEST) / 20)
    np.testing.assert_allclose(quiet[:, 2000:6000], gain * samples, rtol=1e-5)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), duration=st.sampled_from([0.5, 0.66, 1.0]))
def test_known_and_measured_loudness_give_the_same(songs, seed, duration):
    for channels in (1, 2):
        table = sample(songs, 2, seed, duration, channels=channels, **AS_IT_IS)
        assert table.rows["loudness"].notna().all()
        labels = table.labels
        unknown = MixtureTable(table.rows.assign(loudness=math.nan), table.root, duration, labels)
        for i in range(2):
            known, measured = table.render(i), unknown.render(i)
            assert known.scale == pytest.approx(measured.scale, abs=EXACT)
            for label in labels:
                np.testing.assert_allclose(
                    known.sources[label], measured.sources[label], atol=EXACT
                )


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), louder=st.floats(20, 60))
def test_what_would_clip_is_scaled_all_together(songs, seed, louder):
    """By the factor that is recorded: the sources keep their balance."""
    quiet, loud = (
        sample(songs, 1, seed, ref_db=("const", ref_db), **AS_IT_IS).render(0)
        for ref_db in (-40, -40 + louder)
    )
    gain = 10 ** (louder / 20)
    clips = gain * np.abs(quiet.mixture).max() > 1
    assert (loud.scale < 1) == clips and quiet.scale == 1
    for label, source in quiet.sources.items():
        np.testing.assert_allclose(
            loud.sources[label], gain * loud.scale * source, atol=1e-5, rtol=1e-4
        )
    if clips:
        assert np.abs(loud.mixture).max() == pytest.approx(1, abs=1e-6)


def test_a_mixture_never_exceeds_full_scale(tmp_path, random):
    """Not by the last bit either, which a file of integers could not hold.

    The more sources, the more is rounded.
    """
    audio.write(tmp_path / "x.wav", noise(random, 0.05), RATE)
    labels = {label: (label,) for label in "abcdefghijklmnopqrstuvwx"}
    for _ in range(100):
        events = [
            event(label=label, source_duration=0.02, event_time=0.0, snr=random.uniform(10, 30))
            for label in labels
        ]
        mix = render.render(events, tmp_path, 0.02, labels)
        assert mix.scale < 1 and 0.999999 < np.abs(mix.mixture).max() <= 1.0
        assert error_of_sum(mix) <= EXACT


def test_rendering_twice_gives_the_same_and_separate_arrays(songs):
    table = sample(songs)
    first = table.render(1)
    for source in first.sources.values():
        source += 1
    again = table.render(1)
    np.testing.assert_array_equal(again.mixture, table.render(1).mixture)
    assert not np.shares_memory(first.mixture, again.mixture)


# The songs' own balance

BALANCE = dict(coherent=1.0, snr=None)


def stems_of(table, i, channels):
    """The segments of mixture ``i`` as they lie in their files, with the mixture's channels."""
    for one in table.events(i):
        samples, rate = audio.read(table.root / one.source_file)
        first = int(one.source_time * rate)
        last = int((one.source_time + one.source_duration) * rate)
        yield one, audio.with_channels(samples[:, first:last], channels)


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1),
    duration=st.sampled_from([0.1, 0.37, 1.0]),
    channels=st.integers(1, 3),
    fade=st.sampled_from([0.0, 0.01]),
)
def test_the_balance_of_the_song_is_kept(songs, seed, duration, channels, fade):
    """The mixture is the sum of the song's stems in this segment, faded."""
    table = sample(songs, 2, seed, duration, channels=channels, fade=fade, **BALANCE, **AS_IT_IS)
    ramp = np.sin(np.linspace(0, np.pi / 2, int(fade * RATE), dtype=np.float32))
    for i in range(2):
        mix, total = table.render(i), 0
        for one, stem in stems_of(table, i, channels):
            faded = stem.copy()
            faded[:, : len(ramp)] *= ramp
            faded[:, ::-1][:, : len(ramp)] *= ramp
            np.testing.assert_allclose(mix.sources[one.label], mix.scale * faded, atol=1e-7)
            total = total + faded
        np.testing.assert_allclose(mix.mixture, mix.scale * total, atol=EXACT)
        assert (mix.scale == 1) == (np.abs(total).max() <= 1)


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    changes=st.sampled_from(
        [{}, dict(pitch_shift=None), dict(effects=1.0), dict(effects=1.0, **AS_IT_IS)]
    ),
    channels=st.integers(1, 2),
    snr=st.sampled_from([None, ("uniform", -6, 6)]),
)
def test_what_is_changed_keeps_its_loudness(songs, seed, changes, channels, snr):
    table = sample(songs, 2, seed, channels=channels, fade=0.0, snr=snr, **changes)
    for i in range(2):
        mix = table.render(i)
        for one, stem in stems_of(table, i, channels):
            measured = audio.loudness(mix.sources[one.label] / mix.scale, RATE)
            if one.label == "vocals" and one.song in "ab" and measured < -60:
                continue  # It rests.
            expected = audio.loudness(stem, RATE) if snr is None else one.ref_db + one.snr
            assert measured == pytest.approx(expected, abs=0.1)
            assert measured == pytest.approx(render.level(one, table.root), abs=0.1)


def test_gains_come_on_top(songs):
    for wanted in (AS_IT_IS, {}):
        for snr in (None, ("const", -3)):
            plain, louder = (
                sample(songs, 2, 7, snr=snr, ref_db=("const", -40), gain=gain, **wanted)
                for gain in (None, ("uniform", -6, 6))
            )
            for i in range(2):
                before, after = plain.render(i), louder.render(i)
                for one, old in zip(louder.events(i), plain.events(i), strict=True):
                    factor = 10 ** (one.gain / 20) * after.scale / before.scale
                    np.testing.assert_allclose(
                        after.sources[one.label], factor * before.sources[one.label],
                        rtol=1e-4, atol=1e-7,
                    )  # fmt: skip
                    levels = (render.level(event, louder.root) for event in (one, old))
                    assert one.gain == pytest.approx(next(levels) - next(levels), abs=1e-9)


@pytest.mark.parametrize("peak", [0.0, 1 / 32768, 3 / 32768])
@pytest.mark.parametrize("changes", [{}, dict(pitch_shift=1.0), dict(effects=3.0)], ids=str)
def test_what_keeps_its_level_is_never_amplified(tmp_path, random, peak, changes):
    """However quiet it is: only what is brought to a loudness may have to be."""
    audio.write(tmp_path / "x.wav", noise(random, peak=peak), RATE)
    one = event(loudness=math.nan, snr=math.nan, **changes)
    (kept,) = alone(tmp_path, one).sources.values()
    samples = audio.read(tmp_path / "x.wav", 0, 0.5)[0]
    if not changes:
        np.testing.assert_array_equal(kept[:, 2000:6000], samples)
    assert np.linalg.norm(kept) <= 1.5 * np.linalg.norm(samples)
    quietest = max(render.QUIETEST, audio.loudness(samples, RATE))
    assert render.level(one, tmp_path) == pytest.approx(quietest)


def test_the_level_of_a_file_at_another_rate(tmp_path, random):
    """Resampling leaves the level as it is, whatever loudness says of it."""
    sine = 0.25 * np.sin(2 * np.pi * 300 * np.arange(2 * 44100) / 44100)
    soundfile.write(tmp_path / "x.wav", sine, 44100, subtype="FLOAT")
    one = event(snr=math.nan, source_duration=1.0, event_time=0.0, channels=1, loudness=math.nan)
    placed = alone(tmp_path, one).mixture[0]
    assert np.abs(placed[500:-500]).max() == pytest.approx(0.25, rel=1e-3)


def test_levels_need_no_file_where_they_are_known(tmp_path):
    assert render.level(event(snr=3.0, gain=-1.0, loudness=math.nan), tmp_path) == -28.0
    assert render.level(event(snr=math.nan, gain=-1.0, loudness=-20.0), tmp_path) == -21.0
    assert render.level(event(snr=math.nan, loudness=-math.inf), tmp_path) == render.QUIETEST
    with pytest.raises(FileNotFoundError):
        render.level(event(snr=math.nan, loudness=math.nan), tmp_path)


# Polarity, channels, effects


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("file_channels", [1, 2, 3])
@pytest.mark.parametrize("changes", [{}, dict(loudness=math.nan)], ids=["integers", "floats"])
def test_polarity_and_swapped_channels(tmp_path, random, file_channels, channels, changes):
    soundfile.write(tmp_path / "x.wav", noise(random, 1.0, file_channels).T, RATE)
    given_, inverted, swapped, both = (
        alone(tmp_path, event(channels=channels, polarity=polarity, swap=swap, **changes)).mixture
        for swap, polarity in itertools.product((0, 1), (1, -1))
    )
    assert given_.any()
    np.testing.assert_array_equal(inverted, -given_)
    np.testing.assert_allclose(swapped, given_[::-1], atol=1e-7)
    np.testing.assert_array_equal(both, -swapped)


def test_effects_are_those_of_the_seed(tmp_path, random):
    audio.write(tmp_path / "x.wav", noise(random), RATE)
    plain = audio.read(tmp_path / "x.wav", 0.0, 0.5)[0]
    placed = alone(tmp_path, event(effects=12.0)).mixture[:, 2000:6000]
    expected = effects.apply(plain, RATE, 12)
    gain = np.vdot(placed, expected) / np.vdot(expected, expected)
    np.testing.assert_allclose(placed, gain * expected, atol=1e-6)
    assert audio.loudness(placed, RATE) == pytest.approx(-30, abs=0.1)


def test_effects_come_after_pitch_and_tempo(tmp_path, random, monkeypatch):
    audio.write(tmp_path / "x.wav", noise(random), RATE)
    asked = []
    monkeypatch.setattr(render.stretch, "change", lambda x, *_: asked.append("stretch") or x)
    monkeypatch.setattr(
        render.effects, "apply", lambda x, *wanted: asked.append((x.shape, *wanted)) or x
    )
    alone(tmp_path, event(effects=7.0, pitch_shift=2.0))
    assert asked == ["stretch", ((2, 4000), RATE, 7)]


# Where each sample goes


SUBTYPES = [("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT"), ("flac", "PCM_16")]


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(SUBTYPES),
    start=st.floats(0, 1.4),
    length=st.floats(0.001, 0.6),
    at=st.floats(0, 0.99),
    channels=st.integers(1, 5),
)
def test_exactly_these_samples_go_exactly_there(
    tmp_path_factory, kind, start, length, at, channels
):
    suffix, subtype = kind
    root = tmp_path_factory.getbasetemp() / "placed"
    root.mkdir(exist_ok=True)
    file = root / f"{channels}-{subtype}.{suffix}"
    if not file.exists():
        samples = noise(np.random.default_rng(channels), 2.0, channels)
        soundfile.write(file, samples.T, RATE, subtype)
    one = event(
        source_file=file.name, source_time=start, source_duration=length, event_time=at,
        channels=channels,
    )  # fmt: skip
    mix = alone(root, one)
    samples = soundfile.read(file, dtype="float32", always_2d=True)[0].T
    segment = samples[:, int(start * RATE) : int((start + length) * RATE)]
    expected = np.zeros((channels, RATE), np.float32)
    place = expected[:, int(at * RATE) :][:, : segment.shape[1]]
    place += segment[:, : place.shape[1]]
    np.testing.assert_allclose(mix.mixture, expected, atol=1e-7)


def test_two_of_a_label_are_added(tmp_path, random):
    audio.write(tmp_path / "x.wav", noise(random), RATE)
    first, second = event(), event(source_time=1.0, event_time=0.3)
    both = alone(tmp_path, first, second).sources["x"]
    parts = [alone(tmp_path, one).sources["x"] for one in (first, second)]
    np.testing.assert_allclose(both, sum(parts), atol=1e-7)


@pytest.mark.parametrize(("file_channels", "channels"), [*itertools.product(range(1, 6), repeat=2)])
def test_channels_are_repeated_or_mixed_down(tmp_path, random, file_channels, channels):
    soundfile.write(tmp_path / "x.wav", noise(random, 1.0, file_channels).T, RATE)
    samples = soundfile.read(tmp_path / "x.wav", always_2d=True)[0].T[:, :4000]
    placed = alone(tmp_path, event(channels=channels)).mixture[:, 2000:6000]
    for i in range(channels):
        if channels >= file_channels:
            expected = samples[i % file_channels]
        else:
            expected = samples[i::channels].mean(axis=0)
        np.testing.assert_allclose(placed[i], expected, atol=1e-6)


@pytest.mark.parametrize("file_rate", [11025, 16000, 22050, 44100])
def test_other_rates_are_converted(tmp_path, file_rate):
    sine = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * file_rate) / file_rate)
    soundfile.write(tmp_path / "x.wav", sine, file_rate, subtype="FLOAT")
    mix = alone(tmp_path, event(source_duration=1.0, event_time=0.0, channels=1, ref_db=-20.0))
    expected = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    middle = slice(500, -500)
    placed = mix.mixture[0]
    assert audio.loudness(placed, RATE) == pytest.approx(-20, abs=0.1)
    expected *= np.dot(placed[middle], expected[middle]) / np.sum(expected[middle] ** 2)
    np.testing.assert_allclose(placed[middle], expected[middle], atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    fade=st.sampled_from([0.0, 1e-5, 0.01, 0.1, 0.7]),
    at=st.floats(0, 0.9),
    role=st.sampled_from(["foreground", "background"]),
)
def test_fades_are_quarters_of_a_sine(tmp_path_factory, fade, at, role):
    """Also if the end of the mixture cuts an event off, or it is shorter than its fades."""
    root = tmp_path_factory.getbasetemp() / "faded"
    root.mkdir(exist_ok=True)
    soundfile.write(root / "x.wav", np.full((RATE, 1), 0.5), RATE, subtype="FLOAT")
    placed = alone(root, event(event_time=at, channels=1, role=role), fade=fade).mixture[0]
    samples, length = int(fade * RATE), RATE // 2
    window = np.ones(length)
    if role == "foreground":
        ramp = np.sin(np.linspace(0, np.pi / 2, samples))
        window[:samples] *= ramp[:length]
        window[::-1][:samples] *= ramp[:length]
    expected = np.zeros(2 * RATE)
    expected[int(at * RATE) :][:length] = 0.5 * window
    np.testing.assert_allclose(placed, expected[:RATE], atol=1e-6)


@pytest.mark.parametrize("length", [0.001, 0.05, 0.3, 0.39, 0.45])
def test_short_sounds_are_repeated_to_be_measured(tmp_path, random, length):
    audio.write(tmp_path / "x.wav", noise(random), RATE)
    one = event(source_duration=length, loudness=math.nan, channels=1)
    placed = alone(tmp_path, one).mixture[:, 2000 : 2000 + round(length * RATE)]
    repeated = np.tile(placed, math.ceil(0.5 / length))
    assert audio.loudness(repeated, RATE) == pytest.approx(-30, abs=0.1)


def test_changes_of_pitch_and_tempo_are_asked_for(tmp_path, random, monkeypatch):
    """Each goes to where it is made, and what comes back is placed."""
    audio.write(tmp_path / "x.wav", noise(random), RATE)
    asked = []

    def change(samples, *wanted):
        asked.append((samples.shape, *wanted))
        return samples[:, :1000]

    monkeypatch.setattr(render.stretch, "change", change)
    for changes in (dict(pitch_shift=2.0), dict(time_stretch=0.5), dict()):
        placed = alone(tmp_path, event(**changes)).mixture
        assert bool(placed[:, 3000:].any()) is (not changes) and placed[:, 2000:3000].any()
    assert asked == [((2, 4000), RATE, 2.0, None), ((2, 4000), RATE, None, 0.5)]


@pytest.mark.parametrize("seconds", [0.3, 0.5, 0.13])
@pytest.mark.parametrize("kind", ["PCM_16", "FLOAT"])
def test_a_background_is_repeated_until_it_is_long_enough(tmp_path, random, seconds, kind):
    samples = noise(random, seconds)
    soundfile.write(tmp_path / "x.wav", samples.T, RATE, kind)
    samples = soundfile.read(tmp_path / "x.wav", dtype="float32")[0].T
    one = event(role="background", source_duration=1.0, event_time=0.0)
    expected = np.tile(samples, 9)[:, :RATE]
    np.testing.assert_allclose(alone(tmp_path, one, fade=0.1).mixture, expected, atol=1e-7)
    for changes in (dict(role="foreground"), dict(source_time=0.1)):
        with pytest.raises(AudioError, match=r"x\.wav lasts 0\.\d+ s, and mixture 3 cuts it"):
            alone(tmp_path, dataclasses.replace(one, **changes))


# Rows that make no sense


HOSTILE = {
    "a.wav": (8000, 2, "PCM_16", 0.3), "b.wav": (100, 1, "PCM_16", 0.3),
    "c.wav": (7, 2, "PCM_16", 0.5), "d.wav": (8000, 2, "FLOAT", 1e30),
    "e.wav": (8000, 5, "FLOAT", 1e-30), "f.wav": (44100, 3, "PCM_24", 0.9),
    "g.wav": (1000, 2, "FLOAT", 0.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Files of 1.5 s that no sensible table would name: their rates and levels are beyond all."""
    root = tmp_path_factory.mktemp("hostile")
    random = np.random.default_rng(0)
    for name, (rate, channels, kind, peak) in HOSTILE.items():
        samples = peak * random.uniform(-1, 1, (round(1.5 * rate), channels))
        soundfile.write(root / name, samples, rate, kind)
    return root


often_nan = st.sampled_from([math.nan] * 3)
hostile_rows = st.fixed_dictionaries(
    dict(
        source_file=st.sampled_from([*HOSTILE]),
        source_time=st.sampled_from([0.0, 0.7]) | st.floats(0, 1.4),
        source_duration=st.sampled_from([0.001, 0.0015, 0.1]) | st.floats(0.001, 0.5),
        event_time=st.sampled_from([0.0, 0.9]) | st.floats(0, 1),
        snr=often_nan | st.floats(-200, 200),
        gain=st.sampled_from([0.0, 200.0, -200.0]),
        pitch_shift=often_nan | st.floats(-24, 24),
        time_stretch=often_nan | st.floats(0.25, 4),
        loudness=often_nan | st.sampled_from([-math.inf, -70.0, 100.0]),
        role=st.sampled_from(["foreground", "background"]),
        polarity=st.sampled_from([1, -1]),
        swap=st.sampled_from([0, 1]),
        effects=often_nan | st.sampled_from([0.0, 1e9]),
    )
)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(hostile_rows, min_size=1, max_size=3),
    channels=st.integers(1, 5),
    rate=st.sampled_from([1000, 3000, 8000, 11025]),
    fades=st.tuples(*[st.sampled_from([0.0, 0.01, 1.0])] * 2),
)
def test_hostile_rows_give_a_mixture_or_a_documented_error(hostile, rows, channels, rate, fades):
    events = [event(channels=channels, sample_rate=rate, **row) for row in rows]
    frame = pd.DataFrame(map(dataclasses.asdict, events))
    try:
        mix = MixtureTable(frame, hostile, 1.0, ["x"], *fades).render(0)
    except (TableError, AudioError) as error:
        assert "wav" in str(error) or "Mixture" in str(error) or "Row" in str(error)
        return
    assert mix.mixture.shape == (channels, rate) and 0 <= mix.scale <= 1
    assert np.isfinite(mix.mixture).all() and np.abs(mix.mixture).max() <= 1
    loudest = max(1.0, float(np.abs(mix.sources["x"]).max()))
    assert error_of_sum(mix) <= EXACT * loudest


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_level_that_no_number_can_hold(tmp_path, random):
    soundfile.write(tmp_path / "x.wav", 1e30 * noise(random).T, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="Mixture 3 is louder than a float can hold"):
        alone(tmp_path, event(loudness=-math.inf, snr=150.0))


# Files that are not what they were


def test_a_file_that_is_gone(songs, tmp_path):
    shutil.copytree(songs[0].files["drums"].parents[2], tmp_path / "moved")
    table = sample(songs, coherent=1.0)
    moved = MixtureTable(table.rows, tmp_path / "moved", 1.0, table.labels)
    moved.render(0)
    one = moved.events(0)[2]
    (tmp_path / "moved" / one.source_file).unlink()
    with pytest.raises(FileNotFoundError, match=rf"no file .*{one.label}\.wav"):
        moved.render(0)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", r"is empty \(0 bytes\)"),
        (lambda data: b"no sound" * 100, "cannot be read as sound"),
        (lambda data: data[: len(data) // 2], "lasts|cannot be read as sound|is truncated"),
        (lambda data: data[:100], "lasts|cannot be read as sound|is truncated|no samples"),
    ],
    ids=["empty", "junk", "half", "header"],
)
def test_a_damaged_file(tmp_path, random, suffix, damage, message):
    file = tmp_path / f"x.{suffix}"
    audio.write(file, noise(random), RATE)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(AudioError, match=rf"x\.{suffix} .*({message})"):
        alone(tmp_path, event(source_file=file.name, source_time=1.4))


def test_a_flac_file_with_a_damaged_middle(tmp_path, random):
    file = tmp_path / "x.flac"
    audio.write(file, noise(random), RATE)
    data = bytearray(file.read_bytes())
    data[len(data) // 2 :] = random.bytes(len(data) - len(data) // 2)
    file.write_bytes(data)
    with pytest.raises(AudioError, match=r"x\.flac cannot be read as sound .*may be damaged"):
        alone(tmp_path, event(source_file=file.name, source_time=1.4))


def test_a_file_that_became_shorter(tmp_path, random):
    audio.write(tmp_path / "x.wav", noise(random, 0.4), RATE)
    with pytest.raises(
        AudioError, match=r"x\.wav lasts 0\.400 s, and mixture 3 cuts it from 0\.000 s to 0\.500 s"
    ):
        alone(tmp_path, event())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers(tmp_path, random, value):
    samples = noise(random)
    samples[1, 3000] = value
    soundfile.write(tmp_path / "x.wav", samples.T, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"x\.wav holds NaN or infinite samples"):
        alone(tmp_path, event())
    alone(tmp_path, event(source_time=0.5))  # Only what is needed is read.


# Beside Scaper, and many


needs_sox = pytest.mark.skipif(shutil.which("sox") is None, reason="needs the program SoX")


def like_music(seed, seconds, channels, rate):
    """Noise that swells and sinks, with little above 3 kHz."""
    random = np.random.default_rng(seed)
    samples = round(seconds * rate)
    frequencies = np.fft.rfftfreq(samples, 1 / rate)
    spectrum = np.fft.rfft(random.standard_normal((channels, samples)))
    spectrum *= (frequencies < 3000) / np.maximum(frequencies, 60)
    signal = np.fft.irfft(spectrum, samples) * np.abs(np.sin(np.arange(samples) / rate * 7))
    return np.float32(0.3 * signal / np.abs(signal).max())


def beside_scaper(table, i, folder):
    """How far we are from Scaper: (peak difference / peak, difference in loudness / LU)."""
    path = folder / "t.jams"
    table.to_jams(i).save(str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It says that it scales what would clip.
        theirs, described, _, parts = scaper.generate_from_jams(str(path))
    mix = table.render(i)
    theirs = theirs.T
    assert theirs.shape == mix.mixture.shape
    peak = np.abs(theirs).max()
    differences, loudness = [np.abs(mix.mixture - theirs).max() / peak], []
    for part, observation in zip(parts, described.annotations[0].data, strict=True):
        ours = mix.sources[observation.value["label"]]
        differences.append(np.abs(ours - part.T).max() / peak)
        if part.any() and audio.loudness(ours, mix.sample_rate) > -60:
            loudness.append(
                audio.loudness(ours, mix.sample_rate) - audio.loudness(part.T, mix.sample_rate)
            )
    loudness.append(
        audio.loudness(mix.mixture, mix.sample_rate) - audio.loudness(theirs, mix.sample_rate)
    )
    return max(differences), np.abs(loudness).max()


@pytest.mark.slow
@needs_sox
@pytest.mark.parametrize("ref_db", [-30.0, 0.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_scaper_renders_the_same_songs(songs, tmp_path, ref_db, channels):
    """Rows of songs, some of them clipping."""
    table = sample(
        songs, 25, 4, 1.5, ref_db=("const", ref_db), leave_out=0.3, channels=channels,
        snr=("uniform", -12, 12), **AS_IT_IS,
    )  # fmt: skip
    found = np.array([beside_scaper(table, i, tmp_path) for i in range(25)])
    print(f"worst difference {found[:, 0].max():.1e} of the peak, {found[:, 1].max():.1e} LU")
    assert found[:, 0].max() <= 1e-4 and found[:, 1].max() <= 0.1


@pytest.mark.slow
@needs_sox
@pytest.mark.parametrize("ref_db", [-25.0, 5.0])
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
@pytest.mark.parametrize("file_rate", [8000, 22050, 44100, 48000])
def test_scaper_renders_the_same_at_any_rate(tmp_path, file_rate, rate, ref_db):
    """Sounds that begin later, a background, and clipping.

    Where a sound starts abruptly, the resamplers of SoX and ours treat its first samples
    differently. Faded in, this is inaudible (and small); a background is not faded in, and is
    compared at its own rate alone.
    """
    worst = np.zeros(2)
    for file_channels, channels in itertools.product((1, 2), repeat=2):
        for name, seed in (("a", 1), ("b", 2), ("c", 3)):
            samples = like_music(seed, 3.0, file_channels, file_rate)
            audio.write(tmp_path / f"{name}.wav", samples, file_rate)
        shared = dict(channels=channels, sample_rate=rate, ref_db=ref_db, loudness=math.nan)
        events = [
            event(source_file="a.wav", label="a", source_time=0.3, snr=3.0, **shared),
            event(
                source_file="b.wav", label="b", source_time=1.1, source_duration=1.3,
                event_time=0.77, snr=-4.0, **shared,
            ),
        ]  # fmt: skip
        if file_rate == rate:
            events.append(
                event(
                    source_file="c.wav", label="c", source_duration=2.1, event_time=0.0,
                    role="background", **shared,
                )
            )  # fmt: skip
        rows = pd.DataFrame(map(dataclasses.asdict, events)).assign(mixture=0)
        table = MixtureTable(rows, tmp_path, 2.1, "abc")
        worst = np.maximum(worst, beside_scaper(table, 0, tmp_path))
    print(f"{file_rate} to {rate} Hz: {worst[0]:.1e} of the peak, {worst[1]:.1e} LU")
    # With more than five times as many samples, these first ones reach further into the fade.
    assert worst[0] <= (1e-3 if rate > 5 * file_rate else 1e-4)
    assert worst[1] <= 0.1


@pytest.mark.slow
@needs_sox
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_scaper_renders_the_same_sounds(sounds_root, tmp_path, channels):
    """Of several rates and channels, placed anywhere, faded, some very short."""
    sounds = [sound for sound in open_sounds(sounds_root) if sound.sample_rate == RATE]
    table = MixtureTable.sample_sounds(
        sounds, 25, 1, duration=2.0, k=4, channels=channels, sample_rate=RATE, fade=0.02,
        event_duration=("uniform", 0.1, 2.0), ref_db=("uniform", -30, 0),
    )  # fmt: skip
    found = np.array([beside_scaper(table, i, tmp_path) for i in range(25)])
    print(f"worst difference {found[:, 0].max():.1e} of the peak, {found[:, 1].max():.1e} LU")
    assert found[:, 0].max() <= 1e-4 and found[:, 1].max() <= 0.1


@pytest.mark.slow
def test_ten_thousand_random_mixtures(songs):
    worst, clipped = 0.0, 0
    for seed, wanted in enumerate([AS_IT_IS, AS_IT_IS, AS_IT_IS, {}]):
        table = sample(
            songs, 2500, seed, 0.5, ref_db=("uniform", -50, 20), snr=("uniform", -20, 20),
            leave_out=0.2, **wanted,
        )  # fmt: skip
        for i in range(len(table)):
            mix = table.render(i)
            worst = max(worst, error_of_sum(mix))
            clipped += mix.scale < 1
            assert np.abs(mix.mixture).max() <= 1
    print(f"10,000 mixtures, {clipped} of them scaled down: worst error of a sum {worst:.2e}")
    assert worst <= EXACT and 1000 < clipped < 9000
