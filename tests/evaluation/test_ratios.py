import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import evaluation

ALL = ("si_sdr", "sd_sdr", "si_sir", "si_sar", "snr")


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(0.01, 100),
    offset=st.floats(-10, 10),
    ratio=st.floats(-30, 60),
)
def test_si_sdr_ignores_scale_and_offset_and_finds_the_ratio(seed, scale, offset, ratio):
    random = np.random.default_rng(seed)
    reference = random.standard_normal(500)
    reference -= reference.mean()
    error = random.standard_normal(500)
    error -= error.mean()
    error -= reference * (error @ reference) / (reference @ reference)  # orthogonal to it
    error *= np.linalg.norm(reference) / np.linalg.norm(error) * 10 ** (-ratio / 20)
    estimate = scale * (reference + error) + offset
    assert evaluation.si_sdr(reference, estimate) == pytest.approx(ratio, abs=1e-3)


def test_si_sdr_at_its_limits(random):
    reference = random.standard_normal((2, 100))
    assert np.isposinf(evaluation.si_sdr(reference, reference)).all()
    assert (evaluation.si_sdr(reference, 3 * reference) > 250).all()
    for nothing in (0, 0.1):  # A constant, whose mean has a rounding error, is silence, too.
        silent = np.full_like(reference, nothing)
        assert np.isneginf(evaluation.si_sdr(reference, silent)).all()
        assert np.isnan(evaluation.si_sdr(silent, reference)).all()
        assert np.isnan(evaluation.si_sdr(silent, silent)).all()
    one_channel = reference * [[1], [0]]
    ratios = evaluation.si_sdr(one_channel, reference + 0.1 * reference[::-1])
    assert np.isfinite(ratios[0]) and np.isnan(ratios[1])
    assert evaluation.si_sdr(np.zeros((4, 2, 9)) + reference[0, :9], np.ones((4, 2, 9))).shape == (
        4,
        2,
    )


def test_si_sdr_refuses_what_cannot_be_compared(random):
    reference = random.standard_normal((2, 100))
    with pytest.raises(ValueError, match=r"\(2, 100\) and estimates \(100,\)"):
        evaluation.si_sdr(reference, reference[0])
    for nothing in (np.zeros((2, 0)), np.float64(3)):
        with pytest.raises(ValueError, match="no samples to compare"):
            evaluation.si_sdr(nothing, nothing)
    for wrong in (np.nan, np.inf):
        broken = np.where(np.arange(100) == 7, wrong, reference)
        with pytest.raises(ValueError, match="estimates hold NaN or infinite"):
            evaluation.si_sdr(reference, broken)
        with pytest.raises(ValueError, match="references hold NaN or infinite"):
            evaluation.si_sdr(broken, reference)


def scene(seed, sources=3, samples=400):
    random = np.random.default_rng(seed)
    references = random.standard_normal((sources, samples)) * random.uniform(0.1, 2, (sources, 1))
    estimates = references + 0.3 * random.standard_normal((sources, sources)) @ references
    return references, estimates + random.uniform(0.01, 1) * random.standard_normal(
        references.shape
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.floats(0.01, 100), st.floats(-1, 1))
def test_interference_and_artefacts_are_the_whole_error(seed, sources, scale, offset):
    references, estimates = scene(seed, sources)
    sdr, sir, sar = (
        10 ** (-getattr(evaluation, name)(references, estimates) / 10)
        for name in ("si_sdr", "si_sir", "si_sar")
    )
    np.testing.assert_allclose(sdr, sir + sar, rtol=1e-8)
    for name in ("si_sdr", "si_sir", "si_sar"):
        metric = getattr(evaluation, name)
        moved = metric(references + offset, scale * estimates + offset)
        np.testing.assert_allclose(moved, metric(references, estimates), atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_projection_is_that_of_least_squares(seed):
    references, estimates = scene(seed)
    references -= references.mean(1, keepdims=True)
    estimates -= estimates.mean(1, keepdims=True)
    for j, estimate in enumerate(estimates):
        weights = np.linalg.lstsq(references.T, estimate)[0]
        projected = weights @ references
        target = (estimate @ references[j]) / (references[j] @ references[j]) * references[j]
        sir = 10 * np.log10((target @ target) / np.sum((projected - target) ** 2))
        sar = 10 * np.log10((target @ target) / np.sum((estimate - projected) ** 2))
        assert evaluation.si_sir(references, estimates)[j] == pytest.approx(sir)
        assert evaluation.si_sar(references, estimates)[j] == pytest.approx(sar)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 3))
