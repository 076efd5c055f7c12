"""The book's colours and letters, for figures, drawings and players alike."""

import re
import zlib

# Chosen by a search over sRGB for the largest smallest difference as seen with normal
# sight, protanopia, deuteranopia and tritanopia; the tests hold the differences and the contrast.
COLOURS: dict[str, str] = {
    "drums": "#5b86f0",
    "bass": "#127560",
    "other": "#d97c0b",
    "vocals": "#b4352a",
    "mixture": "#94929c",
    "accompaniment": "#7d4cb4",
    "reference": "#666688",
    "estimate": "#229966",
}
SPARE = ("#996699", "#aa8866", "#3388aa", "#779977", "#bb5577", "#667799", "#8a8a2a", "#bb7744")
COMMENT = re.compile(r"\s*\([^()]*\)$")

#: Ink and paper of a light and of a dark page; the dark paper is the theme's background.
PAGES: dict[str, dict[str, str]] = {
    "light": {"ink": "#1f2328", "paper": "#ffffff"},
    "dark": {"ink": "#dde3ea", "paper": "#121212"},
}
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def colour(label: str) -> str:
    """Colour of a stem, mixture or estimate, the same in every figure and player.

    Labels that are not in ``COLOURS`` get a colour of their own, which depends on the label alone.
    What stands in brackets behind a label does not count.

    Examples
    --------
    >>> colour("vocals")
    '#b4352a'
    >>> colour("Kazoo") == colour("kazoo")
    True
    >>> colour("vocals (estimate)") == colour("vocals")
    True
    """
    key = str(label).strip().lower()
    key = COMMENT.sub("", key) or key
    return COLOURS.get(key) or SPARE[zlib.crc32(key.encode(errors="surrogatepass")) % len(SPARE)]
