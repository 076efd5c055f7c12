"""Open-Unmix: a recurrent network per source that filters the magnitudes of the mixture."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from tutorial_utils import transforms
from tutorial_utils.data.songs import LABELS
from tutorial_utils.models.separator import Outputs, SpectrogramSeparator, share, whole
from tutorial_utils.wiener import wiener


class Target(nn.Module):
    """The network of one source; its weights have the names that they have in Open-Unmix.

    Parameters
    ----------
    bins, channels, hidden_size, layers : int
    unidirectional : bool
        Whether the LSTM reads forwards only.
    max_bin : int, optional
        How many bins the network reads; it filters all of them.
    dropout_p : float
        Between the layers of the LSTM.

    Shape
    -----
    Magnitudes of the mixture, (batch, channels, bins, frames), to what they are multiplied by, of
    the same shape and not negative. (The original multiplies them itself.)
    """

    def __init__(
        self, bins, channels, hidden_size, layers, unidirectional=False, max_bin=None, dropout_p=0.4
    ):
        super().__init__()
        self.bins, self.max_bin = bins, min(max_bin or bins, bins)
        self.fc1 = nn.Linear(self.max_bin * channels, hidden_size, bias=False)
        self.bn1 = nn.BatchNorm1d(hidden_size)
        self.lstm = nn.LSTM(
            hidden_size,
            hidden_size if unidirectional else hidden_size // 2,
            layers,
            bidirectional=not unidirectional,
            dropout=dropout_p if layers > 1 else 0.0,
        )
        self.fc2 = nn.Linear(2 * hidden_size, hidden_size, bias=False)
        self.bn2 = nn.BatchNorm1d(hidden_size)
        self.fc3 = nn.Linear(hidden_size, bins * channels, bias=False)
        self.bn3 = nn.BatchNorm1d(bins * channels)
        self.input_mean = nn.Parameter(torch.zeros(self.max_bin))
        self.input_scale = nn.Parameter(torch.ones(self.max_bin))
        self.output_mean = nn.Parameter(torch.ones(bins))
        self.output_scale = nn.Parameter(torch.ones(bins))

    def forward(self, magnitudes: torch.Tensor) -> torch.Tensor:
        batch, channels, _, frames = magnitudes.shape
        x = magnitudes.permute(3, 0, 1, 2)[..., : self.max_bin]  # (frames, batch, channels, bins)
        x = (x + self.input_mean) * self.input_scale
        x = self.bn1(self.fc1(x.flatten(2).flatten(0, 1)))  # (frames · batch, hidden)
        x = torch.tanh(x.unflatten(0, (frames, batch)))  # (frames, batch, hidden)
        x = torch.cat([x, self.lstm(x)[0]], -1)  # (frames, batch, 2 · hidden): around the LSTM
        x = torch.relu(self.bn2(self.fc2(x.flatten(0, 1))))  # (frames · batch, hidden)
        x = self.bn3(self.fc3(x))  # (frames · batch, channels · bins)
        x = x.unflatten(0, (frames, batch)).unflatten(-1, (channels, self.bins))
        x = torch.relu(x * self.output_scale + self.output_mean)
        return x.permute(1, 2, 3, 0)  # (batch, channels, bins, frames)


class OpenUnmix(SpectrogramSeparator):
    """Open-Unmix: for each source a network that estimates its magnitudes from the mixture's.

    After F.-R. Stöter, S. Uhlich, A. Liutkus and Y. Mitsufuji, "Open-Unmix - A reference
    implementation for music source separation", Journal of Open Source Software 4(41), 2019. The
    state dicts of the original load into ``targets[label]``.

    Parameters
    ----------
    labels : sequence of str
        One network each.
    sample_rate : int, in Hz
    channels : int
    n_fft, hop : int, in samples
    hidden_size, layers : int
    unidirectional : bool
        For causal use: no frame knows of those after it.
    max_bin : int, optional
        How many bins the networks read: 1487 of 2049 is 16 kHz, as in the published models.
    dropout_p : float
        Between the layers of the LSTM.
    wiener_iterations : int
        Of the multichannel Wiener filter that refines the estimates when the model is evaluated;
        with 0 they have the phase of the mixture, as in training.

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    TINY: ClassVar[dict] = {
        "hidden_size": 64,
        "layers": 2,
        "max_bin": 372,
        "n_fft": 1024,
        "hop": 256,
    }

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        sample_rate: int = 44100,
        channels: int = 2,
        n_fft: int = 4096,
        hop: int = 1024,
        hidden_size: int = 512,
        layers: int = 3,
        unidirectional: bool = False,
        max_bin: int | None = 1487,
        dropout_p: float = 0.4,
        wiener_iterations: int = 0,
    ):
        super().__init__(labels, sample_rate, channels)
        self.n_fft, self.hop = whole("n_fft", n_fft, 2), whole("hop", hop)
        self.wiener_iterations = whole("wiener_iterations", wiener_iterations, 0)
        self.unidirectional = bool(unidirectional)
        sizes = (n_fft // 2 + 1, channels, whole("hidden_size", hidden_size, 2))
        sizes += (whole("layers", layers), self.unidirectional)
        sizes += (max_bin and whole("max_bin", max_bin), share("dropout_p", dropout_p))
        self.targets = nn.ModuleDict({label: Target(*sizes) for label in self.labels})

    @property
    def latency(self) -> float:
        return self.n_fft if self.unidirectional else math.inf

    def masked(self, mixture: torch.Tensor) -> Outputs:
        X = transforms.stft(mixture, self.n_fft, self.hop)
        magnitudes = transforms.magnitude(X)  # (batch, channels, bins, frames)
        # Stacked with the frames first, as the networks and the STFT have them in memory: all that
        # is done with them afterwards is faster then.
        masks = [target(magnitudes).permute(3, 0, 1, 2) for target in self.targets.values()]
        # (sources, frames, batch, channels, bins) to (batch, sources, channels, bins, frames)
        return Outputs(masks=torch.stack(masks).permute(2, 0, 3, 4, 1), spectrogram=X)

    def outputs(self, mixture: torch.Tensor) -> Outputs:
        if self.training or not self.wiener_iterations:
            return super().outputs(mixture)
        made = self.masked(mixture)
        X = made.spectrogram
        S = wiener(made.masks * X.unsqueeze(1), X, iterations=self.wiener_iterations)
        estimates = transforms.istft(S, mixture.shape[-1], self.n_fft, self.hop)
        return made._replace(estimates=estimates)
