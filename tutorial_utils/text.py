"""Text that comes from files and their names, made fit to stand in a message.

A name or a cell of a table may hold anything: escape sequences that move a terminal's cursor or
colour it, line breaks that make one message look like two, half of a surrogate pair that cannot be
printed at all, or a megabyte of text. Messages show such a value through :func:`shown`.
"""


def shown(value, longest: int = 300) -> str:
    """Give a value as one printable line, for an error's text.

    Parameters
    ----------
    value : object
        A name, path, cell of a table, or anything else that ``str`` takes.
    longest : int
        So many characters of it are shown. Of a longer one the middle is left out, since a path
        says most at its end.

    Returns
    -------
    str
        What cannot be printed stands as its Python escape. Backslashes are left as they are, so
        that paths on Windows can be read.

    Examples
    --------
    >>> print(shown("drums\\x1b[31m.wav"))
    drums\\x1b[31m.wav
    >>> shown("a very long name.wav", longest=10)
    'a ver….wav'
    """
    text = str(value)
    if len(text) > longest:
        text = f"{text[: longest - longest // 2]}…{text[len(text) - longest // 2 + 1 :]}"
    if text.isprintable():  # As nearly all are; this is asked for every file that is opened.
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
