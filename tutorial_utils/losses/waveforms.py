"""Losses that compare waveforms.

All take estimates and sources of the same shape ``(..., samples)``, mostly ``(batch, sources,
channels, samples)``, and average over everything but the samples; with ``reduce=False`` they give
one number per signal, of shape ``(...)``. Numbers of 16 bits are computed with 32. The ratios are
in dB, and negative where the estimate is good, since a loss is to be made *small*.
"""

from collections.abc import Sequence

import torch

from tutorial_utils import transforms
from tutorial_utils.losses.shapes import precise, require_same

EPS = 1e-8
"""Added to mean powers in the ratios, -80 dB: a silent source gives a finite number, which falls
with the level of its estimate."""


def l1(estimates: torch.Tensor, sources: torch.Tensor, *, reduce: bool = True) -> torch.Tensor:
    r"""Mean absolute error, :math:`\frac 1 N \sum_n |\hat s(n) - s(n)|`.

    Shape: (..., samples) twice, to a number, or (...) if ``reduce=False``.

    Raises
    ------
    ValueError
        If the shapes differ, as for all losses here.

    Examples
    --------
    >>> l1(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]]))
    tensor(1.5000)
    """
    estimates, sources = _pair(estimates, sources)
    return _reduced((estimates - sources).abs().mean(-1), reduce)


def l2(estimates: torch.Tensor, sources: torch.Tensor, *, reduce: bool = True) -> torch.Tensor:
    r"""Mean squared error, :math:`\frac 1 N \sum_n (\hat s(n) - s(n))^2`.

    Shape: as :func:`l1`.

    Examples
    --------
    >>> l2(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]]))
    tensor(2.5000)
    """
    estimates, sources = _pair(estimates, sources)
    return _reduced((estimates - sources).square().mean(-1), reduce)


def snr(estimates: torch.Tensor, sources: torch.Tensor, *, reduce: bool = True) -> torch.Tensor:
    r"""Minus the signal-to-noise ratio, in dB.

    .. math:: -10 \log_{10} \frac{\lVert s \rVert^2 / N + \varepsilon}
                                 {\lVert \hat s - s \rVert^2 / N + \varepsilon}

    Shape: as :func:`l1`.

    Examples
    --------
    >>> snr(torch.tensor([[0.9, -0.9]]), torch.tensor([[1.0, -1.0]]))
    tensor(-20.0000)
    """
    estimates, sources = _pair(estimates, sources)
    return _reduced(_decibels(estimates - sources) - _decibels(sources), reduce)


def si_sdr(estimates: torch.Tensor, sources: torch.Tensor, *, reduce: bool = True) -> torch.Tensor:
    r"""Minus the scale-invariant signal-to-distortion ratio, in dB; in other works SI-SNR.

    .. math:: -10 \log_{10} \frac{\lVert \alpha s \rVert^2}{\lVert \alpha s - \hat s \rVert^2},
              \qquad \alpha = \frac{\langle \hat s, s \rangle}{\lVert s \rVert^2},

    of signals made zero-mean first. The energies are means over the samples, as in :func:`snr`, and
    :math:`\varepsilon` is added to both. For a silent source the loss falls with the level of the
    estimate, down to 0.

    Shape: as :func:`l1`.

    References
    ----------
    J. Le Roux, S. Wisdom, H. Erdogan and J. R. Hershey, "SDR -- half-baked or well done?", ICASSP
    2019.

    Examples
    --------
    >>> s = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
    >>> e = s + torch.tensor([[0.1, 0.1, -0.1, -0.1]])
    >>> si_sdr(e, s), si_sdr(7 * e, s)
    (tensor(-20.0000), tensor(-20.0000))
    """
    s, e, scaled = _scaled(estimates, sources)
    return _reduced(_decibels(scaled - e) - _decibels(scaled), reduce)


def sd_sdr(estimates: torch.Tensor, sources: torch.Tensor, *, reduce: bool = True) -> torch.Tensor:
    r"""Minus the scale-dependent signal-to-distortion ratio, in dB.

    As :func:`si_sdr`, but the error is :math:`\hat s - s`: a wrong level costs.

    Shape: as :func:`l1`.

    References
    ----------
    Le Roux et al., 2019, equation 7.
    """
    s, e, scaled = _scaled(estimates, sources)
    return _reduced(_decibels(s - e) - _decibels(scaled), reduce)


