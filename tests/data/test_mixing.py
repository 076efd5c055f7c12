from pathlib import Path

import numpy as np
import pytest
from helpers import RATE
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.data import mixing
from tutorial_utils.data.songs import LABELS, open_songs


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    root = tmp_path_factory.mktemp("songs")
    random = np.random.default_rng(3)
    for name in "abc":
        for label in LABELS:
            samples = random.uniform(-0.3, 0.3, (2, 3 * RATE))
            if (name, label) == ("b", "vocals"):
                samples *= 0
            audio.write(root / "train" / name / f"{label}.wav", samples, RATE)
    return open_songs(root)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), coherent=st.sampled_from([0.0, 0.5, 1.0]))
def test_drawn_mixtures(songs, seed, coherent):
    events = mixing.draw(songs, seed, duration=1.0, coherent=coherent)
    assert [event.label for event in events] == list(LABELS)
    assert mixing.draw(songs, seed, duration=1.0, coherent=coherent) == events
    for event in events:
        assert event.file.endswith(f"{event.label}.wav") and event.duration == 1.0
        assert 0 <= event.start <= 2.0 and -32 <= event.level <= -20
    if coherent == 1:
        assert len({event.start for event in events}) == 1
        assert len({Path(event.file).parent for event in events}) == 1
    mix = mixing.render(events)
    assert mix.mixture.shape == (2, RATE) and mix.sample_rate == RATE
    assert np.abs(mix.mixture - sum(mix.sources.values())).max() <= 1e-6
    for event in events:
        loudness = audio.loudness(mix.sources[event.label], RATE)
        assert loudness == pytest.approx(event.level, abs=0.05) or loudness == -np.inf


def test_incoherent_mixtures_mix_songs(songs):
    events = mixing.draw(songs, 1, duration=1.0, coherent=0)
    assert len({event.start for event in events}) == 4


def test_what_would_clip_is_scaled_all_together(songs):
    events = mixing.draw(songs, 0, duration=1.0, ref_db=0.0, snr=("const", 6))
    mix = mixing.render(events)
    assert np.abs(mix.mixture).max() == pytest.approx(1.0)
    assert np.abs(mix.mixture - sum(mix.sources.values())).max() <= 1e-6


def test_a_silent_segment_stays_silent(songs):
    silent = next(song for song in songs if song.name == "b")
    mix = mixing.render(mixing.draw([silent], 0, duration=1.0))
    assert (mix.sources["vocals"] == 0).all() and np.isfinite(mix.mixture).all()


def test_the_table_is_readable(songs):
    table = mixing.as_table(mixing.draw(songs, 0, duration=1.0, coherent=1.0))
    assert list(table.columns) == ["label", "song", "start", "duration", "level"]
    assert set(table["song"]) <= {"a", "b", "c"}


def test_songs_that_cannot_be_mixed(songs, tmp_path, write_song):
    with pytest.raises(ValueError, match=r"a lasts 3\.0 s, less than the 4\.0 s"):
        mixing.draw(songs, 0, duration=4.0)
    write_song(tmp_path / "d", labels=["piano"])
    with pytest.raises(ValueError, match=r"d has the stems \('piano',\)"):
        mixing.draw([*songs, *open_songs(tmp_path)], 0, duration=1.0)
