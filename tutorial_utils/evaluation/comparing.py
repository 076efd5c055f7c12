"""Scores of several methods for one song, in one table."""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tutorial_utils.audio import AudioError, as_channels, require_finite
from tutorial_utils.evaluation import ratios
from tutorial_utils.evaluation.bsseval import bss_eval

SDR, ISR, SIR, SAR = (f"{name} (BSS Eval v4)" for name in ("SDR", "ISR", "SIR", "SAR"))
SI_SDR, SI_SIR, SI_SAR, SD_SDR, SNR = "SI-SDR", "SI-SIR", "SI-SAR", "SD-SDR", "SNR"
USDR = "uSDR"
METRICS = (SDR, ISR, SIR, SAR, SI_SDR, SI_SIR, SI_SAR, SD_SDR, SNR, USDR)
BY_FRAME = (SDR, ISR, SIR, SAR)
BY_CHANNEL = {
    SI_SDR: ratios.si_sdr,
    SI_SIR: ratios.si_sir,
    SI_SAR: ratios.si_sar,
    SD_SDR: ratios.sd_sdr,
}


def compare(
    references: Mapping[str, np.ndarray],
    methods: Mapping[str, Mapping[str, np.ndarray]],
    sample_rate: int,
    metrics: Sequence[str] = (SDR, SI_SDR),
) -> pd.DataFrame:
    """Score the estimates of several methods for the same song.

    Parameters
    ----------
    references : dict of label to array of shape (channels, samples)
    methods : dict of method to {label: estimate}
        Every method estimates every source.
    sample_rate : int, in Hz
    metrics : sequence of str
        Among ``METRICS``.

    Returns
    -------
    pandas.DataFrame
        A row for each method, source and metric, with the columns ``method, source, metric, value,
        frames``. The values are in dB:

        - ``SDR (BSS Eval v4)``, and ISR, SIR and SAR: the median over ``frames`` frames of one
          second;
        - ``SI-SDR``, ``SI-SIR``, ``SI-SAR`` and ``SD-SDR``: of the whole signal (so without a
          number of frames), the mean over the channels in which the reference sounds;
        - ``SNR`` and ``uSDR``: of the whole signal, all channels together.

        NaN marks a reference that is silent throughout. Minus infinity marks an estimate that is
        (for SI-SDR and its relatives: in any channel that should sound), infinity one that equals
        its reference. Only the uSDR is finite in any case, and the SNR of a silent estimate 0 dB.

    Warns
    -----
    UserWarning
        If a method mutes a source for a while. BSS Eval v4 leaves out every frame in which any
        source or estimate is silent, and this for all sources: so muting what is hard raises a
        score. If no frame is left, there is no median, and the SDR of all sources is NaN.

    Raises
    ------
    AudioError
        If a method has other sources, an estimate has another shape than its reference, or a
        signal has no samples, or some that are not finite.
    ValueError
        If there is no metric of a name.

    Notes
    -----
    The SDR is that of museval, to the rounding. BSS Eval divides the error of an estimate into
    parts by means of filters. These add up to the whole error again, whatever the filters, and the
    SDR compares the reference with this sum: so it needs none of them. For an estimate that is
    silent throughout, which museval refuses, this ratio would be 0 dB, better than that of many a
    wrong estimate. Here it is minus infinity, as its SI-SDR.

    References
    ----------
    F.-R. Stöter, A. Liutkus and N. Ito, "The 2018 Signal Separation Evaluation Campaign",
    LVA/ICA 2018.
    """
    if unknown := [name for name in metrics if name not in METRICS]:
        raise ValueError(f"There is no metric '{unknown[0]}'. There are: {', '.join(METRICS)}.")
    references = {label: as_channels(audio) for label, audio in references.items()}
    for label, audio in references.items():
        if require_finite(audio, f"The reference of {label}").size == 0:
            raise AudioError(f"The reference of {label} has no samples. Nothing can be compared.")
    rows = []
    for method, estimates in methods.items():
        estimates = {label: as_channels(audio) for label, audio in estimates.items()}
        _require_match(method, references, estimates)
        scores, frames = _scores(method, references, estimates, sample_rate, metrics)
        for label in references:
            for metric in metrics:
                counted = frames if metric in BY_FRAME else pd.NA
                rows.append((method, label, metric, scores[metric][label], counted))
    table = pd.DataFrame(rows, columns=["method", "source", "metric", "value", "frames"])
    return table.astype({"frames": "Int64"})


