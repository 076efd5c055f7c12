"""Demucs: a deep U-Net on waveforms, with gated layers and an LSTM inside."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from tutorial_utils.data.songs import LABELS
from tutorial_utils.models.blocks import QUIET, RecurrentStack
from tutorial_utils.models.separator import Outputs, Separator, whole

_KERNEL, _STRIDE, _CONTEXT = 8, 4, 3


class Demucs(Separator):
    """A U-Net on waveforms whose layers are wide and gated, with two layers of LSTM in the middle.

    After A. Défossez, N. Usunier, L. Bottou and F. Bach, "Music source separation in the waveform
    domain", 2019. Weights are scaled at the beginning as there. What later versions added (another
    sampling rate inside, averages over shifts) is not part of this network; shifts are a setting of
    :func:`tutorial_utils.separate`.

    Parameters
    ----------
    labels : sequence of str
        The sources, in the order of the output.
    sample_rate : int, in Hz
    channels : int
        The network sees them together.
    width : int
        Filters of the first layer; each further one has twice as many.
    depth : int
        How many layers lead down.
    lstm_layers : int
    rescale : float
        Weights of convolutions are divided at the beginning by the root of their deviation over
        this number.

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    TINY: ClassVar[dict] = {"width": 14, "depth": 4, "lstm_layers": 1}

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        sample_rate: int = 44100,
        channels: int = 2,
        width: int = 64,
        depth: int = 6,
        lstm_layers: int = 2,
        rescale: float = 0.1,
    ):
        super().__init__(labels, sample_rate, channels)
        widths = [channels] + [whole("width", width) * 2**i for i in range(whole("depth", depth))]
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        for level in range(depth):
            above, below = widths[level : level + 2]
            self.encoder.append(
                nn.Sequential(
                    nn.Conv1d(above, below, _KERNEL, _STRIDE),
                    nn.ReLU(),
                    nn.Conv1d(below, 2 * below, 1),
                    nn.GLU(dim=1),
                )
            )
            out = above if level else len(self.labels) * channels
            self.decoder.insert(
                0,
                nn.Sequential(
                    nn.Conv1d(below, 2 * below, _CONTEXT, padding=_CONTEXT // 2),
                    nn.GLU(dim=1),
                    nn.ConvTranspose1d(below, out, _KERNEL, _STRIDE),
                    nn.ReLU() if level else nn.Identity(),
                ),
            )
        self.recur = RecurrentStack(widths[-1], widths[-1], lstm_layers)
        self.linear = nn.Linear(self.recur.width, widths[-1])
        for layer in self.modules():
            if isinstance(layer, nn.Conv1d | nn.ConvTranspose1d):
                factor = (layer.weight.detach().std() / rescale) ** 0.5
                layer.weight.data /= factor
                layer.bias.data /= factor

    def valid(self, samples: int) -> int:
        """The next length from which strides and kernels leave no rest."""
        for _ in self.encoder:
            samples = max(1, -(-(samples - _KERNEL) // _STRIDE) + 1)
        for _ in self.encoder:
            samples = (samples - 1) * _STRIDE + _KERNEL
        return samples

    def outputs(self, mixture: torch.Tensor) -> Outputs:
        samples = mixture.shape[-1]
        level = mixture.detach().mean(1, keepdim=True).std(-1, keepdim=True, unbiased=False) + QUIET
        extra = self.valid(samples) - samples
        x = nn.functional.pad(mixture / level, (extra // 2, extra - extra // 2))
        skips = []
        for layer in self.encoder:
            x = layer(x)  # (batch, 2 · width, samples / 4)
            skips.append(x)
        x = self.linear(self.recur(x.transpose(1, 2))).transpose(1, 2)
        for layer in self.decoder:
            x = layer(x + skips.pop())  # (batch, width / 2, 4 · samples)
        x = x[..., extra // 2 : extra // 2 + samples] * level
        return Outputs(x.unflatten(1, (len(self.labels), -1)))  # (batch, sources, channels, …)
