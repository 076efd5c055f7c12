"""U-Nets on waveforms, with a plain, a recurrent and a variational bottleneck."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from tutorial_utils.data.songs import LABELS
from tutorial_utils.models.blocks import QUIET, bottleneck, reach
from tutorial_utils.models.separator import Outputs, Separator, share, whole

_KERNEL, _STRIDE = 8, 4  # the kernel is a multiple of the stride: no checkerboard


class AudioNetSimple(Separator):
    """A U-Net that works on samples: it learns its own filters in place of the STFT.

    Convolutions with a stride of four shorten the waveform and widen it; transposed convolutions
    undo that, and each of them also gets what the layer of the same length saw on the way down.
    What comes out are waveforms, so that no phase is taken from the mixture.

    After D. Stoller, S. Ewert and S. Dixon, "Wave-U-Net: a multi-scale neural network for
    end-to-end audio source separation", ISMIR 2018, with strided convolutions in place of
    decimation and interpolation.

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
        How many layers lead down. One step of the innermost is ``4 ** depth`` samples.
    dropout_p : float
        Behind each layer of the way up, and in recurrent layers.

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    TINY: ClassVar[dict] = {"width": 12}
    KIND = "plain"
    SIZES: ClassVar[dict] = {}

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        sample_rate: int = 44100,
        channels: int = 2,
        width: int = 48,
        depth: int = 5,
        dropout_p: float = 0.0,
        **sizes: int,
    ):
        super().__init__(labels, sample_rate, channels)
        self.stride = _STRIDE ** whole("depth", depth)
        widths = [channels] + [whole("width", width) * 2**level for level in range(depth)]
        shape = {"stride": _STRIDE, "padding": (_KERNEL - _STRIDE) // 2}
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level in range(depth):
            self.down.append(
                nn.Sequential(
                    nn.Conv1d(widths[level], widths[level + 1], _KERNEL, **shape),
                    nn.GroupNorm(1, widths[level + 1]),
                    nn.LeakyReLU(0.2),
                )
            )
        for level in reversed(range(depth)):
            below = widths[level + 1] * (1 if level == depth - 1 else 2)
            if level == 0:
                out = len(self.labels) * channels
                self.up.append(nn.ConvTranspose1d(below, out, _KERNEL, **shape))
                break
            self.up.append(
                nn.Sequential(
                    nn.ConvTranspose1d(below, widths[level], _KERNEL, **shape),
                    nn.GroupNorm(1, widths[level]),
                    nn.LeakyReLU(0.2),
                    nn.Dropout1d(share("dropout_p", dropout_p)),
                )
            )
        self.bottleneck = bottleneck(self.KIND, widths[-1], self.SIZES | sizes, dropout_p)

    @property
    def receptive_field(self) -> float:
        return (
            reach(1, len(self.down), _KERNEL, _KERNEL, _STRIDE)
            if self.KIND == "plain"
            else math.inf
        )

    def outputs(self, mixture: torch.Tensor) -> Outputs:
        samples = mixture.shape[-1]
        level = mixture.detach().pow(2).mean((1, 2), keepdim=True).sqrt() + QUIET  # (batch, 1, 1)
        x = nn.functional.pad(mixture / level, (0, -samples % self.stride))
        skips = []
        for layer in self.down:
            x = layer(x)  # (batch, 2 · width, samples / 4)
            skips.append(x)
        x, latent = self.bottleneck(skips.pop().transpose(1, 2))  # (batch, steps, width)
        x = x.transpose(1, 2)
        for layer in self.up:
            x = layer(x)  # (batch, width / 2, 4 · samples)
            if skips:
                x = torch.cat([x, skips.pop()], 1)
        x = (x[..., :samples] * level).unflatten(1, (len(self.labels), -1))
        return Outputs(x, **latent)  # (batch, sources, channels, samples)


class AudioNetSimpleLSTM(AudioNetSimple):
    """A U-Net on waveforms whose innermost layer is read by an LSTM, forwards and backwards.

    Parameters
    ----------
    inner, hidden, layers : int
        What the LSTM reads per step, its units in each direction, and its layers.
    **settings
        As of :class:`AudioNetSimple`.
    """

    TINY: ClassVar[dict] = AudioNetSimple.TINY | {"inner": 128, "hidden": 64, "layers": 1}
    KIND = "lstm"
    SIZES: ClassVar[dict] = {"inner": 768, "hidden": 768, "layers": 2}


class AudioNetVAE(AudioNetSimpleLSTM):
    """A U-Net on waveforms with a variational bottleneck between two recurrent stacks.

    ``outputs`` has the mean and the log-variance of the latent vectors, for the loss of
    :func:`tutorial_utils.losses.kl_divergence`.

    Parameters
    ----------
    inner, hidden, layers : int
        As of :class:`AudioNetSimpleLSTM`.
    latent, decoder_hidden : int
        The dimension of the latent vectors, and the units of the LSTM that reads them.
    **settings
        As of :class:`AudioNetSimple`.
    """

    TINY: ClassVar[dict] = AudioNetSimpleLSTM.TINY | {"latent": 32, "decoder_hidden": 48}
    KIND = "vae"
    SIZES: ClassVar[dict] = AudioNetSimpleLSTM.SIZES | {"latent": 768, "decoder_hidden": 512}
