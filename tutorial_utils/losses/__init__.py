"""Every loss that the book teaches: functions of tensors, whose value is to be made small."""

from tutorial_utils.losses.clustering import deep_clustering, whitened_deep_clustering
from tutorial_utils.losses.latent import kl_divergence
from tutorial_utils.losses.permutations import permutation_invariant
from tutorial_utils.losses.spectrograms import component, magnitude, mask, target
from tutorial_utils.losses.waveforms import (
    l1,
    l1_snr,
    l2,
    mixture_consistent,
    multi_resolution_stft,
    sd_sdr,
    si_sdr,
    snr,
)

__all__ = [
    "component",
    "deep_clustering",
    "kl_divergence",
    "l1",
    "l1_snr",
    "l2",
    "magnitude",
    "mask",
    "mixture_consistent",
    "multi_resolution_stft",
    "permutation_invariant",
    "sd_sdr",
    "si_sdr",
    "snr",
    "target",
    "whitened_deep_clustering",
]
