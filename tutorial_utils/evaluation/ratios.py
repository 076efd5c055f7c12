"""Ratios of energies: SI-SDR and its relatives, one number per signal, in dB."""

import numpy as np


def si_sdr(references: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    r"""Scale-invariant signal-to-distortion ratio, in dB.

    .. math:: \text{SI-SDR} = 10 \log_{10} \frac{\lVert \alpha s \rVert^2}
              {\lVert \alpha s - \hat s \rVert^2}, \qquad
              \alpha = \frac{\langle \hat s, s \rangle}{\lVert s \rVert^2}

    for a reference :math:`s` and an estimate :math:`\hat s`, both made zero-mean first. After
    Le Roux, Wisdom, Erdogan and Hershey, "SDR -- half-baked or well done?", ICASSP 2019.

    Parameters
    ----------
    references, estimates : arrays of the same shape (..., samples)

    Returns
    -------
    array of shape (...)
        NaN where the reference is silent (or constant), since nothing can be said about the
        estimate then, and nowhere else. Minus infinity where the estimate is silent, infinity where
        it is the reference.

    Raises
    ------
    ValueError
        If the shapes differ, or there are no samples, or some are not finite.
    """
    references = np.asarray(references, dtype=np.float64)
    estimates = np.asarray(estimates, dtype=np.float64)
    if references.shape != estimates.shape:
        raise ValueError(
            f"References have the shape {references.shape} and estimates {estimates.shape}; "
            "they must be the same."
        )
    if references.shape[-1:] in ((), (0,)):
        raise ValueError(f"There are no samples to compare: the shape is {references.shape}.")
    for name, signals in {"references": references, "estimates": estimates}.items():
        if not np.isfinite(signals).all():
            raise ValueError(f"The {name} hold NaN or infinite samples. Look where they come from.")
    # Before the mean is taken off, which would leave the rounding of it.
    nothing_to_find, nothing_found = np.ptp(references, -1) == 0, np.ptp(estimates, -1) == 0
    references = references - references.mean(-1, keepdims=True)
    estimates = estimates - estimates.mean(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sum(estimates * references, -1) / np.sum(references**2, -1)
        target = scale[..., None] * references
        distortion = target - estimates
        ratio = 10 * np.log10(np.sum(target**2, -1) / np.sum(distortion**2, -1))
    return np.where(nothing_to_find, np.nan, np.where(nothing_found, -np.inf, ratio))
