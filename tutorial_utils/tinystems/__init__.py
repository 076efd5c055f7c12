"""TinyStems: a multitrack set that composes and renders itself.

MUSDB18 may not be passed on, so this book brings music of its own: short songs with drums, bass,
accompaniment and a singer, made from nothing but a seed. :func:`build` writes the set in
MUSDB18-HQ's layout. The steps can be taken one by one, too: :func:`compose` gives a
:class:`Score` with every note, :func:`render` turns a score into audio.
"""

from .builder import VERSION, build
from .composer import Note, Part, Score, compose
from .renderer import render, render_stems

__all__ = ["VERSION", "Note", "Part", "Score", "build", "compose", "render", "render_stems"]
