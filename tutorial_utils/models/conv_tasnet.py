"""Conv-TasNet: masks on filters that the network learns, by dilated convolutions."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from tutorial_utils.data.songs import LABELS
from tutorial_utils.models.blocks import mask_of
from tutorial_utils.models.separator import Outputs, Separator, one_of, whole

_EPS = 1e-8


class CumulativeNorm(nn.Module):
    """Layer normalisation over all frames up to the present one, for causal use.

    Shape: (batch, channels, frames) to the same.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x):
        counts = x.shape[1] * torch.arange(1, x.shape[2] + 1, device=x.device, dtype=torch.float32)
        sums = x.float().sum(1).cumsum(-1) / counts  # (batch, frames)
        squares = x.float().pow(2).sum(1).cumsum(-1) / counts
        deviation = (squares - sums**2).clamp_min(0).add(_EPS).sqrt()
        x = (x - sums[:, None]) / deviation[:, None]
        return (x * self.weight + self.bias).to(x.dtype)


class _Block(nn.Module):
    """A 1-D convolutional block: wider, a depthwise dilated convolution, and two ways out.

    Shape: (batch, B, frames) to the residual and the skip, of the same shape. Nothing reads the
    residual of the last block, which has none.
    """

    def __init__(self, B: int, H: int, P: int, dilation: int, causal: bool, last: bool):
        super().__init__()
        norm = CumulativeNorm if causal else _global_norm
        reach = (P - 1) * dilation
        self.padding = (reach, 0) if causal else (reach // 2, reach - reach // 2)
        self.widen = nn.Sequential(nn.Conv1d(B, H, 1), nn.PReLU(), norm(H))
        self.depthwise = nn.Conv1d(H, H, P, dilation=dilation, groups=H)
        self.after = nn.Sequential(nn.PReLU(), norm(H))
        self.residual = None if last else nn.Conv1d(H, B, 1)
        self.skip = nn.Conv1d(H, B, 1)

    def forward(self, x):
        x = self.widen(x)  # (batch, H, frames)
        x = self.after(self.depthwise(nn.functional.pad(x, self.padding)))
        return 0 if self.residual is None else self.residual(x), self.skip(x)


def _global_norm(channels):
    return nn.GroupNorm(1, channels, eps=_EPS)


class ConvTasNet(Separator):
    """A network that learns its own filterbank, and masks its output as others mask an STFT.

    A convolution with N filters of L samples is the encoder; R stacks of X blocks with dilations 1,
    2, 4, … look far to both sides, and give a mask for each source; a transposed convolution is the
    decoder. Names of settings are the paper's letters.

    After Y. Luo and N. Mesgarani, "Conv-TasNet: surpassing ideal time-frequency magnitude masking
    for speech separation", IEEE/ACM Transactions on Audio, Speech, and Language Processing 27(8),
    2019, with all channels in one encoder, as in A. Défossez, N. Usunier, L. Bottou and F. Bach,
    "Music source separation in the waveform domain", 2019.

    Parameters
    ----------
    labels : sequence of str
        The sources, in the order of the output.
    sample_rate : int, in Hz
    channels : int
        The network sees them together.
    N : int
        Filters of the encoder.
    L : int
        Their length in samples, even; the hop is half of it.
    B : int
        Channels between the blocks.
    H : int
        Channels within a block.
    P : int
        Kernel of the dilated convolutions.
    X, R : int
        Blocks of a stack, and stacks.
    causal : bool
        Whether a frame may know of none after it. The normalisation is then cumulative.
    mask_activation : {"sigmoid", "relu", "softmax"}

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    TINY: ClassVar[dict] = {
        "N": 128,
        "L": 32,
        "B": 64,
        "H": 128,
        "X": 7,
        "R": 2,
        "mask_activation": "sigmoid",  # rectified masks of small networks easily die
    }

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        sample_rate: int = 44100,
        channels: int = 2,
        N: int = 512,
        L: int = 20,
        B: int = 128,
        H: int = 512,
        P: int = 3,
        X: int = 8,
        R: int = 3,
        causal: bool = False,
        mask_activation: str = "relu",
    ):
        super().__init__(labels, sample_rate, channels)
        if whole("L", L, 2) % 2:
            raise ValueError(f"L={L} must be even, since the hop is half of it.")
        self.L, self.hop = L, L // 2
        self.mask_activation = one_of(
            "mask_activation", mask_activation, ("sigmoid", "relu", "softmax")
        )
        self.causal, self.reaches = bool(causal), [(P - 1) * 2**x for x in range(X)] * R
        self.encoder = nn.Conv1d(channels, whole("N", N), L, stride=self.hop, bias=False)
        norm = CumulativeNorm if causal else _global_norm
        self.bottleneck = nn.Sequential(norm(N), nn.Conv1d(N, whole("B", B), 1))
        self.blocks = nn.ModuleList(
            _Block(B, whole("H", H), whole("P", P), 2**x, causal, (r, x) == (R - 1, X - 1))
            for r in range(whole("R", R))
            for x in range(whole("X", X))
        )
        self.mask = nn.Sequential(nn.PReLU(), nn.Conv1d(B, len(self.labels) * N, 1))
        self.decoder = nn.ConvTranspose1d(N, channels, L, stride=self.hop, bias=False)

    @property
    def receptive_field(self) -> float:
        frames = 1 + sum(self.reaches)
        return (frames + 1) * self.hop + self.L  # the decoder adds the frame before

    @property
    def latency(self) -> float:
        frames = 0 if self.causal else sum(reach - reach // 2 for reach in self.reaches)
        return frames * self.hop + self.L - 1

    def outputs(self, mixture: torch.Tensor) -> Outputs:
        samples = mixture.shape[-1]
        # One hop of silence before, and full frames after: every sample is in two frames.
        x = nn.functional.pad(mixture, (self.hop, self.hop + -samples % self.hop))
        w = torch.relu(self.encoder(x))  # (batch, N, frames)
        x, skips = self.bottleneck(w), 0.0  # (batch, B, frames)
        for block in self.blocks:
            residual, skip = block(x)
            x, skips = x + residual, skips + skip
        masks = self.mask(skips).unflatten(1, (len(self.labels), -1))
        masks = mask_of(masks, self.mask_activation)  # (batch, sources, N, frames)
        x = self.decoder((masks * w.unsqueeze(1)).flatten(0, 1))  # (batch · sources, channels, …)
        x = x[..., self.hop : self.hop + samples]
        return Outputs(x.unflatten(0, (-1, len(self.labels))), masks)
