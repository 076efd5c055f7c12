"""What to mix: events, drawn from distributions before any audio is read."""

from tutorial_utils.data.mixing.drawing import SongSettings, SoundSettings, draw_songs, draw_sounds
from tutorial_utils.data.mixing.event import Event

__all__ = ["Event", "SongSettings", "SoundSettings", "draw_songs", "draw_sounds"]
