"""Recurrent networks on spectrograms: masks, embeddings that are clustered, and both in one."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from tutorial_utils import transforms
from tutorial_utils.data.songs import LABELS
from tutorial_utils.models.blocks import ACTIVATIONS, QUIET, RecurrentStack, mask_of, standardised
from tutorial_utils.models.clusters import hard_masks
from tutorial_utils.models.separator import Outputs, SpectrogramSeparator, one_of, whole


class _RecurrentSeparator(SpectrogramSeparator):
    """A recurrent stack over the frames of a mixture's log-magnitudes; heads come on top.

    The log-magnitudes are standardised, so that it does not matter how loud the mixture is. Each
    channel is separated on its own.
    """

    TINY: ClassVar[dict] = {"hidden": 96, "layers": 1, "rnn": "gru", "dropout_p": 0.0}

    def __init__(self, labels, sample_rate, n_fft, hop, hidden, layers, rnn, dropout_p):
        super().__init__(labels, sample_rate)
        self.n_fft, self.hop = whole("n_fft", n_fft, 2), whole("hop", hop)
        self.bins = n_fft // 2 + 1
        hidden = whole("hidden", hidden)
        self.encode = nn.Linear(self.bins, 2 * hidden)
        self.recur = RecurrentStack(2 * hidden, hidden, layers, rnn, dropout_p=dropout_p)

    def stft(self, mixture):
        """(batch, channels, samples) to (batch, channels, bins, frames)"""
        return transforms.stft(mixture, self.n_fft, self.hop)

    def read(self, magnitudes):
        """What the recurrent layers make of magnitudes.

        Shape: (batch, channels, bins, frames) to (batch · channels, frames, 2 · hidden).
        """
        x = torch.log(magnitudes + QUIET).flatten(0, 1)  # (batch · channels, bins, frames)
        x = standardised(x, (1, 2)).transpose(1, 2)  # (batch · channels, frames, bins)
        return self.recur(torch.tanh(self.encode(x)))

    def as_masks(self, x, channels):
        """(batch · channels, frames, sources · bins) to (batch, sources, channels, bins, frames)"""
        x = x.unflatten(-1, (len(self.labels), self.bins)).unflatten(0, (-1, channels))
        return x.permute(0, 3, 1, 4, 2)

    def as_embeddings(self, x, channels):
        """(batch · channels, frames, bins · D) to (batch, channels, bins, frames, D), length one"""
        x = x.unflatten(-1, (self.bins, -1)).unflatten(0, (-1, channels)).transpose(2, 3)
        return nn.functional.normalize(x.float(), dim=-1)  # in 16 bits, lengths would underflow


class MaskInference(_RecurrentSeparator):
    """A recurrent network that gives every source its share of every bin.

    A linear layer on top of the recurrent stack, and a softmax over the sources or another
    activation, turn what it read into masks, which multiply the mixture's STFT. With the softmax
    the masks sum to one, so the estimates sum to the mixture.

    The scheme is that of H. Erdogan, J. R. Hershey, S. Watanabe and J. Le Roux, "Phase-sensitive
    and recognition-boosted speech separation using deep recurrent neural networks", ICASSP 2015.

    Parameters
    ----------
    labels : sequence of str
        The sources, in the order of the output.
    sample_rate : int, in Hz
        The rate of the audio that the model is for.
    n_fft, hop : int, in samples
    hidden : int
        Units in each direction of each recurrent layer.
    layers : int
    rnn : {"lstm", "gru"}
    mask_activation : {"softmax", "sigmoid", "relu"}
    dropout_p : float
        Between recurrent layers.

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        sample_rate: int = 44100,
        n_fft: int = transforms.N_FFT,
        hop: int = 1024,
        hidden: int = 600,
        layers: int = 4,
        rnn: str = "lstm",
        mask_activation: str = "softmax",
        dropout_p: float = 0.3,
    ):
        super().__init__(labels, sample_rate, n_fft, hop, hidden, layers, rnn, dropout_p)
        self.mask_activation = one_of("mask_activation", mask_activation, ACTIVATIONS)
        self.decode = nn.Linear(self.recur.width, len(self.labels) * self.bins)

    def masks(self, magnitudes: torch.Tensor) -> torch.Tensor:
        """Masks for the magnitudes of mixtures.

        Shape: (batch, channels, bins, frames) to (batch, sources, channels, bins, frames).
        """
        x = self.decode(self.read(magnitudes))  # (batch · channels, frames, sources · bins)
        return mask_of(self.as_masks(x, magnitudes.shape[1]), self.mask_activation)

    def masked(self, mixture: torch.Tensor) -> Outputs:
        X = self.stft(mixture)
        return Outputs(masks=self.masks(transforms.magnitude(X)), spectrogram=X)


