"""Separations that know the answer: what a kind of mask or filter could reach at best."""

from collections.abc import Mapping

import numpy as np
import torch

from tutorial_utils import transforms
from tutorial_utils.audio import as_channels


def ideal_ratio_mask(
    references: Mapping[str, np.ndarray],
    mixture: np.ndarray,
    n_fft: int = transforms.N_FFT,
    hop: int = transforms.HOP,
) -> dict[str, np.ndarray]:
    """Separate with ratio masks that are made from the true sources.

    Each bin of the mixture is shared out in proportion to the magnitudes of the sources in it. This
    is an oracle for masks of this kind: it says how well they separate if nothing has to be
    estimated. It is no upper bound. Other real masks in [0, 1] that sum to one, which take the
    phases of the sources into account, score higher with the same knowledge, and published models
    have scored higher on vocals without it.

    Parameters
    ----------
    references : dict of str to array of shape (channels, samples)
    mixture : array of shape (channels, samples)
    n_fft, hop : int, in samples

    Returns
    -------
    dict of str to array of shape (channels, samples), float32
    """
    sources = torch.from_numpy(np.stack([as_channels(audio) for audio in references.values()]))
    spectrogram = transforms.stft(torch.from_numpy(as_channels(mixture)), n_fft, hop)
    masks = transforms.ratio_mask(transforms.stft(sources, n_fft, hop).abs())
    estimates = transforms.istft(masks * spectrogram, sources.shape[-1], n_fft, hop).numpy()
    return dict(zip(references, estimates, strict=True))
