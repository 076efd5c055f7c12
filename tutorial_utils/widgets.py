"""Explorable figures: one cell that moves in a live notebook and in a page without a kernel.

With a live kernel, :func:`explore` shows ipywidgets controls and calls the function whenever one of
them moves. Without one, as in the built book, the function has been called beforehand for all
values of the controls; the page holds what it returned, and a small script shows the part of it
that the controls ask for. Such a page needs no kernel, no widget manager and no network.

Which of the two it is: the environment variable ``TUTORIAL_UTILS_STATIC`` decides, where it is set
(``1``: prepared frames, ``0``: live). Where it is not, JupyterLab, Jupyter Notebook, VS Code and
Colab, known by the marks that they leave in the kernel, get the live one, and all else prepared
frames: a notebook that is executed by a program has nobody to move its controls.
"""

import base64
import io
import itertools
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable
from numbers import Integral, Number, Real

import numpy as np
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from tutorial_utils.markup import clean, escape, web
from tutorial_utils.player import Player, build, player
from tutorial_utils.plots import picture
from tutorial_utils.text import shown

__all__ = ["Explorer", "explore"]

_MOST_FRAMES = 60
_MOST_BYTES = 1_500_000
# What is tried until the frames are small enough: at which scale images of pixels become WebP (at
# first they stay as they were drawn), and the quality of the sound.
_ATTEMPTS = ((None, 0.3), (1.0, 0.3), (0.5, 0.1))


class Explorer:
    """An explorable figure, made by :func:`explore`; it shows itself in notebooks and pages."""

    def __init__(self, bundle: dict, summary: str):
        self._bundle = bundle
        self._summary = summary

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return self._bundle

    def __repr__(self) -> str:
        return self._summary


def explore(function: Callable, *, alt: str | None = None, **controls: Iterable) -> Explorer:
    """Show what a function returns, for values of its arguments that the reader chooses.

    Parameters
    ----------
    function : callable
        Called with one value of each control, by name. It returns something to see: a matplotlib
        figure or axes, a picture of :func:`tutorial_utils.plots.picture`, a text, or anything with
        an HTML representation, such as a table or a :func:`tutorial_utils.player.player`; or
        something to hear, as a pair of an array of shape (channels, samples) or (samples,) and a
        sample rate in Hz; or a list of these. Without a kernel a sound goes on without a gap as
        the controls move. For the same values it must return the same, and always equally many
        sounds.
    alt : str, optional
        What there is to see in the figures, for readers who cannot see them. The names of controls
        in braces stand for their values: ``"The mask, {threshold} of it open."`` Figures and axes
        need it; pictures have their own.
    **controls : iterable of values
        The values of each argument, the first shown first. Numbers get a slider, all else a list to
        choose from. Together they may be combined in 60 ways at most.

    Returns
    -------
    Explorer
        In a page without a kernel it takes at most 1.5 MB. Where the frames are more, images made
        of pixels (spectrograms) become WebP, which changes them a little; where that is not enough,
        they are halved in width and height, and the sound is coded at a lower quality.

    Raises
    ------
    ValueError
        If there is no control, or one without values; if there are too many combinations; if the
        frames are too large; if the figures have no description, or it names something that is no
        control; if a sound cannot be played, for which see :func:`tutorial_utils.player.player`, or
        differs from the others in length or sample rate.
    TypeError
        If the function returns something that can neither be seen nor heard, or the values of a
        control are no list. What the function itself raises is passed on.

    Examples
    --------
    >>> def greet(name, times):
    ...     return f"hello {name}! " * times
    >>> explore(greet, name=["bass", "drums"], times=range(1, 4))  # doctest: +ELLIPSIS
    Explorer(greet: name × times, 6 frames, ...)
    """
    values = {name: _options(name, options) for name, options in controls.items()}
    if not values:
        raise ValueError("explore needs at least one control, such as threshold=[0.25, 0.5]")
    count = math.prod(len(options) for options in values.values())
    if count > _MOST_FRAMES:
        sizes = " × ".join(f"{len(options)} {shown(name)}" for name, options in values.items())
        raise ValueError(
            f"the controls combine in {sizes} = {count} ways, and at most {_MOST_FRAMES} can be "
            "prepared for the page: give fewer values"
        )
    name = getattr(function, "__name__", "function")
    summary = clean(f"{name}: {' × '.join(values)}")
    if _is_live():
        return Explorer(_live(function, alt, values), f"Explorer({summary}, live)")
    page = _static(function, alt, values)
    size = len(page.encode())
    summary = f"Explorer({summary}, {count} frames, {size / 1e6:.2f} MB)"
    return Explorer({"text/html": page, "text/plain": summary}, summary)


