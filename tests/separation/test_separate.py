"""Separating what is in memory: segments, contexts, channels, rates."""

import numpy as np
import pytest
import torch
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

import tutorial_utils as tu
from tutorial_utils.audio import AudioError
from tutorial_utils.separation.segments import Grid


class Same:
    """A model whose sources are the mixture, and nothing."""

    labels, sample_rate = ("all", "nothing"), RATE

    def __init__(self):
        self.given = []

    def __call__(self, mixture):
        self.given.append(tuple(mixture.shape))
        return torch.stack([mixture, 0 * mixture], 1)


class Shares(Same):
    """Sources that are parts of the mixture, and do not quite sum to it."""

    labels = ("vocals", "drums", "bass")

    def __call__(self, mixture):
        return torch.stack([0.5 * mixture, 0.3 * mixture, 0.1 * mixture], 1)


@settings(max_examples=150, deadline=None)
@given(
    samples=st.integers(1, 9 * RATE // 100),
    channels=st.integers(1, 3),
    segment=st.integers(1, RATE // 100),
    overlap=st.floats(0, 0.5),
    context=st.integers(0, RATE // 100),
    batch_size=st.integers(1, 4),
    shifts=st.integers(0, 2),
)
def test_a_model_that_does_nothing(
    samples, channels, segment, overlap, context, batch_size, shifts
):
    audio = noise(np.random.default_rng(samples), 1, channels)[:, : max(samples, channels)]
    found = tu.separate(
        Same(),
        audio,
        RATE,
        segment=segment / RATE,
        overlap=overlap,
        context=context / RATE,
        batch_size=batch_size,
        shifts=shifts,
    )
    assert [*found] == ["all", "nothing"] and found["all"].dtype == np.float32
    np.testing.assert_allclose(found["all"], audio, atol=1e-6)
    assert not found["nothing"].any()


@settings(max_examples=100, deadline=None)
@given(
    samples=st.integers(1, 10**6),
    segment=st.integers(1, 10**5),
    overlap=st.floats(0, 0.5),
    context=st.integers(0, 10**4),
)
def test_segments_cover_the_recording_and_lie_within_it(samples, segment, overlap, context):
    grid = Grid(samples, segment, int(overlap * segment), context)
    if grid.is_whole:
        assert grid.starts == [0] and grid.length == samples
        return
    starts = np.array(grid.starts)
    assert starts[0] == 0 and starts[-1] + segment == samples
    assert (np.diff(starts) > 0).all() and (np.diff(starts) <= segment - grid.overlap).all()
    for start in starts[[0, len(starts) // 2, -1]]:
        begin = grid.begins(start)
        assert 0 <= begin <= start and start + segment <= begin + grid.length <= samples
        # There is context on both sides wherever the recording has it.
        assert start - begin >= min(context, start)
        assert begin + grid.length - start - segment >= min(context, samples - start - segment)


def test_what_a_model_makes_at_edges_is_thrown_away(random):
    """At the ends of the recording there is nothing to be had besides."""

    class Edgy(Same):
        def __call__(self, mixture):
            mixture = mixture.clone()
            mixture[..., :80] = mixture[..., -80:] = 100
            return super().__call__(mixture)

    audio = noise(random, 1)
    options = {"segment": 0.1, "context": 0.01, "batch_size": 3}
    found = tu.separate(Edgy(), audio, RATE, **options)["all"]
    np.testing.assert_allclose(found[:, 80:-80], audio[:, 80:-80], atol=1e-6)
    without = tu.separate(Edgy(), audio, RATE, **{**options, "context": 0})["all"]
    assert np.abs(without[:, 80:-80] - audio[:, 80:-80]).max() > 1


def test_the_model_is_given_segments_of_one_length(random):
    model, audio = Same(), noise(random, 2)
    tu.separate(model, audio, RATE, segment=0.5, context=0.1, overlap=0.2, batch_size=2)
    assert {shape[1:] for shape in model.given} == {(2, 0.7 * RATE)}
    assert [shape[0] for shape in model.given] == [2, 2, 1]
    model = Same()
    tu.separate(model, audio, RATE)
    assert model.given == [(1, 2, 2 * RATE)]


def test_shifts_move_what_the_model_sees(random):
    class Place(Same):
        """Answers with the place of each sample in what it was given."""

        def __call__(self, mixture):
            place = torch.arange(mixture.shape[-1]).expand(mixture.shape).float()
            return torch.stack([place, place], 1)

    audio = noise(random, 2)
    alone, shifted, again = (
        tu.separate(Place(), audio, RATE, shifts=shifts)["all"] for shifts in (0, 3, 3)
    )
    np.testing.assert_array_equal(alone[0], np.arange(2 * RATE))
    assert 0 < (shifted - alone).min() < 0.5 * RATE
    np.testing.assert_array_equal(shifted, again)


@pytest.mark.parametrize("rate", [RATE // 2, 11025, 44100, 96000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_any_rate_and_number_of_channels(random, rate, channels):
    time = np.arange(2 * rate + 7) / rate
    audio = np.stack([0.1 * np.sin(2 * np.pi * 200 * (c + 1) * time) for c in range(channels)])
    found = tu.separate(Same(), audio.astype(np.float32), rate, segment=0.5, context=0.1)["all"]
    assert found.shape == audio.shape
    inner = slice(rate // 10, -rate // 10)
    assert np.abs(found - audio)[:, inner].max() < 1e-4


@pytest.mark.parametrize("samples", [1, 2, 3, 100])
@pytest.mark.parametrize("rate", [RATE // 4, RATE, 12 * RATE])
def test_hardly_any_samples(samples, rate):
    model = tu.models.build("MaskInference", "tiny", sample_rate=RATE, n_fft=256, hop=64, hidden=4)
    for one in (Same(), model):
        found = tu.separate(one, np.full((1, samples), 0.1, np.float32), rate)
        assert all(x.shape == (1, samples) and np.isfinite(x).all() for x in found.values())


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_a_model_with_its_own_number_of_channels(random, channels, wanted):
    class Particular(Same):
        channels = wanted

        def __call__(self, mixture):
            assert mixture.shape[1] == wanted
            return super().__call__(mixture)

    audio = noise(random, 0.5, channels)
    np.testing.assert_allclose(tu.separate(Particular(), audio, RATE)["all"], audio, atol=1e-6)


def test_what_is_asked_for_besides(random):
    audio = noise(random, 0.5)
    found = tu.separate(Shares(), audio, RATE, residual=True)
    np.testing.assert_allclose(sum(found.values()), audio, atol=1e-6)
    np.testing.assert_allclose(found["residual"], 0.1 * audio, atol=1e-6)
    found = tu.separate(Shares(), audio, RATE, consistent=True)
    np.testing.assert_allclose(sum(found.values()), audio, atol=1e-6)
    np.testing.assert_allclose(found["vocals"], (0.5 + 0.1 / 3) * audio, atol=1e-6)
    found = tu.separate(Shares(), audio, RATE, two_stems="vocals", residual=True)
    assert [*found] == ["vocals", "accompaniment", "residual"]
    np.testing.assert_allclose(found["accompaniment"], 0.4 * audio, atol=1e-6)
    found = tu.separate(Shares(), audio, RATE, two_stems="drums", consistent=True)
    assert [*found] == ["drums", "no_drums"]
    np.testing.assert_allclose(found["drums"] + found["no_drums"], audio, atol=1e-6)


def test_a_module_is_left_as_it_was(random):
    model = tu.models.build("MaskInference", "tiny", sample_rate=RATE, n_fft=256, hop=64, hidden=4)
    model.train()
    audio = noise(random, 0.5)
    found = tu.separate(model, audio, RATE)
    assert model.training and not any(x.requires_grad for x in model.buffers())
    with torch.inference_mode():
        wanted = model.eval()(torch.from_numpy(audio)[None])[0].numpy()
    np.testing.assert_allclose(np.stack([*found.values()]), wanted, atol=1e-6)
    for moved in ("cpu", torch.device("cpu")):
        tu.separate(model, audio, RATE, device=moved)


def test_two_lines_make_a_model_of_a_function(random):
    def halves(mixture):
        return torch.stack([mixture / 2, mixture / 2], 1)

    halves.labels, halves.sample_rate = ("left", "right"), RATE
    audio = noise(random, 0.5)
    np.testing.assert_allclose(tu.separate(halves, audio, RATE)["left"], audio / 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"segment": 0}, "segment=0 makes no sense. Give a number of seconds above 0"),
        ({"segment": float("nan")}, "segment=nan"),
        ({"overlap": 0.6}, "overlap=0.6 .* from 0 to 0.5"),
        ({"context": -1}, "context=-1"),
        ({"shifts": -1}, "shifts=-1"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"two_stems": "piano"}, "no source 'piano'. It has: all, nothing"),
    ],
)
def test_settings_that_make_no_sense(random, options, message):
    with pytest.raises(ValueError, match=message):
        tu.separate(Same(), noise(random, 0.1), RATE, **options)


def test_bad_audio(random):
    audio = noise(random, 0.1)
    with pytest.raises(AudioError, match="no samples"):
        tu.separate(Same(), audio[:, :0], RATE)
    audio[1, 5] = np.nan
    with pytest.raises(AudioError, match="NaN or infinite samples, the first in channel 1 at"):
        tu.separate(Same(), audio, RATE)
    with pytest.raises(AudioError, match="Transpose"):
        tu.separate(Same(), audio.T, RATE)
    with pytest.raises(AudioError, match="sample rate"):
        tu.separate(Same(), noise(random, 0.1), 0)


def test_bad_models(random):
    audio = noise(random, 0.1)
    with pytest.raises(ValueError, match="function is no model, which has labels"):
        tu.separate(lambda mixture: mixture, audio, RATE)

    class Wrong(Same):
        def __call__(self, mixture):
            return mixture

    with pytest.raises(ValueError, match=r"returned .1, 2, 800., not .batch, sources"):
        tu.separate(Wrong(), audio, RATE)

    class Broken(Same):
        def __call__(self, mixture):
            return super().__call__(mixture) / 0

    with pytest.raises(ValueError, match="returned NaN or infinite"):
        tu.separate(Broken(), audio, RATE)


def test_progress(random, capsys):
    tu.separate(Same(), noise(random, 2), RATE, segment=0.5, progress=True)
    assert "separating: 100%" in capsys.readouterr().err
    tu.separate(Same(), noise(random, 2), RATE)
    assert not capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="here there is one")
@pytest.mark.parametrize("device", ["cuda", "cuda:7", "gpu", "meta"])
def test_a_device_that_is_not_there(random, device):
    model = tu.models.build("MaskInference", "tiny", sample_rate=RATE, n_fft=256, hop=64, hidden=4)
    with pytest.raises(ValueError, match=f"no device '{device}'"):
        tu.separate(model, noise(random), RATE, device=device)
