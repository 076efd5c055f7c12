"""Mixtures as JAMS annotations, the files in which Scaper says what it mixed.

What is written here is rendered by ``scaper.generate_from_jams``, and what Scaper wrote is read
here. So either can check the other.
"""

import gzip
import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tutorial_utils import files
from tutorial_utils.data import render
from tutorial_utils.data.disk import Folder, parts
from tutorial_utils.data.mixing.event import Event
from tutorial_utils.data.table.checks import TableError, times
from tutorial_utils.text import shown

NAMESPACE = "scaper"
_UNSAYABLE = {"polarity": 1, "swap": 0, "effects": math.nan}
"""Columns that Scaper has no word for, and what they must be."""


class Frame(NamedTuple):
    """What all events of a mixture share: seconds."""

    duration: float
    fade_in: float
    fade_out: float


class Described(NamedTuple):
    """A mixture that a file describes."""

    events: list[Event]
    """With absolute paths to their files."""
    frame: Frame
    folder: str | None
    """The folder that held the files when it was written, if there is one for all."""


def write(events: Sequence[Event], root: Path, duration: float, fade_in: float, fade_out: float):
    """Describe a mixture as Scaper does.

    Scaper knows one level, relative to ``ref_db``: that of an event which keeps the level of its
    file, or has a gain, is put in these terms. It knows no loudness that was measured before, and
    measures it again. What this loses is kept aside in the file, for :func:`read`.

    Returns
    -------
    jams.JAMS
        Save it with its method ``save``, then render it with ``scaper.generate_from_jams``.

    Raises
    ------
    TableError
        If Scaper would render something else.
    FileNotFoundError, AudioError
        If a level has to be measured, and the file is missing or damaged.
    """
    import jams

    from tutorial_utils.compat import scaper

    root = Path(root).absolute()  # The file may be read from another folder.
    annotation = jams.Annotation(NAMESPACE, time=0, duration=duration)
    events = sorted(events, key=lambda event: event.event_time)  # As JAMS keeps them.
    levels = []
    for event in events:
        _require_sayable(event, duration)
        value = _value(event, root)
        annotation.append(
            time=event.event_time, duration=event.duration, confidence=1.0, value=value
        )
        measured = {name: _plain(getattr(event, name)) for name in ("snr", "gain", "loudness")}
        levels.append({**measured, "said": _said(value)})
    annotation.sandbox.scaper = jams.Sandbox(
        duration=duration,
        original_duration=duration,
        fg_path=str(root),
        bg_path=str(root),
        fg_labels=[],
        bg_labels=[],
        protected_labels=[],
        sr=events[0].sample_rate,
        ref_db=events[0].ref_db,
        n_channels=events[0].channels,
        fade_in_len=fade_in,
        fade_out_len=fade_out,
        n_events=len(events),
        reverb=None,
        fix_clipping=True,
        peak_normalization=False,
        quick_pitch_time=False,
        scaper_version=scaper.__version__,
    )
    annotation.sandbox.tutorial_utils = jams.Sandbox(
        split=events[0].split, songs=[event.song for event in events], levels=levels
    )
    described = jams.JAMS()
    described.annotations.append(annotation)
    described.file_metadata.duration = duration
    return described


def _value(event, root):
    """An event in Scaper's words."""
    snr = event.snr + event.gain
    if math.isnan(snr):
        snr = render.level(event, root) - event.ref_db
    return {
        "label": event.label,
        "source_file": str(Path(root, event.source_file)),
        "source_time": event.source_time,
        "event_time": event.event_time,
        "event_duration": event.source_duration,
        "snr": snr,
        "role": event.role,
        "pitch_shift": _none_for_nan(event.pitch_shift),
        "time_stretch": _none_for_nan(event.time_stretch),
    }


def _said(value):
    """What a loudness and a level belong to. They hold for as long as nobody changes it."""
    return [value["source_time"], value["event_duration"], value["snr"]]


def _require_sayable(event, duration):
    """Refuse what Scaper would render otherwise."""
    where = f"Mixture {event.mixture}, source '{shown(event.label)}'"
    for name, plain in _UNSAYABLE.items():
        value = getattr(event, name)
        if value != plain and not (math.isnan(value) and math.isnan(plain)):
            raise TableError(
                f"{where}: Scaper's JAMS files cannot say {name}={value:g}. Draw the table with "
                f"{name}=0, or keep it as it is with to_csv."
            )
    as_scaper_has_it = (
        event.snr + event.gain == 0  # which a nan is not
        and event.event_time == 0
        and abs(event.source_duration - duration) < 1e-6
        and not event.changed
    )
    if event.role == "background" and not as_scaper_has_it:
        raise TableError(
            f"{where}: a background of Scaper's lasts as long as the mixture, as it is in its "
            "file, at the loudness ref_db. Set its snr and gain to 0, or its role to 'foreground'."
        )


def read(path, number: int, root: Path | None = None) -> Described:
    """Read a mixture that Scaper described.

    Parameters
    ----------
    path : path-like
    number : int
        The number that the mixture gets.
    root : Path, optional
        The folder that holds the sounds, if they are not where they were.

    Raises
    ------
    TableError
        If the file is no such description, asks for what the renderer does not do, or names a
        sound that is not there.
    OSError
        If it cannot be opened.
    """
    described = _load(path)
    found = described.search(namespace=NAMESPACE)
    said = found[0].sandbox["scaper"] if len(found) and "scaper" in found[0].sandbox else None
    if not isinstance(said, Mapping) or not len(found[0].data):
        raise TableError(f"{shown(path)} holds no annotation by Scaper, or one without events.")
    _require_plain(path, found[0], said)
    try:
        return _described(found[0], said, number, _Finder(path, said, root))
    except TableError as error:
        raise TableError(f"{shown(path)}: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise TableError(
            f"{shown(path)} does not say all that Scaper says, or otherwise "
            f"({type(error).__name__}: {shown(error)}). Generate it again."
        ) from error


