"""Waveforms, spectrograms, masks and sources."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from helpers import RATE
from hostile import numbers, sounds
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tutorial_utils import plots
from tutorial_utils.plots import signals


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(50, 300)),
        elements=st.floats(-1, 1, width=32),
    ),
    st.integers(1, 40),
)
def test_envelope_holds_every_sample(audio, columns):
    time, low, high = signals._envelope(audio, RATE, columns)
    edges = [*np.round(time * RATE).astype(int), audio.shape[-1]]
    assert edges[0] == 0 and len(low) == len(high) == columns
    for column, (start, end) in enumerate(pairwise(edges)):
        assert low[column] == audio[:, start:end].min()
        assert high[column] == audio[:, start:end].max()


def test_waveform_of_a_long_sound_stays_small(random):
    long = random.standard_normal((2, 1_000_000))
    ax = plots.waveform(long, 44100, label="vocals")
    assert len(ax.collections[0].get_paths()[0].vertices) < 2000
    assert ax.get_xlim() == (0, pytest.approx(1_000_000 / 44100))
    assert ax.get_ylim()[1] >= np.abs(long).max()
    assert ax.get_title("left") == "vocals"
    assert ax.get_xlabel() == "time (s)"


def test_waveform_of_a_short_sound_is_a_line_for_each_channel(sound):
    ax = plots.waveform(sound[:, :500], RATE)
    assert [line.get_ydata().size for line in ax.lines] == [500, 500]


@pytest.mark.parametrize("scale", ["log", "linear", "mel"])
def test_spectrogram_shows_a_tone_where_it_is(scale):
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    ax = plots.spectrogram(tone, RATE, scale=scale)
    mesh = ax.collections[0]
    row = mesh.get_array().reshape(mesh.get_coordinates().shape[0] - 1, -1).mean(axis=1).argmax()
    low, high = mesh.get_coordinates()[row : row + 2, 0, 1]
    assert low - 40 <= 1000 <= high + 40
    assert mesh.get_array().max() == 0
    assert mesh.get_clim() == (-80, 0)
    assert "dB" in ax.figure.axes[-1].get_ylabel() and "80" in ax.figure.axes[-1].get_ylabel()
    assert ax.get_ylabel() == "frequency (Hz)"
    assert ax.get_xlim()[1] == pytest.approx(1, abs=0.1)


def test_spectrogram_reference_is_a_power(sound):
    usual = plots.spectrogram(sound, RATE, dynamic_range=200).collections[0].get_array()
    peak = signals._loudest(signals._power(sound, RATE, "linear", 2048, 512))
    scaled = plots.spectrogram(sound, RATE, dynamic_range=200, reference=1.0)
    offset = 10 * np.log10(peak)
    np.testing.assert_allclose(scaled.collections[0].get_array(), usual + offset, atol=1e-3)


def test_spectrogram_of_a_song_keeps_every_click():
    song = np.zeros((1, 120 * RATE))
    song[0, 61 * RATE + 17] = 1
    mesh = plots.spectrogram(song, RATE, hop=128).collections[0]
    times = mesh.get_coordinates()[0, :, 0]
    columns = mesh.get_array().reshape(-1, times.size - 1)
    assert columns.shape[1] <= signals._FRAMES
    assert times[columns.max(axis=0).argmax()] == pytest.approx(61, abs=0.3)
    assert mesh.get_array().max() == 0


def test_silence_and_short_sounds_can_be_drawn():
    plots.spectrogram(np.zeros((2, 4000)), RATE)
    plots.waveform(np.zeros((2, 4000)), RATE)
    plots.spectrogram(np.ones(10) * 0.1, RATE)
    plots.sources({"silence": np.zeros(4000)}, RATE)


def test_mask_is_drawn_from_0_to_1(random):
    ax = plots.mask(random.uniform(0, 1.5, (2, 513, 40)), RATE, hop=256, label="drums")
    mesh = ax.collections[0]
    assert mesh.get_clim() == (0, 1)
    assert mesh.get_coordinates()[-1, 0, 1] == pytest.approx(RATE / 2, rel=0.01)
    assert ax.get_xlim()[1] == pytest.approx(40 * 256 / RATE, rel=0.05)


def test_the_bar_of_a_mask_says_what_lies_beyond(random):
    inside = random.uniform(0, 1, (9, 9))
    for mask, extend in (
        (inside, "neither"),
        (inside - 0.5, "min"),
        (inside + 0.5, "max"),
        (4 * inside - 2, "both"),
    ):
        assert plots.mask(mask, RATE).collections[0].colorbar.extend == extend


@pytest.mark.parametrize("factor", [1e-30, 1e-6, 1e30])
def test_levels_do_not_depend_on_the_scale_of_the_samples(sound, factor):
    usual = plots.spectrogram(sound, RATE).collections[0].get_array()
    scaled = plots.spectrogram(factor * sound, RATE).collections[0].get_array()
    np.testing.assert_allclose(scaled, usual, atol=1e-3)


def test_sources_are_drawn_on_one_scale(sound):
    tracks = {"drums": sound, "bass": 0.1 * sound, "vocals": sound[:, : RATE // 2]}
    waves = plots.sources(tracks, RATE)
    assert [ax.get_title("left") for ax in waves.axes] == list(tracks)
    assert len({ax.get_ylim() for ax in waves.axes}) == 1
    assert {ax.get_xlim() for ax in waves.axes} == {(0, 1)}
    pictures = plots.sources(tracks, RATE, kind="spectrogram", title="Three")
    *cells, _ = pictures.axes
    drums, bass, _ = (ax.collections[0].get_array() for ax in cells)
    assert drums.max() == 0 and bass.max() == pytest.approx(-20, abs=0.01)
    assert {ax.get_xlim() for ax in cells} == {(0, 1)}


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros((2, 0)), "no samples"),
        (np.zeros((100, 2)), "transpose"),
        (np.zeros((1, 2, 3)), "shape"),
        (np.zeros(10, dtype=np.int16), "int16"),
        (np.array([0.0, np.nan, np.inf]), "2 of 3"),
    ],
)
def test_what_is_not_a_sound_is_refused(audio, message):
    for draw in (plots.waveform, plots.spectrogram):
        with pytest.raises(ValueError, match=message):
            draw(audio, RATE)
    with pytest.raises(ValueError, match=f"bass: .*{message}"):
        plots.sources({"drums": np.zeros(10), "bass": audio}, RATE)


def test_wrong_arguments_are_refused(sound):
    for call, message in (
        (lambda: plots.waveform(sound, 0), "sample_rate"),
        (lambda: plots.waveform(sound, np.nan), "sample_rate.* nan"),
        (lambda: plots.waveform(sound, np.inf), "sample_rate.* inf"),
        (lambda: plots.mask(np.zeros((5, 5)), "8000"), "sample_rate.* '8000'"),
        (lambda: plots.mask(np.zeros((5, 5)), RATE, hop=0), "hop"),
        (lambda: plots.mask(np.zeros((5, 5), complex), RATE), "complex"),
        (lambda: plots.spectrogram(sound, RATE, hop=0.5), r"hop.* 0\.5"),
        (lambda: plots.spectrogram(sound, RATE, n_fft=0), "n_fft"),
        (lambda: plots.spectrogram(sound, RATE, reference=np.nan), "reference.* nan"),
        (lambda: plots.spectrogram(sound, RATE, scale="bark"), "'mel', not 'bark'"),
        (lambda: plots.spectrogram(sound, RATE, dynamic_range=-1), "dynamic_range.* above 0"),
        (lambda: plots.mask(np.zeros(5), RATE), "bins, frames"),
        (lambda: plots.mask(np.full((5, 5), np.nan), RATE), "25 of 25"),
        (lambda: plots.sources({}, RATE), "at least one track"),
        (lambda: plots.sources([sound], RATE), "at least one track"),
        (lambda: plots.sources({"a": sound}, RATE, kind="pie"), "pie"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@settings(max_examples=60, deadline=None)
@given(sounds, numbers)
def test_sounds_are_drawn_or_refused(audio, rate):
    for draw in (
        plots.waveform,
        plots.spectrogram,
        plots.mask,
        lambda audio, rate: plots.sources({"a": audio, "b": audio}, rate, kind="spectrogram"),
    ):
        try:
            draw(audio, rate)
        except ValueError as error:
            assert str(error)
        finally:
            plt.close("all")


def test_figures_are_drawn_on_given_axes(sound):
    figure, axes = plt.subplots(1, 3)
    assert plots.waveform(sound, RATE, ax=axes[0]) is axes[0]
    assert plots.spectrogram(sound, RATE, ax=axes[1]) is axes[1]
    assert plots.training_curves({"loss": [2, 1]}, ax=axes[2]) is axes[2]
    assert plt.get_fignums() == [figure.number]
