"""What training makes small."""

import torch

from tutorial_utils import transforms


def spectrogram_l1(
    estimates: torch.Tensor,
    sources: torch.Tensor,
    n_fft: int = transforms.N_FFT,
    hop: int = transforms.HOP,
) -> torch.Tensor:
    """Mean absolute difference between the magnitudes of estimates and sources.

    Parameters
    ----------
    estimates, sources : tensors of shape (batch, sources, channels, samples)
    n_fft, hop : int, in samples

    Returns
    -------
    tensor, a scalar
    """
    magnitudes = [transforms.stft(audio, n_fft, hop).abs() for audio in (estimates, sources)]
    return torch.nn.functional.l1_loss(*magnitudes)
