"""Losses that compare magnitudes, or masks.

Spectrograms have the shape ``(batch, sources, channels, bins, frames)``, and that of the mixture
``(batch, channels, bins, frames)``. All average over everything.
"""

import torch

from tutorial_utils import transforms
from tutorial_utils.losses.shapes import precise, require_same

_TINY = 1e-10


def target(S: torch.Tensor, X: torch.Tensor, kind: str = "tpsa") -> torch.Tensor:
    r"""What the magnitudes of estimates should be.

    ======== ==================================================== =================================
    ``msa``  :math:`|S_j|`                                        magnitude spectrum approximation
    ``psa``  :math:`|S_j| \cos(\angle S_j - \angle X)`            phase-sensitive approximation
    ``tpsa`` that, limited to :math:`[0, |X|]`                    truncated, for masks in [0, 1]
    ======== ==================================================== =================================

    An estimate has the mixture's phase, so that only the part of a source that points where the
    mixture does can be had; the phase-sensitive targets ask for no more than this part.

    Parameters
    ----------
    S : complex tensor of shape (batch, sources, channels, bins, frames)
    X : complex tensor of shape (batch, channels, bins, frames)
    kind : {"msa", "psa", "tpsa"}

    Returns
    -------
    real tensor of the shape of ``S``

    Raises
    ------
    ValueError
        If the kind is another, or the shapes do not go together.

    References
    ----------
    H. Erdogan, J. R. Hershey, S. Watanabe and J. Le Roux, "Phase-sensitive and recognition-boosted
    speech separation using deep recurrent neural networks", ICASSP 2015.

    Examples
    --------
    >>> S, X = torch.tensor([1j, 2.0]).reshape(1, 1, 1, 2, 1), torch.ones(1, 1, 2, 1) + 0j
    >>> [target(S, X, kind).flatten().tolist() for kind in ("msa", "psa", "tpsa")]
    [[1.0, 2.0], [0.0, 2.0], [0.0, 1.0]]
    """
    require_same(one_source=S[:, 0], mixture=X)
    if kind == "msa":
        return transforms.magnitude(S)
    if kind not in ("psa", "tpsa"):
        raise ValueError(f"kind must be msa, psa or tpsa, not {kind!r}.")
    magnitudes = transforms.magnitude(X).unsqueeze(1)
    along = (S * X.conj().unsqueeze(1)).real / magnitudes.clamp_min(_TINY)
    return along if kind == "psa" else torch.minimum(along.clamp_min(0), magnitudes)


def magnitude(
    masks: torch.Tensor, S: torch.Tensor, X: torch.Tensor, kind: str = "tpsa", p: int = 1
) -> torch.Tensor:
    r"""How far masked magnitudes are from their target: the mean of :math:`|W_j |X| - T_j|^p`.

    Parameters
    ----------
    masks : real tensor of shape (batch, sources, channels, bins, frames)
    S, X, kind
        As of :func:`target`, which gives :math:`T_j`.
    p : {1, 2}
        Absolute or squared errors.

    Examples
    --------
    >>> S, X = torch.ones(1, 1, 1, 2, 1) + 0j, 2 * torch.ones(1, 1, 2, 1) + 0j
    >>> magnitude(torch.full((1, 1, 1, 2, 1), 0.75), S, X, "msa")
    tensor(0.5000)
    """
    require_same(masks=masks, S=S)
    wanted = target(S, X, kind)
    magnitudes = transforms.magnitude(X).unsqueeze(1)
    errors = torch.addcmul(wanted, precise(masks), magnitudes, value=-1).abs()
    return errors.mean() if p == 1 else errors.pow(p).mean()


def mask(masks: torch.Tensor, ideal: torch.Tensor, p: int = 1) -> torch.Tensor:
    """How far masks are from ideal ones, which :mod:`tutorial_utils.transforms` gives.

    All bins count alike, be they loud or silent, and this is why it is mostly the worse choice.

    Shape: the same for both, to a number.

    Examples
    --------
    >>> mask(torch.tensor([0.5, 1.0]), torch.tensor([0.0, 1.0]))
    tensor(0.2500)
    """
    require_same(masks=masks, ideal=ideal)
    return (precise(masks) - precise(ideal)).abs().pow(p).mean()


def component(
    masks: torch.Tensor,
    S: torch.Tensor,
    X: torch.Tensor,
    *,
    target_weight: float = 0.5,
    residual_weight: float = 0.5,
) -> torch.Tensor:
    r"""What a mask does to the source, and what it lets through of the rest, each with a weight.

    .. math:: \alpha \, \bigl( W_j |S_j| - |S_j| \bigr)^2 + \beta \, \bigl( W_j |X - S_j| \bigr)^2,

    averaged. More weight on the first keeps the source whole, more on the second keeps the others
    out. The shape of what is left, the third component of the paper, is not part of it.

    Parameters
    ----------
    masks, S, X
        As of :func:`magnitude`.
    target_weight, residual_weight : float

    References
    ----------
    Z. Xu, S. Elshamy, Z. Zhao and T. Fingscheidt, "Components loss for neural networks in
    mask-based speech enhancement", EURASIP Journal on Audio, Speech, and Music Processing 2021.

    Examples
    --------
    >>> S, X = torch.ones(1, 1, 1, 2, 1) + 0j, 3 * torch.ones(1, 1, 2, 1) + 0j
    >>> component(torch.full((1, 1, 1, 2, 1), 0.5), S, X)  # (0.5 ** 2 + 1 ** 2) / 2
    tensor(0.6250)
    """
    require_same(masks=masks, S=S)
    require_same(one_source=S[:, 0], mixture=X)
    masks = precise(masks)
    kept = (masks * S.abs() - S.abs()).square().mean()
    let_through = (masks * (X.unsqueeze(1) - S).abs()).square().mean()
    return target_weight * kept + residual_weight * let_through
