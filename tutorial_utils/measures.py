"""What the stems of a song are like, in numbers: level, spectrum, rhythm, width and overlap.

To compare two collections of music, :func:`songs` measures every stem of every song in the same
way; :func:`stems` does so for one song, and :func:`sound` for one sound. Signals are made mono
first, but for loudness and width, and STFTs are those of :mod:`tutorial_utils.transforms`. The
mixture is the sum of the stems, also where a codec made the one that is stored another.

To look for faults in a collection there are :func:`clipped`, and :func:`fingerprint` with
:func:`agreement`, which find a song that is in it twice.
"""

from collections.abc import Iterable

import librosa
import numpy as np
import pandas as pd
import scipy.fft
import scipy.signal
import torch
from tqdm import tqdm

from tutorial_utils import audio, evaluation, transforms
from tutorial_utils.audio import AudioError

COLUMNS = (
    "mixture SI-SDR (dB)",
    "ratio mask (dB)",
    "binary mask (dB)",
    "WDO",
    "loudness (LUFS)",
    "centroid (Hz)",
    "bandwidth (Hz)",
    "onsets (1/s)",
    "side/mid (dB)",
    "silence (%)",
    "crest (dB)",
)
"""What is measured, and in which unit."""
SILENCE = 1e-6
"""Mean power, re full scale, below which a frame counts as silent: -60 dB."""
MONO = -96.0
"""Side / mid of a sound whose channels are equal, in dB: below it lie the steps of 16 bit."""

_MUSDB_EXCERPT = {
    "drums": (-4.124, 10.05, 10.84, 0.8775, -21.4, 2471, 3469, 1.765, -30.02, 0, 17.53),
    "bass": (-6.73, 7.295, 8.323, 0.7892, -21.91, 447.4, 758.6, 4.559, -75.75, 0, 10.47),
    "other": (-8.08, 7.562, 8.234, 0.8107, -19.03, 2222, 1315, 8.382, -11.23, 0, 11.72),
    "vocals": (-1.532, 13.39, 13.76, 0.94, -16.09, 2587, 2934, 1.618, -25.97, 0.1709, 11.02),
}


def decibels(signal: np.ndarray, reference: np.ndarray | float | None = None) -> float:
    r"""Level of a signal: its power relative to that of another signal, or to full scale.

    .. math:: 10 \log_{10} \frac{\overline{\lvert x \rvert^2}}{\overline{\lvert r \rvert^2}}

    where the bar is the mean over all values. For two signals of one length this is also the ratio
    of their energies.

    Parameters
    ----------
    signal : array of any shape, real or complex
        Such as samples, or the bins of an STFT.
    reference : array of any shape, or number, optional
        By default 1, full scale.

    Returns
    -------
    float, in dB
        Minus infinity for a silent signal; infinity for one that sounds where the reference is
        silent; NaN if both are silent.

    Raises
    ------
    AudioError
        If there are no values.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * np.arange(1000) / 100)
    >>> round(decibels(tone), 2)
    -3.01
    >>> round(decibels(0.1 * tone, tone), 2)
    -20.0
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = _power(signal) / _power(1.0 if reference is None else reference)
        return float(10 * np.log10(ratio))


def sound(signal: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Measure one sound on its own.

    Parameters
    ----------
    signal : array of shape (channels, samples)
    sample_rate : int, in Hz

    Returns
    -------
    dict of str to float
        ``loudness (LUFS)``, after ITU-R BS.1770. ``centroid (Hz)`` and ``bandwidth (Hz)``: mean and
        standard deviation of the frequencies, weighted by the magnitudes of the STFT. ``onsets
        (1/s)``, found by librosa. ``side/mid (dB)``: power of the difference of the channels
        against that of their sum, at least :data:`MONO`. ``silence (%)``: share of frames below
        -60 dB re full scale. ``crest (dB)``: peak against root mean square. Where nothing sounds,
        all but the silence are NaN.

    Raises
    ------
    AudioError
        If the array has another shape, lasts less than 0.4 s, or has no loudness for another
        reason (see :func:`tutorial_utils.audio.loudness`).

    Examples
    --------
    >>> tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100)
    >>> values = sound(tone, 44100)
    >>> round(values["loudness (LUFS)"], 1), round(values["crest (dB)"], 1)
    (-9.1, 3.0)
    """
    signal, sample_rate = audio.as_channels(signal), audio.hertz(sample_rate)
    loudness = audio.loudness(signal, sample_rate)
    mono = signal.mean(axis=0, dtype=np.float64)
    whole = len(mono) // transforms.HOP * transforms.HOP
    frames = np.mean(mono[:whole].reshape(-1, transforms.HOP) ** 2, axis=1)
    silence = 100 * float(np.mean(frames < SILENCE))
    if not mono.any():
        return dict.fromkeys(COLUMNS[4:], np.nan) | {"silence (%)": silence}
    centroid, bandwidth = _spread(_stft(mono).abs().sum(-1).numpy(), sample_rate)
    onsets = librosa.onset.onset_detect(y=mono.astype(np.float32), sr=sample_rate)
    side = np.diff(signal[[0, -1]], axis=0) / 2
    return {
        "loudness (LUFS)": loudness,
        "centroid (Hz)": centroid,
        "bandwidth (Hz)": bandwidth,
        "onsets (1/s)": len(onsets) / (len(mono) / sample_rate),
        "side/mid (dB)": max(MONO, decibels(side, mono)),
        "silence (%)": silence,
        "crest (dB)": decibels(np.max(np.abs(mono)), mono),
    }