def l1_snr(estimates: torch.Tensor, sources: torch.Tensor, *, reduce: bool = True) -> torch.Tensor:
    r"""Minus a ratio of absolute values in place of squares, in dB.

    .. math:: -10 \log_{10} \frac{\lVert s \rVert_1 / N + \varepsilon}
                                 {\lVert \hat s - s \rVert_1 / N + \varepsilon}

    Large errors count less than in :func:`snr`, and small ones more.

    Shape: as :func:`l1`.

    References
    ----------
    K. N. Watcharasupat et al., "A generalized bandsplit neural network for cinematic audio source
    separation", IEEE Open Journal of Signal Processing 5, 2024.

    Examples
    --------
    >>> l1_snr(torch.tensor([[0.9, -0.9]]), torch.tensor([[1.0, -1.0]]))
    tensor(-10.0000)
    """
    estimates, sources = _pair(estimates, sources)
    noise, signal = ((each).abs().mean(-1) + EPS for each in (estimates - sources, sources))
    return _reduced(10 * (noise.log10() - signal.log10()), reduce)


def multi_resolution_stft(
    estimates: torch.Tensor,
    sources: torch.Tensor,
    n_ffts: Sequence[int] = (512, 1024, 2048),
    *,
    reduce: bool = True,
) -> torch.Tensor:
    r"""How much magnitudes differ, seen through windows of several lengths.

    For each length the spectral convergence, and the mean absolute difference of log-magnitudes,

    .. math:: \frac{\lVert |S| - |\hat S| \rVert}{\lVert S \rVert}
              + \frac{1}{K M} \bigl\lVert \ln |S| - \ln |\hat S| \bigr\rVert_1,

    averaged over the lengths. Hops are a quarter of a window. Phases do not matter but for what
    shows in the magnitudes. Magnitudes below -80 dB count as -80 dB.

    Shape: as :func:`l1`.

    References
    ----------
    R. Yamamoto, E. Song and J.-M. Kim, "Parallel WaveGAN: a fast waveform generation model based on
    generative adversarial networks with multi-resolution spectrogram", ICASSP 2020.
    """
    estimates, sources = _pair(estimates, sources)
    total = 0.0
    for n_fft in n_ffts:
        S, E = (_magnitudes(each, n_fft) for each in (sources, estimates))
        distance = (S - E).square().sum((-2, -1)).add(EPS).sqrt()
        convergence = distance / S.square().sum((-2, -1)).add(EPS).sqrt()
        total = total + convergence + (S.log() - E.log()).abs().mean((-2, -1))
    return _reduced(total / len(n_ffts), reduce)


def mixture_consistent(estimates: torch.Tensor, mixture: torch.Tensor) -> torch.Tensor:
    """Estimates that sum to the mixture: what they leave of it is shared equally.

    It is no loss, but stands before one: a network whose estimates go through it cannot lose or
    invent anything. Of all estimates that sum to the mixture they are the nearest.

    Shape: (batch, sources, channels, samples) and (batch, channels, samples) to (batch, sources,
    channels, samples).

    References
    ----------
    S. Wisdom et al., "Differentiable consistency constraints for improved deep speech enhancement",
    ICASSP 2019.

    Examples
    --------
    >>> mixture_consistent(torch.zeros(1, 2, 1, 3), torch.ones(1, 1, 3)).squeeze()
    tensor([[0.5000, 0.5000, 0.5000],
            [0.5000, 0.5000, 0.5000]])
    """
    require_same(one_estimate=estimates[:, 0], mixture=mixture)
    rest = mixture - estimates.sum(1)
    return estimates + rest.unsqueeze(1) / estimates.shape[1]


def _pair(estimates, sources):
    require_same(estimates=estimates, sources=sources)
    return precise(estimates), precise(sources)


def _scaled(estimates, sources):
    """Both made zero-mean, and the part of the source that is in the estimate."""
    e, s = _pair(estimates, sources)
    s, e = s - s.mean(-1, keepdim=True), e - e.mean(-1, keepdim=True)
    energy = s.square().mean(-1, keepdim=True)
    alpha = (e * s).mean(-1, keepdim=True) / (energy + EPS**2)
    return s, e, alpha * s


def _decibels(x):
    return 10 * (x.square().mean(-1) + EPS).log10()


def _reduced(x, reduce):
    return x.mean() if reduce else x


def _magnitudes(audio, n_fft):
    """Magnitudes of at least -80 dB, whose gradient is finite where they are zero."""
    X = torch.view_as_real(transforms.stft(audio, n_fft, n_fft // 4) / n_fft**0.5)
    return X.square().sum(-1).clamp_min(EPS).sqrt()
