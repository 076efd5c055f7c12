"""Which tracks of a recording session belong to which stem, by their names.

A session brings dozens of tracks ("01_KickIn", "OH_L", "BassDI", "Lead Vox"), and a separation
model four stems. A *taxonomy* lists, for each stem, the words by which its tracks are known.
:data:`TAXONOMY` is the one to begin with, :func:`sort_tracks` shows what it makes of names, and
:func:`tutorial_utils.data.open_songs` opens songs with it.
"""

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

from tutorial_utils import audio
from tutorial_utils.data.disk import normalised
from tutorial_utils.data.songs.layouts import MIXTURE
from tutorial_utils.text import shown

# fmt: off
TAXONOMY: dict[str | None, list[str]] = {
    "drums": [
        "drum*", "kit", "kick*", "bd", "snare*", "sn", "sd", "tom", "toms", "hat", "hats", "hi hat",
        "high hat", "hihat*", "hh", "cym", "cyms", "cymbal*", "ride", "crash*", "splash*", "gong",
        "oh", "ohs", "overhead*", "room*", "beat", "beats", "perc*", "conga*", "bongo*", "cajon",
        "djembe", "tabla", "darbuka", "doumbek", "timbale*", "timpani", "tamb*", "shaker*",
        "cabasa", "maraca*", "guiro", "cowbell*", "clap*", "snap*", "clave", "claves", "castanet*",
        "triangle", "woodblock*", "wood block", "sleigh bell*", "chime*", "rattle",
        "bass drum*", "bassdrum*", "bass kick*", "ride bell", "acoustic drum*", "electronic drum*",
        "synth drum*", "drum* synth*", "synth perc*", "synth kick*", "synth snare*",
        "piccolo snare*", "oh mix",
    ],
    "bass": [
        "bass", "bassdi", "bassamp", "*bass", "contrabass", "upright", "sub",
        "bass guitar*", "guitar bass", "bass synth*", "basssynth*", "*synth* bass", "synthbass",
        "keyboard bass", "bass key*", "bass moog", "acoustic bass", "piano bass",
    ],
    "other": [
        "*guitar*", "*gtr*", "gt", "acoustic*", "nylon", "dobro", "banjo*", "mandolin*", "mando",
        "uke", "ukulele*", "lap steel", "pedal steel", "sitar", "oud", "lute", "bouzouki", "harp",
        "dulcimer", "piano*", "pno", "key", "keys", "keyboard*", "rhodes", "wurl*", "hammond*",
        "*organ*", "leslie*", "clav", "clavi*", "harpsichord*", "celest*", "harmonium", "mellotron",
        "*synth*", "*moog", "theremin", "pad", "pads", "arp*", "pluck*", "string*", "violin*",
        "viola*", "cello*", "celli", "vln*", "vla*", "fiddle*", "erhu", "brass*", "horn*",
        "trumpet*", "tpt*", "trombone*", "cornet*", "euphonium", "tuba", "flugel*", "wind*",
        "woodwind*", "sax*", "bass sax*", "saxophone*", "flute*", "piccolo", "recorder*",
        "clarinet*", "oboe*", "bassoon*", "bagpipe*", "pan pipes", "panpipes", "dizi", "whistl*",
        "accordion*", "bandoneon", "concertina", "melodica", "harmonica", "vibes", "vibraphone*",
        "marimba*", "xylophone*", "glock*", "bell", "bells", "kalimba", "steel drum*", "guzheng",
        "liuqin", "zhongruan", "yangqin", "fx", "sfx", "white noise", "drone*", "riser*",
        "scratches", "turntable*", "other*",
        "elec gtr*", "*gtr* vox", "*gtr* room*", "sax* room*", "bass clarinet*", "synth choir",
    ],
    "vocals": [
        "*vox*", "*vocal*", "voc", "vocs", "voice*", "vx", "bv", "bvs", "bgv*", "singer*",
        "singing", "choir*", "rap", "raps", "rapper*", "beatbox*", "vocoder*", "acapella",
        "a cappella", "scream*", "shout*", "whisper*", "spoken", "speech", "ooh*", "aah*", "ahs",
        "adlib*", "ad lib*", "male speaker", "female speaker", "bass vox", "*vox* room*",
    ],
    None: [
        "mix", "mixes", "mixture", "mixdown", "rough mix", "2 mix", "bounce*", "master",
        "reference", "instrumental", "click*", "metronome", "guide*", "scratch vox",
        "scratch vocal*", "talkback", "count in", "slate",
    ],
}
# fmt: on
"""The stems of MUSDB18, each with the words of its tracks; ``None`` has those that no stem takes.

It is a plain dictionary, to be copied and edited: see :func:`sort_tracks`. The drums include
percussion, except for instruments that play melodies, such as the vibraphone. (MoisesDB's own
mapping to four stems puts all percussion among the others.) Words that do not tell the instrument,
such as "lead", "loop" or "sample", are in none of the lists.
"""
# Where a name has words of several stems, the longest entry decides. So there are entries of two
# words for names whose single words would put them elsewhere ("bass drum", "steel drum").


