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
_WINDOWS = {
    "hann": torch.hann_window,
    "hamming": torch.hamming_window,
    "blackman": torch.blackman_window,
    "sine": lambda n_fft: torch.hann_window(n_fft).sqrt(),
}


def stft(
    audio: torch.Tensor, n_fft: int = N_FFT, hop: int = HOP, window: torch.Tensor | None = None
) -> torch.Tensor:
    """Short-time Fourier transform; frames are centred, the ends zero-padded.

    Where windows overlap by less than three quarters, there is a frame after the last sample, too,
    if there would not be one anyway. Without it the last samples would lie under the faint end of a
    single window, by which :func:`istft` has to divide: whatever a mask has changed there would
    come back as a click.

    Parameters
    ----------
    audio : tensor of shape (..., samples)
    n_fft : int
        Length of a frame, in samples. It gives ``n_fft // 2 + 1`` bins.
    hop : int
        From one frame to the next, in samples.
    window : tensor of shape (n_fft,), optional
        A Hann window if not given.

    Returns
    -------
    complex tensor of shape (..., bins, frames)

    See Also
    --------
    istft : the way back.
    """
    lead = audio.shape[:-1]
    samples = (_frames(audio.shape[-1], n_fft, hop) - 1) * hop
    audio = audio.reshape(-1, audio.shape[-1])
    if samples > audio.shape[-1]:
        audio = torch.nn.functional.pad(audio, (0, samples - audio.shape[-1]))
    spectrogram = torch.stft(
        audio,
        n_fft,
        hop,
        window=_window(n_fft, audio) if window is None else window.to(audio.dtype),
        pad_mode="constant",
        return_complex=True,
    )
    return spectrogram.reshape(*lead, *spectrogram.shape[-2:])


def istft(
    spectrogram: torch.Tensor,
    samples: int,
    n_fft: int = N_FFT,
    hop: int = HOP,
    window: torch.Tensor | None = None,
) -> torch.Tensor:
    """Inverse of :func:`stft`: the signal whose STFT is closest to ``spectrogram``.

    Closest is meant in the least-squares sense of Griffin and Lim (1984), whose weighted
    overlap-add this is.

    Parameters
    ----------
    spectrogram : complex tensor of shape (..., bins, frames)
    samples : int
        Length of the signal; the padding of the last frame is cut off.
    window : tensor of shape (n_fft,), optional
        That of :func:`stft`.

    Returns
    -------
    tensor of shape (..., samples)
    """
    lead = spectrogram.shape[:-2]
    if spectrogram.is_meta:  # a shape without numbers, of which PyTorch's function knows nothing
        return spectrogram.real.new_empty((*lead, samples))
    if window is None:
        window = _window(n_fft, spectrogram.real)
    audio = torch.istft(
        spectrogram.reshape(-1, *spectrogram.shape[-2:]),
        n_fft,
        hop,
        window=window.to(spectrogram.real.dtype),
        length=samples,
    )
    return audio.reshape(*lead, samples)


def magnitude(X: torch.Tensor) -> torch.Tensor:
    """The magnitudes of an STFT, in less than half the time of ``X.abs()`` on a CPU.

    ``abs`` guards against numbers whose squares are too large or too small for floats, which sounds
    do not have. It is still what is used where a gradient is wanted, which it defines at zero.

    Parameters
    ----------
    X : complex tensor of any shape

    Returns
    -------
    real tensor of the same shape

    Examples
    --------
    >>> magnitude(torch.tensor([3 + 4j, 0j]))
    tensor([5., 0.])
    """
    if X.requires_grad or X.device.type != "cpu":
        return X.abs()
    real, imaginary = torch.view_as_real(X.resolve_conj()).unbind(-1)
    return torch.addcmul(real.square(), imaginary, imaginary).sqrt_()