def stems(song, start: float = 0.0, duration: float | None = None) -> pd.DataFrame:
    """Measure every stem of a song.

    Parameters
    ----------
    song : Song
        From :func:`tutorial_utils.data.open_songs`.
    start, duration : float, optional
        Of the segment to measure, in seconds; by default the whole song.

    Returns
    -------
    pandas.DataFrame
        A row for each stem, with the columns of :func:`sound` and, before them, how the stem
        stands in its mixture: ``mixture SI-SDR (dB)``, the score of the mixture as an estimate of
        the stem, which says how loud the stem is against the rest; ``ratio mask (dB)`` and
        ``binary mask (dB)``, the scores of the ideal masks, which say how little it overlaps the
        rest; ``WDO``, its W-disjoint orthogonality: 1 if no other stem sounds in its bins (Yilmaz
        and Rickard, "Blind separation of speech mixtures via time-frequency masking", IEEE
        Transactions on Signal Processing 52(7), 2004).

    Raises
    ------
    AudioError
        If the segment does not lie within the song, or is shorter than 0.4 s.
    """
    sources = song.stems(start, duration)
    mono = {label: stem.mean(axis=0, dtype=np.float64) for label, stem in sources.items()}
    rows = {
        label: row | sound(sources[label], song.sample_rate)
        for label, row in _overlap(mono).items()
    }
    return pd.DataFrame(rows).T[list(COLUMNS)].rename_axis("stem")


def songs(songs: Iterable, duration: float | None = None) -> pd.DataFrame:
    """Measure every stem of every song.

    Parameters
    ----------
    songs : list of Song
        From :func:`tutorial_utils.data.open_songs`.
    duration : float, optional
        Measure so many seconds from the middle of each song, or all of one that is shorter; by
        default all of every song.

    Returns
    -------
    pandas.DataFrame
        The tables of :func:`stems`, with the index ``song, stem``.

    Examples
    --------
    >>> table = songs(tutorial_utils.data.open_songs())                  # doctest: +SKIP
    >>> table.groupby("stem", sort=False).median()                       # doctest: +SKIP
    """
    tables = {}
    for song in tqdm(list(songs), desc="measuring", unit="song"):
        seconds = song.duration if duration is None else min(duration, song.duration)
        tables[song.name] = stems(song, (song.duration - seconds) / 2, seconds)
    return pd.concat(tables, names=["song"])


