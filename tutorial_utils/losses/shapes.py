"""What all losses ask of their tensors."""

from functools import wraps

import torch


def require_same(**tensors: torch.Tensor) -> None:
    """Refuse tensors of different shapes, which would otherwise be broadcast to a wrong number.

    Raises
    ------
    ValueError
        If the shapes differ; the message names the tensors.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"These must have the same shape: {listed}.")


def precise(x: torch.Tensor) -> torch.Tensor:
    """At least 32 bits: squares and sums of 16-bit numbers are too coarse."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def without_autocast(loss):
    """A loss whose matrix products keep all their bits under ``torch.autocast``, too.

    Sums over all bins of a mixture are beyond the largest 16-bit float.
    """

    @wraps(loss)
    def exact(V, *others, **settings):
        with torch.autocast(V.device.type, enabled=False):
            return loss(V, *others, **settings)

    return exact
