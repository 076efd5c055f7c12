import numpy as np
import pytest
import torch
from helpers import RATE
from torch.nn.functional import l1_loss

import tutorial_utils as tu


def model_and_batches(steps=30, value=None):
    torch.manual_seed(0)
    model = tu.models.build(
        "MaskInference", "tiny", labels="ab", sample_rate=RATE, n_fft=256, hop=64, hidden=16
    )
    time_axis = torch.arange(4000) / RATE
    sources = torch.stack([torch.sin(6.2832 * f * time_axis) for f in (300, 2000)])[None, :, None]
    if value is not None:
        sources = sources * value
    return model, [(sources.sum(1), sources)] * steps


def test_the_loss_falls_and_the_model_separates(capsys):
    model, batches = model_and_batches(60)
    history = tu.training.fit(model, batches, l1_loss, learning_rate=1e-2)
    assert len(history) == 60 and history[-1] < 0.2 * history[0]
    mixture, sources = batches[0]
    estimates = tu.separate(model, mixture[0].numpy(), RATE)
    for label, reference in zip("ab", sources[0].numpy(), strict=True):
        assert tu.evaluation.si_sdr(reference, estimates[label]) > 15
    assert "training: 100%" in capsys.readouterr().err


def test_the_same_seed_gives_the_same_history():
    histories = [tu.training.fit(*model_and_batches(3), l1_loss) for _ in range(2)]
    assert histories[0] == histories[1]


def test_there_is_one_step_per_batch_however_long_it_takes():
    model, batches = model_and_batches(7)
    assert len(tu.training.fit(model, iter(batches), l1_loss)) == 7


def test_a_loss_that_is_not_finite_stops_before_it_spoils_the_weights():
    model, batches = model_and_batches(3, value=np.nan)
    with pytest.raises(FloatingPointError, match="loss is nan at step 0"):
        tu.training.fit(model, batches, l1_loss)
    assert all(torch.isfinite(p).all() for p in model.parameters())
