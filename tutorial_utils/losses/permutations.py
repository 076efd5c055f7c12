"""Losses for sources whose order does not matter."""

from collections.abc import Callable

import torch
from scipy.optimize import linear_sum_assignment

from tutorial_utils.losses.shapes import require_same


def permutation_invariant(
    loss: Callable, estimates: torch.Tensor, sources: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """A loss under the assignment of estimates to sources for which it is the smallest.

    Two voices, or two violins, have no order, and a network must not be blamed for another one.

    Parameters
    ----------
    loss : callable
        One of the losses on waveforms, which take ``reduce=False``.
    estimates, sources : tensors of shape (batch, sources, channels, samples)

    Returns
    -------
    tuple of tensors
        The mean loss, and for each item of the batch which estimate goes with each source, of shape
        (batch, sources).

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    D. Yu, M. Kolbæk, Z.-H. Tan and J. Jensen, "Permutation invariant training of deep models for
    speaker-independent multi-talker speech separation", ICASSP 2017; here the best assignment comes
    from the Hungarian method, and not from trying all.

    Examples
    --------
    >>> from tutorial_utils.losses import l1
    >>> s = torch.tensor([1.0, 5.0]).reshape(1, 2, 1, 1)
    >>> permutation_invariant(l1, s.flip(1), s)
    (tensor(0.), tensor([[1, 0]]))
    """
    require_same(estimates=estimates, sources=sources)
    J = estimates.shape[1]
    shape = (len(estimates), J, J, *estimates.shape[2:])
    # (batch, sources, estimates): every source with every estimate
    pairs = loss(
        estimates.unsqueeze(1).expand(shape), sources.unsqueeze(2).expand(shape), reduce=False
    )
    pairs = pairs.flatten(3).mean(-1)
    best = [linear_sum_assignment(each)[1] for each in pairs.detach().float().cpu().numpy()]
    order = torch.stack([torch.as_tensor(each) for each in best]).to(pairs.device)
    return pairs.gather(2, order.unsqueeze(2)).mean(), order
