"""A song of the reader's own, separated in the page: with no kernel, and nothing sent anywhere.

The page holds the weights of a small model and a script that does what the model does:
``_web/maskinference.js``, plain JavaScript, which a worker of the browser runs.
"""

import base64
import json

import numpy as np

from tutorial_utils.markup import web
from tutorial_utils.models import trained
from tutorial_utils.player import player

__all__ = ["InPage", "in_page"]


class InPage:
    """A place to drop a song, made by :func:`in_page`; it shows itself in notebooks and pages."""

    def __init__(self, element: str, name: str):
        self.element = element
        self._name = name

    def _repr_html_(self) -> str:
        scripts = "".join(f"<script>{web(name)}</script>" for name in ("player.js", "separator.js"))
        return f"<style>{web('theme.css')}</style>{self.element}{scripts}"

    def __repr__(self) -> str:
        return f"InPage({self._name})"


def in_page(name: str = "MaskInference") -> InPage:
    """A place to drop a sound file, which a small model separates in the reader's browser.

    Parameters
    ----------
    name : str
        Of weights that come with the package, of the class
        :class:`~tutorial_utils.models.MaskInference` with gated recurrent units and a softmax.

    Returns
    -------
    InPage
        It works in the built book, in Jupyter and in Colab, and needs no network.

    Raises
    ------
    FileNotFoundError
        If there are no such weights.
    ValueError
        If they are of another model, which the script does not know.

    Examples
    --------
    >>> in_page()
    InPage(MaskInference)
    """
    _, about = trained.read(name)
    settings = about["settings"]
    known = {"rnn": "gru", "mask_activation": "softmax"}
    if about["name"] != "MaskInference" or not known.items() <= settings.items():
        raise ValueError(f"{name} is no MaskInference with {known}, which the page's script needs.")
    rate, labels = settings["sample_rate"], settings["labels"]
    silence = np.zeros((1, rate // 10), np.float32)
    prepared = player(dict.fromkeys(["mixture", *labels], silence), rate, title="Your song")
    data = {
        "rate": rate,
        "weights": base64.b64encode(trained.path_of(name).read_bytes()).decode(),
        "worker": web("maskinference.js"),
        "player": prepared.element,
    }
    payload = json.dumps(data, separators=(",", ":")).replace("<", r"\u003c")
    element = f"""\
<tu-separator data-lm-suppress-shortcuts="true"><template><div class="tu-box">
<label class="tu-drop">Drop a song here, or choose one. It stays on your computer.<br>
<input class="tu-file" type="file" accept="audio/*,video/mp4"></label>
<div class="tu-work" hidden><progress class="tu-bar" max="1" value="0"
aria-label="Separating"></progress><button type="button" class="tu-cancel">Cancel</button></div>
<p class="tu-said" role="status"></p><p class="tu-links"></p></div>
<slot name="player"></slot></template>
Separating a song in the page needs JavaScript.
<script type="application/json">{payload}</script></tu-separator>"""
    return InPage(element, name)
