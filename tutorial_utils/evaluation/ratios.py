"""Ratios of energies: SI-SDR and its relatives, one number per signal, in dB.

They compare an estimate with its reference directly, or scaled by one factor, and need no filters.
Where a reference is silent, nothing can be said about the estimate, and the ratio is NaN; where an
estimate is silent, all ratios but the SNR are minus infinity.
"""

from collections.abc import Callable

import numpy as np

_SMALL = 1e-7
"""What the challenge adds to both energies of the uSDR."""


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
    s, e, silent, muted = _prepared(references, estimates)
    target = _scale(s, e)[..., None] * s
    return _ratio(target, target - e, silent, muted)


def sd_sdr(references: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    r"""Scale-dependent signal-to-distortion ratio, in dB.

    .. math:: \text{SD-SDR} = 10 \log_{10} \frac{\lVert \alpha s \rVert^2}
              {\lVert s - \hat s \rVert^2},

    with the :math:`\alpha` of :func:`si_sdr`: a wrong level is an error here. It is the SI-SDR
    where :math:`\alpha = 1`, and lower everywhere else. After Le Roux et al., ICASSP 2019, eq. 7.

    Parameters
    ----------
    references, estimates : arrays of the same shape (..., samples)

    Returns
    -------
    array of shape (...)
        Not finite where :func:`si_sdr` is not.

    Raises
    ------
    ValueError
        As :func:`si_sdr`.
    """
    s, e, silent, muted = _prepared(references, estimates)
    return _ratio(_scale(s, e)[..., None] * s, s - e, silent, muted)


def si_sir(references: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    r"""Scale-invariant source-to-interference ratio, in dB.

    The error of :func:`si_sdr` has two parts at right angles: what can be made of the references of
    all sources, without filters, which is called interference, and the rest, called artefacts.

    .. math:: \text{SI-SIR} = 10 \log_{10} \frac{\lVert \alpha s_j \rVert^2}
              {\lVert P \hat s_j - \alpha s_j \rVert^2}, \qquad
              \text{SI-SAR} = 10 \log_{10} \frac{\lVert \alpha s_j \rVert^2}
              {\lVert \hat s_j - P \hat s_j \rVert^2},

    where :math:`P` projects on the span of all references :math:`s_i`. Le Roux et al., ICASSP 2019,
    section 3.1.

    Parameters
    ----------
    references, estimates : arrays of the same shape (sources, ..., samples)

    Returns
    -------
    array of shape (sources, ...)
        Not finite where :func:`si_sdr` is not, and infinity where there is no interference.

    Raises
    ------
    ValueError
        As :func:`si_sdr`.
    """
    target, projected, _, silent, muted = _projected(references, estimates)
    return _ratio(target, projected - target, silent, muted)


def si_sar(references: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    """Scale-invariant source-to-artefacts ratio, in dB; see :func:`si_sir`.

    Parameters
    ----------
    references, estimates : arrays of the same shape (sources, ..., samples)

    Returns
    -------
    array of shape (sources, ...)

    Raises
    ------
    ValueError
        As :func:`si_sdr`.
    """
    target, projected, estimates, silent, muted = _projected(references, estimates)
    return _ratio(target, estimates - projected, silent, muted)


def snr(references: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    r"""Signal-to-noise ratio, in dB: :math:`10 \log_{10} \lVert s \rVert^2 / \lVert \hat s - s
    \rVert^2`, without any scaling, filter or mean taken off.

    Parameters
    ----------
    references, estimates : arrays of the same shape (..., samples)
        For one number over all channels, reshape them to (..., channels · samples).

    Returns
    -------
    array of shape (...)
        NaN where the reference is silent. A silent estimate has 0 dB, by the formula.

    Raises
    ------
    ValueError
        As :func:`si_sdr`.
    """
    s, e = _checked(references, estimates)
    return _ratio(s, s - e, ~s.any(-1), np.zeros(s.shape[:-1], bool))


def usdr(references: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    r"""The "SDR" of the Music and Sound Demixing Challenges, in dB: an SNR over all channels.

    .. math:: \text{uSDR} = 10 \log_{10} \frac{\sum_{c, n} s(c, n)^2 + \varepsilon}
              {\sum_{c, n} \bigl(s(c, n) - \hat s(c, n)\bigr)^2 + \varepsilon}, \qquad
              \varepsilon = 10^{-7}.

    It is computed on whole songs, and the mean over songs counts. After Mitsufuji et al., "Music
    Demixing Challenge 2021", Frontiers in Signal Processing 1, 2022.

    Parameters
    ----------
    references, estimates : arrays of the same shape (..., channels, samples)

    Returns
    -------
    array of shape (...)
        Finite in any case: of a silent reference it says how quiet the estimate is.

    Raises
    ------
    ValueError
        As :func:`si_sdr`.
    """
    s, e = _checked(references, estimates)
    if s.ndim < 2:
        raise ValueError(f"Give signals of shape (..., channels, samples), not {s.shape}.")
    above, below = ((x**2).sum((-2, -1)) + _SMALL for x in (s, s - e))
    return 10 * np.log10(above / below)


def improvement(
    metric: Callable[[np.ndarray, np.ndarray], np.ndarray],
    references: np.ndarray,
    estimates: np.ndarray,
    mixture: np.ndarray,
) -> np.ndarray:
    """How much better an estimate is than the mixture itself, such as the SI-SDRi, in dB.

    Parameters
    ----------
    metric : callable
        One of this module's.
    references, estimates : arrays of the same shape (sources, ..., samples)
    mixture : array of shape (..., samples)

    Returns
    -------
    array
        What the metric returns for the estimates, minus what it returns for the mixture.
    """
    mixtures = np.broadcast_to(mixture, np.shape(references))
    return metric(references, estimates) - metric(references, mixtures)


def _checked(references, estimates):
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
    return references, estimates


def _prepared(references, estimates):
    """Both zero-mean, and where references and estimates are silent."""
    references, estimates = _checked(references, estimates)
    # Before the mean is taken off, which would leave the rounding of it.
    silent, muted = np.ptp(references, -1) == 0, np.ptp(estimates, -1) == 0
    references = references - references.mean(-1, keepdims=True)
    estimates = estimates - estimates.mean(-1, keepdims=True)
    return references, estimates, silent, muted


def _scale(references, estimates):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sum(estimates * references, -1) / np.sum(references**2, -1)


def _ratio(target, distortion, silent, muted):
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * np.log10(np.sum(target**2, -1) / np.sum(distortion**2, -1))
    return np.where(silent, np.nan, np.where(muted, -np.inf, ratio))


def _projected(references, estimates):
    """The targets, the estimates projected on all references, and the estimates."""
    s, e, silent, muted = _prepared(references, estimates)
    if s.ndim < 2:
        raise ValueError(f"Give signals of shape (sources, ..., samples), not {s.shape}.")
    target = _scale(s, e)[..., None] * s
    s, e = np.moveaxis(s, 0, -2), np.moveaxis(e, 0, -2)  # (..., sources, samples)
    products = s @ np.swapaxes(s, -1, -2)
    weights = np.linalg.pinv(products, hermitian=True) @ (s @ np.swapaxes(e, -1, -2))
    projected = np.swapaxes(weights, -1, -2) @ s
    return target, np.moveaxis(projected, -2, 0), np.moveaxis(e, -2, 0), silent, muted
