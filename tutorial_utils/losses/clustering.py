"""The losses of deep clustering, by products that are small however long the mixture is."""

import torch

from tutorial_utils.losses.shapes import precise, without_autocast


@without_autocast
def deep_clustering(
    V: torch.Tensor, Y: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    r"""How far the affinities of embeddings are from those of labels.

    .. math:: \frac{\lVert V V^\top - Y Y^\top \rVert_F^2}{(KM)^2} = \frac{
              \lVert V^\top V \rVert_F^2 - 2 \lVert V^\top Y \rVert_F^2
              + \lVert Y^\top Y \rVert_F^2}{(KM)^2}

    The left side compares every bin with every other, in matrices of bins × bins; the right side
    is the same number from matrices no larger than the embeddings' dimension D.

    Parameters
    ----------
    V : tensor of shape (batch, bins · frames, D)
        Embeddings of length one.
    Y : tensor of shape (batch, bins · frames, sources)
        One-hot labels, one column per source, such as an ideal binary mask. (With a single column
        two bins of the *other* source would count as different.)
    weights : tensor of shape (batch, bins · frames), optional
        How much each bin counts, such as 0 where the mixture is silent, or its share of the
        magnitudes. The sum of the weights then takes the place of :math:`KM`.

    Returns
    -------
    tensor
        The mean over the batch. It is 0 where all bins of a source have one embedding, and those of
        different sources are orthogonal.

    Raises
    ------
    ValueError
        If the shapes do not go together.

    References
    ----------
    J. R. Hershey, Z. Chen, J. Le Roux and S. Watanabe, "Deep clustering: discriminative embeddings
    for segmentation and separation", ICASSP 2016.

    Examples
    --------
    >>> Y = torch.eye(2)[[0, 0, 1, 1]][None]
    >>> deep_clustering(Y, Y), deep_clustering(Y[:, [0, 2, 1, 3]], Y)
    (tensor(0.), tensor(0.5000))
    """
    V, Y, total = _weighted(V, Y, weights)
    loss = _energy(V.mT @ V) - 2 * _energy(V.mT @ Y) + _energy(Y.mT @ Y)
    return (loss / total.square()).mean()


@without_autocast
def whitened_deep_clustering(
    V: torch.Tensor, Y: torch.Tensor, weights: torch.Tensor | None = None, eps: float = 1e-4
) -> torch.Tensor:
    r"""Deep clustering of whitened embeddings: clusters should be apart, and need not be tight.

    .. math:: D - \operatorname{tr} \bigl( (V^\top V)^{-1} \, V^\top Y \, (Y^\top Y)^{-1} \,
              Y^\top V \bigr)

    Parameters
    ----------
    V, Y, weights
        As of :func:`deep_clustering`.
    eps : float
        Added to the diagonals, which are in units of the mean over the bins, so that a dimension
        that is not used, or a source that does not sound, leaves the loss finite.

    Returns
    -------
    tensor
        The mean over the batch, at least D minus the number of sources.

    References
    ----------
    Z.-Q. Wang, J. Le Roux and J. R. Hershey, "Alternative objective functions for deep clustering",
    ICASSP 2018.
    """
    D = V.shape[-1]
    V, Y, total = _weighted(V, Y, weights)
    scale = total[:, None, None]
    VV = V.mT @ V / scale + eps * torch.eye(D, dtype=V.dtype, device=V.device)
    YY = Y.mT @ Y / scale + eps * torch.eye(Y.shape[-1], dtype=V.dtype, device=V.device)
    VY = V.mT @ Y / scale
    explained = torch.linalg.solve(VV, VY) @ torch.linalg.solve(YY, VY.mT)
    return (D - explained.diagonal(dim1=-2, dim2=-1).sum(-1)).mean()


def _weighted(V, Y, weights):
    """Both multiplied by the roots of the weights, and the weights' sums: (batch,)."""
    if V.ndim != 3 or Y.ndim != 3 or V.shape[:2] != Y.shape[:2]:
        raise ValueError(
            f"Embeddings of shape {tuple(V.shape)} and labels of shape {tuple(Y.shape)} do not go "
            "together. They are (batch, bins · frames, D) and (batch, bins · frames, sources)."
        )
    V = precise(V)
    Y = Y.to(V.dtype)
    if weights is None:
        return V, Y, torch.full((len(V),), float(V.shape[1]), dtype=V.dtype, device=V.device)
    if weights.shape != V.shape[:2]:
        raise ValueError(
            f"Weights of shape {tuple(weights.shape)} do not fit embeddings of shape "
            f"{tuple(V.shape)}: there is one per bin and frame."
        )
    weights = weights.to(V.dtype)
    root = weights.sqrt().unsqueeze(-1)
    return V * root, Y * root, weights.sum(1).clamp_min(torch.finfo(V.dtype).eps)


def _energy(matrix):
    return matrix.square().sum((-2, -1))
