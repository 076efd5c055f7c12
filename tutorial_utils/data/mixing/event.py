"""An event: one source of one mixture, and all that is done to it."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One source of one mixture: a row of the table.

    Attributes
    ----------
    mixture : int
        The number of the mixture.
    split : str
        "train", "valid", "test" or nothing.
    label : str
    song : str
        The song, or the name of the sound file.
    source_file : str
        Where the audio lies, relative to the table's root, with forward slashes.
    source_time, source_duration : float, in seconds
        The segment of the file.
    event_time : float, in seconds
        Where it begins in the mixture.
    snr : float, in LU; nan to keep the level that the segment has in its file
        Loudness relative to ``ref_db``. It is not a ratio between two sources.
    ref_db : float, in LUFS
        The mixture's reference loudness.
    pitch_shift : float, in semitones; nan for none
    time_stretch : float; nan for none
        Factor on the duration: above 1 the segment gets longer and slower.
    loudness : float, in LUFS
        Of the segment in its file, with the mixture's number of channels; nan if it is to be
        measured when the mixture is rendered.
    role : {"foreground", "background"}
        Scaper's word: a background is not faded in and out, and where a whole file is too short to
        be one, it is repeated.
    channels, sample_rate : int
        Of the mixture. The segment is converted if its file has others.
    gain : float, in dB
        On top of the level that ``snr`` or the file gives.
    polarity : {1, -1}
        With -1 every sample changes its sign.
    swap : {0, 1}
        With 1 the channels are in reverse order: left and right change places.
    effects : float; nan for none
        The seed, a whole number, of a chain of effects (:func:`tutorial_utils.effects.chain`).
    """

    mixture: int
    split: str
    label: str
    song: str
    source_file: str
    source_time: float
    source_duration: float
    event_time: float
    snr: float
    ref_db: float
    pitch_shift: float = math.nan
    time_stretch: float = math.nan
    loudness: float = math.nan
    role: str = "foreground"
    channels: int = 2
    sample_rate: int = 44100
    gain: float = 0.0
    polarity: int = 1
    swap: int = 0
    effects: float = math.nan

    @property
    def duration(self) -> float:
        """Seconds in the mixture, after stretching."""
        return self.source_duration * (1.0 if math.isnan(self.time_stretch) else self.time_stretch)

    @property
    def changed(self) -> bool:
        """Whether the segment is to sound otherwise than in its file: pitch, tempo or effects."""
        return not all(map(math.isnan, (self.pitch_shift, self.time_stretch, self.effects)))
