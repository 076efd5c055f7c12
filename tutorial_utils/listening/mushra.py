"""A listening test after MUSHRA, as a page that needs no kernel, no server and no network.

Each trial is a player whose versions are the reference and, under letters, the sounds to be rated.
What plays them in time with each other is thus :mod:`tutorial_utils.player`; ``listening.js`` shows
the trials, draws the order of the letters and of the trials for each participant, and writes the
answers into a CSV file. As the sounds of a player, these are MP3, here of a high quality.
"""

import hashlib
import json
import string
import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from tutorial_utils import loudness
from tutorial_utils.audio import AudioError, as_channels
from tutorial_utils.listening.anchors import low_pass
from tutorial_utils.markup import clean, escape, web
from tutorial_utils.player import build
from tutorial_utils.text import shown

REFERENCE = "reference"
HIDDEN = "hidden reference"
ANCHOR = "{:g} kHz anchor"

_MOST = 12  # signals of a trial that the recommendation allows
_QUALITY = 0.8  # of the MP3, about 190 kbit/s for music in stereo
_PAGE_LIMIT = 3_000_000  # bytes of sound that a page should hold
_WORDS = ("bad", "poor", "fair", "good", "excellent")


class ListeningTest:
    """A listening test, made by :func:`mushra`; it shows itself in notebooks and pages.

    Attributes
    ----------
    conditions : dict of str to list of str
        What is rated in each trial, in an order that no participant sees.
    nbytes : int
        What the sound takes of the page, in bytes.
    """

    def __init__(self, element: str, conditions: dict[str, list[str]], nbytes: int):
        self._element = element
        self.conditions = conditions
        self.nbytes = nbytes

    def _repr_html_(self) -> str:
        scripts = "".join(
            f"<script>{web(f'{name}.js')}</script>" for name in ("player", "listening")
        )
        return f"<style>{web('theme.css')}</style>{self._element}{scripts}"

    def __repr__(self) -> str:
        sounds = sum(map(len, self.conditions.values()))
        return (
            f"ListeningTest({len(self.conditions)} trials, {sounds} sounds to rate, "
            f"{self.nbytes / 1e6:.2f} MB)"
        )


def mushra(
    trials: Mapping[str, Mapping[str, np.ndarray]],
    sample_rate: int,
    *,
    name: str = "listening test",
    question: str = "How close is each sound to the reference?",
    anchors: Sequence[float] = (3500.0, 7000.0),
) -> ListeningTest:
    """A test in which people rate sounds from 0 to 100, against an open reference.

    In each trial the reference can be heard under its name. It is also hidden among the sounds that
    are rated, together with anchors; these stand under letters in an order that is drawn anew for
    each participant and trial. The page keeps the answers of an unfinished test in the browser, so
    that it goes on after the page was closed, and gives them as a CSV file for :func:`read`.

    Parameters
    ----------
    trials : dict of str to dict of str to array
        For each trial, by its name, the ``"reference"`` and one sound or more to compare with it,
        named by their condition (mostly the method). All have the shape (channels, samples) or
        (samples,), with one or two channels, and within a trial the same length.
    sample_rate : int
        In Hz.
    name : str
        Of the test, for the heading and the files of answers.
    question : str
        What the participants are asked.
    anchors : list of float
        In Hz: for each one, the reference without what is above this frequency is rated, too.
        Anchors of another kind are passed as conditions.

    Returns
    -------
    ListeningTest
        Within a trial all sounds are brought to the loudness of the reference, since what is
        louder is mostly preferred; a silent one stays as it is.

    Raises
    ------
    ValueError
        If there is no trial; if one has no reference, nothing to compare with it, or more than 12
        sounds to rate; if an anchor needs a higher sample rate; or if a sound cannot be played, for
        which see :func:`tutorial_utils.player.player`.

    References
    ----------
    Recommendation ITU-R BS.1534-3, "Method for the subjective assessment of intermediate quality
    level of audio systems", 2015 (MUSHRA: multiple stimuli with hidden reference and anchor).
    """
    if not isinstance(trials, Mapping) or not trials:
        raise ValueError(
            f"a listening test needs a dict with at least one trial, not {shown(trials)}"
        )
    conditions, players, nbytes = {}, [], 0
    for trial, sounds in trials.items():
        found = _conditions(trial, sounds, sample_rate, anchors)
        letters = string.ascii_uppercase[: len(found)]
        what = [f'the sound "{shown(each)}" of trial "{shown(trial)}"' for each in found]
        player = build(
            [clean(trial)],
            ["Reference", *letters],
            [[0, *range(len(found))]],
            list(zip(what, found.values(), strict=True)),
            sample_rate,
            quality=_QUALITY,
            switch=False,
            blind=True,
        )
        conditions[clean(trial)] = [clean(each) for each in found]
        players.append(f"<template class='tu-trial'>{player.element}</template>")
        nbytes += player.nbytes
    if nbytes > _PAGE_LIMIT:
        warnings.warn(
            f"the sounds of this test take {nbytes / 1e6:.1f} MB of the page; more than "
            f"{_PAGE_LIMIT / 1e6:.0f} MB open slowly: take shorter excerpts, or fewer trials",
            stacklevel=2,
        )
    trials = [{"name": trial, "conditions": each} for trial, each in conditions.items()]
    # What an unfinished test is known by: another text, or other sounds, is another test.
    mark = hashlib.sha256("".join([name, question, *players]).encode()).hexdigest()[:16]
    data = {"name": clean(name), "mark": mark, "trials": trials}
    return ListeningTest(_element(name, question, data, players), conditions, nbytes)


