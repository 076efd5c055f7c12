"""Networks that read a spectrogram band by band: BSRNN, and RoFormers on bands and mel bands."""

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import nn

from tutorial_utils import transforms
from tutorial_utils.data.songs import LABELS
from tutorial_utils.models.bands import mel_bands, split_bsrnn, split_roformer
from tutorial_utils.models.blocks import RecurrentStack
from tutorial_utils.models.separator import Outputs, SpectrogramSeparator, share, whole


class _BandSeparator(SpectrogramSeparator):
    """Bands of a complex spectrogram become vectors, these are modelled, and become complex masks.

    Bands may overlap; a bin in several of them gets the mean of their masks. A subclass says what
    models the vectors: ``along`` the frames of each band, and ``across`` the bands of each frame.
    """

    def __init__(self, labels, sample_rate, channels, n_fft, hop, features, bands, mask_hidden):
        super().__init__(labels, sample_rate, channels)
        self.n_fft, self.hop = whole("n_fft", n_fft, 2), whole("hop", hop)
        self.bands = bands
        count = torch.zeros(n_fft // 2 + 1)
        for band in bands:
            count[band] += 1
        self.register_buffer("count", count[:, None], persistent=False)
        self.norm = nn.Identity()
        numbers = [2 * (channels or 1) * len(band) for band in bands]  # real and imaginary parts
        self.split = nn.ModuleList(
            nn.Sequential(nn.RMSNorm(number), nn.Linear(number, features)) for number in numbers
        )
        self.masks = nn.ModuleList(
            nn.Sequential(
                nn.RMSNorm(features),
                nn.Linear(features, mask_hidden),
                nn.Tanh(),
                nn.Linear(mask_hidden, 2 * number * len(self.labels)),
                nn.GLU(),
            )
            for number in numbers
        )

    def model(self, x):
        """Along frames and along bands by turns: (batch, bands, frames, features) to the same."""
        bands, frames = x.shape[1:3]
        for along, across in zip(self.along, self.across, strict=True):
            x = along(x.flatten(0, 1)).unflatten(0, (-1, bands))  # over frames, in each band
            x = across(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (-1, frames)).transpose(1, 2)
        return self.norm(x)

    def masked(self, mixture: torch.Tensor) -> Outputs:
        given, sources = mixture.shape, len(self.labels)
        if self.channels is None:  # each channel on its own
            mixture = mixture.flatten(0, 1).unsqueeze(1)
        level = mixture.detach().pow(2).mean((1, 2), keepdim=True).sqrt() + 1e-5
        X = transforms.stft(mixture, self.n_fft, self.hop)  # (batch, channels, bins, frames)
        channels, frames = X.shape[1], X.shape[-1]
        # In units of the root mean square of the mixture's bins, so that its level does not matter.
        parts = torch.view_as_real(X / (level.unsqueeze(-1) * self.n_fft**0.5))
        vectors = []
        for band, layer in zip(self.bands, self.split, strict=True):
            x = parts[:, :, band].permute(0, 3, 1, 2, 4)  # (batch, frames, channels, bins, 2)
            vectors.append(layer(x.flatten(2)))  # (batch, frames, features)
        x = self.model(torch.stack(vectors, 1))  # (batch, bands, frames, features)
        shape = (len(X), sources, channels, self.n_fft // 2 + 1, frames, 2)
        masks = torch.zeros(shape, dtype=torch.float32, device=X.device)
        for i, (band, layer) in enumerate(zip(self.bands, self.masks, strict=True)):
            mask = layer(x[:, i]).float()  # (batch, frames, sources · channels · bins · 2)
            mask = mask.unflatten(-1, (sources, channels, len(band), 2))
            index = torch.as_tensor(band, device=X.device)
            masks = masks.index_add(3, index, mask.permute(0, 2, 3, 4, 1, 5))
        masks = torch.view_as_complex(masks / self.count.unsqueeze(-1))
        if self.channels is None:  # (batch · channels, …, 1, …) to (batch, …, channels, …)
            masks = masks.squeeze(2).unflatten(0, given[:2]).transpose(1, 2)
            X = X.squeeze(1).unflatten(0, given[:2])
        return Outputs(masks=masks, spectrogram=X)


class _Residual(nn.Module):
    """What BSRNN does along frames, and along bands: normalise, a BLSTM, a linear layer, and add.

    Shape: (sequences, steps, features) to the same.
    """

    def __init__(self, features: int, dropout_p: float):
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.recur = RecurrentStack(features, 2 * features, 1)
        self.linear = nn.Linear(self.recur.width, features)
        self.dropout = nn.Dropout(dropout_p)

    def forward(self, x):
        return x + self.dropout(self.linear(self.recur(self.norm(x))))


class BandSplitRNN(_BandSeparator):
    """BSRNN: LSTMs along the frames of each band and along the bands of each frame, by turns.

    Bands are narrow where music has its tones and wide where it has noise. Masks are complex, so
    that they turn phases, too. Each channel is separated on its own.

    After Y. Luo and J. Yu, "Music source separation with band-split RNN", IEEE/ACM Transactions on
    Audio, Speech, and Language Processing 31, 2023. The paper has one network per source and the
    widths of its bands differ by source; here one network gives all sources, with the vocals' bands
    (V7). It normalises by groups over frames; here each vector is normalised by itself, which needs
    no look at the whole excerpt.

    Parameters
    ----------
    labels : sequence of str
        The sources, in the order of the output.
    sample_rate : int, in Hz
    n_fft, hop : int, in samples
    N : int
        Features of each band.
    layers : int
        Pairs of an LSTM along frames and one along bands.
    dropout_p : float

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    TINY: ClassVar[dict] = {"n_fft": 1024, "hop": 512, "N": 20, "layers": 2}

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        sample_rate: int = 44100,
        n_fft: int = 2048,
        hop: int = 512,
        N: int = 128,
        layers: int = 12,
        dropout_p: float = 0.0,
    ):
        edges = split_bsrnn(n_fft, sample_rate)
        bands = [list(range(*pair)) for pair in pairwise(edges)]
        super().__init__(labels, sample_rate, None, n_fft, hop, whole("N", N), bands, 4 * N)
        share("dropout_p", dropout_p)
        self.along = nn.ModuleList(_Residual(N, dropout_p) for _ in range(whole("layers", layers)))
        self.across = nn.ModuleList(_Residual(N, dropout_p) for _ in range(layers))


class Attention(nn.Module):
    """Self-attention with rotary positions, and a gate for each head.

    Queries and keys are turned, pair of features by pair, by an angle that grows with the position,
    so that their product depends on the distance alone: J. Su and others, "RoFormer: enhanced
    transformer with rotary position embedding", Neurocomputing 568, 2024.

    Shape: (sequences, steps, features) to the same.
    """

    def __init__(self, features: int, heads: int, head: int, dropout_p: float):
        super().__init__()
        self.heads, self.dropout_p = heads, dropout_p
        self.norm = nn.RMSNorm(features)
        self.read = nn.Linear(features, 3 * heads * head, bias=False)
        self.gate = nn.Linear(features, heads)
        self.leave = nn.Linear(heads * head, features, bias=False)
        speeds = 10000 ** (-torch.arange(0, head, 2) / head)  # radians per step
        self.register_buffer("speeds", speeds, persistent=False)

    def forward(self, x):
        x = self.norm(x)
        q, k, v = self.read(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        angles = torch.arange(x.shape[1], device=x.device)[:, None] * self.speeds
        q, k = rotated(q, angles), rotated(k, angles)  # (sequences, heads, steps, head)
        dropout_p = self.dropout_p if self.training else 0.0
        # Does not hold the products of all pairs of steps at once, where there is a kernel for it.
        x_ = nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout_p)
        x_ = x_ * torch.sigmoid(self.gate(x)).transpose(1, 2).unsqueeze(-1)
        return self.leave(x_.transpose(1, 2).flatten(2))


def rotated(x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Turn pairs of features by angles.

    Shape: (…, steps, 2 · pairs) and (steps, pairs) to (…, steps, 2 · pairs).
    """
    first, second = x.unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    turned = torch.stack([first * cos - second * sin, first * sin + second * cos], -1)
    return turned.flatten(-2)


class _Transformer(nn.Module):
    """Attention and a feed-forward layer, both added to what they read."""

    def __init__(self, features, heads, head, dropout_p):
        super().__init__()
        self.attend = Attention(features, heads, head, dropout_p)
        self.feed = nn.Sequential(
            nn.RMSNorm(features),
            nn.Linear(features, 4 * features),
            nn.GELU(),
            nn.Dropout(dropout_p),
            nn.Linear(4 * features, features),
            nn.Dropout(dropout_p),
        )

    def forward(self, x):
        x = x + self.attend(x)
        return x + self.feed(x)


class BSRoformer(_BandSeparator):
    """BS-RoFormer: transformers along the frames of each band and along the bands of each frame.

    After W.-T. Lu, J.-C. Wang, Q. Kong and Y.-N. Hung, "Music source separation with band-split
    RoPE transformer", ICASSP 2024. Where public code differs from the paper, this follows the code
    that weights are mostly published for (lucidrains' BS-RoFormer): heads have gates, and
    normalisations are root mean squares.

    Parameters
    ----------
    labels : sequence of str
        The sources, in the order of the output.
    sample_rate : int, in Hz
    channels : int
        The network sees them together.
    n_fft, hop : int, in samples
    D : int
        Features of each band.
    layers : int
        Pairs of a transformer along frames and one along bands.
    heads, head : int
        Heads of attention, and features of each, even.
    mask_expansion : int
        How many times wider the layer is that the masks come from.
    dropout_p : float

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    TINY: ClassVar[dict] = {
        "n_fft": 1024,
        "hop": 512,
        "D": 48,
        "layers": 2,
        "heads": 4,
        "head": 16,
        "mask_expansion": 1,
    }
    SIZES: ClassVar[dict] = {}

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        sample_rate: int = 44100,
        channels: int = 2,
        n_fft: int = 2048,
        hop: int = 512,
        D: int = 384,
        layers: int = 6,
        heads: int = 8,
        head: int = 64,
        mask_expansion: int = 4,
        dropout_p: float = 0.0,
        **sizes: int,
    ):
        bands = self._bands(n_fft, sample_rate, **(self.SIZES | sizes))
        mask_hidden = whole("mask_expansion", mask_expansion) * whole("D", D)
        super().__init__(labels, sample_rate, channels, n_fft, hop, D, bands, mask_hidden)
        if whole("head", head, 2) % 2:
            raise ValueError(f"head={head} must be even, since positions turn pairs of features.")
        parts = (D, whole("heads", heads), head, share("dropout_p", dropout_p))
        self.along = nn.ModuleList(_Transformer(*parts) for _ in range(whole("layers", layers)))
        self.across = nn.ModuleList(_Transformer(*parts) for _ in range(layers))
        self.norm = nn.RMSNorm(D)

    @staticmethod
    def _bands(n_fft, sample_rate):
        edges = split_roformer(n_fft, sample_rate)
        return [list(range(*pair)) for pair in pairwise(edges)]


class MelRoformer(BSRoformer):
    """Mel-RoFormer: as :class:`BSRoformer`, on bands that overlap and are equally wide in mel.

    After J.-C. Wang, W.-T. Lu and M. Won, "Mel-band RoFormer for music source separation", 2023.

    Parameters
    ----------
    bands : int
        How many there are.
    **settings
        As of :class:`BSRoformer`.
    """

    TINY: ClassVar[dict] = BSRoformer.TINY | {"bands": 40, "D": 32}
    SIZES: ClassVar[dict] = {"bands": 60}

    @staticmethod
    def _bands(n_fft, sample_rate, bands):
        return mel_bands(n_fft, sample_rate, whole("bands", bands))