def _is_live() -> bool:
    shell = get_ipython()
    setting = os.environ.get("TUTORIAL_UTILS_STATIC")
    if getattr(shell, "kernel", None) is None or setting not in (None, "", "0"):
        return False
    return (
        setting == "0"
        or "JPY_SESSION_NAME" in os.environ  # a Jupyter server started this kernel for a notebook
        or "__vsc_ipynb_file__" in shell.user_ns  # VS Code
        or "google.colab" in sys.modules
    )


def _options(name, options) -> list:
    """The values of a control; of endless ones, no more than show that they are too many."""
    if isinstance(options, str) or not isinstance(options, Iterable):
        raise TypeError(f'the control "{shown(name)}" needs a list of values, not {shown(options)}')
    options = list(itertools.islice(options, _MOST_FRAMES + 1))
    if not options:
        raise ValueError(f'the control "{shown(name)}" has no values')
    return options


def _labels(options) -> list[str]:
    """What the values are called: numbers by four digits, or by as many as tell them apart."""
    broken = {repr(float(option)) for option in options if _is_broken(option)}
    for digits in (4, 6, 9, 17):
        if len({f"{float(number):.{digits}g}" for number in broken}) == len(broken):
            break
    return [
        f"{float(option):.{digits}g}" if _is_broken(option) else _whole_or_text(option)
        for option in options
    ]


def _is_broken(value) -> bool:
    """Whether it is a number with something behind the point."""
    number = isinstance(value, Real) and not isinstance(value, bool | np.bool_ | Integral)
    return number and not float(value).is_integer()


def _whole_or_text(value) -> str:
    return str(int(value)) if isinstance(value, float | np.floating) else clean(value)


def _is_slider(options) -> bool:
    numbers = all(isinstance(v, Real) and not isinstance(v, bool | np.bool_) for v in options)
    return numbers and len(options) > 1


def _call(function, alt, chosen, labels):
    """What the function returned, as a list of HTML to see and a list of (array, rate) to hear."""
    seen, heard = [], []

    def sort(part):
        if isinstance(part, tuple) and len(part) == 2 and isinstance(part[1], Number):
            heard.append(part)
        elif isinstance(part, list | tuple):
            for each in part:
                sort(each)
        elif isinstance(part, Figure | Axes):
            seen.append(picture(part, _description(alt, labels)).html)
        elif isinstance(part, str):
            seen.append(f"<p>{escape(part)}</p>")
        elif isinstance(part, Player):
            seen.append(part.element)
        elif hasattr(part, "_repr_html_"):
            seen.append(clean(part._repr_html_()))
        else:
            raise TypeError(
                f"{getattr(function, '__name__', 'the function')} returned {type(part).__name__}, "
                "which can neither be seen nor heard: return a figure, a text, a table, a player, "
                "or a pair of an array and a sample rate"
            )

    sort(function(**chosen))
    return seen, heard


def _description(alt, labels) -> str:
    if not alt:
        raise ValueError("explore needs a description of the figures: alt='what to see'")
    try:
        return alt.format(**labels)
    except (AttributeError, IndexError, KeyError, ValueError) as error:
        raise ValueError(
            f"alt={shown(alt)!r} may name the controls {', '.join(labels)} in braces, and nothing "
            f"else: {error!r}"
        ) from None


def _combinations(values):
    """The values and the labels of the controls, for each frame."""
    named = [[*zip(options, _labels(options), strict=True)] for options in values.values()]
    for combination in itertools.product(*named):
        options, labels = zip(*combination, strict=True)
        yield dict(zip(values, options, strict=True)), dict(zip(values, labels, strict=True))


# ------------------------------------------------------------------- without a kernel


def _static(function, alt, values) -> str:
    frames = [_call(function, alt, *combination) for combination in _combinations(values)]
    counts = {len(heard) for _, heard in frames}
    if len(counts) > 1:
        raise ValueError(f"the function returned {sorted(counts)} sounds; return equally many")
    heard = [sounds for _, sounds in frames]
    sounds = {}
    for scale, quality in _ATTEMPTS:
        if quality not in sounds:
            sounds[quality] = _players(values, heard, quality)
        content = [_frame(seen, i, scale) for i, (seen, _) in enumerate(frames)]
        page = _page(values, content, sounds[quality])
        if (size := len(page.encode())) <= _MOST_BYTES:
            return page
    see, hear = (sum(map(len, parts)) / 1e6 for parts in (content, sounds[quality]))
    raise ValueError(
        f"{len(frames)} frames take {size / 1e6:.1f} MB ({see:.1f} MB to see, {hear:.1f} MB to "
        f"hear), and {_MOST_BYTES / 1e6} MB is the most: give fewer values, draw less, or let "
        "shorter sounds be heard"
    )


