"""Mixtures are drawn as the settings say, and each depends on the seed and its number alone."""

import copy
import hashlib
import math
import os
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.data import mixing
from tutorial_utils.data.mixing import SongSettings, SoundSettings
from tutorial_utils.data.songs import LABELS, open_songs
from tutorial_utils.data.sounds import open_sounds

# Scaper's warnings.
pytestmark = [
    pytest.mark.filterwarnings('ignore:A "normal" distribution'),
    pytest.mark.filterwarnings("ignore:Removed duplicates"),
]
AS_IT_IS = dict(pitch_shift=None, time_stretch=None)


def draw(songs, n=8, seed=0, channels=2, rate=RATE, duration=1.0, **changes):
    """Mixtures of songs, each a list of events."""
    wanted = SongSettings(duration=duration, **changes)
    return list(mixing.draw_songs(songs, n, seed, channels, rate, wanted))


def draw_sounds(sounds, n=8, seed=0, duration=2.0, **changes):
    return list(mixing.draw_sounds(sounds, n, seed, 1, RATE, SoundSettings(duration, **changes)))


def of_songs(mixtures, label=None):
    return {event.song for events in mixtures for event in events if label in (None, event.label)}


def cut(event):
    """The segment of an event, as Scaper cuts it."""
    samples, rate = audio.read(event.source_file)
    first = int(event.source_time * rate)
    return samples[:, first : int((event.source_time + event.source_duration) * rate)], rate


class Spy(SimpleNamespace):
    """As much of a song as is needed to draw from it, without a file."""


def unread(name="a", split="train", seconds=200.0, rate=44100, labels=LABELS):
    samples = round(seconds * rate)
    return Spy(
        name=name, split=split, sample_rate=rate, channels=2, samples=samples, labels=labels,
        duration=samples / rate, files={label: Path(f"/{name}/{label}.wav") for label in labels},
    )  # fmt: skip


# What a mixture depends on


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 2**40),
    coherent=st.sampled_from([0.0, 0.5, 1.0]),
    leave_out=st.sampled_from([0.0, 0.5]),
    augmented=st.booleans(),
    fewer=st.integers(1, 6),
    order=st.permutations(range(6)),
)
def test_a_mixture_depends_on_the_seed_and_its_number_alone(
    songs, seed, coherent, leave_out, augmented, fewer, order
):
    wanted = dict(coherent=coherent, leave_out=leave_out, **({} if augmented else AS_IT_IS))
    mixtures = draw(songs, 6, seed, **wanted)
    assert repr(draw(songs, fewer, seed, **wanted)) == repr(mixtures[:fewer])
    assert repr(draw([songs[i] for i in order], 6, seed, **wanted)) == repr(mixtures)
    assert repr(draw(songs, 6, seed + 1, **wanted)) != repr(mixtures)
    assert len({repr(events[0].source_time) for events in mixtures}) > 1


