"""Distributions in Scaper's notation, from which the values of an event are drawn.

A distribution is a tuple of its name and its parameters:

    ("const", value)   ("choose", [values])   ("choose_weighted", [values], [probabilities])
    ("uniform", low, high)   ("normal", mean, deviation)   ("truncnorm", mean, deviation, low, high)

They are checked and drawn from by Scaper's own functions, so that they mean here what they mean
there.
"""

import copy
import dataclasses
import math
from collections.abc import Mapping


class Distributions:
    """Draws values from the distributions of the settings, with Scaper's own functions.

    A distribution is one tuple for all labels, or a mapping with one for each.
    """

    def __init__(self, settings, labels):
        from tutorial_utils.compat import scaper

        self._core = scaper.core
        self._labels = labels
        self._settings = settings
        checks = {
            "song": self._core._validate_distribution,
            "k": self._core._validate_distribution,
            "source_time": self._core._validate_time,
            "event_time": self._core._validate_time,
            "event_duration": self._core._validate_duration,
            "snr": self._core._validate_snr,
            "ref_db": self._core._validate_snr,
            "pitch_shift": self._core._validate_pitch_shift,
            "time_stretch": self._core._validate_time_stretch,
        }
        for field in dataclasses.fields(settings):
            if field.name in checks:
                self._check(field.name, checks[field.name])

    def _check(self, name, check):
        value = getattr(self._settings, name)
        if isinstance(value, Mapping) and {*value} != {*self._labels}:
            raise ValueError(
                f"{name} is given for {', '.join(sorted(value))}, and the labels are "
                f"{', '.join(sorted(self._labels))}. Give one distribution for each, or one for "
                "all."
            )
        for one in value.values() if isinstance(value, Mapping) else [value]:
            if one is None and name in ("pitch_shift", "time_stretch"):
                continue
            try:
                check(one)
            except self._core.ScaperError as error:
                raise ValueError(
                    f"{name}={one!r} is no distribution that Scaper accepts: {error}"
                ) from error

    def of(self, name, label):
        """The distribution of ``name`` for a label."""
        value = getattr(self._settings, name)
        return value[label] if isinstance(value, Mapping) else value

    def value(self, name, label, random):
        """Draw the value ``name`` for a label; nan where its distribution is None."""
        return self._draw(self.of(name, label), random)

    def shared(self, name, random):
        """Draw one value for all labels: nan for those whose distribution is None."""
        given = [one for label in self._labels if (one := self.of(name, label)) is not None]
        value = self._draw(given[0] if given else None, random)
        return {
            label: math.nan if self.of(name, label) is None else value for label in self._labels
        }

    def time(self, name, label, random, available, needed):
        """Draw a time from which ``needed`` of the ``available`` seconds are left."""
        # Scaper brings the distribution into the bounds, changing lists in place; a draw from a
        # normal distribution may leave them all the same.
        distribution, _ = self._core._ensure_satisfiable_source_time_tuple(
            copy.deepcopy(self.of(name, label)), available, needed
        )
        return min(max(self._draw(distribution, random), 0.0), max(0.0, available - needed))

    def _draw(self, distribution, random):
        if distribution is None:
            return math.nan
        value = self._core._get_value_from_dist(distribution, random)
        return value if isinstance(value, str) else float(value)
