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

_FOR_ALL_LABELS = ("song", "k", "ref_db")
_MAY_BE_NONE = ("pitch_shift", "time_stretch")
_POSITIVE = ("event_duration", "time_stretch")
_TRIES = 1000


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
            "k": self._core._validate_snr,  # Any number.
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
        if isinstance(value, Mapping) and name in _FOR_ALL_LABELS:
            raise ValueError(f"{name} is one for all labels. Give one distribution, no mapping.")
        if isinstance(value, Mapping) and {*value} != {*self._labels}:
            raise ValueError(
                f"{name} is given for {', '.join(map(str, value))}, and the labels are "
                f"{', '.join(sorted(self._labels))}. Give one distribution for each, or one for "
                "all."
            )
        for one in value.values() if isinstance(value, Mapping) else [value]:
            if one is None and name in _MAY_BE_NONE:
                continue
            try:
                check(one)
            except (self._core.ScaperError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{name}={one!r} is no distribution that Scaper accepts: {error}"
                ) from error

    def of(self, name, label):
        """The distribution of ``name`` for a label."""
        value = getattr(self._settings, name)
        return value[label] if isinstance(value, Mapping) else value

    def value(self, name, label, random):
        """Draw the value ``name`` for a label; nan where its distribution is None."""
        return self._draw(name, self.of(name, label), random)

    def shared(self, name, random):
        """Draw one value for all labels: nan for those whose distribution is None."""
        given = [one for label in self._labels if (one := self.of(name, label)) is not None]
        value = self._draw(name, given[0] if given else None, random)
        return {
            label: math.nan if self.of(name, label) is None else value for label in self._labels
        }

    def time(self, name, label, random, available, needed):
        """Draw a time from which ``needed`` of the ``available`` seconds are left."""
        latest = max(0.0, available - needed)
        # Scaper brings the distribution into the bounds, changing lists in place; a draw from a
        # normal distribution may leave them all the same.
        distribution, _ = self._core._ensure_satisfiable_source_time_tuple(
            copy.deepcopy(self.of(name, label)), latest, 0.0
        )
        return min(max(self._draw(name, distribution, random), 0.0), latest)

    def _draw(self, name, distribution, random):
        if distribution is None:
            return math.nan
        for _ in range(_TRIES):
            try:
                value = self._core._get_value_from_dist(distribution, random)
            except (ArithmeticError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{name}={distribution!r} cannot be drawn from: {error}"
                ) from error
            if isinstance(value, str):
                return value
            # A normal distribution may give less; like Scaper, draw again.
            if value > 0 or name not in _POSITIVE:
                return float(value)
        raise ValueError(f"{name}={distribution!r} gives nothing above 0.")