def test_another_process_draws_the_same(songs):
    """With another hash seed, which decides in which order sets are gone through."""
    script = """
import sys, hashlib
from tutorial_utils.data import mixing, open_songs
settings = mixing.SongSettings(1.0, leave_out=0.5, audible=["drums", "bass"])
print(hashlib.sha256(repr(list(
    mixing.draw_songs(open_songs(sys.argv[1]), 20, 7, 2, 8000, settings))).encode()).hexdigest())
"""
    root = songs[0].files["drums"].parents[2]
    run = subprocess.run(
        [sys.executable, "-c", script, root],
        env=os.environ | {"PYTHONHASHSEED": "77"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    here = repr(draw(songs, 20, 7, leave_out=0.5, audible=["drums", "bass"]))
    assert run.stdout.strip() == hashlib.sha256(here.encode()).hexdigest()


# What is drawn on top

MORE = dict(
    gain=("uniform", -3, 3), song_gain=("normal", 0, 2), polarity=0.4, swap=0.3, effects=0.2,
)  # fmt: skip
ADDED = ("gain", "polarity", "swap", "effects")


def without(event, *names):
    return repr({name: getattr(event, name) for name in event.__slots__ if name not in names})


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    coherent=st.sampled_from([0.0, 0.5, 1.0]),
    leave_out=st.sampled_from([0.0, 0.5]),
    chosen=st.sets(st.sampled_from([*MORE])),
)
def test_new_settings_leave_the_old_values_alone(songs, seed, coherent, leave_out, chosen):
    """A table that was drawn before there were gains, polarities and so on stays what it was."""
    wanted = dict(coherent=coherent, leave_out=leave_out)
    more = {name: MORE[name] for name in chosen}
    before, after = draw(songs, 4, seed, **wanted), draw(songs, 4, seed, **wanted, **more)
    for old, new in zip(before, after, strict=True):
        assert [without(e, *ADDED) for e in old] == [without(e, *ADDED) for e in new]
        assert all((e.gain, e.polarity, e.swap) == (0, 1, 0) for e in old)
        assert all(math.isnan(e.effects) for e in old)
    # Nor do they depend on one another, but for the gains, of which there is one column.
    everything = draw(songs, 4, seed, **wanted, **MORE)
    for name in chosen - {"gain", "song_gain"}:
        drawn = (
            [getattr(event, name) for events in mixtures for event in events]
            for mixtures in (after, everything)
        )
        np.testing.assert_array_equal(*drawn)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_so_it_is_with_single_sounds(sounds, seed):
    more = {name: MORE[name] for name in ADDED}
    before, after = draw_sounds(sounds, 4, seed), draw_sounds(sounds, 4, seed, **more)
    for old, new in zip(before, after, strict=True):
        assert [without(e, *ADDED) for e in old] == [without(e, *ADDED) for e in new]
        assert len({event.gain for event in new}) == 3 and {event.gain for event in old} == {0}


@pytest.mark.parametrize("coherent", [0.0, 1.0])
@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_the_share_of_stems_that_are_inverted_swapped_or_affected(coherent, probability):
    shares = dict.fromkeys(("polarity", "swap", "effects"), probability)
    mixtures = draw([unread()], 100, rate=44100, coherent=coherent, **shares)
    events = [event for events in mixtures for event in events]
    is_so = {
        "polarity": lambda event: event.polarity == -1,
        "swap": lambda event: event.swap == 1,
        "effects": lambda event: not math.isnan(event.effects),
    }
    for is_one in is_so.values():
        assert within_chance(share(is_one, events), probability, 400)
    if probability == 0.3:  # Each stem and each change on its own.
        assert len({tuple(map(is_so["swap"], events)) for events in mixtures}) > 4
        both = share(lambda e: is_so["polarity"](e) and is_so["swap"](e), events)
        assert within_chance(both, 0.09, 400)
    if probability == 1:
        chains = [event.effects for event in events]
        assert all(chain == int(chain) and 0 <= chain < 1e9 for chain in chains)
        assert len({*chains}) == 400 and all(event.changed for event in events)


def test_a_gain_for_each_stem_or_label():
    labels = {label: ("const", float(i)) for i, label in enumerate(LABELS)} | {"drums": None}
    for events in draw([unread()], 5, rate=44100, gain=labels):
        assert [event.gain for event in events] == [0, 1, 2, 3]
    gains = [e.gain for events in draw([unread()], 50, gain=("uniform", -3, 3)) for e in events]
    assert len({*gains}) == 200 and -3 <= min(gains) < -2.8 and 2.8 < max(gains) <= 3


def test_a_gain_for_each_song_of_a_mixture():
    songs = [unread(name) for name in "abc"]
    for coherent in (0.0, 1.0):
        mixtures = draw(songs, 50, rate=44100, coherent=coherent, song_gain=("uniform", -3, 3))
        for events in mixtures:
            gains = {event.song: event.gain for event in events}
            assert all(event.gain == gains[event.song] for event in events)
            assert len({*gains.values()}) == len(gains)
        assert len({events[0].gain for events in mixtures}) == 50
    both = draw(songs, 1, 3, gain=("const", 2.0), song_gain=("const", -7.5))
    assert {event.gain for event in both[0]} == {-5.5}


def test_the_level_of_the_file_may_be_kept(songs):
    for events in draw(songs, snr=None, **AS_IT_IS):
        # It need not be known, and is not measured.
        assert all(math.isnan(event.snr) and math.isnan(event.loudness) for event in events)
    some = dict.fromkeys(LABELS, ("const", 3)) | {"bass": None, "vocals": None}
    for events in draw(songs, snr=some, **AS_IT_IS):
        assert [math.isnan(event.snr) for event in events] == [False, True, False, True]
        assert [math.isnan(event.loudness) for event in events] == [False, True, False, True]


def test_segments_are_the_same_whatever_the_levels(songs):
    drawn = (draw(songs, seed=5, leave_out=0.5, **wanted) for wanted in ({}, dict(snr=None)))
    for old, new in zip(*drawn, strict=True):
        assert [without(e, "snr") for e in old] == [without(e, "snr") for e in new]


# Songs


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_coherent_mixture_is_one_piece_of_one_song(songs, seed):
    for events in draw(songs, seed=seed, coherent=1.0):
        assert [event.label for event in events] == list(LABELS)
        for name in ("song", "source_time", "source_duration", "pitch_shift", "time_stretch"):
            assert len({getattr(event, name) for event in events}) == 1
        assert len({event.snr for event in events}) == 4


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_in_an_incoherent_mixture_each_stem_is_on_its_own(songs, seed):
    for events in draw(songs, seed=seed, coherent=0.0):
        assert [event.label for event in events] == list(LABELS)
        for name in ("pitch_shift", "time_stretch", "snr"):
            assert len({getattr(event, name) for event in events}) == 4
        assert len({event.source_time for event in events}) > 1


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), duration=st.sampled_from([0.1, 0.73, 1.0, 2.0]))
def test_every_event_is_what_it_says(songs, seed, duration):
    by_name = {song.name: song for song in songs}
    for i, events in enumerate(draw(songs, seed=seed, duration=duration)):
        for event in events:
            song = by_name[event.song]
            assert event.mixture == i and event.split == song.split
            assert event.source_file == str(song.files[event.label])
            assert event.event_time == 0 and event.role == "foreground"
            assert (event.channels, event.sample_rate) == (2, RATE)
            assert -6 <= event.snr <= 6 and event.ref_db == -26
            assert -2 <= event.pitch_shift <= 2 and 0.8 <= event.time_stretch <= 1.2
            assert math.isnan(event.loudness)
            assert event.changed and event.duration == pytest.approx(duration)
            assert event.source_time + event.source_duration <= song.duration + 1e-9


