"""Songs with their stems: found in any layout, and read from there or decoded once."""

from tutorial_utils.data.songs.finding import SPLITS, open_songs
from tutorial_utils.data.songs.layouts import LABELS, MIXTURE, FolderSong, Song

__all__ = ["LABELS", "MIXTURE", "SPLITS", "FolderSong", "Song", "open_songs"]