def ratio_mask(magnitudes: torch.Tensor, sources: int = -4, power: float = 1.0) -> torch.Tensor:
    """The ideal ratio mask: each source's share of the sum of magnitudes, in every bin.

    Parameters
    ----------
    magnitudes : tensor of shape (..., sources, channels, bins, frames), not negative
    sources : int
        The axis of the sources.
    power : float
        To which magnitudes are raised first. With 2 it is the Wiener filter of a single channel.

    Returns
    -------
    tensor of the same shape
        Within [0, 1]; sums to one over the sources wherever anything sounds.
    """
    magnitudes = magnitudes**power
    return magnitudes / magnitudes.sum(sources, keepdim=True).clamp_min(_TINY)


def binary_mask(magnitudes: torch.Tensor, sources: int = -4) -> torch.Tensor:
    """The ideal binary mask: every bin belongs to the source that is the strongest in it.

    After D. Wang, "On ideal binary mask as the computational goal of auditory scene analysis", in
    Speech Separation by Humans and Machines, 2005.

    Parameters
    ----------
    magnitudes : tensor of shape (..., sources, channels, bins, frames), not negative
    sources : int
        The axis of the sources.

    Returns
    -------
    tensor of the same shape
        Zeros, and a single one among the sources; of sources that are equal, the first has it.
    """
    strongest = magnitudes.argmax(sources, keepdim=True)
    return torch.zeros_like(magnitudes).scatter_(sources, strongest, 1.0)


def phase_sensitive_mask(
    spectrograms: torch.Tensor, mixture: torch.Tensor, sources: int = -4
) -> torch.Tensor:
    r"""The part of a source that points where the mixture does: :math:`\operatorname{Re} S_j / X`.

    Of all real masks it is the one whose estimate is closest to the source, bin by bin, if it is
    not limited to [0, 1] as it is here. After H. Erdogan, J. R. Hershey, S. Watanabe and J. Le
    Roux, "Phase-sensitive and recognition-boosted speech separation using deep recurrent neural
    networks", ICASSP 2015.

    Parameters
    ----------
    spectrograms : complex tensor of shape (..., sources, channels, bins, frames)
    mixture : complex tensor of shape (..., channels, bins, frames)
    sources : int
        The axis of the sources.

    Returns
    -------
    real tensor of the shape of ``spectrograms``
        Within [0, 1]; the sum over the sources may be anything.
    """
    return _along(spectrograms, mixture, sources).clamp(0, 1)


def least_squares_mask(
    spectrograms: torch.Tensor, mixture: torch.Tensor, sources: int = -4
) -> torch.Tensor:
    r"""Of all masks within [0, 1] that sum to one, that whose estimates are closest to the sources.

    In every bin the squared error :math:`\sum_j |S_j - W_j X|^2` is smallest for the point of the
    unit simplex that is nearest to the :math:`\operatorname{Re} S_j / X`, which sum to one already
    but need not lie within [0, 1]. The projection is that of J. Duchi, S. Shalev-Shwartz, Y. Singer
    and T. Chandra, "Efficient projections onto the l1-ball for learning in high dimensions",
    ICML 2008.

    Parameters
    ----------
    spectrograms : complex tensor of shape (..., sources, channels, bins, frames)
    mixture : complex tensor of shape (..., channels, bins, frames)
    sources : int
        The axis of the sources.

    Returns
    -------
    real tensor of the shape of ``spectrograms``
        Within [0, 1]; sums to one over the sources.
    """
    along = _along(spectrograms, mixture, sources).movedim(sources, -1)
    descending = along.sort(-1, descending=True).values
    excess = descending.cumsum(-1) - 1
    count = torch.arange(1, along.shape[-1] + 1, device=along.device)
    used = (descending * count > excess).sum(-1, keepdim=True)
    threshold = excess.gather(-1, used - 1) / used
    return (along - threshold).clamp_min(0).movedim(-1, sources)


