"""Training a model: one loop that is read from top to bottom."""

from collections.abc import Iterable

import torch
from tqdm import tqdm


def fit(
    model: torch.nn.Module,
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    loss,
    learning_rate: float = 1e-3,
) -> list[float]:
    """Train a model, one step per batch.

    Parameters
    ----------
    model : torch.nn.Module
        Is changed in place, on the device where it is.
    batches : iterable of (mixtures, sources)
        Of the shapes (batch, channels, samples) and (batch, sources, channels, samples). One that
        has a length gives the progress bar an end.
    loss : callable
        ``loss(estimates, sources)`` gives the number to be made small, such as
        ``torch.nn.functional.l1_loss``.
    learning_rate : float
        Of the Adam optimiser.

    Returns
    -------
    list of float
        The loss at each step.

    Raises
    ------
    FloatingPointError
        If the loss is not finite; the weights are those from before that step.
    """
    device = next(model.parameters()).device
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    history = []
    model.train()
    with tqdm(batches, desc="training", unit="step") as bar:
        for mixtures, sources in bar:
            value = loss(model(mixtures.to(device)), sources.to(device))
            if not torch.isfinite(value):
                raise FloatingPointError(
                    f"The loss is {value.item()} at step {len(history)}. Try a lower learning "
                    "rate, and look whether the mixtures hold NaN."
                )
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            history.append(value.item())
            bar.set_postfix(loss=f"{value.item():.4f}", refresh=False)
    return history
