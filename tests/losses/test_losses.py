"""Every loss against a closed form or another implementation, with its gradients and hard cases."""

import itertools

import numpy as np
import pytest
import torch
import torchmetrics.functional.audio as metrics
from hypothesis import given, settings
from hypothesis import strategies as st

import tutorial_utils as tu
from tutorial_utils import losses

WAVEFORM = ("l1", "l2", "snr", "si_sdr", "sd_sdr", "l1_snr", "multi_resolution_stft")
RATIOS = ("snr", "si_sdr", "sd_sdr", "l1_snr")


def waves(seed=0, shape=(2, 3, 2, 4000), dtype=torch.float32):
    random = torch.Generator().manual_seed(seed)
    sources = torch.randn(shape, generator=random, dtype=torch.float64)
    estimates = sources + 0.3 * torch.randn(shape, generator=random, dtype=torch.float64)
    return estimates.to(dtype), sources.to(dtype)


def spectra(seed=0, shape=(2, 3, 2, 9, 5)):
    random = torch.Generator().manual_seed(seed)
    S = torch.randn(shape, generator=random, dtype=torch.complex128)
    masks = torch.rand(shape, generator=random, dtype=torch.float64)
    return masks, S, S.sum(1)


# ------------------------------------------------------------------ waveforms


@given(st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_ratios_are_those_of_torchmetrics(seed):
    estimates, sources = waves(seed, dtype=torch.float64)
    estimates = estimates * (0.2 + seed / 300) + 0.1
    for ours, theirs in (
        (losses.snr, metrics.signal_noise_ratio),
        (losses.si_sdr, metrics.scale_invariant_signal_noise_ratio),
    ):
        expected = -theirs(estimates, sources)
        torch.testing.assert_close(
            ours(estimates, sources, reduce=False), expected, rtol=1e-5, atol=1e-4
        )
        torch.testing.assert_close(ours(estimates, sources), expected.mean(), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", ["snr", "si_sdr", "sd_sdr"])
def test_ratios_are_minus_those_of_evaluation(name):
    estimates, sources = waves(3, dtype=torch.float64)
    scored = getattr(tu.evaluation, name)(sources.numpy(), (1.7 * estimates).numpy())
    made = getattr(losses, name)(1.7 * estimates, sources, reduce=False)
    np.testing.assert_allclose(made.numpy(), -scored, atol=1e-4)


def test_differences_in_closed_form():
    estimates, sources = waves()
    error = estimates - sources
    torch.testing.assert_close(losses.l1(estimates, sources), error.abs().mean())
    torch.testing.assert_close(losses.l2(estimates, sources), error.square().mean())
    expected = 10 * torch.log10(error.abs().sum(-1) / sources.abs().sum(-1))
    torch.testing.assert_close(losses.l1_snr(estimates, sources, reduce=False), expected)


def test_multi_resolution_stft_by_librosa():
    import librosa

    estimates, sources = waves(shape=(1, 1, 1, 4096), dtype=torch.float64)
    terms = []
    for n_fft in (256, 512):
        E, S = (
            np.abs(
                librosa.stft(
                    each[0, 0, 0].numpy(), n_fft=n_fft, hop_length=n_fft // 4, pad_mode="constant"
                )
            )
            / n_fft**0.5
            for each in (estimates, sources)
        )
        E, S = np.maximum(E, 1e-4), np.maximum(S, 1e-4)
        convergence = np.linalg.norm(S - E) / np.linalg.norm(S)
        terms.append(convergence + np.abs(np.log(S / E)).mean())
    made = losses.multi_resolution_stft(estimates, sources, (256, 512))
    assert made.item() == pytest.approx(np.mean(terms), rel=1e-5)


@pytest.mark.parametrize("name", WAVEFORM)
def test_the_reference_itself_is_the_best_estimate(name):
    estimates, sources = waves()
    loss = getattr(losses, name)
    assert loss(sources, sources) < loss(estimates, sources)
    assert loss(sources, sources) <= (-60 if name in RATIOS else 1e-4)


def test_scale_invariance_is_that_of_the_name():
    estimates, sources = waves(dtype=torch.float64)
    for factor in (0.1, 3.0):
        scaled = factor * estimates
        close = abs(losses.si_sdr(scaled, sources) - losses.si_sdr(estimates, sources))
        assert close < 1e-4
        assert losses.sd_sdr(scaled, sources) > losses.sd_sdr(estimates, sources) + 0.5
    # Zero-mean first: a constant offset costs nothing.
    offset = losses.si_sdr(estimates + 5, sources) - losses.si_sdr(estimates, sources)
    assert abs(offset) < 1e-6


@pytest.mark.parametrize("name", WAVEFORM)
@pytest.mark.parametrize("silent", ["source", "estimate", "both"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_silence_gives_finite_numbers(name, silent, dtype):
    estimates, sources = waves(dtype=dtype)
    if silent != "estimate":
        sources = torch.zeros_like(sources)
    if silent != "source":
        estimates = torch.zeros_like(estimates)
    estimates.requires_grad_()
    value = getattr(losses, name)(estimates, sources)
    value.backward()
    assert value.isfinite() and estimates.grad.isfinite().all()
    assert value.dtype == torch.float32


@pytest.mark.parametrize("name", RATIOS)
def test_of_a_silent_source_the_quieter_estimate_is_better(name):
    estimates, sources = waves()
    values = [
        getattr(losses, name)(factor * estimates, torch.zeros_like(sources))
        for factor in (1.0, 0.1, 0.01)
    ]
    assert values[0] > values[1] > values[2]
    zero = getattr(losses, name)(torch.zeros_like(sources), torch.zeros_like(sources))
    assert zero == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", WAVEFORM)
def test_gradients_of_waveform_losses(name):
    estimates, sources = waves(shape=(1, 2, 1, 600), dtype=torch.float64)
    loss = getattr(losses, name)
    settings_ = {"n_ffts": (64, 128)} if name == "multi_resolution_stft" else {}
    assert torch.autograd.gradcheck(
        lambda e: loss(e, sources, **settings_), estimates.requires_grad_(), fast_mode=True
    )


@pytest.mark.parametrize("name", WAVEFORM)
def test_a_single_target_is_not_broadcast(name):
    """(batch, 1, channels, samples) beside (batch, channels, samples): a wrong number elsewhere."""
    estimates, sources = waves(shape=(4, 1, 2, 800))
    with pytest.raises(ValueError, match=r"estimates \(4, 1, 2, 800\), sources \(4, 2, 800\)"):
        getattr(losses, name)(estimates, sources[:, 0])


def test_consistent_estimates_sum_to_the_mixture_and_are_the_nearest():
    estimates, sources = waves(dtype=torch.float64)
    mixture = sources.sum(1)
    made = losses.mixture_consistent(estimates, mixture)
    torch.testing.assert_close(made.sum(1), mixture)
    distance = (made - estimates).square().sum()
    for seed in range(20):
        other = made + 0.1 * torch.randn(made.shape, generator=torch.manual_seed(seed))
        other = other + (mixture - other.sum(1)).unsqueeze(1) / other.shape[1]
        assert (other - estimates).square().sum() > distance
    with pytest.raises(ValueError, match="same shape"):
        losses.mixture_consistent(estimates, mixture[:, :1])


# ------------------------------------------------------------------ spectrograms


def test_targets_in_closed_form():
    _, S, X = spectra()
    angle = S.angle() - X.angle().unsqueeze(1)
    torch.testing.assert_close(losses.target(S, X, "msa"), S.abs())
    torch.testing.assert_close(losses.target(S, X, "psa"), S.abs() * angle.cos())
    truncated = (S.abs() * angle.cos()).clamp_min(0).minimum(X.abs().unsqueeze(1))
    torch.testing.assert_close(losses.target(S, X, "tpsa"), truncated)
    with pytest.raises(ValueError, match="kind must be msa, psa or tpsa"):
        losses.target(S, X, "irm")


@pytest.mark.parametrize("p", [1, 2])
def test_magnitudes_in_closed_form(p):
    masks, S, X = spectra()
    for kind in ("msa", "psa", "tpsa"):
        error = masks * X.abs().unsqueeze(1) - losses.target(S, X, kind)
        expected = (error.abs() ** p).mean()
        torch.testing.assert_close(losses.magnitude(masks, S, X, kind, p), expected)
    ideal = torch.rand(masks.shape)
    torch.testing.assert_close(
        losses.mask(masks, ideal, p), ((masks - ideal.double()).abs() ** p).mean()
    )


def test_the_truncated_target_is_met_by_the_phase_sensitive_mask():
    _, S, X = spectra()
    best = tu.transforms.phase_sensitive_mask(S, X)
    assert losses.magnitude(best, S, X, "tpsa") < 1e-12


def test_components_trade_the_source_against_the_rest():
    masks, S, X = spectra()
    kept = losses.component(masks, S, X, target_weight=1, residual_weight=0)
    torch.testing.assert_close(kept, ((masks - 1) * S.abs()).square().mean())
    rest = losses.component(masks, S, X, target_weight=0, residual_weight=1)
    torch.testing.assert_close(rest, (masks * (X.unsqueeze(1) - S).abs()).square().mean())
    torch.testing.assert_close(
        losses.component(masks, S, X, target_weight=0.3, residual_weight=0.7),
        0.3 * kept + 0.7 * rest,
    )
    assert losses.component(torch.ones_like(masks), S, X, residual_weight=0) == 0
    assert losses.component(torch.zeros_like(masks), S, X, target_weight=0) == 0


def test_gradients_of_spectrogram_losses():
    masks, S, X = spectra(shape=(1, 2, 1, 4, 3))
    masks.requires_grad_()
    for loss in (
        lambda m: losses.magnitude(m, S, X, "tpsa", 2),
        lambda m: losses.component(m, S, X),
        lambda m: losses.mask(m, torch.zeros_like(m), 2),
    ):
        assert torch.autograd.gradcheck(loss, masks)


def test_spectrogram_losses_are_not_broadcast():
    masks, S, X = spectra(shape=(3, 1, 2, 9, 5))
    for loss in (losses.magnitude, losses.component):
        with pytest.raises(ValueError, match="same shape"):
            loss(masks[:, 0], S, X)
        with pytest.raises(ValueError, match="same shape"):
            loss(masks, S, X[:, :1])
    with pytest.raises(ValueError, match="same shape"):
        losses.mask(masks, masks[:, 0])


def test_silent_spectra_and_half_precision():
    masks, S, X = spectra()
    silent = torch.zeros_like(S), torch.zeros_like(X)
    masks = masks.bfloat16().requires_grad_()
    for loss in (losses.magnitude, losses.component):
        value = loss(masks, *silent)
        value.backward()
        assert value == 0 and masks.grad.isfinite().all()
        assert loss(masks, S, X).isfinite()


# ------------------------------------------------------------------ deep clustering


def clusters(seed=0, bins=60, D=5, J=3, batch=2):
    random = torch.Generator().manual_seed(seed)
    V = torch.randn(batch, bins, D, generator=random, dtype=torch.float64)
    labels = torch.randint(J, (batch, bins), generator=random)
    weights = torch.rand(batch, bins, generator=random, dtype=torch.float64)
    return (
        torch.nn.functional.normalize(V, dim=-1),
        torch.eye(J, dtype=torch.float64)[labels],
        weights,
    )


@given(st.integers(0, 1000), st.integers(2, 80), st.integers(1, 6), st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_deep_clustering_is_the_difference_of_affinities(seed, bins, D, J):
    V, Y, weights = clusters(seed, bins, D, J)
    affinities = V @ V.mT - Y @ Y.mT
    expected = affinities.square().mean((1, 2)).mean()
    torch.testing.assert_close(losses.deep_clustering(V, Y), expected)
    pairs = weights[:, :, None] * weights[:, None]
    expected = ((pairs * affinities.square()).sum((1, 2)) / weights.sum(1) ** 2).mean()
    torch.testing.assert_close(losses.deep_clustering(V, Y, weights), expected)


def test_whitened_deep_clustering_by_projections():
    V, Y, _ = clusters()
    # The part of the whitened embeddings that the labels do not explain.
    expected = 0.0
    for v, y in zip(V, Y, strict=True):
        white = v @ torch.linalg.inv(torch.linalg.cholesky(v.T @ v)).T
        expected += 5 - (torch.linalg.qr(y).Q.T @ white).square().sum()
    made = losses.whitened_deep_clustering(V, Y, eps=0)
    torch.testing.assert_close(made, expected / 2)
    # It does not care by which matrix the embeddings are multiplied.
    mixed = V @ torch.randn(5, 5, dtype=torch.float64)
    torch.testing.assert_close(losses.whitened_deep_clustering(mixed, Y, eps=0), made)


def test_perfect_embeddings():
    _, Y, weights = clusters(J=3)
    assert losses.deep_clustering(Y, Y, weights) < 1e-12
    assert losses.whitened_deep_clustering(Y, Y, eps=1e-9) == pytest.approx(0, abs=1e-5)


def test_one_column_would_take_the_others_for_strangers():
    """Why there is a column per source: with one, the other source's bins are not alike."""
    Y = torch.eye(2)[[0, 0, 1, 1]][None]
    wrong = Y[..., :1]
    assert (wrong @ wrong.mT)[0, 2, 3] == 0 and (Y @ Y.mT)[0, 2, 3] == 1


def test_memory_of_deep_clustering_is_linear():
    """Half a million bins: their affinities would take a terabyte."""
    V = torch.nn.functional.normalize(torch.randn(1, 500_000, 20), dim=-1)
    Y = torch.eye(4)[torch.randint(4, (1, 500_000))]
    assert losses.deep_clustering(V, Y).isfinite()
    assert losses.whitened_deep_clustering(V, Y).isfinite()


def test_gradients_and_hard_cases_of_deep_clustering():
    V, Y, weights = clusters(bins=12)
    V.requires_grad_()
    for loss in (losses.deep_clustering, losses.whitened_deep_clustering):
        assert torch.autograd.gradcheck(lambda v, loss=loss: loss(v, Y, weights), V)
        for silent in (torch.zeros_like(Y), Y * torch.tensor([1.0, 0, 0])):
            assert loss(V, silent, torch.zeros_like(weights)).isfinite()
        assert loss(V.bfloat16(), Y, weights).isfinite()
        with pytest.raises(ValueError, match="do not go together"):
            loss(V, Y[:, :-1])
        with pytest.raises(ValueError, match="one per bin and frame"):
            loss(V, Y, weights[:, :, None])


# ------------------------------------------------------------------ latent vectors


def test_kl_is_that_of_torch():
    mean, log_variance = torch.randn(2, 2, 3, 4, dtype=torch.float64)
    found = torch.distributions.Normal(mean, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(found, torch.distributions.Normal(0, 1))
    torch.testing.assert_close(
        losses.kl_divergence(mean, log_variance), expected.sum(-1).mean(), check_dtype=False
    )
    assert losses.kl_divergence(torch.zeros(1, 2, 3), torch.zeros(1, 2, 3)) == 0
    with pytest.raises(ValueError, match="same shape"):
        losses.kl_divergence(mean, log_variance[:1])


# ------------------------------------------------------------------ permutations


@pytest.mark.parametrize("name", WAVEFORM)
@pytest.mark.parametrize("J", [1, 2, 3, 4])
def test_the_best_of_all_permutations(name, J):
    loss = getattr(losses, name)
    estimates, sources = waves(J, shape=(3, J, 2, 2100))
    shuffled = estimates[:, torch.randperm(J, generator=torch.manual_seed(J))]
    value, order = losses.permutation_invariant(loss, shuffled, sources)
    best = [
        min(
            loss(shuffled[i : i + 1, list(each)], sources[i : i + 1]).item()
            for each in itertools.permutations(range(J))
        )
        for i in range(3)
    ]
    assert value.item() == pytest.approx(np.mean(best), rel=1e-4)
    put_right = torch.stack([shuffled[i, order[i]] for i in range(3)])
    torch.testing.assert_close(put_right, estimates)


def test_permutations_are_those_of_torchmetrics():
    estimates, sources = waves(shape=(4, 3, 1, 1000))
    estimates = estimates[:, [2, 0, 1]]
    value, order = losses.permutation_invariant(losses.si_sdr, estimates, sources)
    best, permutation = metrics.permutation_invariant_training(
        estimates[:, :, 0], sources[:, :, 0], metrics.scale_invariant_signal_noise_ratio
    )
    assert value.item() == pytest.approx(-best.mean().item(), rel=1e-4)
    assert torch.equal(order, permutation)


@pytest.mark.parametrize(
    "loss", [losses.deep_clustering, losses.whitened_deep_clustering], ids=["classic", "whitened"]
)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_clustering_keeps_its_bits_under_autocast(loss, dtype):
    """Its sums over all bins are beyond the largest 16-bit float."""
    V = torch.nn.functional.normalize(torch.randn(1, 100_000, 4), dim=-1).requires_grad_()
    Y = torch.eye(2)[torch.randint(2, (1, 100_000))]
    weights = 100 * torch.rand(1, 100_000)
    wanted = loss(V, Y, weights)
    with torch.autocast("cpu", dtype):
        found = loss(V, Y, weights)
    torch.testing.assert_close(found, wanted)
    found.backward()
    assert V.grad.isfinite().all()