def clipped(signal: np.ndarray, run: int = 3) -> float:
    """Share of samples that seem to be cut off: those in runs at the largest value.

    Where a signal was clipped, neighbouring samples have the same, largest magnitude; where it was
    not, at most one or two of them come near it.

    Parameters
    ----------
    signal : array of shape (channels, samples)
    run : int
        How many neighbours make a run.

    Returns
    -------
    float
        From 0 to 1. A sample is in a run if it and its neighbours, at least ``run`` in a row of one
        channel, have 99.99 % of the largest magnitude of all channels.

    Raises
    ------
    AudioError
        If the array has another shape, there are no samples, or one is not finite.

    Examples
    --------
    >>> clipped([[0.1, 1.0, 1.0, 1.0, 0.5, 1.0, 0.2, 0.0, 0.3, 0.1]])
    0.3
    """
    signal = audio.require_finite(audio.as_channels(signal), "The signal")
    if not signal.size:
        raise AudioError("There are no samples to look at.")
    magnitude = np.abs(signal)
    top = magnitude.max()
    if not top:
        return 0.0
    inside = 0
    for channel in magnitude:
        edges = np.diff(channel >= 0.9999 * top, prepend=False, append=False)
        starts, ends = np.flatnonzero(edges).reshape(-1, 2).T
        lengths = ends - starts
        inside += lengths[lengths >= run].sum()
    return float(inside / signal.size)


def fingerprint(signal: np.ndarray, sample_rate: int) -> np.ndarray:
    r"""What stays the same of a song when it is cut, turned down, coded or remixed a little.

    .. math:: F[b, m] = \operatorname{sign}\big(
        (L[b, m] - L[b + 1, m]) - (L[b, m - 1] - L[b + 1, m - 1])\big)

    where :math:`L[b, m]` is the logarithm of the energy of frame :math:`m` in band :math:`b`. This
    is the fingerprint of Haitsma and Kalker, "A highly robust audio fingerprinting system" (ISMIR
    2002), of logarithms instead of energies, so that an equaliser changes it less.

    Parameters
    ----------
    signal : array of shape (channels, samples)
    sample_rate : int, in Hz
        At least 8000.

    Returns
    -------
    array of shape (31, frames), float
        1, -1, or 0 where nothing changes, as in silence. There are 50 frames per second, each of
        0.2 s, and bands from 300 to 3000 Hz.

    Raises
    ------
    AudioError
        If the array has another shape, lasts less than 0.3 s, has a lower sample rate, or holds
        samples that are not finite.
    """
    signal = audio.require_finite(audio.as_channels(signal), "The signal")
    mono, sample_rate = signal.mean(axis=0, dtype=np.float64), audio.hertz(sample_rate)
    if sample_rate < 8000 or len(mono) < 0.3 * sample_rate:
        raise AudioError(
            f"A fingerprint needs 0.3 s at 8000 Hz or more; this sound has {len(mono)} samples at "
            f"{sample_rate} Hz."
        )
    # Frames are much longer than the hop, so that it matters little where they begin.
    size, hop = round(0.2 * sample_rate), round(0.02 * sample_rate)
    frequencies, _, spectrum = scipy.signal.stft(
        mono, sample_rate, nperseg=size, noverlap=size - hop
    )
    bins = np.searchsorted(frequencies, np.geomspace(300, 3000, 33))
    power = np.abs(spectrum[: bins[-1]]) ** 2
    # A floor 100 dB below the loudest bin: what lies there is no music, and silence has a level.
    floor = max(1e-10 * power.max(), np.finfo(float).tiny)
    level = np.log(np.add.reduceat(power, bins[:-1], axis=0) + floor)
    return np.sign(-np.diff(np.diff(level, axis=0), axis=1))


