"""What all models have in common: what goes in, what comes out, and how settings are checked."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from numbers import Integral, Real
from typing import ClassVar, NamedTuple

import torch
from torch import nn

from tutorial_utils import transforms
from tutorial_utils.text import shown


class Outputs(NamedTuple):
    """All that a loss may need of a model; what a model does not have is None."""

    estimates: torch.Tensor | None = None
    """(batch, sources, channels, samples)"""

    masks: torch.Tensor | None = None
    """(batch, sources, channels, bins, frames), real or complex: what the mixture's STFT is
    multiplied by. Of models with learned filters: (batch, sources, filters, frames)."""

    embeddings: torch.Tensor | None = None
    """(batch, channels, bins, frames, D), each of length one"""

    mean: torch.Tensor | None = None
    """(batch, steps, latent): of the normal distribution from which a latent vector is drawn"""

    log_variance: torch.Tensor | None = None
    """(batch, steps, latent), in nepers: the logarithm of its variance"""

    spectrogram: torch.Tensor | None = None
    """(batch, channels, bins, frames), complex: the mixture's STFT, where masks multiply it"""


class Separator(nn.Module, ABC):
    """A model that takes mixtures apart.

    A subclass writes ``outputs``; this class writes ``forward``, which gives the estimates alone.

    Parameters
    ----------
    labels : sequence of str
        The sources, in the order of the output.
    sample_rate : int, in Hz
        The rate of the audio that the model is for.
    channels : int or None
        How many channels the model looks at together. With None it separates each on its own.

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples). Any number of
    samples and of channels will do: where a model looks at several channels together and gets fewer
    or more, :meth:`forward` repeats them to full groups, and averages what it gets for each.
    """

    TINY: ClassVar[dict] = {}
    """Settings that make a network small enough to learn on a CPU in minutes."""

    def __init__(self, labels: Sequence[str], sample_rate: int, channels: int | None = None):
        super().__init__()
        if isinstance(labels, str):
            labels = tuple(labels)
        if not labels or len(set(labels)) < len(labels):
            raise ValueError(f"labels must be different names, at least one, not {shown(labels)}.")
        self.labels = tuple(labels)
        self.sample_rate = whole("sample_rate", sample_rate)
        self.channels = None if channels is None else whole("channels", channels)

    @property
    def receptive_field(self) -> float:
        """How many samples of the mixture one sample of an estimate depends on; infinite if all.

        What normalises a whole excerpt by its level is not counted.
        """
        return math.inf

    @property
    def latency(self) -> float:
        """How many samples after its own one sample of an estimate depends on; infinite if all."""
        return math.inf

    @abstractmethod
    def outputs(self, mixture: torch.Tensor) -> Outputs:
        """Estimates, and what else a loss may need.

        Shape: (batch, channels, samples), with the number of channels that the model is for.
        """

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        if mixture.ndim != 3 or mixture.shape[-1] == 0:
            raise ValueError(
                f"{type(self).__name__} wants mixtures of shape (batch, channels, samples), not "
                f"{tuple(mixture.shape)}."
            )
        given = mixture.shape[1]
        if self.channels in (None, given):
            return self.outputs(mixture).estimates
        # (batch, groups · channels, samples): channel after channel, from the beginning again
        groups = -(-given // self.channels)
        places = torch.arange(groups * self.channels, device=mixture.device) % given
        estimates = self.outputs(mixture[:, places].unflatten(1, (groups, -1)).flatten(0, 1))
        # (batch · groups, sources, channels, samples) to (batch, sources, groups · channels, …)
        estimates = estimates.estimates.unflatten(0, (-1, groups)).transpose(1, 2).flatten(2, 3)
        sums = torch.zeros_like(estimates[:, :, :given]).index_add(2, places, estimates)
        return sums / torch.bincount(places, minlength=given)[:, None]


class SpectrogramSeparator(Separator):
    """A model that multiplies the mixture's STFT by masks.

    A subclass sets ``n_fft`` and ``hop`` and writes ``masked``; this class writes ``outputs``.
    """

    n_fft: int
    hop: int

    @abstractmethod
    def masked(self, mixture: torch.Tensor) -> Outputs:
        """Masks, spectrogram and all else but estimates: a loss of magnitudes needs no waveforms.

        Shape: (batch, channels, samples), with the number of channels that the model is for.
        """

    def outputs(self, mixture: torch.Tensor) -> Outputs:
        made = self.masked(mixture)
        S = made.masks * made.spectrogram.unsqueeze(1)  # (batch, sources, channels, bins, frames)
        estimates = transforms.istft(S, mixture.shape[-1], self.n_fft, self.hop)
        return made._replace(estimates=estimates)


def whole(name: str, value, least: int = 1) -> int:
    """A setting that is a whole number.

    Raises
    ------
    ValueError
        If it is none, or too small; the message names it, here and below.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number from {least} on, not {shown(value)}.")
    return int(value)


def share(name: str, value) -> float:
    """A setting from 0 up to 1, without 1."""
    if not isinstance(value, Real) or not 0 <= value < 1:
        raise ValueError(f"{name} must be at least 0 and less than 1, not {shown(value)}.")
    return float(value)


def one_of(name: str, value, options: Iterable[str]):
    """A setting that is one word of several."""
    options = list(options)
    if value not in options:
        raise ValueError(
            f"{name} must be one of {', '.join(options)}, not {shown(value)}."
            f"{suggestion(value, options)}"
        )
    return value


def suggestion(word, options: Iterable[str]) -> str:
    """A question whether the option that is written most alike was meant, or nothing.

    Examples
    --------
    >>> suggestion("sigmiod", ["relu", "sigmoid"])
    ' Did you mean sigmoid?'
    """
    lower = {option.lower(): option for option in options}
    near = get_close_matches(str(word).lower(), lower, n=1)
    return f" Did you mean {lower[near[0]]}?" if near else ""
