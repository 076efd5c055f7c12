"""The multichannel Wiener filter, which refines estimates by where sources are in the channels."""

import torch

from tutorial_utils.transforms import istft, stft

_EPS = 1e-10
_PEAK = 10.0
"""Magnitudes up to which a mixture is scaled down, since ``eps`` is an absolute number."""


def wiener(
    estimates: torch.Tensor, mixture: torch.Tensor, iterations: int = 1, eps: float = _EPS
) -> torch.Tensor:
    r"""Refine estimates by expectation-maximisation under a local Gaussian model.

    Every source :math:`j` is modelled, in bin :math:`k` and frame :math:`m`, as a complex Gaussian
    vector over the channels with the covariance :math:`v_j(k, m) \, R_j(k)`: a power that changes
    in time, and a spatial covariance that does not. In each iteration both are measured on the
    estimates,

    .. math:: v_j(k, m) = \frac 1 C \lVert \hat S_j(k, m) \rVert^2, \qquad
              R_j(k) = \frac{\sum_m \hat S_j(k, m) \hat S_j(k, m)^{\mathsf H}}
                            {\varepsilon + \sum_m v_j(k, m)},

    and the estimates become what the Wiener filter of this model makes of the mixture:

    .. math:: \hat S_j = v_j R_j \Bigl( \sqrt\varepsilon \, I + \sum_i v_i R_i \Bigr)^{-1} X.

    Parameters
    ----------
    estimates : tensor of shape (batch, sources, channels, bins, frames)
        Complex STFTs. If they are real, they are taken as magnitudes, and share the mixture out in
        proportion first (a soft mask).
    mixture : complex tensor of shape (batch, channels, bins, frames)
    iterations : int
        None leaves the estimates as they are, or as the soft mask makes them.
    eps : float
        The regularisation, for a mixture whose greatest magnitude is at most 10; louder ones are
        scaled down for the computation.

    Returns
    -------
    complex tensor of shape (batch, sources, channels, bins, frames)
        They sum to the mixture but for what the regularisation takes from its quietest bins.

    Raises
    ------
    ValueError
        If the shapes do not go together, or the number of iterations is negative.

    References
    ----------
    N. Q. K. Duong, E. Vincent and R. Gribonval, "Under-determined reverberant audio source
    separation using a full-rank spatial covariance model", IEEE Transactions on Audio, Speech, and
    Language Processing 18(7), 2010; A. A. Nugraha, A. Liutkus and E. Vincent, "Multichannel music
    separation with deep neural networks", EUSIPCO 2016. The steps, and the regularisation, are
    those of norbert and Open-Unmix (F.-R. Stöter, S. Uhlich, A. Liutkus and Y. Mitsufuji, Journal
    of Open Source Software 4(41), 2019).
    """
    if estimates.ndim != 5 or estimates[:, 0].shape != mixture.shape:
        raise ValueError(
            f"Estimates of shape {tuple(estimates.shape)} and a mixture of shape "
            f"{tuple(mixture.shape)} do not go together. They are (batch, sources, channels, bins, "
            "frames) and (batch, channels, bins, frames)."
        )
    if iterations < 0:
        raise ValueError(f"There cannot be {iterations} iterations. Give 0 or more.")
    if not estimates.is_complex():
        share = estimates / (eps + estimates.sum(1, keepdim=True))
        estimates = share * mixture.unsqueeze(1)
    peak = mixture.abs().amax((1, 2, 3), keepdim=True)
    scale = (peak / _PEAK).clamp_min(1.0)
    mixture, estimates = mixture / scale, estimates / scale.unsqueeze(1)
    for _ in range(iterations):
        estimates = _step(estimates, mixture, eps)
    return estimates * scale.unsqueeze(1)


def _step(estimates, mixture, eps):
    """One iteration: measure the model on the estimates, and filter the mixture by it."""
    power = estimates.abs().square().mean(2)  # (batch, sources, bins, frames)
    products = torch.einsum("bjckm,bjdkm->bjkcd", estimates, estimates.conj())
    spatial = products / (eps + power.sum(-1))[..., None, None]
    total = torch.einsum("bjkm,bjkcd->bkmcd", power.to(spatial.dtype), spatial)
    channels = mixture.shape[1]
    total = total + eps**0.5 * torch.eye(channels, dtype=total.dtype, device=total.device)
    whitened = _solved(total, mixture.permute(0, 2, 3, 1))  # (batch, bins, frames, channels)
    filtered = torch.einsum("bjkcd,bkmd->bjckm", spatial, whitened)
    return power.unsqueeze(2) * filtered


def _solved(matrices, vectors):
    """The solution of equations with small matrices, written out for one and two channels."""
    if matrices.shape[-1] == 1:
        return vectors / matrices[..., 0]
    if matrices.shape[-1] == 2:
        a, b, c, d = matrices.flatten(-2).unbind(-1)
        x, y = vectors.unbind(-1)
        return torch.stack([d * x - b * y, a * y - c * x], -1) / (a * d - b * c).unsqueeze(-1)
    return torch.linalg.solve(matrices, vectors.unsqueeze(-1)).squeeze(-1)


class Refined(torch.nn.Module):
    """A model whose estimates go through the Wiener filter.

    It is a model itself, by the protocol of :func:`tutorial_utils.separate`.

    Parameters
    ----------
    model : callable
        With ``labels`` and ``sample_rate``; see :func:`tutorial_utils.separate`.
    iterations : int
        1 or more.
    n_fft, hop : int, in samples
        Of the STFT in which the filter works.
    """

    def __init__(self, model, iterations: int = 1, n_fft: int = 4096, hop: int = 1024):
        super().__init__()
        self.model, self.iterations, self.n_fft, self.hop = model, iterations, n_fft, hop
        self.labels, self.sample_rate = model.labels, model.sample_rate
        self.channels = getattr(model, "channels", None)

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        estimates = stft(self.model(mixture), self.n_fft, self.hop)
        spectrogram = stft(mixture, self.n_fft, self.hop)
        refined = wiener(estimates, spectrogram, self.iterations)
        return istft(refined, mixture.shape[-1], self.n_fft, self.hop)
