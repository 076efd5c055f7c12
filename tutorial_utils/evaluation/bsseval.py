"""BSS Eval, version 4 and 3: SDR, ISR, SIR and SAR as museval computes them, many times faster.

:func:`bss_eval` stands in for ``museval.evaluate``; ``tutorial_utils.evaluation.metrics`` stands in
for ``museval.metrics``.

museval takes most of its time for what it does again and again: it solves the equations of all
references anew for each estimate, with a method for any matrix, and transforms every filter again
in every frame. Here one factorisation, which makes use of what the matrix repeats, serves all
estimates (:mod:`tutorial_utils.evaluation.toeplitz`), and filters are transformed once.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import fields

import numpy as np
from threadpoolctl import threadpool_limits

from tutorial_utils.evaluation.projections import (
    Energies,
    Filtering,
    Frame,
    in_threads,
    project,
)

MOST_SOURCES = 100
_PART = 1024  # samples in which a signal is looked through


def bss_eval(
    references: np.ndarray | Sequence[np.ndarray],
    estimates: np.ndarray | Sequence[np.ndarray],
    win: float = 44100,
    hop: float = 44100,
    mode: str = "v4",
    padding: bool = True,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    r"""SDR, ISR, SIR and SAR of BSS Eval in every frame; stands in for ``museval.evaluate``.

    An estimate :math:`\hat s_j` is taken apart into four parts that add up to it,

    .. math:: \hat s_j = s_j + e_\text{spatial} + e_\text{interference} + e_\text{artefacts},

    where :math:`s_j + e_\text{spatial}` is the projection of the estimate on its reference,
    filtered by 512 taps from each channel to each channel, and
    :math:`s_j + e_\text{spatial} + e_\text{interference}` that on all references. Then

    .. math::
       \text{SDR} &= 10 \log_{10} \frac{\lVert s_j \rVert^2}
         {\lVert e_\text{spatial} + e_\text{interference} + e_\text{artefacts} \rVert^2}, &
       \text{ISR} &= 10 \log_{10} \frac{\lVert s_j \rVert^2}{\lVert e_\text{spatial} \rVert^2}, \\
       \text{SIR} &= 10 \log_{10} \frac{\lVert s_j + e_\text{spatial} \rVert^2}
         {\lVert e_\text{interference} \rVert^2}, &
       \text{SAR} &= 10 \log_{10} \frac{\lVert \hat s_j - e_\text{artefacts} \rVert^2}
         {\lVert e_\text{artefacts} \rVert^2}.

    So the SDR needs no filter, while SIR and SAR depend on which other references are given. In
    version 4 the filters come from the whole signals, and are the same in all frames. Each frame
    is cut first and filtered then, from nothing; the 511 samples after its end, into which filters
    ring, belong to it.

    Parameters
    ----------
    references, estimates : arrays of shape (sources, samples, channels), or lists of such sources
        Note the order of the axes, which is museval's. Two axes are (sources, samples).
    win, hop : number, in samples
        Length of a frame, and the way from one to the next. There are
        ``floor((samples - win + hop) / hop)`` frames, and what is left at the end is not looked at;
        a signal that is not longer than ``win`` is one frame.
    mode : {"v4", "v3"}
        Version 3 computes the filters anew in each frame.
    padding : bool
        Bring estimates to the length of the references, by cutting them or adding zeros.

    Returns
    -------
    SDR, ISR, SIR, SAR : arrays of shape (sources, frames), in dB
        NaN for all sources in frames in which any reference or estimate is silent, which is tested
        on the sum of its channels. Infinity where the energy in the denominator is zero.

    Raises
    ------
    ValueError
        If shapes differ, there are no samples, some are not finite, a reference or an estimate is
        silent throughout, or an option makes no sense.

    Notes
    -----
    The results differ from those of museval 0.4.1 by less than 0.01 dB if the references are
    recordings of 16 bits. The equations of the filters can be so close to singular that their
    solution is determined by rounding: if references hold nothing at all in some range of
    frequencies (low-passed, and of 24 bits or floating point; condition numbers above
    :math:`10^{12}`), or are shorter than the filters. Then the two ways in which museval can
    solve them, ``numpy.linalg.solve`` and ``numpy.linalg.lstsq``, differ from each other by up to
    several dB in ISR, SIR and SAR. This function notices it, and takes the smallest of the filters
    that fit best, as the second of them does, which takes more than ten times as long. Above some
    200 dB all numbers are rounding.

    References
    ----------
    E. Vincent, R. Gribonval and C. Févotte, "Performance measurement in blind audio source
    separation", IEEE Transactions on Audio, Speech, and Language Processing 14(4), 2006.
    F.-R. Stöter, A. Liutkus and N. Ito, "The 2018 Signal Separation Evaluation Campaign",
    LVA/ICA 2018.
    """
    if mode not in ("v3", "v4"):
        raise ValueError(f"There is no mode '{mode}' of BSS Eval. There are v4 and v3.")
    references, estimates = _sources(references, "references"), _sources(estimates, "estimates")
    if padding:
        estimates = [
            _of_length(estimate, len(reference))
            for estimate, reference in zip(estimates, references, strict=False)
        ] + estimates[len(references) :]
    *ratios, _ = ratios_by_frame(
        references, estimates, win, hop, framewise_filters=mode == "v3", taps=512
    )
    return tuple(ratios)


def ratios_by_frame(
    references: np.ndarray | Sequence[np.ndarray],
    estimates: np.ndarray | Sequence[np.ndarray],
    window: float,
    hop: float,
    *,
    taps: int,
    framewise_filters: bool = False,
    permute: bool = False,
    sources_version: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What :func:`tutorial_utils.evaluation.metrics.bss_eval` returns, and says more about.

    Parameters
    ----------
    references, estimates : arrays of shape (sources, samples, channels), or lists of such sources
    window, hop : number, in samples
    taps : int
        Of the filters.
    framewise_filters : bool
        Whether the filters are computed anew in each frame.
    permute : bool
        Whether estimates may belong to other references; the order with the best mean SIR counts.
    sources_version : bool
        Whether a filtered reference counts as the true one, as in ``bss_eval_sources``.

    Returns
    -------
    SDR, ISR, SIR, SAR : arrays of shape (sources, frames)
    order : array of shape (sources, 1), or (sources, frames) with framewise filters
        Which estimate belongs to each reference.
    """
    references, estimates = _sources(references, "references"), _sources(estimates, "estimates")
    _check(references, estimates)
    for name, length in {"window": window, "hop": hop}.items():
        if not length > 0:
            raise ValueError(f"A {name} of {length} samples makes no frames. Give more than 0.")
    sources, channels = len(references), references[0].shape[1]
    whole = Frame(0, len(references[0]))
    if permute:
        pairs = list(itertools.product(range(sources), repeat=2))
        orders = np.array(list(itertools.permutations(range(sources))))
    else:
        pairs = [(source, source) for source in range(sources)]
        orders = np.arange(sources)[None]
    cut = list(frames(window, hop, whole.stop))
    longest = max(frame.stop - frame.start for frame in cut)

    def filtering(frame):
        projection = project(references, estimates, frame, taps, pairs)
        return Filtering(projection, pairs, channels, longest)

    def energies(frame):
        if _silent(references, frame) or _silent(estimates, frame):
            return np.full((len(fields(Energies)), len(pairs)), np.nan)
        filters = shared or filtering(frame)
        found = filters.energies(references, estimates, frame)
        return np.array([getattr(found, field.name) for field in fields(Energies)])

    # Where we start threads ourselves, those of the linear algebra would only wait for each other.
    with threadpool_limits(1, user_api="blas"):
        shared = None if framewise_filters else filtering(whole)
        by_frame = list((map if framewise_filters else in_threads)(energies, cut))
    found = Energies(*np.stack(by_frame, axis=2))  # each of shape (pairs, frames)
    ratios = np.full((4, sources, sources, len(cut)), np.nan)  # (ratio, reference, estimate, frame)
    ratios[:, *np.array(pairs).T] = _ratios(found, sources_version)
    each = np.arange(sources)
    sir = ratios[2][each, orders]  # (orders, sources, frames)
    mean = sir.mean(axis=1 if framewise_filters else (1, 2)).reshape(len(orders), -1)
    order = orders[np.argmax(mean, axis=0)].T  # NaN counts as the best, so the first is taken
    best = ratios[:, each[:, None], order, np.arange(len(cut))]
    return (*best, order)


