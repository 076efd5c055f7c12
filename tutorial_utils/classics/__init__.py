"""Methods that separate without training a network: those of the part *First steps*.

All are called alike, so that they stand in one table. Each makes an assumption about the sources,
and separates as far as it holds. Where a well-kept library has a method, it is used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "factorisation": ["nmf", "robust_pca"],
        "methods": ["METHODS", "Method", "separate"],
        "scoreboard": ["scoreboard"],
    },
)