def share(events_are, mixtures):
    return sum(map(events_are, mixtures)) / len(mixtures)


def within_chance(measured, probability, n):
    return abs(measured - probability) <= 4.5 * math.sqrt(probability * (1 - probability) / n)


@pytest.mark.parametrize("probability", [0.0, 0.2, 0.75, 1.0])
def test_the_share_of_coherent_mixtures(probability):
    songs = [unread("a"), unread("b")]
    mixtures = draw(songs, 400, rate=44100, coherent=probability)
    assert within_chance(
        share(lambda events: len({e.source_time for e in events}) == 1, mixtures), probability, 400
    )


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_the_share_of_mixtures_that_lack_a_source(probability):
    mixtures = draw([unread()], 400, rate=44100, leave_out=probability)
    assert {len(events) for events in mixtures} <= {3, 4}
    assert within_chance(share(lambda events: len(events) == 3, mixtures), probability, 400)
    if probability == 1:
        there = Counter(event.label for events in mixtures for event in events)
        for label in LABELS:
            assert within_chance(there[label] / 400, 0.75, 400)


def test_what_must_sound_is_never_left_out(songs):
    mixtures = draw(songs, 40, leave_out=1.0, audible=["vocals", "drums"], threshold=-60.0)
    for events in mixtures:
        assert {"vocals", "drums"} < {event.label for event in events} and len(events) == 3
    assert {len([e for e in events if e.label == "bass"]) for events in mixtures} == {0, 1}


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    threshold=st.sampled_from([-45.0, -30.0, -22.0]),
    coherent=st.sampled_from([0.0, 1.0]),
    augmented=st.booleans(),
)
def test_audible_stems_reach_the_threshold(songs, seed, threshold, coherent, augmented):
    wanted = {} if augmented else AS_IT_IS
    mixtures = draw(
        songs, seed=seed, coherent=coherent, audible="vocals", threshold=threshold, **wanted
    )
    for events in mixtures:
        assert audio.loudness(*cut(events[-1])) >= threshold - 0.5