class Entry(NamedTuple):
    """An entry of a taxonomy, made ready to be looked for in names."""

    pattern: re.Pattern
    part: str  # Of a name that it fits: to look for it takes no time, unlike the pattern.
    letters: int
    stem: str | None


def sort_tracks(
    names: Iterable[str | os.PathLike],
    taxonomy: Mapping[str | None, Sequence[str]] | None = None,
) -> dict[str | None, list]:
    """Sort the tracks of a song by the stems to which they belong.

    Parameters
    ----------
    names : iterable of str or path-like
        The tracks' names, with or without a suffix. A track in a folder belongs where the name of
        the folder says ("drums/3f2a.wav"). Folders that all of the tracks share do not count.
    taxonomy : mapping of str to sequences of str, optional
        The entries of each stem; by default :data:`TAXONOMY`. Those of ``None`` are for tracks
        that are part of no stem, such as clicks and mixes. An entry is one or more words, in which
        ``*`` stands for any letters.

    Returns
    -------
    dict of lists
        The names of each stem that has any, in the taxonomy's order.

    Raises
    ------
    ValueError
        If no entry fits a name, or the taxonomy is not usable.

    Notes
    -----
    Names are read as words, which end at spaces and signs, before a digit, and where a capital
    letter follows a small one: "01_BassDI" is "01 bass di". Upper and lower case are the same. Of
    the entries that fit, the one with the most letters decides, since it says most ("bass drum" is
    no bass), and of two as long the one that comes later in the name, as nouns do. The words with
    which all names begin, such as the song's title, count only where the others say nothing.

    Examples
    --------
    >>> names = ["01_KickIn.wav", "02_OH_L.wav", "03_BassDI.wav", "04_Gtr1.wav", "05_LeadVox.wav"]
    >>> sort_tracks([*names, "06_Click.wav"])  # doctest: +NORMALIZE_WHITESPACE
    {'drums': ['01_KickIn.wav', '02_OH_L.wav'], 'bass': ['03_BassDI.wav'],
     'other': ['04_Gtr1.wav'], 'vocals': ['05_LeadVox.wav'], None: ['06_Click.wav']}

    A taxonomy of one's own, here with the guitars as a stem and an entry for all that is left:

    >>> own = {**TAXONOMY, "guitar": ["*guitar*", "*gtr*", "banjo"], "other": ["*"]}
    >>> sort_tracks(["Gtr L", "Gtr R", "Theremin", "Kick"], own)
    {'drums': ['Kick'], 'other': ['Theremin'], 'guitar': ['Gtr L', 'Gtr R']}
    """
    taxonomy = TAXONOMY if taxonomy is None else taxonomy
    by_stem, unknown = assign(names, entries(taxonomy))
    if unknown:
        raise ValueError(unknown_text(unknown))
    return {stem: by_stem[stem] for stem in taxonomy if stem in by_stem}


def entries(taxonomy: Mapping[str | None, Sequence[str]]) -> list[Entry]:
    """Check a taxonomy, and make it ready.

    Raises
    ------
    ValueError
        If it is not usable.
    """
    if not isinstance(taxonomy, Mapping) or not {*taxonomy} - {None}:
        raise ValueError(
            "A taxonomy is a mapping from stems to the words of their tracks, such as "
            f"tu.data.TAXONOMY, not {shown(repr(taxonomy))}."
        )
    found: dict[str, Entry] = {}
    for stem, words in taxonomy.items():
        _check_stem(stem)
        if (
            not isinstance(words, Collection)
            or isinstance(words, str)
            or not all(isinstance(word, str) for word in words)
        ):
            raise ValueError(
                f"The taxonomy's stem '{shown(stem)}' must have a list of words, such as "
                f"['kick*', 'bass drum'], not {shown(repr(words))}."
            )
        for word in words:
            entry = _entry(word, stem)
            other = found.setdefault(entry.pattern.pattern, entry).stem
            if other != stem:
                raise ValueError(
                    f"The taxonomy has '{shown(word)}' under '{shown(other)}' and under "
                    f"'{shown(stem)}'. Remove one of them."
                )
    return list(found.values())