def _along(spectrograms, mixture, sources):
    """The real part of each source over the mixture; zero where the mixture is."""
    mixture = mixture.unsqueeze(sources)
    power = mixture.abs().square()
    products = (spectrograms * mixture.conj()).real
    return torch.where(power > _TINY**2, products / power.clamp_min(_TINY**2), 0.0)


class STFT(torch.nn.Module):
    """The STFT and its inverse as a module, with a window of several kinds.

    Parameters
    ----------
    n_fft : int
        Length of the window and of a frame, in samples.
    hop : int
    window : {"hann", "hamming", "blackman", "sine"}

    Shape
    -----
    (..., samples) to (..., bins, frames), complex; :meth:`inverse` back.

    Raises
    ------
    ValueError
        If the window is of another kind, or its copies at this hop leave samples uncovered, so
        that there is no way back.

    Examples
    --------
    >>> transform, x = STFT(512, 128, "sine"), torch.randn(2, 1000)
    >>> bool((transform.inverse(transform(x), 1000) - x).abs().max() < 1e-5)
    True
    """

    def __init__(self, n_fft: int = N_FFT, hop: int = HOP, window: str = "hann"):
        super().__init__()
        if window not in _WINDOWS:
            raise ValueError(f"window must be one of {', '.join(_WINDOWS)}, not {window!r}.")
        values = _WINDOWS[window](n_fft)
        whole = values.square().reshape(-1)
        covered = torch.nn.functional.pad(whole, (0, -n_fft % hop)).reshape(-1, hop).sum(0)
        if hop > n_fft or covered.min() < 1e-8:
            raise ValueError(
                f"A {window} window of {n_fft} samples at a hop of {hop} leaves samples that no "
                "frame holds. Use a shorter hop."
            )
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", values, persistent=False)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return stft(audio, self.n_fft, self.hop, self.window)

    def inverse(self, spectrogram: torch.Tensor, samples: int) -> torch.Tensor:
        """Shape: (..., bins, frames) to (..., samples)."""
        return istft(spectrogram, samples, self.n_fft, self.hop, self.window)


class Mel(torch.nn.Module):
    """Magnitudes or powers, gathered into bands that are equally wide in mel.

    Parameters
    ----------
    sample_rate : int, in Hz
    n_fft : int
    bands : int

    Shape
    -----
    (..., bins, frames) to (..., bands, frames).
    """

    def __init__(self, sample_rate: int, n_fft: int = N_FFT, bands: int = 128):
        import librosa

        super().__init__()
        weights = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=bands)
        self.register_buffer("weights", torch.from_numpy(weights), persistent=False)

    def forward(self, magnitudes: torch.Tensor) -> torch.Tensor:
        return self.weights.to(magnitudes.dtype) @ magnitudes


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


def _frames(samples, n_fft, hop):
    return 1 + (-(-samples // hop) if 4 * hop > n_fft else samples // hop)


def _magnitudes(audio, n_fft, hop):
    """What ``stft(audio, n_fft, hop).abs()`` gives, in half the time where it is computed on a CPU.

    One channel at a time makes do with little memory, which is used again and again; for all at
    once the system has to hand out new memory, which takes as long as the transforms. And PyTorch's
    modulus writes a second complex array, whose real part it then copies. NumPy's does not.
    """
    if not audio.is_cpu or audio.requires_grad:
        return stft(audio, n_fft, hop).abs()
    channels = audio.reshape(-1, audio.shape[-1])
    frames = _frames(audio.shape[-1], n_fft, hop)
    magnitudes = torch.empty(len(channels), n_fft // 2 + 1, frames, dtype=audio.dtype)
    for channel, magnitude in zip(channels, magnitudes.numpy(), strict=True):
        magnitude[:] = np.abs(stft(channel, n_fft, hop).numpy())
    return magnitudes.reshape(*audio.shape[:-1], *magnitudes.shape[1:])


def _window(n_fft, like):
    return torch.hann_window(n_fft, dtype=like.dtype, device=like.device)