def test_without_it_vocals_rest_in_some(songs):
    assert "b" in of_songs(draw(songs, 40), "vocals")
    assert "b" not in of_songs(draw(songs, 40, audible="vocals"), "vocals")


def test_audible_at_a_rate_that_has_no_grid(tmp_path, write_song):
    write_song(tmp_path / "a", rate=11025)
    wanted = dict(rate=11025, audible="vocals", coherent=1.0, **AS_IT_IS)
    events = draw(open_songs(tmp_path), threshold=-30.0, **wanted)[0]
    assert all(math.isnan(event.loudness) for event in events)
    with pytest.raises(ValueError, match="vocals reach 0"):
        draw(open_songs(tmp_path), threshold=0.0, **wanted)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), coherent=st.sampled_from([0.0, 0.5]))
def test_no_song_is_in_two_splits(songs, seed, coherent):
    mixtures = draw(songs, 30, seed, coherent=coherent, leave_out=0.3)
    by_split = {}
    for events in mixtures:
        (split,) = {event.split for event in events}
        by_split.setdefault(split, set()).update(event.song for event in events)
    assert set(by_split) == {"train", "valid", "test"}
    assert sum(map(len, by_split.values())) == len(set.union(*by_split.values()))


def test_all_songs_and_files_are_drawn_equally():
    songs = [unread(name) for name in "abcd"]
    for coherent in (0.0, 1.0):
        drawn = Counter(
            events[0].song for events in draw(songs, 400, rate=44100, coherent=coherent)
        )
        assert all(within_chance(drawn[name] / 400, 0.25, 400) for name in "abcd")


