"""Names for songs that look like names and that every file system takes."""

from __future__ import annotations

from .dice import Dice

FIRST = (
    "Amber", "Binary", "Copper", "Distant", "Electric", "Falling", "Golden", "Hollow", "Indigo",
    "Juniper", "Kindred", "Lunar", "Marble", "Northern", "Opal", "Paper", "Quiet", "Rolling",
    "Silver", "Tidal", "Umber", "Velvet", "Winter", "Yonder", "Zephyr", "Borrowed",
)  # fmt: skip
SECOND = (
    "Arcade", "Bicycles", "Compass", "Driftwood", "Engines", "Foxes", "Gardens", "Harbour",
    "Islands", "Junction", "Kites", "Lanterns", "Meadow", "Neighbours", "Orchard", "Parade",
    "Quarry", "Rivers", "Sparrows", "Trains", "Umbrellas", "Valley", "Weather", "Yards", "Atlas",
)  # fmt: skip
SONG_FIRST = (
    "All", "Before", "Counting", "Down", "Every", "Follow", "Half", "Into", "Just", "Keep", "Late",
    "More Than", "Never", "Over", "Past", "Same Old", "Through", "Under", "Waiting for", "Without",
)  # fmt: skip
SONG_SECOND = (
    "a Thousand Miles", "Daylight", "Every Morning", "Gravity", "Home", "Nothing", "October",
    "Second Chances", "Shadows", "the Bright Side", "the Corner", "the Horizon", "the Machine",
    "the Noise", "the Radio", "the River", "the Rooftops", "the Stars", "the Summer", "Yesterday",
)  # fmt: skip


MAX_SONGS = len(FIRST) * len(SECOND) // 2


def title(seed: int, split: str, index: int) -> str:
    """``"Artist - Song"``; the artists of 325 songs in a row and of the two splits differ."""
    number = (index * 2 + (split == "test")) % (len(FIRST) * len(SECOND))
    artist = f"{FIRST[number % len(FIRST)]} {SECOND[(number * 7 + number // 26) % len(SECOND)]}"
    dice = Dice(seed, split, index, "title")
    return f"{artist} - {dice.pick(SONG_FIRST)} {dice.pick(SONG_SECOND)}"
