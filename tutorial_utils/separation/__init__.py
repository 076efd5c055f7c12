"""A model and a recording become estimates: of an array at once, or of files of any length."""

from .estimating import Settings, separate
from .recordings import Outcome, separate_files

__all__ = ["Outcome", "Settings", "separate", "separate_files"]