@settings(deadline=None, max_examples=60)
@given(
    rate=st.sampled_from([8000, 16000, 22050, 44100, 48000, 96000]),
    seconds=st.floats(6.0, 300.0),
    duration=st.sampled_from([0.46, 1.0, 1.1, 2.46, 5.0]),
    stretch=st.sampled_from([None, ("uniform", 0.9, 1.2)]),
    seed=st.integers(0, 999),
)
def test_segments_begin_on_the_grid_and_lose_no_sample(rate, seconds, duration, stretch, seed):
    song = unread(seconds=seconds, rate=rate)
    (events,) = draw(
        [song], 1, seed, rate=rate, duration=duration, coherent=0.0, time_stretch=stretch
    )
    for event in events:
        first = int(event.source_time * rate)
        last = int((event.source_time + event.source_duration) * rate)
        assert first % (rate // 50) == 0
        assert event.source_time == pytest.approx(first / rate, abs=1e-9)
        assert last <= song.samples
        assert last - first == int(event.source_duration * rate)


def test_the_whole_song_is_drawn_from():
    starts = [e[0].source_time for e in draw([unread(seconds=9.0)], 400, rate=44100, duration=3.0)]
    assert min(starts) < 0.1 and 5.8 < max(starts) <= 9.0 - 3.0 / 1.2


def test_a_song_that_is_exactly_long_enough(songs):
    for events in draw(songs, duration=3.0, **AS_IT_IS):
        assert {event.source_time for event in events} == {0.0}


KINDS = [
    ("const", 1.0), ("choose", [0.9, 1.0]), ("choose_weighted", [0.9, 1.1], [0.5, 0.5]),
    ("uniform", 0.9, 1.1), ("normal", 1.0, 0.03), ("truncnorm", 1.0, 0.5, 0.9, 1.1),
]  # fmt: skip


@pytest.mark.parametrize("distribution", KINDS, ids=lambda one: one[0])
@pytest.mark.parametrize("coherent", [0.0, 1.0])
def test_every_kind_of_distribution_goes_to_its_column(distribution, coherent):
    fields = ("source_time", "snr", "ref_db", "pitch_shift", "time_stretch")
    wanted = {name: copy.deepcopy(distribution) for name in fields}
    for events in draw([unread()], 5, rate=44100, coherent=coherent, **wanted):
        for event in events:
            assert all(0.85 < getattr(event, name) < 1.15 for name in fields)
    assert all(wanted[name] == distribution for name in fields)  # The user's lists stay.


def test_lists_stay_as_they_were_when_times_are_brought_into_the_song():
    times = ("choose", [1.0, 500.0, 900.0])
    starts = {e[0].source_time for e in draw([unread()], 30, rate=44100, source_time=times)}
    assert times == ("choose", [1.0, 500.0, 900.0])
    assert 1.0 in starts and max(starts) < 200


@pytest.mark.parametrize("coherent", [0.0, 1.0])
def test_a_mapping_gives_each_label_its_own(songs, coherent):
    snr = {label: ("const", 10.0 * i) for i, label in enumerate(LABELS)}
    shift = dict.fromkeys(LABELS, ("uniform", 1, 2)) | {"drums": None}
    for events in draw(songs, snr=snr, pitch_shift=shift, coherent=coherent):
        assert [event.snr for event in events] == [0, 10, 20, 30]
        assert [math.isnan(event.pitch_shift) for event in events] == [True, False, False, False]
        assert len({event.pitch_shift for event in events[1:]}) == (1 if coherent else 3)


def test_a_stretch_for_each_label_takes_incoherent_mixtures(songs):
    stretch = {label: ("const", 1.0 + i / 10) for i, label in enumerate(LABELS)}
    for events in draw(songs, coherent=0.0, time_stretch=stretch):
        assert [event.time_stretch for event in events] == [1.0, 1.1, 1.2, 1.3]
        assert all(event.duration == pytest.approx(1.0) for event in events)


@pytest.mark.parametrize("distribution", [("const", "c"), ("choose", ["c", "c"])])
def test_songs_can_be_named(songs, distribution):
    assert of_songs(draw(songs, song=distribution)) == {"c"}


def test_songs_can_have_weights(songs):
    drawn = [
        events[0].song
        for events in draw(songs, 200, song=("choose_weighted", ["a", "e"], [0.9, 0.1]))
    ]
    assert set(drawn) == {"a", "e"} and within_chance(drawn.count("a") / 200, 0.9, 200)


# Loudness


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1),
    duration=st.sampled_from([0.5, 0.54, 0.98, 1.06, 1.1, 1.32, 2.0]),
    channels=st.integers(1, 3),
)
def test_the_known_loudness_is_that_of_the_segment(songs, seed, duration, channels):
    for events in draw(songs, 4, seed, channels, duration=duration, **AS_IT_IS):
        for event in events:
            samples, rate = cut(event)
            expected = audio.loudness(audio.with_channels(samples, channels), rate)
            assert event.loudness == expected or abs(event.loudness - expected) < 1e-9


@pytest.mark.parametrize(
    "changes",
    [
        dict(time_stretch=None),
        dict(pitch_shift=None),
        dict(duration=0.48, **AS_IT_IS),
        dict(duration=1.001, **AS_IT_IS),
        dict(rate=16000, **AS_IT_IS),
        dict(effects=1.0, **AS_IT_IS),
    ],
    ids=str,
)
def test_it_is_not_known_of_what_is_changed_or_off_the_grid(songs, changes):
    assert all(math.isnan(event.loudness) for event in draw(songs, **changes)[0])


def test_a_file_that_changed_is_measured_again(tmp_path, write_song, random):
    write_song(tmp_path / "a", mix=False)
    songs = open_songs(tmp_path)
    (before,) = draw(songs, 1, **AS_IT_IS)
    audio.write(tmp_path / "a" / "bass.wav", noise(random, peak=0.02), RATE)
    (after,) = draw(songs, 1, **AS_IT_IS)
    changes = [new.loudness - old.loudness for old, new in zip(before, after, strict=True)]
    assert changes == pytest.approx([0, -20, 0, 0], abs=0.5)