def agreement(first: np.ndarray, second: np.ndarray, shortest: float = 3.0) -> tuple[float, float]:
    """How well two fingerprints agree when one is shifted against the other.

    Parameters
    ----------
    first, second : array of shape (31, frames)
        From :func:`fingerprint`.
    shortest : float
        The least overlap that counts, in seconds.

    Returns
    -------
    share, shift : float
        The largest share of equal values over all shifts, and that shift, in seconds: where the
        second begins in the first. A half is what chance gives; the best of many shifts gives a
        little more. Values of 0 count as half equal.

    Raises
    ------
    AudioError
        If the two are too short to overlap for so long, or the least overlap is no time.
    """
    if not 0.02 <= shortest < np.inf:
        raise AudioError(f"The least overlap has to last 0.02 s or more, not {shortest:g} s.")
    frames = round(50 * shortest)
    if min(first.shape[1], second.shape[1]) < frames:
        raise AudioError(
            f"Fingerprints of {first.shape[1]} and {second.shape[1]} frames cannot overlap for "
            f"{shortest:g} s, which are {frames} frames."
        )
    size = scipy.fft.next_fast_len(first.shape[1] + second.shape[1])
    product = np.fft.rfft(first, size) * np.fft.rfft(second, size).conj()
    shifts = np.arange(1 - second.shape[1], first.shape[1])
    same = np.fft.irfft(product, size).sum(axis=0)[shifts]
    overlap = np.minimum(first.shape[1], shifts + second.shape[1]) - np.maximum(shifts, 0)
    share = np.where(overlap >= frames, 0.5 + 0.5 * same / (len(first) * overlap), 0)
    best = np.argmax(share)
    return float(share[best]), float(shifts[best] / 50)


def musdb_excerpt() -> pd.DataFrame:
    """What :func:`stems` gives for one real song, for those who do not have MUSDB18.

    The song is "Music Delta - 80s Rock", in the excerpt of 7 s that MUSDB18's authors offer as a
    sample (Rafii, Liutkus, Stöter, Mimilakis and Bittner, 2017, doi:10.5281/zenodo.1117372). The
    numbers were measured with this module; the song itself is not part of the package. One song is
    one song: it does not say how much songs differ.

    Returns
    -------
    pandas.DataFrame
    """
    return pd.DataFrame(_MUSDB_EXCERPT, index=list(COLUMNS)).T.rename_axis("stem")


def _overlap(sources: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """How each source, mono, stands in the sum of all."""
    mixture = sum(sources.values())
    spectra = _stft(np.stack(list(sources.values())))  # (sources, bins, frames)
    magnitudes = spectra.abs()
    masks = {
        "ratio mask (dB)": transforms.ratio_mask(magnitudes, sources=0),
        "binary mask (dB)": magnitudes == magnitudes.amax(0),
    }
    whole = spectra.sum(0)
    estimates = {
        name: transforms.istft(mask * whole, len(mixture)).numpy() for name, mask in masks.items()
    }
    others = (whole - spectra).abs()
    own = magnitudes > others
    disjoint = (own * (magnitudes**2 - others**2)).sum((1, 2)) / (magnitudes**2).sum((1, 2))
    rows = {}
    for number, (label, source) in enumerate(sources.items()):
        row = {"mixture SI-SDR (dB)": evaluation.si_sdr(source, mixture)}
        for name, estimate in estimates.items():
            row[name] = evaluation.si_sdr(source, estimate[number])
        row["WDO"] = disjoint[number]
        rows[label] = {name: float(value) for name, value in row.items()}
    return rows


def _power(values) -> np.float64:
    values = np.abs(np.asarray(values)).astype(np.float64)
    if not values.size:
        raise AudioError("There are no values, so there is no level to measure.")
    return np.mean(values**2)


def _spread(weights: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """Mean and standard deviation of frequency, for the weights of the bins."""
    frequencies = np.linspace(0, sample_rate / 2, len(weights))
    mean = np.average(frequencies, weights=weights)
    return float(mean), float(np.sqrt(np.average((frequencies - mean) ** 2, weights=weights)))


def _stft(signals: np.ndarray) -> torch.Tensor:
    return transforms.stft(torch.from_numpy(signals).float())
