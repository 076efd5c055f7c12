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
from typing import NamedTuple

from tutorial_utils.text import shown

SHORTEST = 1e-3
"""Seconds of a file that an event takes at least."""

_TRIES = 1000


class _Rule(NamedTuple):
    """What may be given for a setting: what Scaper checks, and values from low to high."""

    scaper: str
    low: float = -math.inf
    high: float = math.inf
    may_be_none: bool = False
    for_all_labels: bool = False


# The values that a table's checks accept. Two gains are added up in one column.
RULES = {
    "song": _Rule("distribution", for_all_labels=True),
    "k": _Rule("snr", for_all_labels=True),
    "source_time": _Rule("time"),
    "event_time": _Rule("time"),
    "event_duration": _Rule("duration", SHORTEST),
    "snr": _Rule("snr", -200, 200, may_be_none=True),
    "ref_db": _Rule("snr", -200, 200, for_all_labels=True),
    "gain": _Rule("snr", -100, 100, may_be_none=True),
    "song_gain": _Rule("snr", -100, 100, may_be_none=True, for_all_labels=True),
    "pitch_shift": _Rule("pitch_shift", -24, 24, may_be_none=True),
    "time_stretch": _Rule("time_stretch", 0.25, 4, may_be_none=True),
}
"""What may be given for each setting."""


class Distributions:
    """Draws values from the distributions of the settings, with Scaper's own functions.

    A distribution is one tuple for all labels, or a mapping with one for each.

    Raises
    ------
    ValueError
        If a setting is no distribution, or gives values that no table may hold.
    """

    def __init__(self, settings, labels):
        from tutorial_utils.compat import scaper

        self._core = scaper.core
        self._labels = labels
        self._settings = settings
        for field in dataclasses.fields(settings):
            if field.name in RULES:
                self._check(field.name, RULES[field.name])

    def _check(self, name, rule):
        value = getattr(self._settings, name)
        if not isinstance(value, Mapping):
            self._check_one(name, value, rule)
            return
        if rule.for_all_labels:
            raise ValueError(f"{name} is one for all labels. Give one distribution, no mapping.")
        if {*value} != {*self._labels}:
            raise ValueError(
                f"{name} is given for {', '.join(map(str, value))}, and the labels are "
                f"{', '.join(sorted(self._labels))}. Give one distribution for each, or one for "
                "all."
            )
        for one in value.values():
            self._check_one(name, one, rule)

    def _check_one(self, name, one, rule):
        if one is None and rule.may_be_none:
            return
        try:
            getattr(self._core, f"_validate_{rule.scaper}")(one)
            # A normal distribution has no ends; what it gives beyond them is drawn again.
            ends = () if rule.scaper == "distribution" or one[0] == "normal" else _ends(one)
            within = all(rule.low <= end <= rule.high for end in ends)
        except (self._core.ScaperError, ArithmeticError, TypeError, ValueError) as error:
            raise ValueError(
                f"{name}={shown(repr(one))} is no distribution that Scaper accepts: {shown(error)}"
            ) from error
        if not within:
            raise ValueError(
                f"{name}={shown(repr(one))} gives values that are not from {rule.low:g} to "
                f"{rule.high:g}."
            )

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
        distribution = self.of(name, label)
        if distribution[0] == "uniform":  # As Scaper does it, but much faster.
            low, high = (min(end, latest) for end in distribution[1:])
            distribution = ("const", low) if low == high else ("uniform", low, high)
        else:
            # Scaper brings the distribution into the bounds, changing lists in place; a draw from a
            # normal distribution may leave them all the same.
            distribution, _ = self._core._ensure_satisfiable_source_time_tuple(
                copy.deepcopy(distribution), latest, 0.0
            )
        return min(max(self._draw(name, distribution, random), 0.0), latest)

    def _draw(self, name, distribution, random):
        if distribution is None:
            return math.nan
        kind, *parameters = distribution
        draw, rule = self._core.SUPPORTED_DIST[kind], RULES[name]
        for _ in range(_TRIES):
            try:
                value = draw(*parameters, random_state=random)
                if rule.scaper == "distribution":
                    return value
                value = float(value)
            except (ArithmeticError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{name}={shown(repr(distribution))} cannot be drawn from: {shown(error)}"
                ) from error
            # A normal distribution may give others; like Scaper, draw again.
            if rule.low <= value <= rule.high:
                return value
        raise ValueError(
            f"{name}={shown(repr(distribution))} gives nothing from {rule.low:g} to {rule.high:g}."
        )


def _ends(distribution):
    """Values between which, or among which, are all that a distribution gives; not a normal one."""
    kind, *parameters = distribution
    if kind == "const":
        return parameters
    if kind in ("choose", "choose_weighted"):
        return parameters[0]
    return parameters[-2:]