def long_song(folder, seconds, rate=44100):
    """A song whose stems sound for a second in ten: sparse files that take no room on the disk."""
    sound = np.random.default_rng(0).integers(-9000, 9000, (rate, 2)).astype("<i2").tobytes()
    size = 4 * seconds * rate
    parts = (b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 2, rate, 4 * rate, 4, 16, b"data", size)
    folder.mkdir(parents=True)
    for label in LABELS:
        with open(folder / f"{label}.wav", "wb") as file:
            file.write(struct.pack("<4sI4s4sIHHIIHH4sI", *parts))
            for second in range(0, seconds, 10):
                file.seek(44 + 4 * second * rate)
                file.write(sound)
            file.truncate(44 + size)


LONG = """
import resource, sys
from tutorial_utils.data import MixtureTable, open_songs
songs = open_songs(sys.argv[1])
wanted = dict(duration=5.0, audible="vocals", pitch_shift=None, time_stretch=None)
peaks = []
for chosen in (songs[:1], songs[1:]):
    MixtureTable.sample(chosen, 10, **wanted)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
print(*peaks)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for the memory")
def test_stems_of_two_hours_take_no_more_memory_than_short_ones(tmp_path):
    """As 32-bit numbers, each of them would take 2.5 GB."""
    long_song(tmp_path / "a", 60)
    long_song(tmp_path / "b", 7200)
    run = subprocess.run(
        [sys.executable, "-c", LONG, tmp_path], capture_output=True, text=True, check=True
    )
    short, long = map(int, run.stdout.split())
    print(f"{short / 1e6:.0f} MB with stems of a minute, {long / 1e6:.0f} MB with two hours")
    assert long - short < 200e6


# Songs and settings that do not fit


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(coherent=1.5), r"coherent=1\.5 is no probability from 0 to 1"),
        (dict(coherent=math.nan), "coherent=nan is no probability"),
        (dict(leave_out=-0.1), r"leave_out=-0\.1 is no probability"),
        (dict(polarity=-0.1), r"polarity=-0\.1 is no probability"),
        (dict(swap=2), "swap=2 is no probability"),
        (dict(effects=math.nan), "effects=nan is no probability"),
        (dict(effects="0.5"), "effects='0.5' is no probability"),
        (dict(song_gain=dict.fromkeys(LABELS)), "song_gain is one for all labels"),
        (dict(leave_out=0.1, audible=LABELS), "leave_out needs a stem that can be left out"),
        (dict(audible="piano"), "audible names piano, and the stems are drums, bass, other, vo"),
        (dict(audible=["bass", "a", "b"]), "audible names a, b, and"),
        (dict(audible="vocals", threshold=0.0), r"In 1000 draws .* vocals reach 0\.0 LUFS"),
        (dict(audible="vocals", duration=0.3), r"over 0\.4 s or more, and 0\.\d+ s are to be cut"),
        (dict(song=("const", "z")), r"song=\('const', 'z'\): there is no song 'z'"),
        (dict(song=("uniform", 0, 1)), r"there is no song '0\.\d+'"),
        (dict(song=("const", ["a"])), r"there is no song '\['a'\]'"),
        (dict(duration=3.1, **AS_IT_IS), r"[a-f] lasts 3\.0 s, less than the 3\.1 s to be cut"),
        (dict(duration=2.9), r"lasts 3\.0 s, less than the 3\.\d s to be cut"),
        (dict(time_stretch=dict.fromkeys(LABELS, ("const", 1))), "time_stretch differs .* coher"),
        (dict(snr=("const", "loud")), r"snr=\('const', 'loud'\) is no distribution that Scaper"),
    ],
    ids=str,
)
def test_settings_that_do_not_work(songs, changes, message):
    with pytest.raises(ValueError, match=message):
        draw(songs, 10, **changes)


def test_songs_that_do_not_go_together():
    with pytest.raises(ValueError, match=r"b has the stems \('piano',\), the first song has"):
        draw([unread("a"), unread("b", labels=("piano",))])
    with pytest.raises(ValueError, match="Two songs are called a"):
        draw([unread("a"), unread("b"), unread("a", "test")])
    with pytest.raises(ValueError, match="leave_out needs"):
        draw([unread(labels=("vocals",))], leave_out=0.5)


# Sounds of categories


@pytest.fixture(scope="module")
def sounds(sounds_root):
    return open_sounds(sounds_root, train=range(2), valid=range(2, 3), test=range(3, 4))


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 5), stretched=st.booleans())
def test_k_categories_are_drawn_and_placed(sounds, seed, k, stretched):
    durations = {str(sound.file): sound.duration for sound in sounds}
    changes = (
        dict(time_stretch=("uniform", 0.5, 2.0), pitch_shift=("const", 1)) if stretched else {}
    )
    for i, events in enumerate(
        draw_sounds(
            sounds, seed=seed, duration=1.0, k=("const", k), event_duration=("uniform", 0.1, 1.5),
            **changes,
        )
    ):  # fmt: skip
        assert len(events) == k == len({event.label for event in events})
        assert len({event.split for event in events}) == 1
        for event in events:
            assert event.mixture == i and event.song == Path(event.source_file).stem
            assert event.label == Path(event.source_file).parent.name
            assert type(event.label) is str
            assert 0 <= event.source_time
            end = event.source_time + event.source_duration
            assert end <= durations[event.source_file] + 1e-9
            assert 0 <= event.event_time and event.event_time + event.duration <= 1.0 + 1e-9
            assert event.source_duration >= 0.05 and math.isnan(event.loudness)


def test_each_sound_has_its_own_place(sounds):
    mixtures = draw_sounds(sounds, 30, k=("const", 4), event_duration=("const", 0.3))
    for name in ("event_time", "source_time", "snr"):
        drawn = [getattr(event, name) for events in mixtures for event in events]
        assert len(set(drawn)) > 60
    times = [event.event_time for events in mixtures for event in events]
    assert min(times) < 0.1 and max(times) > 1.6


def test_splits_hold_the_files_they_were_given(sounds):
    files = {}
    for events in draw_sounds(sounds, 200):
        for event in events:
            files.setdefault(event.split, set()).add(event.song)
    assert files == {"train": {"0", "1"}, "valid": {"2"}, "test": {"3"}}


def test_how_many_categories_may_be_drawn_too(sounds):
    mixtures = draw_sounds(sounds, 60, k=("choose", [1, 2, 5]))
    assert {len(events) for events in mixtures} == {1, 2, 5}


@pytest.mark.parametrize("k", [0, 6, -1, 0.99, math.inf])
def test_more_categories_than_there_are(sounds, k):
    with pytest.raises(ValueError, match=rf"k={k} categories cannot be drawn from 5.*from 1 to 5"):
        draw_sounds(sounds, k=("const", k))


def test_a_sound_that_is_too_short_to_be_mixed(sounds, tmp_path):
    audio.write(tmp_path / "click" / "a.wav", np.full((1, 7), 0.5), RATE)
    with pytest.raises(ValueError, match=r"a\.wav lasts 0\.000875 s, and at least 0\.001 s"):
        draw_sounds([*sounds, *open_sounds(tmp_path)], 1)


def test_short_files_are_taken_whole(sounds):
    for events in draw_sounds(sounds, 20, event_duration=("const", math.inf), k=("const", 5)):
        for event in events:
            assert event.source_time == 0.0
            assert event.source_duration == {"0": 0.3, "1": 0.7, "2": 1.2, "3": 2.0}[event.song]


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), order=st.randoms())
def test_sounds_too_depend_on_the_seed_and_the_number_alone(sounds, seed, order):
    mixtures = draw_sounds(sounds, 5, seed)
    others = list(sounds)
    order.shuffle(others)
    assert repr(draw_sounds(others, 3, seed)) == repr(mixtures[:3])
    assert repr(draw_sounds(sounds, 5, seed + 1)) != repr(mixtures)


def test_a_mapping_for_categories(sounds):
    labels = ("bell", "cat", "dog", "horn", "siren")
    duration = {label: ("const", 0.1 + i / 100) for i, label in enumerate(labels)}
    for events in draw_sounds(sounds, 5, event_duration=duration):
        for event in events:
            assert event.source_duration == duration[event.label][1]


def test_what_is_drawn_is_spread_evenly(sounds):
    drawn = Counter(e.label for events in draw_sounds(sounds, 300, k=("const", 2)) for e in events)
    assert all(within_chance(drawn[label] / 300, 0.4, 300) for label in drawn) and len(drawn) == 5
    assert np.array([*drawn.values()]).sum() == 600
