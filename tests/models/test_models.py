import numpy as np
import pytest
import torch
from helpers import RATE, noise

import tutorial_utils as tu
from tutorial_utils.audio import AudioError


def small(name="MaskInference", **settings):
    return tu.models.build(name, sample_rate=RATE, n_fft=256, hop=64, hidden=8, **settings)


@pytest.mark.parametrize("name", tu.models.names())
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [64, 1000, 4096])
def test_shapes(name, channels, samples):
    model = small(name, labels=("a", "b", "c")).eval()
    assert model(torch.randn(2, channels, samples)).shape == (2, 3, channels, samples)


@pytest.mark.parametrize("name", tu.models.names())
def test_every_parameter_learns(name):
    model = small(name)
    estimates = model(torch.randn(2, 2, 2000))
    torch.nn.functional.l1_loss(estimates, torch.randn(2, 4, 2, 2000)).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, parameter_name


def test_estimates_of_the_mask_model_sum_to_the_mixture(random):
    mixture = noise(random)
    estimates = tu.separate(small(), mixture, RATE)
    assert list(estimates) == ["drums", "bass", "other", "vocals"]
    np.testing.assert_allclose(sum(estimates.values()), mixture, atol=1e-5)


def test_the_mask_model_does_not_mind_how_loud_the_mixture_is(random):
    model, mixture = small(), noise(random)
    once, ten_times = (tu.separate(model, k * mixture, RATE) for k in (1, 10))
    for label in once:
        np.testing.assert_allclose(ten_times[label], 10 * once[label], atol=2e-2)


def test_silence_gives_silence():
    estimates = tu.separate(small(), np.zeros((2, RATE)), RATE)
    assert all((estimate == 0).all() for estimate in estimates.values())


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match=r"no model 'UNet'\. There are: MaskInference"):
        tu.models.build("UNet")


def test_separate_leaves_the_model_as_it_was(random):
    model = small().train()
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    tu.separate(model, noise(random), RATE)
    assert model.training
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, weights[name])


def test_separate_refuses_what_it_cannot_use(random):
    model = small()
    # Another rate than the model's is converted, and converted back.
    assert tu.separate(model, noise(random), 44100)["vocals"].shape == noise(random).shape
    with pytest.raises(AudioError, match="NaN"):
        tu.separate(model, np.full((2, 100), np.nan), RATE)
    with pytest.raises(AudioError, match="no samples"):
        tu.separate(model, np.zeros((2, 0)), RATE)
