"""A spectrogram as a product of few patterns, or as such a product plus what is rare."""

import functools

import librosa
import numpy as np

_N_FFT, _HOP = 2048, 1024
_PATTERNS = 24  # of each of the two dictionaries
_SONGS = 3  # of TinyStems, from which dictionaries are learned
_SECONDS = 8.0
_TINY = 1e-10


def nmf(
    magnitudes: np.ndarray,
    components: int,
    iterations: int = 100,
    *,
    patterns: np.ndarray | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    r"""Non-negative matrix factorisation by multiplicative updates, for the Kullback-Leibler loss.

    After D. D. Lee and H. S. Seung, "Algorithms for non-negative matrix factorization", NIPS 2000,
    equation 5.

    Parameters
    ----------
    magnitudes : array of shape (bins, frames), not negative
    components : int
    iterations : int
    patterns : array of shape (bins, components), optional
        A dictionary that is kept; only the activations are found.
    seed : int
        Of the random start.

    Returns
    -------
    patterns : array of shape (bins, components)
        The columns sum to one, unless they were given.
    activations : array of shape (components, frames)
    losses : list of float
        After each iteration, per bin and frame.

    Raises
    ------
    ValueError
        If magnitudes are negative or not finite, or the shapes do not go together.
    """
    magnitudes = np.asarray(magnitudes, dtype=np.float64)
    if magnitudes.ndim != 2 or not (magnitudes >= 0).all() or not np.isfinite(magnitudes).all():
        raise ValueError("Magnitudes are numbers of at least 0, of the shape (bins, frames).")
    random = np.random.default_rng(seed)
    bins, frames = magnitudes.shape
    learned = patterns is None
    if not learned and patterns.shape != (bins, components):
        raise ValueError(
            f"{components} patterns for {bins} bins have the shape ({bins}, {components}), not "
            f"{patterns.shape}."
        )
    patterns = random.uniform(0.5, 1.5, (bins, components)) if learned else patterns + _TINY
    activations = random.uniform(0.5, 1.5, (components, frames))
    activations *= magnitudes.mean() / max((patterns @ activations).mean(), _TINY)
    losses = []
    for _ in range(iterations):
        ratio = magnitudes / (patterns @ activations + _TINY)
        activations *= (patterns.T @ ratio) / (patterns.sum(0)[:, None] + _TINY)
        if learned:
            ratio = magnitudes / (patterns @ activations + _TINY)
            patterns *= (ratio @ activations.T) / (activations.sum(1) + _TINY)
            scale = patterns.sum(0) + _TINY
            patterns, activations = patterns / scale, activations * scale[:, None]
        losses.append(_divergence(magnitudes, patterns @ activations + _TINY))
    return patterns, activations, losses


def robust_pca(
    matrix: np.ndarray, weight: float | None = None, iterations: int = 30
) -> tuple[np.ndarray, np.ndarray]:
    r"""Divide a matrix into one of low rank and one that is sparse.

    Minimises :math:`\lVert L \rVert_* + \lambda \lVert S \rVert_1` with :math:`L + S` equal to the
    matrix, by the inexact augmented Lagrange multiplier method: E. J. Candès, X. Li, Y. Ma and
    J. Wright, "Robust principal component analysis?", Journal of the ACM 58(3), 2011, algorithm 1.

    Parameters
    ----------
    matrix : array of shape (rows, columns)
    weight : float, optional
        :math:`\lambda`; by default one over the root of the larger side.
    iterations : int

    Returns
    -------
    low_rank, sparse : arrays of shape (rows, columns)
        Their sum is the matrix but for what is left of the iterations.
    """
    weight = weight or 1 / np.sqrt(max(matrix.shape))
    norm = np.linalg.norm(matrix, 2) or 1.0
    step = 1.25 / norm
    multiplier = matrix / max(norm, np.abs(matrix).max() / weight or 1.0)
    sparse = np.zeros_like(matrix)
    for _ in range(iterations):
        left, values, right = np.linalg.svd(
            matrix - sparse + multiplier / step, full_matrices=False
        )
        low_rank = (left * np.maximum(values - 1 / step, 0)) @ right
        rest = matrix - low_rank + multiplier / step
        sparse = np.sign(rest) * np.maximum(np.abs(rest) - weight / step, 0)
        multiplier = multiplier + step * (matrix - low_rank - sparse)
        step *= 1.5
    return low_rank, sparse


def low_rank(audio, sample_rate):
    """The voice is sparse, the accompaniment of low rank, since it repeats few sounds.

    P.-S. Huang, S. D. Chen, P. Smaragdis and M. Hasegawa-Johnson, "Singing-voice separation from
    monaural recordings using robust principal component analysis", ICASSP 2012.
    """
    spectrogram = librosa.stft(audio, n_fft=_N_FFT, hop_length=_HOP)
    low, sparse = robust_pca(np.abs(spectrogram).mean(axis=0))
    mask = np.abs(sparse) / (np.abs(sparse) + np.abs(low) + _TINY)
    voice = librosa.istft(mask * spectrogram, hop_length=_HOP, length=audio.shape[1])
    return voice, audio - voice


def learned_drums(audio, sample_rate):
    """Patterns of drums and of all else are learned from songs; in the mixture, only activations.

    P. Smaragdis, B. Raj and M. Shashanka, "Supervised and semi-supervised separation of sounds from
    single-channel mixtures", ICA 2007.
    """
    dictionaries = _dictionaries(sample_rate)
    spectrogram = librosa.stft(audio, n_fft=_N_FFT, hop_length=_HOP)
    magnitudes = np.abs(spectrogram).mean(axis=0)
    patterns = np.hstack(dictionaries)
    _, activations, _ = nmf(magnitudes, patterns.shape[1], 60, patterns=patterns)
    parts = [
        one @ own for one, own in zip(dictionaries, np.split(activations, [_PATTERNS]), strict=True)
    ]
    mask = parts[0] / (sum(parts) + _TINY)
    drums = librosa.istft(mask * spectrogram, hop_length=_HOP, length=audio.shape[1])
    return drums, audio - drums


@functools.cache
def _dictionaries(sample_rate):
    """Patterns of drums, and of the rest, from training songs of TinyStems."""
    from tutorial_utils import tinystems
    from tutorial_utils.audio import resample
    from tutorial_utils.data import open_songs

    songs = [song for song in open_songs(tinystems.build()) if song.split == "train"][:_SONGS]
    stems = [song.stems(4.0, _SECONDS) for song in songs]
    found = []
    for chosen in (["drums"], ["bass", "other", "vocals"]):
        sounds = [sum(one[label] for label in chosen).mean(0, keepdims=True) for one in stems]
        sound = resample(np.concatenate(sounds, axis=1), songs[0].sample_rate, sample_rate)
        magnitudes = np.abs(librosa.stft(sound[0], n_fft=_N_FFT, hop_length=_HOP))
        found.append(nmf(magnitudes, _PATTERNS, 60)[0])
    return found


def _divergence(wanted, found):
    """The generalised Kullback-Leibler divergence, per entry."""
    logarithm = np.log((wanted + _TINY) / found)
    return float((wanted * logarithm - wanted + found).mean())