def folder_of(mixtures: Sequence[Described]) -> Path | None:
    """The one folder that holds the sounds of all mixtures by what their files say, or None."""
    folder, *others = {described.folder for described in mixtures}
    if others or not folder or not Path(folder).is_absolute():
        return None
    sounds = (event.source_file for described in mixtures for event in described.events)
    return Path(folder) if all(Path(file).is_relative_to(folder) for file in sounds) else None


def place(path, event: int) -> str:
    """Where an event (from 0) stands, for errors."""
    return f"{shown(path)}: Event {event + 1}"


def _load(path):
    """The content of a file, if it is JAMS."""
    import jams

    path = Path(path)
    zipped = path.suffix.lower() in (".jamz", ".gz")
    try:
        with (gzip.open if zipped else open)(path, "rt", encoding="utf-8-sig") as file:
            return jams.load(file)
    except Exception as error:
        # The parser and its schemas stumble in many ways: over numbers, names, depth.
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise files.named(error, path) from error
        line = str(error).partition("\n")[0]
        raise TableError(
            f"{shown(path)} is no JAMS file: {shown(line or type(error).__name__)}"
        ) from error


def _described(annotation, said, number, finder):
    ours = annotation.sandbox["tutorial_utils"] if "tutorial_utils" in annotation.sandbox else {}
    songs, levels = ours.get("songs"), ours.get("levels")
    if songs and len(songs) != len(annotation.data):
        raise IndexError(f"{len(songs)} songs of {len(annotation.data)} events")
    events = []
    for i, observation in enumerate(annotation.data):
        value = observation.value
        background = value["role"] == "background"  # of which Scaper heeds the file's part alone
        level = {"snr": 0.0 if background else _number(value["snr"])}
        if levels and levels[i]["said"] == _said(value):
            level = {name: float(levels[i][name]) for name in ("snr", "gain", "loudness")}
        file = finder.find(_text(value["source_file"]), value["role"], i)
        events.append(
            Event(
                mixture=number,
                split=_text(ours.get("split", "")),
                label=_text(value["label"]),
                song=_text(songs[i]) if songs else Path(file).stem,
                source_file=file,
                source_time=_number(value["source_time"]),
                source_duration=_number(value["event_duration"]),
                event_time=0.0 if background else _number(value["event_time"]),
                ref_db=_number(said["ref_db"]),
                pitch_shift=math.nan if background else _nan_for_none(value["pitch_shift"]),
                time_stretch=math.nan if background else _nan_for_none(value["time_stretch"]),
                role=value["role"],
                channels=_number(said["n_channels"]),
                sample_rate=_number(said["sr"]),
                **level,
            )
        )
    frame = Frame(
        _number(said.get("original_duration") or said["duration"]),
        _number(said["fade_in_len"]),
        _number(said["fade_out_len"]),
    )
    times(*frame)
    return Described(events, frame, finder.folder)


class _Finder:
    """Finds the sounds that a file names, which may have been written on another machine."""

    def __init__(self, path, said, root):
        self._path = path
        self._roots = {
            "foreground": str(said.get("fg_path") or ""),
            "background": str(said.get("bg_path") or ""),
        }
        self._root = Folder(root) if root else None

    @property
    def folder(self):
        """The one folder of all sounds, or None."""
        folders = {*self._roots.values()}
        return folders.pop() if len(folders) == 1 else None

    def find(self, file, role, event):
        """The absolute path of a sound."""
        try:
            if self._root:
                found = self._root.find_moved(file, self._roots.values())
                found = found and self._root.root / found
            else:
                # As it is, or where Scaper would look for it: by its folder and name.
                found = _existing(file) or _existing(
                    str(Path(self._roots[role], *parts(file)[-2:]))
                )
        except (OSError, ValueError) as error:
            raise TableError(
                f"Event {event + 1}, column 'source_file': {shown(file)} cannot be used: "
                f"{shown(error)}"
            ) from error
        if not found:
            folder = self._root.root if self._root else Path(file).absolute().parent
            raise TableError(
                f"Event {event + 1}, column 'source_file': {shown(file)} is not in "
                f"{shown(folder)}. Give the folder that holds it: root=..."
            )
        return str(found)


def _existing(file):
    """The absolute path of a file that is there, or None."""
    path = Path(file).absolute()
    found = Folder(Path(path.anchor)).find(PurePosixPath(*path.parts[1:]))
    return found and Path(path.anchor, found)


def _require_plain(path, annotation, said):
    """Refuse what would sound different here."""
    if said.get("reverb") is not None:
        raise TableError(
            f"{shown(path)} asks for reverberation, which Scaper adds to the mixture alone: its "
            "sources do not sum to it. Generate it without."
        )
    if said.get("peak_normalization"):
        raise TableError(
            f"{shown(path)} asks for a normalised peak, which changes every loudness. Generate it "
            "without."
        )
    if "slice" in annotation.sandbox:
        raise TableError(f"{shown(path)} was trimmed. Use the annotation from which it was cut.")


def _plain(value):
    """A number, or its name where JSON has none."""
    return value if math.isfinite(value) else str(value)


def _number(value):
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _text(value):
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _none_for_nan(value):
    return None if math.isnan(value) else value


def _nan_for_none(value):
    return math.nan if value is None else _number(value)