def _frame(seen, number, scale) -> str:
    content = "".join(seen).replace("<img ", '<img decoding="sync" ')
    if scale is not None:
        # Of images and of those inside an SVG, where there is white space; not of what a text says.
        content = re.sub(
            r'(?<= src=")data:image/[^"]*',
            lambda source: re.sub(
                r"data:image/png;base64,([A-Za-z0-9+/=\s]+)",
                lambda image: "data:image/webp;base64," + _webp(image[1], scale),
                source[0],
            ),
            content,
        )
    return f'<div class="tu-frame"{" hidden" if number else ""}>{content}</div>'


def _webp(png: str, scale: float) -> str:
    image = Image.open(io.BytesIO(base64.b64decode(png)))
    transparent = "A" in image.mode or "transparency" in image.info
    image = image.convert("RGBA" if transparent else "RGB")
    image = image.resize([max(1, round(scale * side)) for side in image.size])
    webp = io.BytesIO()
    image.save(webp, "WEBP", quality=60)
    return base64.b64encode(webp.getvalue()).decode()


def _players(values, heard, quality) -> list[str]:
    """One player for each sound, whose versions are the frames."""
    labels = [
        ", ".join(f"{name} {label}" for name, label in chosen.items())
        for _, chosen in _combinations(values)
    ]
    players = []
    for sounds in zip(*heard, strict=True):
        rates = list(dict.fromkeys(rate for _, rate in sounds))
        if len(rates) > 1:
            raise ValueError(f"the sounds have several sample rates: {shown(rates)} Hz")
        named = [
            (f"the sound of {shown(label)}", sound)
            for label, (sound, _) in zip(labels, sounds, strict=True)
        ]
        parts = [[*range(len(named))]]
        made = build(["sound"], labels, parts, named, rates[0], quality=quality, switch=False)
        players.append(made.element)
    return players


def _page(values, content, sounds) -> str:
    label = escape(f"Explore {' and '.join(values)}")
    controls = "".join(_control(name, options) for name, options in values.items())
    scripts = "</script><script>".join(web(name) for name in ("player.js", "explore.js"))
    box = f'<div class="tu-box"><div class="tu-controls">{controls}</div><slot></slot></div>'
    return f"""\
<style>{web("theme.css")}</style>
<tu-explore class="tu-explore" role="group" aria-label="{label}"
data-lm-suppress-shortcuts="true"><template>{box}</template>
<div class="tu-frames">{"".join(content)}</div><div class="tu-sounds">{"".join(sounds)}</div>
</tu-explore><script>{scripts}</script>"""


def _control(name, options) -> str:
    labels = _labels(options)
    if _is_slider(options):
        control = (
            f'<input type="range" class="tu-slider" min="0" max="{len(options) - 1}" value="0" '
            f'autocomplete="off"><output>{escape(labels[0])}</output>'
        )
    else:
        items = "".join(
            f'<option value="{i}">{escape(label)}</option>' for i, label in enumerate(labels)
        )
        control = f'<select autocomplete="off">{items}</select>'
    return (
        f'<label class="tu-control" data-values="{escape(json.dumps(labels))}"><span>'
        f"{escape(name.replace('_', ' '))}</span>{control}</label>"
    )


# ---------------------------------------------------------------------- with a kernel


def _live(function, alt, values) -> dict:
    import ipywidgets
    from IPython.display import HTML, display

    controls = {}
    for name, options in values.items():
        kind = ipywidgets.SelectionSlider if _is_slider(options) else ipywidgets.Dropdown
        # Their values are places, for values may look alike, be equal, or have no equality at all.
        places = [(label, place) for place, label in enumerate(_labels(options))]
        controls[name] = kind(
            options=places,
            description=clean(name.replace("_", " ")),
            style={"description_width": "initial"},  # no name is cut off
        )
    output = ipywidgets.Output()

    def update(change=None):
        chosen = {name: values[name][control.value] for name, control in controls.items()}
        labels = {name: control.label for name, control in controls.items()}
        with output:
            seen, heard = _call(function, alt, chosen, labels)
            output.clear_output(wait=True)
            style = f"<style>{web('theme.css')}</style>"
            display(HTML(f"{style}{''.join(seen)}<script>{web('player.js')}</script>"))
            for sound, rate in heard:
                display(player({"sound": sound}, rate))

    for control in controls.values():
        control.observe(update, names="value")
    update()
    return ipywidgets.VBox([*controls.values(), output])._repr_mimebundle_()
