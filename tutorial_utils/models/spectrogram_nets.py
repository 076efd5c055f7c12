"""U-Nets on spectrograms, with a plain, a recurrent and a variational bottleneck."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from tutorial_utils import transforms
from tutorial_utils.data.songs import LABELS
from tutorial_utils.models.blocks import (
    ACTIVATIONS,
    QUIET,
    BinwiseAffine,
    bottleneck,
    mask_of,
    reach,
)
from tutorial_utils.models.separator import Outputs, SpectrogramSeparator, one_of, share, whole


class SpectrogramNetSimple(SpectrogramSeparator):
    """A U-Net that looks at the spectrogram as at a picture, and paints a mask for each source.

    Convolutions halve the picture in both directions, layer by layer; transposed convolutions
    double it again, and each of them also gets what the layer of the same size saw on the way down.
    The kernels on the way up are four wide, a multiple of the stride of two, so that they leave no
    checkerboard.

    After A. Jansson, E. Humphrey, N. Montecchio, R. Bittner, A. Kumar and T. Weyde, "Singing voice
    separation with deep U-Net convolutional networks", ISMIR 2017, whose six layers and widths the
    default has, with all sources and channels in one network.

    Parameters
    ----------
    labels : sequence of str
        The sources, in the order of the output.
    sample_rate : int, in Hz
    channels : int
        The network sees them together.
    n_fft, hop : int, in samples
        Half of ``n_fft`` must be a multiple of ``2 ** depth``. The topmost bin gets the mask of the
        one below it.
    width : int
        Filters of the first layer; each further one has twice as many.
    depth : int
        How often the picture is halved.
    mask_activation : {"sigmoid", "relu", "softmax"}
    dropout_p : float
        In the three innermost layers of the way up, as in the paper, and in recurrent layers.
    learn_input, learn_output : bool
        Whether the input is normalised, and the mask before its activation, by one learned factor
        and summand per bin.

    Shape
    -----
    Input (batch, channels, samples); output (batch, sources, channels, samples).
    """

    TINY: ClassVar[dict] = {"n_fft": 1024, "hop": 512, "width": 7, "depth": 5}
    KIND = "plain"
    SIZES: ClassVar[dict] = {}

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        sample_rate: int = 44100,
        channels: int = 2,
        n_fft: int = transforms.N_FFT,
        hop: int = transforms.HOP,
        width: int = 16,
        depth: int = 6,
        mask_activation: str = "sigmoid",
        dropout_p: float = 0.5,
        learn_input: bool = True,
        learn_output: bool = True,
        **sizes: int,
    ):
        super().__init__(labels, sample_rate, channels)
        self.n_fft, self.hop = whole("n_fft", n_fft, 2), whole("hop", hop)
        self.stride = 2 ** whole("depth", depth)
        bins = n_fft // 2
        if bins % self.stride:
            raise ValueError(
                f"Half of n_fft={n_fft} must be a multiple of {self.stride}, which is 2 ** depth."
            )
        self.mask_activation = one_of("mask_activation", mask_activation, ACTIVATIONS)
        share("dropout_p", dropout_p)
        self.learn_input = BinwiseAffine(bins) if learn_input else nn.Identity()
        self.learn_output = BinwiseAffine(bins) if learn_output else nn.Identity()
        widths = [channels] + [whole("width", width) * 2**level for level in range(depth)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level in range(depth):
            self.down.append(
                nn.Sequential(
                    nn.Conv2d(widths[level], widths[level + 1], 5, stride=2, padding=2),
                    nn.BatchNorm2d(widths[level + 1]),
                    nn.LeakyReLU(0.2),
                )
            )
        for level in reversed(range(depth)):
            # Above the innermost layer there are two inputs: from below, and across.
            below = widths[level + 1] * (1 if level == depth - 1 else 2)
            if level == 0:
                out = len(self.labels) * channels
                self.up.append(nn.ConvTranspose2d(below, out, 4, stride=2, padding=1))
                break
            self.up.append(
                nn.Sequential(
                    nn.ConvTranspose2d(below, widths[level], 4, stride=2, padding=1),
                    nn.BatchNorm2d(widths[level]),
                    nn.ReLU(),
                    nn.Dropout2d(dropout_p if level >= depth - 3 else 0.0),
                )
            )
        self.inner_bins = bins // self.stride
        # A plain one is the same at every place; the others read all bins of a step together.
        features = widths[-1] * (1 if self.KIND == "plain" else self.inner_bins)
        self.bottleneck = bottleneck(self.KIND, features, self.SIZES | sizes, dropout_p)

    @property
    def receptive_field(self) -> float:
        if self.KIND != "plain":
            return math.inf
        frames = reach(-(-self.n_fft // self.hop), len(self.down), 5, 4, 2)
        return (frames - 1) * self.hop + self.n_fft

    @property
    def latency(self) -> float:
        return self.receptive_field  # at most

    def _inside(self, x):
        """The bottleneck: (batch, width, bins, frames) to the same, and what a loss may need."""
        if self.KIND == "plain":
            x, latent = self.bottleneck(x.movedim(1, -1))
            return x.movedim(-1, 1), latent
        steps = x.permute(0, 3, 1, 2).flatten(2)  # (batch, frames, width · bins)
        steps, latent = self.bottleneck(steps)
        return steps.unflatten(2, (-1, self.inner_bins)).permute(0, 2, 3, 1), latent

    def paint(self, magnitudes: torch.Tensor) -> tuple[torch.Tensor, dict]:
        """Masks for the magnitudes of mixtures, and what the bottleneck has to say.

        Shape: (batch, channels, bins, frames) to (batch, sources, channels, bins, frames).
        """
        frames = magnitudes.shape[-1]
        x = torch.log(magnitudes[..., :-1, :] + QUIET)  # (batch, channels, bins, frames)
        x = self.learn_input(x / 4 + 1)  # about from -2 to 2
        x = nn.functional.pad(x, (0, -frames % self.stride))  # full steps, as the strides want them
        skips = []
        for layer in self.down:
            x = layer(x)  # (batch, 2 · width, bins / 2, frames / 2)
            skips.append(x)
        x, latent = self._inside(skips.pop())  # (batch, width, bins / stride, frames / stride)
        for layer in self.up:
            x = layer(x)  # (batch, width / 2, 2 · bins, 2 · frames)
            if skips:
                x = torch.cat([x, skips.pop()], 1)
        x = x.unflatten(1, (len(self.labels), -1))  # (batch, sources, channels, bins, frames)
        x = nn.functional.pad(self.learn_output(x[..., :frames]), (0, 0, 0, 1, 0, 0), "replicate")
        return mask_of(x, self.mask_activation), latent

    def masked(self, mixture: torch.Tensor) -> Outputs:
        X = transforms.stft(mixture, self.n_fft, self.hop)
        masks, latent = self.paint(transforms.magnitude(X))
        return Outputs(masks=masks, spectrogram=X, **latent)


class SpectrogramNetLSTM(SpectrogramNetSimple):
    """A U-Net on spectrograms whose innermost layer is read by an LSTM, forwards and backwards.

    Convolutions see a limited time around each frame; through the LSTM every frame can know of
    all others.

    Parameters
    ----------
    inner, hidden, layers : int
        What the LSTM reads per step, its units in each direction, and its layers.
    **settings
        As of :class:`SpectrogramNetSimple`.
    """

    TINY: ClassVar[dict] = SpectrogramNetSimple.TINY | {"inner": 48, "hidden": 32}
    KIND = "lstm"
    SIZES: ClassVar[dict] = {"inner": 1024, "hidden": 512, "layers": 1}


class SpectrogramNetVAE(SpectrogramNetLSTM):
    """A U-Net on spectrograms with a variational bottleneck between two recurrent stacks.

    ``outputs`` has the mean and the log-variance of the latent vectors, for the loss of
    :func:`tutorial_utils.losses.kl_divergence`.

    Parameters
    ----------
    inner, hidden, layers : int
        As of :class:`SpectrogramNetLSTM`.
    latent, decoder_hidden : int
        The dimension of the latent vectors, and the units of the LSTM that reads them.
    **settings
        As of :class:`SpectrogramNetSimple`.
    """

    TINY: ClassVar[dict] = SpectrogramNetLSTM.TINY | {"latent": 32, "decoder_hidden": 32}
    KIND = "vae"
    SIZES: ClassVar[dict] = SpectrogramNetLSTM.SIZES | {"latent": 1024, "decoder_hidden": 512}
