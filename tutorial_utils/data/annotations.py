"""Mixtures as JAMS annotations, the files in which Scaper says what it mixed.

What is written here is rendered by ``scaper.generate_from_jams``, and what Scaper wrote is read
here. So either can check the other.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tutorial_utils.data.mixing import Event

NAMESPACE = "scaper"


class Frame(NamedTuple):
    """What all events of a mixture share: seconds."""

    duration: float
    fade_in: float
    fade_out: float


def write(events: Sequence[Event], root: Path, duration: float, fade_in: float, fade_out: float):
    """Describe a mixture as Scaper does.

    Scaper knows no loudness that was measured before, and measures it again.

    Returns
    -------
    jams.JAMS
        Save it with its method ``save``, then render it with ``scaper.generate_from_jams``.
    """
    import jams

    from tutorial_utils.compat import scaper

    annotation = jams.Annotation(NAMESPACE, time=0, duration=duration)
    events = sorted(events, key=lambda event: event.event_time)  # As JAMS keeps them.
    for event in events:
        annotation.append(
            time=event.event_time,
            duration=event.duration,
            confidence=1.0,
            value={
                "label": event.label,
                "source_file": str(Path(root, event.source_file)),
                "source_time": event.source_time,
                "event_time": event.event_time,
                "event_duration": event.source_duration,
                "snr": event.snr,
                "role": event.role,
                "pitch_shift": _none_for_nan(event.pitch_shift),
                "time_stretch": _none_for_nan(event.time_stretch),
            },
        )
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
        split=events[0].split, songs=[event.song for event in events]
    )
    described = jams.JAMS()
    described.annotations.append(annotation)
    described.file_metadata.duration = duration
    return described


def read(path, number: int) -> tuple[list[Event], Frame]:
    """Read a mixture that Scaper described: its events, with absolute paths, and what they share.

    Parameters
    ----------
    path : path-like
    number : int
        The number that the mixture gets.

    Raises
    ------
    ValueError
        If the file is no such description, or asks for what the renderer does not do.
    """
    import jams

    try:
        described = jams.load(str(path))
    except (ValueError, KeyError, TypeError, jams.JamsError) as error:
        raise ValueError(f"{path} is no JAMS file: {_first_line(error)}") from error
    found = described.search(namespace=NAMESPACE)
    said = found[0].sandbox["scaper"] if len(found) and "scaper" in found[0].sandbox else None
    if not isinstance(said, Mapping) or not len(found[0].data):
        raise ValueError(f"{path} holds no annotation by Scaper, or one without events.")
    _require_plain(path, found[0], said)
    try:
        return _events(found[0], said, number), _frame(said)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} does not say all that Scaper says, or otherwise "
            f"({type(error).__name__}: {error}). Generate it again."
        ) from error


def _events(annotation, said, number):
    ours = annotation.sandbox["tutorial_utils"] if "tutorial_utils" in annotation.sandbox else {}
    ref_db = float(said["ref_db"])
    songs = ours.get("songs")
    events = []
    for i, observation in enumerate(annotation.data):
        value = observation.value
        file = Path(value["source_file"])
        events.append(
            Event(
                mixture=number,
                split=ours.get("split", ""),
                label=value["label"],
                song=songs[i] if songs else file.stem,
                source_file=str(file.absolute()),
                source_time=float(value["source_time"]),
                source_duration=float(value["event_duration"]),
                event_time=float(value["event_time"]),
                snr=0.0 if value["role"] == "background" else float(value["snr"]),
                ref_db=ref_db,
                pitch_shift=_nan_for_none(value["pitch_shift"]),
                time_stretch=_nan_for_none(value["time_stretch"]),
                role=value["role"],
                channels=int(said["n_channels"]),
                sample_rate=int(said["sr"]),
            )
        )
    return events


def _frame(said):
    return Frame(
        float(said.get("original_duration") or said["duration"]),
        float(said["fade_in_len"]),
        float(said["fade_out_len"]),
    )


def _require_plain(path, annotation, said):
    """Refuse what would sound different here."""
    if said.get("reverb") is not None:
        raise ValueError(
            f"{path} asks for reverberation, which Scaper adds to the mixture alone: its sources "
            "do not sum to it. Generate it without."
        )
    if said.get("peak_normalization"):
        raise ValueError(
            f"{path} asks for a normalised peak, which changes every loudness. Generate it without."
        )
    if "slice" in annotation.sandbox:
        raise ValueError(f"{path} was trimmed. Use the annotation from which it was cut.")


def _none_for_nan(value):
    return None if math.isnan(value) else value


def _nan_for_none(value):
    return math.nan if value is None else float(value)


def _first_line(error):
    return str(error).partition("\n")[0]
