"""How good is a separation? Scores, oracles to compare with, and whether a difference is real."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["metrics"],
    submod_attrs={
        "bsseval": ["bss_eval"],
        "comparing": ["SDR", "SI_SDR", "compare"],
        "oracles": ["ideal_ratio_mask"],
        "ratios": ["si_sdr"],
    },
)