def assign(names: Iterable, found: Sequence[Entry]) -> tuple[dict[str | None, list], list]:
    """Sort names by stems, as :func:`sort_tracks` does: those of each stem, and the unknown."""
    names = list(names)
    paths = [PurePath(os.fspath(name)) for name in names]
    shared = _shared([path.parts[:-1] for path in paths])
    readings = [_readings(_without_suffix(path.name)) for path in paths]
    title = _shared([words.split() for words, _ in readings])
    by_stem: dict[str | None, list] = {}
    unknown = []
    for name, path, (words, together) in zip(names, paths, readings, strict=True):
        if folders := path.parts[shared:-1]:
            best = best_entry(folders[-1], found)
        else:
            best = _best([" ".join(words.split()[title:])], found)
            if not (best and best.letters):
                best = _best([words, together], found)
        if best:
            by_stem.setdefault(best.stem, []).append(name)
        else:
            unknown.append(name)
    return by_stem, unknown


def best_entry(name: str, found: Sequence[Entry]) -> Entry | None:
    """The entry that decides to which stem a name belongs; None if none fits."""
    return _best(_readings(name), found)


def unknown_text(unknown: Sequence) -> str:
    """The error for tracks that no entry fits."""
    some = ", ".join(f"'{shown(name)}'" for name in unknown[:20])
    more = f" and {len(unknown) - 20} more" if len(unknown) > 20 else ""
    return (
        f"No entry of the taxonomy fits {some}{more}. Copy it and add words of these names to a "
        "stem, or to None for tracks that are to be left out: {**tu.data.TAXONOMY, 'other': "
        "[*tu.data.TAXONOMY['other'], 'loop']}. The entry '*' takes all that no other entry fits."
    )


def _check_stem(stem):
    if stem is None:
        return
    if not isinstance(stem, str) or not stem.strip():
        raise ValueError(f"A stem has a name, not {shown(repr(stem))}.")
    if stem == MIXTURE or stem.startswith(".") or re.search(r'[\x00-\x1f\x7f/\\:*?"<>|]', stem):
        raise ValueError(
            f"A stem cannot be called '{shown(stem)}': its name becomes that of a file, beside "
            f"that of the {MIXTURE}. Choose another name."
        )


def _entry(word, stem) -> Entry:
    words = re.findall(r"(?:[^\W_]|\*)+", _DIGITS.sub(" ", _folded(word)))
    if not words:
        raise ValueError(
            f"The taxonomy's entry '{shown(word)}' of '{shown(stem)}' has no letters. Remove it, "
            "or write '*' if it is to take all that no other entry fits."
        )
    patterns = [re.escape(word).replace(r"\*", r"\S*") for word in words]
    between = r"\s(?:\d+\s)*"  # "gtr room" fits "Gtr 2 Room", too.
    pattern = re.compile(rf"(?<!\S){between.join(patterns)}(?!\S)")
    part = max(re.split(r"[*\s]+", " ".join(words)), key=len)
    return Entry(pattern, part, sum(map(str.isalnum, word)), stem)


_CASES = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_DIGITS = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def _readings(name) -> tuple[str, str]:
    """The words of a name: with an end where a capital follows a small letter, and without."""
    return tuple(
        " ".join(re.findall(r"[^\W_]+", _DIGITS.sub(" ", _folded(text))))
        for text in (_CASES.sub(" ", name), name)
    )


def _shared(sequences) -> int:
    """With how many equal items all of the sequences begin."""
    columns = enumerate(zip(*sequences, strict=False))
    differ = (i for i, column in columns if len({*column}) > 1)
    return next(differ, min(map(len, sequences), default=0))


def _folded(text):
    return normalised(text).casefold()


def _without_suffix(name):
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in audio.SUFFIXES else name


def _best(readings, found):
    fits = [
        ((entry.letters, entry.stem is not None, _letters_before(match)), entry)
        for text in readings
        for entry in found
        if entry.part in text
        for match in entry.pattern.finditer(text)
    ]
    return max(fits, key=lambda fit: fit[0])[1] if fits else None


def _letters_before(match):
    return len(match.string[: match.start()].replace(" ", ""))