def test_a_wrong_level_costs_where_the_scale_counts(seed, gain):
    references, estimates = scene(seed)
    sdr, sd_sdr = evaluation.si_sdr(references, estimates), evaluation.sd_sdr(references, estimates)
    assert (sd_sdr <= sdr + 1e-9).all()
    exact = gain * references
    error = pytest.approx(20 * np.log10(1 / abs(1 - gain)) if gain != 1 else np.inf, abs=1e-6)
    assert evaluation.snr(references, exact).tolist() == [error] * 3
    wanted = 20 * np.log10(gain / abs(1 - gain)) if gain != 1 else np.inf
    assert evaluation.sd_sdr(references, exact).tolist() == [pytest.approx(wanted, abs=1e-6)] * 3


def test_the_usdr_is_the_formula_of_the_challenge(random):
    references = random.standard_normal((4, 2, 500))
    estimates = references + 0.1 * random.standard_normal((4, 2, 500))
    wanted = 10 * np.log10(
        (np.sum(references**2, (1, 2)) + 1e-7)
        / (np.sum((references - estimates) ** 2, (1, 2)) + 1e-7)
    )
    np.testing.assert_allclose(evaluation.usdr(references, estimates), wanted)
    flat = evaluation.snr(references.reshape(4, -1), estimates.reshape(4, -1))
    np.testing.assert_allclose(flat, wanted, atol=1e-6)
    assert np.isfinite(evaluation.usdr(0 * references, estimates)).all()
    assert (evaluation.usdr(references, references) > 80).all()
    with pytest.raises(ValueError, match=r"shape .*channels, samples., not .500,"):
        evaluation.usdr(references[0, 0], references[0, 0])


def test_silence(random):
    references, estimates = random.standard_normal((2, 3, 50)), random.standard_normal((2, 3, 50))
    references[0, 1] = 0
    estimates[1, 2] = 0
    for name in ALL:
        ratio = getattr(evaluation, name)(references, estimates)
        assert np.isnan(ratio[0, 1]) and np.isfinite(ratio[1, :2]).all()
        assert ratio[1, 2] == (0 if name == "snr" else -np.inf)
        assert np.isnan(getattr(evaluation, name)(references, references)[0, 1])


def test_sources_that_say_the_same(random):
    """The equations are singular, and what the references span is well defined."""
    references = np.repeat(random.standard_normal((1, 300)), 2, axis=0)
    estimates = references + 0.1 * random.standard_normal((2, 300))
    sir, sar = evaluation.si_sir(references, estimates), evaluation.si_sar(references, estimates)
    assert (sir > 200).all()
    np.testing.assert_allclose(sar, evaluation.si_sdr(references, estimates), atol=1e-6)


def test_improvement_over_the_mixture(random):
    references, estimates = scene(0)
    mixture = references.sum(0)
    better = evaluation.improvement(evaluation.si_sdr, references, estimates, mixture)
    for j in range(3):
        wanted = evaluation.si_sdr(references[j], estimates[j])
        assert better[j] == pytest.approx(wanted - evaluation.si_sdr(references[j], mixture))


@pytest.mark.parametrize("name", [*ALL, "usdr"])
def test_what_cannot_be_compared(random, name):
    metric, one = getattr(evaluation, name), random.standard_normal((2, 2, 30))
    with pytest.raises(ValueError, match="must be the same"):
        metric(one, one[:1])
    with pytest.raises(ValueError, match="no samples"):
        metric(one[..., :0], one[..., :0])
    with pytest.raises(ValueError, match="estimates hold NaN"):
        metric(one, np.where(one > 1, np.nan, one))
