"""How a spectrogram's bins are divided into bands, each of which a network reads as one vector."""

import librosa
import numpy as np


def band_edges(n_fft: int, sample_rate: int, widths: list[tuple[float, float]]) -> list[int]:
    """The first bin of each band, and one behind the last.

    Parameters
    ----------
    n_fft : int
    sample_rate : int, in Hz
    widths : list of (float, float)
        Up to a frequency in Hz, bands are so many Hz wide; what is above the last is one band more.

    Examples
    --------
    >>> band_edges(16, 16000, [(4000, 1000), (8000, 2000)])
    [0, 1, 2, 3, 4, 6, 8, 9]
    """
    places, low = [0.0], 0.0
    for top, width in widths:
        places += list(np.arange(low + width, top + width / 2, width))
        low = top
    edges = [round(place * n_fft / sample_rate) for place in places]
    bins = n_fft // 2 + 1
    # A band narrower than a bin would be empty: it goes into the next one.
    return sorted({edge for edge in edges if edge < bins} | {bins})


def split_bsrnn(n_fft: int, sample_rate: int) -> list[int]:
    """The bands of BSRNN's scheme V7: 100 Hz wide up to 1 kHz, then 250, 500, 1000 and 2000 Hz.

    After Y. Luo and J. Yu, "Music source separation with band-split RNN", IEEE/ACM Transactions on
    Audio, Speech, and Language Processing 31, 2023.
    """
    widths = [(1000, 100), (4000, 250), (8000, 500), (16000, 1000), (20000, 2000)]
    return band_edges(n_fft, sample_rate, widths)


def split_roformer(n_fft: int, sample_rate: int) -> list[int]:
    """The bands of BS-RoFormer: 2 bins of 21.5 Hz up to 1 kHz, then 4, 12, 24 and 48 of them.

    After W.-T. Lu, J.-C. Wang, Q. Kong and Y.-N. Hung, "Music source separation with band-split
    RoPE transformer", ICASSP 2024.
    """
    bin_ = 44100 / 2048
    widths = [(1000, 2 * bin_), (2000, 4 * bin_), (4000, 12 * bin_), (8000, 24 * bin_)]
    return band_edges(n_fft, sample_rate, [*widths, (16000, 48 * bin_)])


def mel_bands(n_fft: int, sample_rate: int, bands: int) -> list[list[int]]:
    """The bins of bands that overlap by half and are equally wide in mel.

    Each bin is in one band at least. After J.-C. Wang, W.-T. Lu and M. Won, "Mel-band RoFormer for
    music source separation", 2023.
    """
    weights = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=bands) > 0
    weights[0, 0] = weights[-1, -1] = True  # the ends, where triangles are zero
    for bin_ in np.flatnonzero(~weights.any(0)):  # between triangles narrower than a bin
        weights[np.abs(weights.argmax(1) - bin_).argmin(), bin_] = True
    return [list(np.flatnonzero(row)) for row in weights if row.any()]
