"""Listening tests: a page that asks people, and the reading of what they answered."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "anchors": ["low_pass"],
        "answers": ["as_scores", "read", "reliable"],
        "mushra": ["ListeningTest", "mushra"],
    },
)