def _conditions(trial, sounds, sample_rate, anchors):
    """All that is rated in a trial, hidden reference first, at the loudness of the reference."""
    if not isinstance(sounds, Mapping) or REFERENCE not in sounds or len(sounds) < 2:
        raise ValueError(
            f'trial "{shown(trial)}" needs a dict with a "{REFERENCE}" and at least one sound to '
            f"compare with it, not {shown(list(sounds) if isinstance(sounds, Mapping) else sounds)}"
        )
    found = {HIDDEN: sounds[REFERENCE]}
    found |= {ANCHOR.format(each / 1000): None for each in anchors}
    if taken := [each for each in sounds if each in found]:
        raise ValueError(f'trial "{shown(trial)}" has a sound called "{taken[0]}": rename it')
    for cutoff in anchors:
        try:
            found[ANCHOR.format(cutoff / 1000)] = low_pass(sounds[REFERENCE], sample_rate, cutoff)
        except (AudioError, TypeError) as error:
            raise ValueError(f'the reference of trial "{shown(trial)}": {error}') from None
    found |= {each: sound for each, sound in sounds.items() if each != REFERENCE}
    if len(found) > _MOST:
        raise ValueError(
            f'trial "{shown(trial)}" has {len(found)} sounds to rate, with the hidden reference '
            f"and {len(anchors)} anchors; listeners can compare {_MOST} at most: divide it"
        )
    aim = _loudness(sounds[REFERENCE], sample_rate)
    return {each: _at_loudness(sound, sample_rate, aim) for each, sound in found.items()}


def _loudness(sound, sample_rate) -> float:
    """In LUFS; minus infinity for what is silent or too short, and what ``build`` will refuse."""
    try:
        return loudness.integrated(as_channels(np.asarray(sound, dtype=np.float64)), sample_rate)
    except (AudioError, TypeError, ValueError, RuntimeError):
        return -np.inf


def _at_loudness(sound, sample_rate, aim):
    now = _loudness(sound, sample_rate)
    if not np.isfinite(now) or not np.isfinite(aim):
        return sound
    return np.asarray(sound) * np.float32(10 ** ((aim - now) / 20))


def _element(name, question, data, players) -> str:
    words = "".join(f"<span>{word}</span>" for word in _WORDS)
    # As in the player: nothing in the data may look like the end of the script that holds them.
    payload = json.dumps(data, separators=(",", ":")).replace("<", r"\u003c")
    trials = "1 trial" if len(players) == 1 else f"{len(players)} trials"
    return f"""\
<tu-listening class="tu-listening" role="group" aria-label="{escape(name)}"
data-lm-suppress-shortcuts="true"><template><div class="tu-box">
<div class="tu-heading"><span class="tu-title">{escape(name)}</span>
<span class="tu-progress"></span></div>
<form class="tu-start"><p>{escape(question)} In each of {trials} you hear a reference and, under
letters, several sounds, among them the reference itself. Rate each sound from 0 to 100; the best
one should have 100. You can switch between the sounds while they play, as often as you like. Use
headphones, set the volume in the first trial, and leave it as it is.</p>
<label>Your name, or a number <input name="participant" autocomplete="off" maxlength="60" required>
</label><button type="submit" class="tu-main">Start</button></form>
<div class="tu-trials" hidden><p class="tu-question">{escape(question)}</p>
<div class="tu-stage"></div>
<div class="tu-words" aria-hidden="true"><span></span><span>{words}</span><span></span></div>
<div class="tu-ratings"></div><p class="tu-keys">Keys: 0 for the reference, 1 2 … for the letters,
space to play and pause, tab and arrows for the ratings.</p>
<div class="tu-steps"><button type="button" class="tu-main tu-next">Next</button></div></div>
<div class="tu-end" hidden><p>Thank you. The file holds all your answers; send it to whoever asked
you to take part. This is what stood under the letters, with your ratings:</p>
<div class="tu-scroll"><table class="tu-result"></table></div><div class="tu-steps"><button
type="button" class="tu-again">Start again</button><a class="tu-main tu-save">Save the answers \
(CSV)</a></div></div><p class="tu-said" role="status"></p></div></template>
{escape(name)}: this listening test needs JavaScript.{"".join(players)}
<script type="application/json">{payload}</script></tu-listening>"""
