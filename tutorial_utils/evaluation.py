"""How good is a separation? SI-SDR, BSS Eval, and the ideal masks to compare with."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch

from tutorial_utils import transforms
from tutorial_utils.audio import AudioError, as_channels


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
        NaN where the reference is silent, since nothing can be said about the estimate then;
        infinite for a perfect estimate, minus infinite for one that has nothing of the reference.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    references = np.asarray(references, dtype=np.float64)
    estimates = np.asarray(estimates, dtype=np.float64)
    if references.shape != estimates.shape:
        raise ValueError(
            f"References have the shape {references.shape} and estimates {estimates.shape}; "
            "they must be the same."
        )
    references = references - references.mean(-1, keepdims=True)
    estimates = estimates - estimates.mean(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sum(estimates * references, -1) / np.sum(references**2, -1)
        target = scale[..., None] * references
        distortion = target - estimates
        return 10 * np.log10(np.sum(target**2, -1) / np.sum(distortion**2, -1))


def ideal_ratio_mask(
    references: Mapping[str, np.ndarray],
    mixture: np.ndarray,
    n_fft: int = transforms.N_FFT,
    hop: int = transforms.HOP,
) -> dict[str, np.ndarray]:
    """Separate with masks made from the true sources: what such a mask can do, and no model can.

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


def compare(
    references: Mapping[str, np.ndarray],
    methods: Mapping[str, Mapping[str, np.ndarray]],
    sample_rate: int,
) -> pd.DataFrame:
    """Score the estimates of several methods for the same song.

    Parameters
    ----------
    references : dict of label to array of shape (channels, samples)
    methods : dict of method to {label: estimate}
        Every method estimates every source.
    sample_rate : int, in Hz

    Returns
    -------
    pandas.DataFrame
        A row for each method, source and metric, with the columns ``method, source, metric,
        value``. ``SDR`` is that of BSS Eval v4 as museval computes it, the median over frames of
        one second; ``SI-SDR`` is the mean over channels for the whole signal. Both in dB. For a
        silent reference both are NaN.

    Raises
    ------
    AudioError
        If a method has other sources, or an estimate has another shape than its reference.
    """
    from tutorial_utils.compat import museval

    # museval refuses a source that is silent throughout, so it sees only those that sound.
    sounding = [label for label in references if np.any(references[label])]
    rows = []
    for method, estimates in methods.items():
        _require_match(method, references, estimates)
        sdr = dict.fromkeys(references, np.nan)
        if sounding:
            frames, *_ = museval.evaluate(
                np.stack([as_channels(references[label]).T for label in sounding]),
                np.stack([as_channels(estimates[label]).T for label in sounding]),
                win=sample_rate,
                hop=sample_rate,
            )
            sdr |= dict(zip(sounding, map(_median, frames), strict=True))
        for label in references:
            ratio = si_sdr(as_channels(references[label]), as_channels(estimates[label]))
            rows.append((method, label, "SDR", sdr[label]))
            rows.append((method, label, "SI-SDR", float(np.mean(ratio))))
    return pd.DataFrame(rows, columns=["method", "source", "metric", "value"])


def _median(frames):
    """The median of the frames that have a value: museval gives NaN where a source is silent."""
    frames = frames[np.isfinite(frames)]
    return float(np.median(frames)) if len(frames) else np.nan


def _require_match(method, references, estimates):
    if set(references) != set(estimates):
        raise AudioError(
            f"'{method}' estimates {', '.join(sorted(estimates))}, and the references are "
            f"{', '.join(sorted(references))}. Score the same sources."
        )
    for label, reference in references.items():
        if np.shape(reference) != np.shape(estimates[label]):
            raise AudioError(
                f"'{method}' gives {label} the shape {np.shape(estimates[label])}, and its "
                f"reference has {np.shape(reference)}. Cut both to the same segment."
            )
