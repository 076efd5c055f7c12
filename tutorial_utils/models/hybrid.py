"""A hybrid model: one branch on the spectrogram, one on the waveform, joined."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from tutorial_utils.data.songs import LABELS
from tutorial_utils.models.audio_nets import AudioNetSimpleLSTM
from tutorial_utils.models.separator import Outputs, Separator
from tutorial_utils.models.spectrogram_nets import SpectrogramNetLSTM

_WAVEFORM = {"width": 52}
"""Of the full model: a little wider than the waveform network alone."""


class HybridNet(Separator):
    """A spectrogram U-Net and a waveform U-Net, whose estimates are joined by learned weights.

    A mask on the spectrogram is good at tones, which are lines there; a waveform network is free in
    phase, and sharp in time. For each source and channel the model learns two short filters, which
    say how much it takes of either.

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
    taps : int
        Length of the filters that join the branches, odd.

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    TINY: ClassVar[dict] = {
        "spectrogram": {
            "n_fft": 1024,
            "hop": 512,
            "width": 8,
            "depth": 5,
            "inner": 64,
            "hidden": 32,
        },
        "waveform": {"width": 12, "inner": 192, "hidden": 64, "layers": 1},
    }

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        sample_rate: int = 44100,
        channels: int = 2,
        spectrogram: dict | None = None,
        waveform: dict | None = None,
        taps: int = 65,
    ):
        super().__init__(labels, sample_rate, channels)
        common = {"labels": labels, "sample_rate": sample_rate, "channels": channels}
        self.spectrogram = SpectrogramNetLSTM(**common, **(spectrogram or {}))
        self.waveform = AudioNetSimpleLSTM(**common, **(waveform or _WAVEFORM))
        if taps % 2 == 0 or taps < 1:
            raise ValueError(f"taps={taps} must be odd, so that the filters do not delay.")
        signals = len(self.labels) * channels
        self.join = nn.Conv1d(
            2 * signals, signals, taps, padding=taps // 2, groups=signals, bias=False
        )
        nn.init.zeros_(self.join.weight)
        self.join.weight.data[:, :, taps // 2] = 0.5  # at first, the mean of both

    def outputs(self, mixture: torch.Tensor) -> Outputs:
        first = self.spectrogram.outputs(mixture)
        second = self.waveform.outputs(mixture)
        # (batch, sources, channels, branches, samples)
        both = torch.stack([first.estimates, second.estimates], 3)
        joined = self.join(both.flatten(1, 3)).unflatten(1, (len(self.labels), -1))
        return Outputs(joined, first.masks)  # (batch, sources, channels, samples)
