"""What the mouth does for each sound: formants of vowels, places and noises of consonants.

Vowel formants are the averages of 33 men in G. E. Peterson and H. L. Barney, "Control methods
used in a study of the vowels", *Journal of the Acoustical Society of America* 24, 1952, table II.
Other voices are scaled from them by the length of the vocal tract. Consonants follow the targets
of D. H. Klatt, "Software for a cascade/parallel formant synthesizer", *Journal of the Acoustical
Society of America* 67, 1980, tables II and III, rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

VOWELS = {
    "IY": (270, 2290, 3010),
    "IH": (390, 1990, 2550),
    "EH": (530, 1840, 2480),
    "AE": (660, 1720, 2410),
    "AA": (730, 1090, 2440),
    "AO": (570, 840, 2410),
    "UH": (440, 1020, 2240),
    "UW": (300, 870, 2240),
    "AH": (640, 1190, 2390),
    "ER": (490, 1350, 1690),
}
DIPHTHONGS = {"AY": ("AA", "IY"), "EY": ("EH", "IY"), "OW": ("AO", "UW"), "AW": ("AA", "UW")}


@dataclass(frozen=True)
class Consonant:
    """A consonant: how long it takes (s), formants, and its sources.

    ``voice`` and ``breath`` drive the vocal tract (0 to 1); ``hiss`` is noise made at the teeth
    or lips, around ``colour`` (Hz, width in octaves). ``stop`` is how long the mouth is shut
    before the sound.
    """

    seconds: float
    formants: tuple[float, float, float]
    voice: float = 0.0
    breath: float = 0.0
    hiss: float = 0.0
    colour: tuple[float, float] = (4000.0, 1.0)
    stop: float = 0.0


CONSONANTS = {
    "P": Consonant(0.055, (400, 1100, 2150), breath=0.5, hiss=0.35, colour=(1200, 2.0), stop=0.06),
    "B": Consonant(0.015, (200, 1100, 2150), voice=0.3, hiss=0.3, colour=(1100, 2.0), stop=0.05),
    "T": Consonant(0.05, (400, 1600, 2600), breath=0.4, hiss=0.9, colour=(4800, 1.2), stop=0.06),
    "D": Consonant(0.015, (200, 1600, 2600), voice=0.3, hiss=0.5, colour=(4400, 1.2), stop=0.045),
    "K": Consonant(0.06, (300, 1990, 2850), breath=0.4, hiss=0.7, colour=(2300, 0.7), stop=0.06),
    "G": Consonant(0.02, (200, 1990, 2850), voice=0.3, hiss=0.4, colour=(2200, 0.7), stop=0.05),
    "F": Consonant(0.09, (340, 1100, 2080), hiss=0.28, colour=(7500, 2.2)),
    "V": Consonant(0.06, (220, 1100, 2080), voice=0.4, hiss=0.10, colour=(7000, 2.2)),
    "TH": Consonant(0.08, (320, 1290, 2540), hiss=0.22, colour=(6500, 2.2)),
    "DH": Consonant(0.04, (270, 1290, 2540), voice=0.45, hiss=0.10, colour=(6000, 2.0)),
    "S": Consonant(0.11, (320, 1390, 2530), hiss=1.0, colour=(7200, 0.75)),
    "Z": Consonant(0.08, (240, 1390, 2530), voice=0.35, hiss=0.6, colour=(7000, 0.75)),
    "SH": Consonant(0.11, (300, 1840, 2750), hiss=0.9, colour=(3600, 0.8)),
    "CH": Consonant(0.08, (350, 1800, 2820), hiss=1.0, colour=(3800, 0.9), stop=0.05),
    "HH": Consonant(0.07, (500, 1400, 2450), breath=0.7),
    "M": Consonant(0.07, (270, 1050, 2150), voice=0.42),
    "N": Consonant(0.06, (270, 1500, 2500), voice=0.42),
    "NG": Consonant(0.07, (270, 2000, 2700), voice=0.40),
    "L": Consonant(0.06, (330, 1050, 2880), voice=0.6),
    "R": Consonant(0.07, (330, 1060, 1380), voice=0.6),
    "W": Consonant(0.07, (290, 650, 2150), voice=0.55),
    "Y": Consonant(0.07, (270, 2150, 3020), voice=0.6),
}
