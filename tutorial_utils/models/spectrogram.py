"""Models that separate by a mask on the mixture's spectrogram."""

from collections.abc import Sequence

import torch
from torch import nn

from tutorial_utils import transforms
from tutorial_utils.data.songs import LABELS

_QUIET = 1e-5
"""Added to magnitudes before the logarithm: -100 dB, well below what is audible."""


class MaskInference(nn.Module):
    """A small recurrent network that gives every source its share of every bin.

    The mixture's log-magnitudes are standardised, so that it does not matter how loud the mixture
    is. They go through bidirectional GRU layers; a linear layer and a softmax over the sources turn
    what comes out into masks, which multiply the mixture's STFT. The masks
    sum to one, so the estimates sum to the mixture. Each channel is separated on its own.

    The scheme is that of Erdogan et al., "Phase-sensitive and recognition-boosted speech separation
    using deep recurrent neural networks", ICASSP 2015, with a ratio mask.

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
        hidden: int = 128,
        layers: int = 1,
    ):
        super().__init__()
        self.labels = tuple(labels)
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.hop = hop
        bins = n_fft // 2 + 1
        self.encode = nn.Linear(bins, 2 * hidden)
        self.recur = nn.GRU(2 * hidden, hidden, layers, batch_first=True, bidirectional=True)
        self.decode = nn.Linear(2 * hidden, len(self.labels) * bins)

    def masks(self, magnitudes: torch.Tensor) -> torch.Tensor:
        """Masks for the magnitudes of mixtures.

        Shape: (batch, channels, bins, frames) to (batch, sources, channels, bins, frames).
        """
        batch, channels, bins, frames = magnitudes.shape
        x = torch.log(magnitudes + _QUIET).flatten(0, 1)  # (batch · channels, bins, frames)
        mean, deviation = x.mean((1, 2), keepdim=True), x.std((1, 2), keepdim=True)
        x = (x - mean) / deviation.clamp_min(_QUIET)
        x = x.transpose(1, 2)  # (batch · channels, frames, bins)
        x, _ = self.recur(torch.tanh(self.encode(x)))  # (batch · channels, frames, 2 · hidden)
        x = self.decode(x).unflatten(-1, (len(self.labels), bins))
        x = x.softmax(dim=2)  # (batch · channels, frames, sources, bins)
        x = x.unflatten(0, (batch, channels))  # (batch, channels, frames, sources, bins)
        return x.permute(0, 3, 1, 4, 2)

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        spectrogram = transforms.stft(mixture, self.n_fft, self.hop)
        estimates = self.masks(spectrogram.abs()) * spectrogram.unsqueeze(1)
        return transforms.istft(estimates, mixture.shape[-1], self.n_fft, self.hop)
