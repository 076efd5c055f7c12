"""The multichannel Wiener filter against a plain implementation, and against norbert."""

import norbert
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils.wiener import Refined, wiener


def spectrograms(seed, batch=1, sources=3, channels=2, bins=5, frames=7):
    random = np.random.default_rng(seed)
    shape = batch, sources, channels, bins, frames
    parts = random.standard_normal((2, *shape)) * random.lognormal(
        0, 2, (batch, sources, 1, bins, 1)
    )
    truth = parts[0] + 1j * parts[1]
    mixture = truth.sum(1)
    estimates = truth + 0.3 * np.roll(truth, 1, axis=1)
    return torch.from_numpy(estimates), torch.from_numpy(mixture)


def plain(estimates, mixture, iterations, eps):
    """The equations, one bin and frame after the other, in float64."""
    estimates = estimates.copy()
    sources, channels, bins, frames = estimates.shape
    for _ in range(iterations):
        power = (np.abs(estimates) ** 2).mean(1)
        for k in range(bins):
            spatial = [
                sum(np.outer(s[:, k, m], s[:, k, m].conj()) for m in range(frames))
                / (eps + sum(v[k, m] for m in range(frames)))
                for s, v in zip(estimates, power, strict=True)
            ]
            for m in range(frames):
                parts = [v[k, m] * r for v, r in zip(power, spatial, strict=True)]
                inverse = np.linalg.inv(sum(parts) + np.sqrt(eps) * np.eye(channels))
                for j in range(sources):
                    estimates[j, :, k, m] = parts[j] @ inverse @ mixture[:, k, m]
    return estimates


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sources=st.integers(1, 4),
    channels=st.integers(1, 4),
    iterations=st.integers(0, 3),
)
def test_the_equations(seed, sources, channels, iterations):
    estimates, mixture = spectrograms(seed, 2, sources, channels)
    scale = 9.0 / mixture.abs().max()  # below which nothing is scaled
    estimates, mixture = estimates * scale, mixture * scale
    found = wiener(estimates, mixture, iterations, eps=1e-8)
    for ours, start, mix in zip(found, estimates, mixture, strict=True):
        wanted = plain(start.numpy(), mix.numpy(), iterations, 1e-8)
        np.testing.assert_allclose(ours.numpy(), wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("iterations", [0, 1, 2])
def test_norbert(channels, iterations):
    estimates, mixture = spectrograms(1, channels=channels)
    magnitudes, mixture = estimates.abs(), 40 * mixture / mixture.abs().max()
    eps = 1e-10
    theirs = norbert.wiener(
        magnitudes[0].permute(3, 2, 1, 0).numpy().copy(),  # (frames, bins, channels, sources)
        mixture[0].permute(2, 1, 0).numpy().copy(),
        iterations,
        use_softmask=True,
        eps=eps,
    )
    ours = wiener(magnitudes, mixture, iterations, eps)[0].permute(3, 2, 1, 0)
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5, atol=1e-6)


def test_the_estimates_sum_to_the_mixture_and_get_better():
    estimates, mixture = spectrograms(2, sources=2, bins=40, frames=60)
    truth = (estimates - 0.3 * estimates.flip(1)) / (1 - 0.09)
    refined = wiener(estimates, mixture, 2)
    assert (refined.sum(1) - mixture).abs().max() < 1e-3 * mixture.abs().max()

    def error(one):
        return (one - truth).abs().square().sum()

    assert error(refined) < error(estimates)


def test_silence_and_loudness():
    estimates, mixture = spectrograms(3)
    assert not wiener(estimates * 0, mixture * 0).any()
    found = wiener(estimates, mixture * 0)
    assert torch.isfinite(found).all() and not found.any()
    loud = wiener(estimates * 1e4, mixture * 1e4, 2)
    usual = wiener(estimates * 1e2, mixture * 1e2, 2)
    torch.testing.assert_close(loud / 1e4, usual / 1e2, rtol=1e-6, atol=1e-9)


def test_single_precision_is_near():
    estimates, mixture = spectrograms(4, bins=30, frames=30)
    single = wiener(estimates.to(torch.complex64), mixture.to(torch.complex64), 2)
    wanted = wiener(estimates, mixture, 2)
    assert (single - wanted).abs().max() < 1e-2 * wanted.abs().max()


@pytest.mark.parametrize("shape", [(1, 2, 5, 6), (2, 2, 5, 7), (2, 5, 7)])
def test_shapes_that_do_not_go_together(shape):
    estimates, _ = spectrograms(5)
    with pytest.raises(ValueError, match="do not go together"):
        wiener(estimates, torch.zeros(shape))
    with pytest.raises(ValueError, match="-1 iterations"):
        wiener(*spectrograms(5), iterations=-1)


def test_a_model_is_refined():
    class Halves:
        labels, sample_rate = ("a", "b"), 8000

        def __call__(self, mixture):
            return torch.stack([mixture * 0.5, mixture * 0.5], 1)

    refined = Refined(Halves())
    mixture = torch.randn(1, 2, 20000, generator=torch.Generator().manual_seed(0))
    estimates = refined(mixture)
    assert refined.labels == ("a", "b") and refined.sample_rate == 8000
    torch.testing.assert_close(estimates, Halves()(mixture), atol=1e-3, rtol=0)
