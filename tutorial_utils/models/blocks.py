"""Parts that several models are made of."""

import torch
from torch import nn

from tutorial_utils.models.separator import one_of, share, whole

QUIET = 1e-5
"""Added to magnitudes before the logarithm: -100 dB, well below what is audible."""

ACTIVATIONS = ("sigmoid", "relu", "softmax")
"""What makes masks of a network's numbers; softmax is over the sources."""


def mask_of(x: torch.Tensor, activation: str, sources: int = 1) -> torch.Tensor:
    """Masks within [0, 1] (sigmoid), from 0 on (relu), or that sum to one (softmax)."""
    if activation == "softmax":
        return x.softmax(sources)
    return torch.sigmoid(x) if activation == "sigmoid" else torch.relu(x)


def standardised(x: torch.Tensor, dims: tuple[int, ...]) -> torch.Tensor:
    """With a mean of zero and a deviation of one over these dimensions; silence stays silence."""
    deviation = x.std(dims, keepdim=True, unbiased=False)
    return (x - x.mean(dims, keepdim=True)) / deviation.clamp_min(QUIET)


class BinwiseAffine(nn.Module):
    """One factor and one summand per bin, learned, as Open-Unmix normalises its input and output.

    Shape: (..., bins, frames) to the same.
    """

    def __init__(self, bins: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(bins, 1))
        self.shift = nn.Parameter(torch.zeros(bins, 1))

    def forward(self, x):
        return (x + self.shift) * self.scale


class RecurrentStack(nn.Module):
    """Layers of LSTM or GRU over a sequence.

    Shape: (batch, steps, features) to (batch, steps, directions · hidden).
    """

    def __init__(
        self,
        features: int,
        hidden: int,
        layers: int,
        kind: str = "lstm",
        bidirectional: bool = True,
        dropout_p: float = 0.0,
    ):
        super().__init__()
        recurrent = {"lstm": nn.LSTM, "gru": nn.GRU}[one_of("rnn", kind, ("gru", "lstm"))]
        layers = whole("layers", layers)
        self.layers = recurrent(
            whole("features", features),
            whole("hidden", hidden),
            layers,
            batch_first=True,
            bidirectional=bidirectional,
            dropout=share("dropout_p", dropout_p) if layers > 1 else 0.0,
        )
        self.width = hidden * (2 if bidirectional else 1)

    def forward(self, x):
        return self.layers(x)[0]


class Plain(nn.Module):
    """The simplest bottleneck of a U-Net: a linear layer, the same at each step.

    Shape: (batch, steps, features) to the same, and to nothing else that a loss would need.
    """

    def __init__(self, features: int):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return torch.relu(self.linear(x)), {}


class Recurrent(nn.Module):
    """A bottleneck that lets every step know of all others: LSTM layers between two linear ones.

    Shape: as :class:`Plain`.
    """

    def __init__(self, features: int, inner: int, hidden: int, layers: int, dropout_p: float = 0.0):
        super().__init__()
        self.enter = nn.Linear(features, inner) if inner != features else nn.Identity()
        self.recur = RecurrentStack(inner, hidden, layers, dropout_p=dropout_p)
        self.leave = nn.Linear(self.recur.width, features)

    def forward(self, x):
        return torch.relu(self.leave(self.recur(self.enter(x)))), {}


class Variational(nn.Module):
    """A bottleneck through a random latent vector per step, between two recurrent stacks.

    In training a vector is drawn from a normal distribution whose mean and variance the encoder
    gives, by the reparameterisation of D. P. Kingma and M. Welling, "Auto-encoding variational
    Bayes", ICLR 2014; when the model is evaluated, the mean is taken.

    Shape: (batch, steps, features) to the same, and to ``mean`` and ``log_variance`` of shape
    (batch, steps, latent).
    """

    def __init__(
        self,
        features: int,
        inner: int,
        hidden: int,
        layers: int,
        latent: int,
        decoder_hidden: int,
        dropout_p: float = 0.0,
    ):
        super().__init__()
        self.enter = nn.Linear(features, inner) if inner != features else nn.Identity()
        self.encode = RecurrentStack(inner, hidden, layers, dropout_p=dropout_p)
        self.mean = nn.Linear(self.encode.width, whole("latent", latent))
        self.log_variance = nn.Linear(self.encode.width, latent)
        self.decode = RecurrentStack(latent, decoder_hidden, 1)
        self.leave = nn.Linear(self.decode.width, features)

    def forward(self, x):
        x = self.encode(self.enter(x))  # (batch, steps, 2 · hidden)
        mean, log_variance = self.mean(x), self.log_variance(x)  # (batch, steps, latent)
        z = mean
        if self.training:
            z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        x = torch.relu(self.leave(self.decode(z)))  # (batch, steps, features)
        return x, {"mean": mean, "log_variance": log_variance}


def reach(outputs: int, depth: int, down: int, up: int, stride: int) -> int:
    """How many inputs of a U-Net of plain convolutions some neighbouring outputs depend on.

    Parameters
    ----------
    outputs : int
    depth : int
        How many layers lead down, and how many up.
    down, up, stride : int
        Kernels of convolutions and of transposed convolutions, and their stride.
    """
    for _ in range(depth):
        outputs = -(-(outputs + up - 1) // stride)
    for _ in range(depth):
        outputs = (outputs - 1) * stride + down
    return outputs


_BOTTLENECKS = {"plain": Plain, "lstm": Recurrent, "vae": Variational}


def bottleneck(kind: str, features: int, sizes: dict, dropout_p: float) -> nn.Module:
    """The bottleneck of a U-Net: ``plain``, ``lstm`` or ``vae``, with the sizes that it needs."""
    if kind == "plain":
        if sizes:
            raise TypeError(f"A plain bottleneck has no setting '{next(iter(sizes))}'.")
        return Plain(features)
    return _BOTTLENECKS[kind](features, **sizes, dropout_p=dropout_p)
