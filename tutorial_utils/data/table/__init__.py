"""The table of mixtures: what it holds, what makes it usable, and the files that keep it."""

from tutorial_utils.data.table.table import MixtureTable

__all__ = ["MixtureTable"]