def frames(window: float, hop: float, samples: int) -> Iterator[Frame]:
    """The frames that a signal is cut into, as museval's ``Framing`` counts them."""
    if not window < samples:
        yield Frame(0, samples)
        return
    for number in range(math.floor((samples - window + hop) / hop)):
        start = number * hop
        yield Frame(math.floor(start), math.floor(min(start + window, samples)))


def _ratios(found, sources_version):
    """SDR, ISR, SIR and SAR."""
    if sources_version:
        sdr = _decibels(found.own, found.foreign)
        isr = np.full_like(sdr, np.nan)
    else:
        sdr = _decibels(found.reference, found.error)
        isr = _decibels(found.reference, found.spatial)
    return np.stack(
        [
            sdr,
            isr,
            _decibels(found.own, found.interference),
            _decibels(found.all, found.artefacts),
        ]
    )


def _decibels(above, below):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below == 0, np.inf, 10 * np.log10(above / below))


def _sources(signals, name):
    """A list of arrays of shape (samples, channels), of an array or list of one axis more."""
    if isinstance(signals, np.ndarray) and signals.ndim == 1:
        signals = [signals]
    sources = [np.asarray(signal) for signal in signals]
    for source in sources:
        if source.ndim not in (1, 2) or source.dtype.kind not in "fiu":
            raise ValueError(
                f"One of the {name} has the shape {source.shape} and the type {source.dtype}. "
                "Give real numbers of the shape (samples, channels) for each source."
            )
    return [source if source.ndim == 2 else source[:, None] for source in sources]


