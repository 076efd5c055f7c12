"""Between waveforms and spectrograms, and the masks that separate in between.

Everything here takes and gives PyTorch tensors on whatever device they are, so that the same code
serves inside a model, in a loss and on the page. Axes are named as in the book: ``bins`` are
frequencies, ``frames`` are moments.
"""

from dataclasses import dataclass

import numpy as np
import torch

N_FFT = 2048
HOP = 512
_TINY = 1e-10


def stft(audio: torch.Tensor, n_fft: int = N_FFT, hop: int = HOP) -> torch.Tensor:
    """Short-time Fourier transform with a Hann window; frames are centred, the ends zero-padded.

    Parameters
    ----------
    audio : tensor of shape (..., samples)
    n_fft : int
        Length of a frame, in samples. It gives ``n_fft // 2 + 1`` bins.
    hop : int
        From one frame to the next, in samples.

    Returns
    -------
    complex tensor of shape (..., bins, frames)

    See Also
    --------
    istft : the way back.
    """
    lead = audio.shape[:-1]
    spectrogram = torch.stft(
        audio.reshape(-1, audio.shape[-1]),
        n_fft,
        hop,
        window=_window(n_fft, audio),
        pad_mode="constant",
        return_complex=True,
    )
    return spectrogram.reshape(*lead, *spectrogram.shape[-2:])


def istft(
    spectrogram: torch.Tensor, samples: int, n_fft: int = N_FFT, hop: int = HOP
) -> torch.Tensor:
    """Inverse of :func:`stft`: the signal whose STFT is closest to ``spectrogram``.

    Closest is meant in the least-squares sense of Griffin and Lim (1984), whose weighted
    overlap-add this is.

    Parameters
    ----------
    spectrogram : complex tensor of shape (..., bins, frames)
    samples : int
        Length of the signal; the padding of the last frame is cut off.

    Returns
    -------
    tensor of shape (..., samples)
    """
    lead = spectrogram.shape[:-2]
    audio = torch.istft(
        spectrogram.reshape(-1, *spectrogram.shape[-2:]),
        n_fft,
        hop,
        window=_window(n_fft, spectrogram.real),
        length=samples,
    )
    return audio.reshape(*lead, samples)


def ratio_mask(magnitudes: torch.Tensor, sources: int = -4) -> torch.Tensor:
    """The ideal ratio mask: each source's share of the sum of magnitudes, in every bin.

    Parameters
    ----------
    magnitudes : tensor of shape (..., sources, channels, bins, frames), not negative
    sources : int
        The axis of the sources.

    Returns
    -------
    tensor of the same shape
        Within [0, 1]; sums to one over the sources wherever anything sounds.
    """
    return magnitudes / magnitudes.sum(sources, keepdim=True).clamp_min(_TINY)


@dataclass(frozen=True)
class Magnitudes:
    """Turns a mixture and its sources into magnitude spectrograms, on the device where they are.

    Use it as the transform of a dataset, so that spectrograms are computed by the loader's workers,
    or call it on a batch, so that they are computed where the model is.

    Parameters
    ----------
    n_fft, hop : int, in samples

    Shape
    -----
    (..., channels, samples) and (..., sources, channels, samples) to
    (..., channels, bins, frames) and (..., sources, channels, bins, frames).
    """

    n_fft: int = N_FFT
    hop: int = HOP

    def __call__(self, mixture: torch.Tensor, sources: torch.Tensor):
        return (
            _magnitudes(mixture, self.n_fft, self.hop),
            _magnitudes(sources, self.n_fft, self.hop),
        )


def _magnitudes(audio, n_fft, hop):
    """What ``stft(audio, n_fft, hop).abs()`` gives, in half the time where it is computed on a CPU.

    One channel at a time makes do with little memory, which is used again and again; for all at
    once the system has to hand out new memory, which takes as long as the transforms. And PyTorch's
    modulus writes a second complex array, whose real part it then copies. NumPy's does not.
    """
    if not audio.is_cpu or audio.requires_grad:
        return stft(audio, n_fft, hop).abs()
    channels = audio.reshape(-1, audio.shape[-1])
    frames = 1 + audio.shape[-1] // hop
    magnitudes = torch.empty(len(channels), n_fft // 2 + 1, frames, dtype=audio.dtype)
    for channel, magnitude in zip(channels, magnitudes.numpy(), strict=True):
        magnitude[:] = np.abs(stft(channel, n_fft, hop).numpy())
    return magnitudes.reshape(*audio.shape[:-1], *magnitudes.shape[1:])


def _window(n_fft, like):
    return torch.hann_window(n_fft, dtype=like.dtype, device=like.device)