def _scores(method, references, estimates, sample_rate, metrics):
    """For each metric the score of each source, and the number of frames of those by frame."""
    scores, frames = {}, 0
    if {*metrics} & {*BY_FRAME}:
        scores[SDR], frames = _sdr(method, references, estimates, sample_rate)
    if {*metrics} & {ISR, SIR, SAR}:
        scores |= _filtered(references, estimates, sample_rate)
    pair = [
        np.stack([signals[label] for label in references]) for signals in (references, estimates)
    ]
    for name in {*metrics} & {*BY_CHANNEL}:
        values = map(over_channels, BY_CHANNEL[name](*pair))
        scores[name] = dict(zip(references, values, strict=True))
    if SNR in metrics:
        values = ratios.snr(*(signals.reshape(len(signals), -1) for signals in pair))
        scores[SNR] = dict(zip(references, values.tolist(), strict=True))
    if USDR in metrics:
        scores[USDR] = dict(zip(references, ratios.usdr(*pair).tolist(), strict=True))
    return scores, frames


def _filtered(references, estimates, sample_rate):
    """ISR, SIR and SAR: medians over frames, of the sources that BSS Eval can score."""
    scores = {name: dict.fromkeys(references, np.nan) for name in (ISR, SIR, SAR)}
    scored = []
    for label, reference in references.items():
        if not reference.sum(0).any():
            continue
        if estimates[label].sum(0).any():
            scored.append(label)
        else:
            for name in scores:
                scores[name][label] = -np.inf
    if scored:
        pair = [[signals[label].T for label in scored] for signals in (references, estimates)]
        _, *found = bss_eval(*pair, sample_rate, sample_rate)
        for name, values in zip(scores, found, strict=True):
            for label, by_frame in zip(scored, values, strict=True):
                known = by_frame[~np.isnan(by_frame)]
                scores[name][label] = float(np.median(known)) if len(known) else np.nan
    return scores


def _sdr(method, references, estimates, sample_rate):
    """The SDR of each source, and the number of frames over which it is the median."""
    sdr = dict.fromkeys(references, np.nan)
    by_frame, resting, muted = {}, {}, {}
    for label, reference in references.items():
        estimate = estimates[label]
        if not reference.any():
            continue
        if not estimate.any():
            sdr[label] = -np.inf
            continue
        signal = _frame_energies(reference, sample_rate)
        residual = _frame_energies(reference - estimate, sample_rate)
        with np.errstate(divide="ignore", invalid="ignore"):
            by_frame[label] = 10 * np.log10(signal / residual)
        resting[label] = signal == 0
        muted[label] = _frame_energies(estimate, sample_rate) == 0
    if not by_frame:
        return sdr, 0
    scorable = ~np.any([*resting.values()], axis=0)
    kept = scorable & ~np.any([*muted.values()], axis=0)
    _warn_of_muted(method, muted, scorable, kept)
    for label, values in by_frame.items():
        sdr[label] = float(np.median(values[kept])) if kept.any() else np.nan
    return sdr, int(kept.sum())


def _frame_energies(signal, sample_rate):
    """The energy of each whole second, or of all if that is shorter, over all channels."""
    length = min(sample_rate, signal.shape[1])
    frames = signal[:, : signal.shape[1] // length * length].astype(np.float64)
    return np.sum(frames.reshape(len(frames), -1, length) ** 2, axis=(0, 2))


def _warn_of_muted(method, muted, scorable, kept):
    """Say how many frames are left out because of the estimates alone."""
    counts = {label: int((silent & scorable).sum()) for label, silent in muted.items()}
    if any(counts.values()):
        some = ", ".join(f"{label} in {count}" for label, count in counts.items() if count)
        warnings.warn(
            f"'{method}' is silent where the references sound: {some} of {scorable.sum()} frames. "
            "BSS Eval v4 leaves these frames out for all sources. Its scores are medians over the "
            f"other {kept.sum()}.",
            stacklevel=5,
        )


def over_channels(ratios: np.ndarray) -> float:
    """The mean over the channels that have a ratio; minus infinity if one of them is muted."""
    ratios = ratios[~np.isnan(ratios)]
    if not len(ratios):
        return np.nan
    return -np.inf if np.isneginf(ratios).any() else float(ratios.mean())


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
        require_finite(estimates[label], f"'{method}': the estimate of {label}")
