"""Clusters of embeddings, and the masks that they are."""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

_LOUD = 40.0
"""Bins this many dB below the loudest one have no part in finding the clusters."""

_MOST = 20_000
"""So many bins are enough to find them; of more, evenly spaced ones are taken."""


def hard_masks(
    embeddings: torch.Tensor, magnitudes: torch.Tensor, centres: torch.Tensor
) -> torch.Tensor:
    """Cluster each mixture's embeddings by k-means, and give each cluster a binary mask.

    Parameters
    ----------
    embeddings : tensor of shape (batch, channels, bins, frames, D)
    magnitudes : tensor of shape (batch, channels, bins, frames)
        Of the mixtures: quiet bins follow the clusters, and do not make them.
    centres : tensor of shape (sources, D)
        Where the sources' clusters are expected. Where these are zero, nothing is expected, and the
        clusters are in the order of their energy.

    Returns
    -------
    tensor of shape (batch, sources, channels, bins, frames)
        Zeros, and a single one among the sources.
    """
    sources = len(centres)
    if magnitudes.is_meta:  # shapes without numbers have no clusters
        return magnitudes.unsqueeze(1).expand(-1, sources, -1, -1, -1)
    masks = torch.zeros((len(embeddings), sources, *magnitudes.shape[1:]), device=magnitudes.device)
    for mask, places, magnitude in zip(masks, embeddings, magnitudes, strict=True):
        points = places.flatten(0, 2).float()  # (channels · bins · frames, D)
        found = _centres(points, magnitude.flatten(), sources)
        nearest = torch.cdist(points, found).argmin(1)
        energy = torch.zeros(sources, device=points.device)
        energy.index_add_(0, nearest, magnitude.flatten().float() ** 2)
        order = _order(found, energy, centres)
        mask.copy_((nearest == order[:, None]).unflatten(1, magnitude.shape))
    return masks.to(magnitudes.dtype)


def _centres(points, magnitudes, sources):
    """The centres of as many clusters as there are sources: (sources, D)."""
    from sklearn.cluster import KMeans

    loud = torch.nonzero(magnitudes >= magnitudes.max() * 10 ** (-_LOUD / 20))[:, 0]
    some = points[loud[:: -(-len(loud) // _MOST)]].cpu().numpy()
    if len(np.unique(some, axis=0)) < sources:  # a mixture of a few samples: any centres will do
        return torch.eye(sources, points.shape[1], device=points.device)
    clusters = KMeans(sources, n_init=4, random_state=0).fit(some)
    return torch.from_numpy(clusters.cluster_centers_).to(points)


def _order(found, energy, centres):
    """Which of the clusters found is each source: (sources,)."""
    if not centres.any():
        return energy.argsort(descending=True)
    distances = torch.cdist(centres.float(), found).cpu().numpy()
    return torch.from_numpy(linear_sum_assignment(distances)[1]).to(found.device)
