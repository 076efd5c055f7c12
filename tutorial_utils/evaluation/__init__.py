"""How good is a separation? Scores, oracles to compare with, and whether a difference is real."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["metrics"],
    submod_attrs={
        "aggregates": ["aggregate", "per_song"],
        "bsseval": ["bss_eval"],
        "comparing": [
            "ISR",
            "METRICS",
            "SAR",
            "SDR",
            "SD_SDR",
            "SIR",
            "SI_SAR",
            "SI_SDR",
            "SI_SIR",
            "SNR",
            "USDR",
            "compare",
        ],
        "confidence": ["differences", "intervals"],
        "distances": ["log_spectral_distance", "spectral_convergence"],
        "oracles": [
            "ideal_binary_mask",
            "ideal_least_squares_mask",
            "ideal_ratio_mask",
            "multichannel_wiener",
            "phase_sensitive_mask",
        ],
        "ratios": ["improvement", "sd_sdr", "si_sar", "si_sdr", "si_sir", "snr", "usdr"],
        "scoring": ["evaluate"],
        "stores": ["museval_json"],
    },
)
