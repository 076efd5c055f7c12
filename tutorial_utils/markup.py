"""What figures, tables and players share when they write themselves into a page."""

import base64
import html
import re
import urllib.parse
from functools import cache
from importlib import resources

# Neither HTML nor XML has a spelling for these; half of a surrogate pair has none in UTF-8 either.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text) -> str:
    """The text, with the replacement character for all that no page can hold.

    Examples
    --------
    >>> clean("drums\\x00")
    'drums\ufffd'
    """
    return _UNWRITABLE.sub("\ufffd", str(text))


def escape(text) -> str:
    """The text as it stands in HTML, between tags or in a quoted attribute.

    Examples
    --------
    >>> escape('"<b>"')
    '&quot;&lt;b&gt;&quot;'
    """
    return html.escape(clean(text))


def data_uri(kind: str, data: str | bytes) -> str:
    """The data of a media type, such as ``"image/png"``, as an address that holds them."""
    if isinstance(data, bytes):
        return f"data:{kind};base64,{base64.b64encode(data).decode()}"
    # Percent-encoded text is shorter than Base64, and much shorter once the server compresses it.
    return f"data:{kind}," + urllib.parse.quote(data, safe=" =:;,/?()'!*+$@&")


@cache
def web(name: str) -> str:
    """A script or a style of the package as text; ``/* name.css */`` stands for another one."""
    text = resources.files("tutorial_utils").joinpath("_web", name).read_text(encoding="utf-8")
    return re.sub(r"/\* (\w+\.css) \*/", lambda found: web(found[1]), text)
