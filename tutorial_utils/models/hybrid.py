"""A hybrid model: one branch on the spectrogram, one on the waveform, joined."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from tutorial_utils import transforms
from tutorial_utils.data.songs import LABELS
from tutorial_utils.models.audio_nets import AudioNetSimpleLSTM
from tutorial_utils.models.separator import Outputs, Separator
from tutorial_utils.models.spectrogram_nets import SpectrogramNetLSTM

_WAVEFORM = {"width": 52}
"""Of the full model: a little wider than the waveform network alone."""


class HybridNet(Separator):
    """A spectrogram U-Net and a waveform U-Net, whose estimates are joined bin by bin.

    A mask on the spectrogram is good at tones, which are lines there; a waveform network is free in
    phase, and sharp in time. For each source and bin the model learns which share of the estimate
    comes from which of them.

    After the idea of A. Défossez, "Hybrid spectrogram and waveform source separation", Proceedings
    of the ISMIR 2021 Workshop on Music Source Separation, whose branches also share their innermost
    layers, which these do not.

    Parameters
    ----------
    labels : sequence of str
        The sources, in the order of the output.
    sample_rate : int, in Hz
    channels : int
        The network sees them together.
    spectrogram, waveform : dict
        Settings of :class:`SpectrogramNetLSTM` and :class:`AudioNetSimpleLSTM`.

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    TINY: ClassVar[dict] = {
        "spectrogram": {
            "n_fft": 1024,
            "hop": 512,
            "width": 7,
            "depth": 5,
            "inner": 32,
            "hidden": 16,
        },
        "waveform": {"width": 10, "inner": 64, "hidden": 32, "layers": 1},
    }

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        sample_rate: int = 44100,
        channels: int = 2,
        spectrogram: dict | None = None,
        waveform: dict | None = None,
    ):
        super().__init__(labels, sample_rate, channels)
        common = {"labels": labels, "sample_rate": sample_rate, "channels": channels}
        self.spectrogram = SpectrogramNetLSTM(**common, **(spectrogram or {}))
        self.waveform = AudioNetSimpleLSTM(**common, **(waveform or _WAVEFORM))
        self.share = nn.Parameter(
            torch.zeros(len(self.labels), 1, self.spectrogram.n_fft // 2 + 1, 1)
        )

    def shares(self) -> torch.Tensor:
        """What comes from the spectrogram branch: (sources, bins), within [0, 1]; half at first."""
        return torch.sigmoid(self.share)[:, 0, :, 0]

    def outputs(self, mixture: torch.Tensor) -> Outputs:
        first = self.spectrogram.outputs(mixture)
        second = self.waveform.outputs(mixture)
        n_fft, hop = self.spectrogram.n_fft, self.spectrogram.hop
        # What the second has and the first has not, of shape (batch, sources, channels, bins, …).
        D = transforms.stft(second.estimates - first.estimates, n_fft, hop)
        rest = transforms.istft((1 - torch.sigmoid(self.share)) * D, mixture.shape[-1], n_fft, hop)
        return Outputs(first.estimates + rest, first.masks)  # (batch, sources, channels, samples)
