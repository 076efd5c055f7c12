"""Training: a loop for pages (``fit``), and one for runs that are kept (``train``)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"fitting": ["fit"], "loop": ["train"], "runs": ["runs"]},
)
