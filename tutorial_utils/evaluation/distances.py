"""Distances between spectrograms: how far apart two sounds are, whatever their phases."""

import numpy as np
import torch

from tutorial_utils import transforms

_QUIET = 1e-10  # of the greatest power: 100 dB below it


def spectral_convergence(
    reference: np.ndarray,
    estimate: np.ndarray,
    n_fft: int = transforms.N_FFT,
    hop: int = transforms.HOP,
) -> float:
    r"""How far apart magnitudes are, in dB relative to those of the reference.

    .. math:: 20 \log_{10} \frac{\lVert |\hat S| - |S| \rVert}{\lVert |S| \rVert}

    Its factor, not in dB, is the measure by which phase reconstruction is compared since N.
    Sturmel and L. Daudet, "Signal reconstruction from STFT magnitude: a state of the art",
    DAFx 2011.

    Parameters
    ----------
    reference, estimate : arrays of the same shape (..., samples)
    n_fft, hop : int, in samples

    Returns
    -------
    float
        Minus infinity for the same magnitudes; 0 dB for a silent estimate.

    Raises
    ------
    ValueError
        If the shapes differ, or the reference is silent.
    """
    first, second = _magnitudes(reference, estimate, n_fft, hop)
    with np.errstate(divide="ignore"):
        return float(20 * np.log10(np.linalg.norm(second - first) / np.linalg.norm(first)))


def log_spectral_distance(
    reference: np.ndarray,
    estimate: np.ndarray,
    n_fft: int = transforms.N_FFT,
    hop: int = transforms.HOP,
) -> float:
    r"""The difference of log-power spectra in dB: root mean square over bins, mean over frames.

    .. math:: \frac 1 M \sum_m \sqrt{\frac 1 K \sum_k \Bigl(10 \log_{10}
              \frac{|S(k, m)|^2}{|\hat S(k, m)|^2} \Bigr)^2}

    Quiet bins count as much as loud ones. Powers more than 100 dB below the greatest of the
    reference count as if they were at that level. After A. H. Gray and J. D. Markel, "Distance
    measures for speech processing", IEEE Transactions on Acoustics, Speech, and Signal Processing
    24(5), 1976.

    Parameters
    ----------
    reference, estimate : arrays of the same shape (..., samples)
    n_fft, hop : int, in samples

    Returns
    -------
    float, in dB

    Raises
    ------
    ValueError
        If the shapes differ, or the reference is silent.
    """
    first, second = _magnitudes(reference, estimate, n_fft, hop)
    floor = _QUIET * float((first**2).max())
    levels = [10 * np.log10(np.maximum(x**2, floor)) for x in (first, second)]
    return float(np.sqrt(((levels[0] - levels[1]) ** 2).mean(-2)).mean())


def _magnitudes(reference, estimate, n_fft, hop):
    signals = [np.asarray(x, np.float64) for x in (reference, estimate)]
    if signals[0].shape != signals[1].shape:
        raise ValueError(
            f"The reference has the shape {signals[0].shape} and the estimate "
            f"{signals[1].shape}; they must be the same."
        )
    if not signals[0].any():
        raise ValueError("The reference is silent, so that nothing can be compared with it.")
    return [transforms.stft(torch.from_numpy(x), n_fft, hop).abs().numpy() for x in signals]
