"""Separations that know the answer: how well a kind of mask or filter does, with nothing to guess.

Each takes the true sources, and gives what the mask or filter that is made from them lets through
of the mixture. They are oracles for their own kind, and no bounds for all methods.
"""

from collections.abc import Mapping

import numpy as np
import torch

from tutorial_utils import transforms
from tutorial_utils.audio import as_channels
from tutorial_utils.wiener import wiener


def ideal_ratio_mask(
    references: Mapping[str, np.ndarray],
    mixture: np.ndarray,
    n_fft: int = transforms.N_FFT,
    hop: int = transforms.HOP,
    power: float = 1.0,
) -> dict[str, np.ndarray]:
    """Separate with ratio masks that are made from the true sources.

    Each bin of the mixture is shared out in proportion to the magnitudes of the sources in it. This
    is an oracle for masks of this kind: it says how well they separate if nothing has to be
    estimated. It is no upper bound. Other real masks in [0, 1] that sum to one, which take the
    phases of the sources into account, score higher with the same knowledge
    (:func:`ideal_least_squares_mask`), and published models have scored higher on vocals without
    it.

    Parameters
    ----------
    references : dict of str to array of shape (channels, samples)
    mixture : array of shape (channels, samples)
    n_fft, hop : int, in samples
    power : float
        To which magnitudes are raised; see :func:`tutorial_utils.transforms.ratio_mask`.

    Returns
    -------
    dict of str to array of shape (channels, samples), float32
    """

    def masks(sources, _):
        return transforms.ratio_mask(sources.abs(), power=power)

    return _masked(references, mixture, n_fft, hop, masks)


def ideal_binary_mask(
    references: Mapping[str, np.ndarray],
    mixture: np.ndarray,
    n_fft: int = transforms.N_FFT,
    hop: int = transforms.HOP,
) -> dict[str, np.ndarray]:
    """Separate by giving each bin to the source that is the strongest in it.

    Parameters
    ----------
    references, mixture, n_fft, hop
        As for :func:`ideal_ratio_mask`.

    Returns
    -------
    dict of str to array of shape (channels, samples), float32
        They sum to the mixture.
    """

    def masks(sources, _):
        return transforms.binary_mask(sources.abs())

    return _masked(references, mixture, n_fft, hop, masks)


def phase_sensitive_mask(
    references: Mapping[str, np.ndarray],
    mixture: np.ndarray,
    n_fft: int = transforms.N_FFT,
    hop: int = transforms.HOP,
) -> dict[str, np.ndarray]:
    """Separate with :func:`tutorial_utils.transforms.phase_sensitive_mask` of the true sources.

    Parameters
    ----------
    references, mixture, n_fft, hop
        As for :func:`ideal_ratio_mask`.

    Returns
    -------
    dict of str to array of shape (channels, samples), float32
        They need not sum to the mixture.
    """
    return _masked(references, mixture, n_fft, hop, transforms.phase_sensitive_mask)


def ideal_least_squares_mask(
    references: Mapping[str, np.ndarray],
    mixture: np.ndarray,
    n_fft: int = transforms.N_FFT,
    hop: int = transforms.HOP,
) -> dict[str, np.ndarray]:
    """Separate with :func:`tutorial_utils.transforms.least_squares_mask` of the true sources.

    These masks are real, lie within [0, 1] and sum to one, as ideal ratio masks do, and their
    estimates have the smallest squared error of all such masks, bin by bin.

    Parameters
    ----------
    references, mixture, n_fft, hop
        As for :func:`ideal_ratio_mask`.

    Returns
    -------
    dict of str to array of shape (channels, samples), float32
        They sum to the mixture.
    """
    return _masked(references, mixture, n_fft, hop, transforms.least_squares_mask)


def multichannel_wiener(
    references: Mapping[str, np.ndarray],
    mixture: np.ndarray,
    n_fft: int = transforms.N_FFT,
    hop: int = transforms.HOP,
) -> dict[str, np.ndarray]:
    """Separate with the multichannel Wiener filter that is made from the true sources.

    It uses the power of each source in every bin, and how the source is spread over the channels at
    each frequency: one step of :func:`tutorial_utils.wiener.wiener` from the truth. It is the
    oracle "MWF" of SiSEC 2018 (F.-R. Stöter, A. Liutkus and N. Ito, "The 2018 Signal Separation
    Evaluation Campaign", LVA/ICA 2018).

    Parameters
    ----------
    references, mixture, n_fft, hop
        As for :func:`ideal_ratio_mask`.

    Returns
    -------
    dict of str to array of shape (channels, samples), float32
    """

    def estimates(sources, mixture):
        # In double precision, since the covariances of what is panned are nearly singular.
        double = torch.complex128
        return wiener(sources[None].to(double), mixture[None].to(double))[0].to(sources.dtype)

    return _estimated(references, mixture, n_fft, hop, estimates)


def _masked(references, mixture, n_fft, hop, masks):
    def estimates(sources, mixture):
        return masks(sources, mixture) * mixture

    return _estimated(references, mixture, n_fft, hop, estimates)


def _estimated(references, mixture, n_fft, hop, estimates):
    """Estimates that are computed from the STFTs of the sources and of the mixture."""
    sources = torch.from_numpy(np.stack([as_channels(audio) for audio in references.values()]))
    spectrograms = transforms.stft(sources, n_fft, hop)
    spectrogram = transforms.stft(torch.from_numpy(as_channels(mixture)), n_fft, hop)
    found = transforms.istft(estimates(spectrograms, spectrogram), sources.shape[-1], n_fft, hop)
    return dict(zip(references, found.numpy(), strict=True))