def _of_length(signal, samples):
    missing = samples - len(signal)
    return np.pad(signal, [(0, missing), (0, 0)]) if missing > 0 else signal[:samples]


def _check(references, estimates):
    shapes = [[signal.shape for signal in signals] for signals in (references, estimates)]
    if not all(shapes) or not all(map(all, itertools.chain(*shapes))):
        raise ValueError(
            f"There is nothing to compare: the shapes are {shapes[0]} of references and "
            f"{shapes[1]} of estimates, each (samples, channels)."
        )
    if len({*shapes[0], *shapes[1]}) > 1 or len(references) != len(estimates):
        raise ValueError(
            f"References have the shapes {shapes[0]} and estimates {shapes[1]}, each (samples, "
            "channels). All must be the same, and as many."
        )
    if len(references) > MOST_SOURCES:
        raise ValueError(
            f"There are {len(references)} sources, and at most {MOST_SOURCES} can be scored. "
            "Are the axes in the order (sources, samples, channels)?"
        )
    for name, signals in {"reference": references, "estimate": estimates}.items():
        for number, signal in enumerate(signals):
            # A sum is not finite if one of its terms is not, and needs no memory.
            if not np.isfinite(signal.sum(dtype=np.float64)):
                raise ValueError(
                    f"The {name} with the number {number} holds NaN or infinite samples. "
                    "Look where they come from."
                )
            if _silent([signal], Frame(0, len(signal))):
                raise ValueError(
                    f"The {name} with the number {number} is silent throughout, and BSS Eval "
                    "cannot score it, nor the other sources beside it. Leave this source out."
                )


def _silent(signals, frame):
    """Whether the channels of any source sum to zero in all samples of a frame."""
    return not all(_sounds(signal[frame.start : frame.stop]) for signal in signals)


def _sounds(signal):
    # In parts, since a signal that sounds mostly does so early.
    parts = (signal[start : start + _PART] for start in range(0, len(signal), _PART))
    return any(part.sum(axis=1).any() for part in parts)
