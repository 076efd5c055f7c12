"""The loss that keeps the latent vectors of a variational model near a standard normal one."""

import torch

from tutorial_utils.losses.shapes import precise, require_same


def kl_divergence(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    r"""Kullback-Leibler divergence of the latent distributions from a standard normal one.

    .. math:: \frac 1 2 \sum_d \bigl( \mu_d^2 + \sigma_d^2 - \ln \sigma_d^2 - 1 \bigr)

    Shape: (batch, steps, latent) twice, to the mean over batch and steps, in nats.

    References
    ----------
    D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", ICLR 2014.

    Examples
    --------
    >>> kl_divergence(torch.ones(1, 3, 2), torch.zeros(1, 3, 2))
    tensor(1.)
    """
    require_same(mean=mean, log_variance=log_variance)
    mean, log_variance = precise(mean), precise(log_variance)
    terms = mean.square() + log_variance.exp() - log_variance - 1
    return terms.sum(-1).mean() / 2
