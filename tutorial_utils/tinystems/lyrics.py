"""Syllables to sing: sounds of English in ARPAbet, put together at random."""

from __future__ import annotations

from .dice import Dice
from .phonemes import DIPHTHONGS

ONSETS = {
    "": 3, "W": 2, "L": 2.5, "M": 2, "N": 2.5, "S": 2.5, "T": 2.5, "D": 2.5, "K": 2, "G": 1,
    "B": 2, "F": 1.5, "HH": 2, "R": 1.5, "Y": 1.5, "SH": 1, "DH": 2.5, "CH": 0.7, "S T": 0.8,
    "T R": 0.7, "P": 1, "V": 0.8, "Z": 0.4, "S L": 0.3, "F L": 0.3, "B R": 0.4,
}  # fmt: skip
VOWELS = {
    "AA": 2, "AE": 1.5, "AH": 3, "AO": 1.5, "EH": 2, "ER": 1, "IH": 2, "IY": 3, "UH": 0.7,
    "UW": 2, "AY": 2.5, "EY": 2, "OW": 2, "AW": 0.7,
}  # fmt: skip
CODAS = {
    "": 8, "N": 2, "M": 1, "NG": 0.8, "T": 2, "D": 1.2, "S": 1, "Z": 1, "K": 0.8, "L": 1.2,
    "R": 1, "V": 0.7, "TH": 0.3, "S T": 0.3, "N D": 0.4,
}  # fmt: skip


def line(count: int, dice: Dice) -> list[str]:
    """``count`` syllables, such as ``"S T AY"``, one for each note.

    Now and then a vowel is held over two notes: ``"K AY T"`` becomes ``"K AA"`` and ``"AY T"``.
    """
    words = []
    while len(words) < count:
        onset = dice.pick(ONSETS, ONSETS.values()).split()
        vowel = dice.pick(VOWELS, VOWELS.values())
        coda = dice.pick(CODAS, CODAS.values()).split()
        if dice.chance(0.1) and len(words) < count - 1:
            words.append(" ".join([*onset, DIPHTHONGS.get(vowel, (vowel,))[0]]))
            onset = []
        words.append(" ".join([*onset, vowel, *coda]))
    return words