class DeepClustering(_RecurrentSeparator):
    """A recurrent network that gives every bin a place among the others; clusters are sources.

    The network is trained so that bins of the same source have embeddings that are close, and it
    never says which source a bin belongs to. To separate, the embeddings are clustered by k-means,
    and each cluster becomes a binary mask. Which cluster is which source is told by the ``centres``
    that :meth:`learn_centres` keeps from training data; before it was called, the clusters come in
    the order of their energy.

    After J. R. Hershey, Z. Chen, J. Le Roux and S. Watanabe, "Deep clustering: discriminative
    embeddings for segmentation and separation", ICASSP 2016.

    Parameters
    ----------
    labels, sample_rate, n_fft, hop, hidden, layers, rnn, dropout_p
        As of :class:`MaskInference`.
    embedding : int
        The dimension D.

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples). No gradient flows
    through the clusters: train on ``embedded(mixture).embeddings``.
    """

    TINY: ClassVar[dict] = {
        "n_fft": 512,
        "hop": 256,
        "hidden": 64,
        "layers": 1,
        "rnn": "gru",
        "dropout_p": 0.0,
        "embedding": 12,
    }

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        sample_rate: int = 44100,
        n_fft: int = 1024,
        hop: int = 512,
        hidden: int = 600,
        layers: int = 4,
        rnn: str = "lstm",
        embedding: int = 20,
        dropout_p: float = 0.3,
    ):
        super().__init__(labels, sample_rate, n_fft, hop, hidden, layers, rnn, dropout_p)
        self.embed = nn.Linear(self.recur.width, self.bins * whole("embedding", embedding))
        self.register_buffer("centres", torch.zeros(len(self.labels), embedding))

    def embeddings(self, magnitudes: torch.Tensor) -> torch.Tensor:
        """Shape: (batch, channels, bins, frames) to (batch, channels, bins, frames, D)."""
        return self.as_embeddings(self.embed(self.read(magnitudes)), magnitudes.shape[1])

    @torch.no_grad()
    def learn_centres(self, embeddings: torch.Tensor, ideal: torch.Tensor) -> None:
        """Keep the mean embedding of each source, by which clusters get their label.

        Parameters
        ----------
        embeddings : tensor of shape (batch, channels, bins, frames, D)
        ideal : tensor of shape (batch, sources, channels, bins, frames)
            An ideal binary mask; zero for all sources where a bin should not count.
        """
        self.centres.copy_(torch.einsum("bcktd,bjckt->jd", embeddings, ideal.to(embeddings)))
        self.centres.copy_(nn.functional.normalize(self.centres, dim=-1))

    def embedded(self, mixture: torch.Tensor) -> Outputs:
        """The embeddings alone, without clusters: all that training needs."""
        X = self.stft(mixture)
        return Outputs(embeddings=self.embeddings(transforms.magnitude(X)), spectrogram=X)

    def masked(self, mixture: torch.Tensor) -> Outputs:
        made = self.embedded(mixture)
        magnitudes = transforms.magnitude(made.spectrogram.detach())
        masks = hard_masks(made.embeddings.detach(), magnitudes, self.centres)
        return made._replace(masks=masks)


class Chimera(MaskInference):
    """One recurrent network with two heads: masks to separate by, embeddings to learn from.

    The embeddings help the recurrent stack to learn what belongs together, and are not needed
    afterwards; the estimates come from the masks.

    After Y. Luo, Z. Chen, J. R. Hershey, J. Le Roux and N. Mesgarani, "Deep clustering and
    conventional networks for music separation: stronger together", ICASSP 2017.

    Parameters
    ----------
    labels, sample_rate, n_fft, hop, hidden, layers, rnn, mask_activation, dropout_p
        As of :class:`MaskInference`.
    embedding : int
        The dimension D.

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    TINY: ClassVar[dict] = {
        "n_fft": 1024,
        "hop": 512,
        "hidden": 48,
        "layers": 1,
        "rnn": "gru",
        "dropout_p": 0.0,
        "embedding": 8,
    }

    def __init__(self, *, embedding: int = 20, **settings):
        super().__init__(**settings)
        self.embed = nn.Linear(self.recur.width, self.bins * whole("embedding", embedding))

    def masked(self, mixture: torch.Tensor) -> Outputs:
        X = self.stft(mixture)
        x = self.read(transforms.magnitude(X))  # (batch · channels, frames, 2 · hidden)
        masks = mask_of(self.as_masks(self.decode(x), X.shape[1]), self.mask_activation)
        embeddings = self.as_embeddings(self.embed(x), X.shape[1])
        return Outputs(masks=masks, embeddings=embeddings, spectrogram=X)
