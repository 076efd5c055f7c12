"""What happens in a step besides the gradient: clipping, learning rates, averaged weights."""

import math

import torch
from torch import nn

from tutorial_utils import losses, transforms
from tutorial_utils.config import MAGNITUDES, Training


def loss_of(outputs, model, mixture, sources, training: Training) -> torch.Tensor:
    """The loss of a batch, with what a model that has embeddings or a latent adds to it.

    Of a model that has embeddings alone, it is that of deep clustering.

    ``outputs`` is what :func:`outputs_of` gives, or stands for it.
    """
    made = outputs(mixture)
    if made.estimates is None and made.masks is None:
        return _of_clusters(made.embeddings, model, sources)
    if training.loss in MAGNITUDES:
        S = transforms.stft(sources, model.n_fft, model.hop)
        masks = made.masks.abs() if made.masks.is_complex() else made.masks
        loss = losses.magnitude(masks, S, made.spectrogram, training.loss)
    else:
        loss = getattr(losses, training.loss)(made.estimates, sources)
    if made.mean is not None:
        divergence = losses.kl_divergence(made.mean, made.log_variance)
        loss = loss + training.latent_weight * divergence
    if made.embeddings is not None:
        clusters = _of_clusters(made.embeddings, model, sources)
        loss = loss + training.clustering_weight * clusters
    return loss


def _of_clusters(embeddings, model, sources):
    S = transforms.magnitude(transforms.stft(sources, model.n_fft, model.hop))
    Y = transforms.binary_mask(S, sources=1).movedim(1, -1)  # (…, bins, frames, sources)
    return losses.deep_clustering(embeddings.flatten(1, 3), Y.flatten(1, 3), S.sum(1).flatten(1))


def outputs_of(model, training: Training):
    """The method of a model that gives what the loss needs, and no more.

    Raises
    ------
    ValueError
        If the loss is one of masked magnitudes, and the model masks no spectrogram.
    """
    if hasattr(model, "embedded"):
        return model.embedded
    if training.loss not in MAGNITUDES:
        return model.outputs
    if not hasattr(model, "masked"):
        raise ValueError(
            f"The loss {training.loss} is one of masked magnitudes, and {type(model).__name__} "
            f"masks no spectrogram. Choose one that is not among {', '.join(MAGNITUDES)}."
        )
    return model.masked


def label_clusters(model, mixture: torch.Tensor, sources: torch.Tensor) -> None:
    """Tell a model that separates by clusters which of them is which source, by training data."""
    S = transforms.magnitude(transforms.stft(sources, model.n_fft, model.hop))
    total = S.sum(1, keepdim=True)
    heard = total > 0.01 * total.amax((2, 3, 4), keepdim=True)
    with torch.no_grad():
        embeddings = model.embedded(mixture).embeddings
    model.learn_centres(embeddings, heard * transforms.binary_mask(S, sources=1))


class _Outputs(nn.Module):
    """A model whose call gives its outputs, since only calls are watched for gradients."""

    def __init__(self, model, outputs):
        super().__init__()
        self.model, self.outputs = model, outputs

    def forward(self, mixture):
        return self.outputs(mixture)


def gathered(model, outputs):
    """A model's outputs, with gradients that are averaged over all processes."""
    ids = [next(model.parameters()).device] if next(model.parameters()).is_cuda else None
    return nn.parallel.DistributedDataParallel(_Outputs(model, outputs), device_ids=ids)


def optimizer_of(model, training: Training) -> torch.optim.Optimizer:
    """Adam or AdamW, with a learning rate of their own for recurrent layers."""
    recurrent = {
        id(weight)
        for part in model.modules()
        if isinstance(part, nn.RNNBase)
        for weight in part.parameters()
    }
    rate = training.learning_rate
    lstm_rate = rate if training.lstm_learning_rate is None else training.lstm_learning_rate
    groups = [
        {"params": [w for w in model.parameters() if id(w) not in recurrent], "lr": rate},
        {"params": [w for w in model.parameters() if id(w) in recurrent], "lr": lstm_rate},
    ]
    groups = [{**group, "initial_lr": group["lr"]} for group in groups if group["params"]]
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[training.optimizer]
    fused = next(model.parameters()).device.type in ("cpu", "cuda")  # one pass over all weights
    return kind(groups, lr=rate, weight_decay=training.weight_decay, fused=fused)


class Schedule:
    """Learning rates: a rise at the beginning, and then a plateau's or a cosine's factor."""

    def __init__(self, optimizer, training: Training, steps: int):
        self.optimizer, self.training, self.steps = optimizer, training, steps
        self.state = {"step": 0, "factor": 1.0, "best": math.inf, "stale": 0}

    def step(self) -> None:
        """Set the rates for the next step."""
        training, step = self.training, self.state["step"]
        factor = self.state["factor"]
        if training.schedule == "cosine":
            factor = (1 + math.cos(math.pi * min(1.0, step / self.steps))) / 2
        if step < training.warmup:
            factor *= (step + 1) / training.warmup
        for group in self.optimizer.param_groups:
            group["lr"] = factor * group["initial_lr"]
        self.state["step"] += 1

    def epoch(self, loss: float) -> None:
        """Lower the rates if the loss has not fallen for some epochs."""
        state = self.state
        if loss < state["best"]:
            state["best"], state["stale"] = loss, 0
            return
        state["stale"] += 1
        if self.training.schedule == "plateau" and state["stale"] > self.training.schedule_patience:
            state["factor"] *= self.training.schedule_factor
            state["stale"] = 0


class Clip:
    """Limits the norm of the gradient, to a number or to a percentile of the norms so far.

    The percentile is AutoClip: P. Seetharaman, G. Wichern, B. Pardo and J. Le Roux, "AutoClip:
    adaptive gradient clipping for source separation networks", MLSP 2020.
    """

    def __init__(self, training: Training):
        self.kind, self.value = training.clip, training.clip_value
        self.norms: list[float] = []

    def __call__(self, parameters) -> float:
        """The norm before it was limited."""
        parameters = [p for p in parameters if p.grad is not None]
        norm = nn.utils.get_total_norm(p.grad for p in parameters)
        value = float(norm)
        if self.kind == "none" or not math.isfinite(value):  # there is nothing to scale by
            return value
        limit = self.value
        if self.kind == "auto":
            self.norms.append(value)
            limit = float(torch.quantile(torch.tensor(self.norms), self.value / 100))
        nn.utils.clip_grads_with_norm_(parameters, limit, norm)
        return value
