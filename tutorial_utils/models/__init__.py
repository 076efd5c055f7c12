"""Separation models, built by name.

Every model takes mixtures of shape ``(batch, channels, samples)``, gives estimates of shape
``(batch, sources, channels, samples)``, and knows its ``labels`` and its ``sample_rate``.
"""

from tutorial_utils.models.spectrogram import MaskInference

_MODELS = {model.__name__: model for model in (MaskInference,)}


def names() -> list[str]:
    """The names that :func:`build` knows."""
    return sorted(_MODELS)


def build(name: str, **settings):
    """Build a model with fresh weights.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    **settings
        What the model's class takes.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If there is no model of that name.

    Examples
    --------
    >>> build("MaskInference", hidden=64).labels
    ('drums', 'bass', 'other', 'vocals')
    """
    if name not in _MODELS:
        raise ValueError(f"There is no model '{name}'. There are: {', '.join(names())}.")
    return _MODELS[name](**settings)
