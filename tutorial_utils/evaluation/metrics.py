"""The functions of ``museval.metrics``, by the same names, arguments and results.

    from tutorial_utils.evaluation import metrics  # in place of: from museval import metrics

All of them take references and estimates of shape (sources, samples, channels), or (sources,
samples), and are thin: see :func:`tutorial_utils.evaluation.bss_eval` for what is computed, how
exactly, and which errors are raised.
"""

import numpy as np

from tutorial_utils.evaluation.bsseval import ratios_by_frame

_TAPS = 512


def bss_eval(
    reference_sources,
    estimated_sources,
    window=2 * 44100,
    hop=1.5 * 44100,
    compute_permutation=False,
    filters_len=_TAPS,
    framewise_filters=False,
    bsseval_sources_version=False,
):
    """BSS Eval with all its choices; stands in for ``museval.metrics.bss_eval``.

    Parameters
    ----------
    reference_sources, estimated_sources : arrays of shape (sources, samples, channels)
    window, hop : number, in samples
        A window of ``numpy.inf`` is the whole signal.
    compute_permutation : bool
        Find the order of the estimates that has the highest mean SIR.
    filters_len : int
        Taps of the distortion filters.
    framewise_filters : bool
        Filters for each frame, as in version 3, and not for the whole signal, as in version 4.
    bsseval_sources_version : bool
        Compare with the filtered references, as ``bss_eval_sources`` does. There is no ISR then.

    Returns
    -------
    sdr, isr, sir, sar : arrays of shape (sources, frames), in dB
    perm : array of shape (sources, 1), or (sources, frames) with framewise filters
        The number of the estimate for each reference.
    """
    return ratios_by_frame(
        reference_sources,
        estimated_sources,
        window,
        hop,
        taps=filters_len,
        framewise_filters=framewise_filters,
        permute=compute_permutation,
        sources_version=bsseval_sources_version,
    )


def bss_eval_sources(reference_sources, estimated_sources, compute_permutation=True):
    """Version 3 on the whole signal, against filtered references: sdr, sir, sar, perm."""
    return bss_eval_sources_framewise(
        reference_sources, estimated_sources, np.inf, np.inf, compute_permutation
    )


def bss_eval_sources_framewise(
    reference_sources,
    estimated_sources,
    window=30 * 44100,
    hop=15 * 44100,
    compute_permutation=False,
):
    """Version 3 in frames, against filtered references: sdr, sir, sar, perm."""
    sdr, _, *others = bss_eval(
        reference_sources,
        estimated_sources,
        window,
        hop,
        compute_permutation,
        framewise_filters=True,
        bsseval_sources_version=True,
    )
    return (sdr, *others)


def bss_eval_images(reference_sources, estimated_sources, compute_permutation=True):
    """Version 3 on the whole signal: sdr, isr, sir, sar, perm."""
    return bss_eval_images_framewise(
        reference_sources, estimated_sources, np.inf, np.inf, compute_permutation
    )


def bss_eval_images_framewise(
    reference_sources,
    estimated_sources,
    window=30 * 44100,
    hop=15 * 44100,
    compute_permutation=False,
):
    """Version 3 in frames: sdr, isr, sir, sar, perm."""
    return bss_eval(
        reference_sources,
        estimated_sources,
        window,
        hop,
        compute_permutation,
        framewise_filters=True,
    )
