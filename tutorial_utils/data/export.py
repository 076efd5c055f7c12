"""The mixtures of a table as sound files, for programs that want files.

A mixture becomes a folder of stems, as a song is one, so that
:func:`tutorial_utils.data.open_songs` opens what is written here.
"""

import json
import os
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import joblib
import numpy as np
import soundfile
from tqdm import tqdm

from tutorial_utils import audio, cache, files, processes
from tutorial_utils.data.render import Mix
from tutorial_utils.data.songs import MIXTURE, SPLITS
from tutorial_utils.data.table import MixtureTable, fingerprints
from tutorial_utils.text import shown

TABLE = "table.csv"
RECORD = "mixture.json"
SUFFIXES = (".wav", ".flac")
_BITS = 24
_STEPS = 2 ** (_BITS - 1)
_CHUNK = 50
_UNFINISHED = ".unfinished"
# Not the name of a file on some system: these signs, and the old devices of Windows.
_SIGNS = set('<>:"/\\|?*')
_DEVICES = {"con", "prn", "aux", "nul"} | {port + n for port in ("com", "lpt") for n in "123456789"}
_LONGEST = 200  # bytes; most systems allow 255, and the temporary file's name is longer


class ExportError(OSError):
    """An export that stopped on its way; the message says at which mixture, and why."""


def export(table: MixtureTable, folder, suffix: str = ".wav", jobs: int | None = None) -> Path:
    """Write every mixture of a table, and its sources, to sound files of 24 bits.

    A mixture gets a folder, which :func:`tutorial_utils.data.open_songs` reads like a song::

        folder/
          table.csv            the table itself
          train/               the split, if the table has splits
            000012/            the number of the mixture
              mixture.wav      the sum of the other files, to the last bit
              drums.wav        one file for each label, silent or not
              ...
              mixture.json     the number again, the scale, and what tells its sources

    A source may be louder than its mixture. Where one would exceed full scale, all files of the
    mixture are scaled down together. The ``scale`` in ``mixture.json`` is this factor times that
    of the renderer: before its fades, a source is at ``ref_db + snr + 20 log10(scale)`` LUFS.

    Each folder appears whole or not at all. After an interruption, the same call goes on with the
    mixtures that are missing. Refused calls leave everything as it was.

    Parameters
    ----------
    table : MixtureTable
    folder : path-like
        New, or empty, or begun with the same table and the same sounds, wherever they lie.
    suffix : {".wav", ".flac"}
    jobs : int, optional
        How many processes write, in joblib's way of counting: -1 is one for each core, and so is
        any greater number. By default what ``joblib.parallel_config`` says, and one without it.

    Returns
    -------
    Path
        ``folder``.

    Raises
    ------
    ValueError
        If a label or a split cannot be the name of a file or a folder, or the folder holds
        something else: mixtures of another table, or of other sounds under the same names.
    OSError
        If a sound is missing, the folder cannot be written to, or a process is ended from outside.
    ExportError
        If a mixture cannot be rendered or written. All folders that are complete stay.

    Notes
    -----
    The work is handed out through joblib, in parts of the table with up to 50 mixtures each. So any
    backend of joblib can do it, such as Dask's or Ray's, on several machines. Each needs this
    package, and sees the sounds and ``folder`` under the same paths. Processes on this machine end
    with the one that called. If Dask gives a part up,
    because the processes that took it died, joblib 1.6 still waits for it: stop the export and
    call it again.

    Examples
    --------
    On a cluster that Dask knows (here: two processes on this machine):

    >>> from dask.distributed import Client                              # doctest: +SKIP
    >>> client = Client(n_workers=2)  # or the address of a scheduler    # doctest: +SKIP
    >>> with joblib.parallel_config(backend="dask"):                     # doctest: +SKIP
    ...     export(table, "mixtures")
    """
    if suffix not in SUFFIXES:
        raise ValueError(f"suffix='{suffix}' is none of {', '.join(SUFFIXES)}.")
    _check_labels(table.labels)
    _check_splits(table.rows["split"].unique())
    folder = files.expanded(folder).absolute()
    prints = fingerprints.of_sounds(table)
    _check_folder(folder, table)  # Without the lock, so that none is left where this is refused.
    waiting = f"Waiting for another process that writes to {shown(folder)}"
    with cache.exclusive(folder, waiting):
        if not _check_folder(folder, table):
            table.to_csv(folder / TABLE)
        missing = _missing(table, folder, suffix, prints)
        try:
            _write_all(table, missing, folder, suffix, jobs, prints)
        finally:
            files.clear(folder / _UNFINISHED)
    return folder


def _check_labels(labels: Sequence[str]) -> None:
    """Check that every label can be the name of a file, on any system, beside the others."""
    known = {MIXTURE: "the file of the mixture"}
    for label in labels:
        # As a system sees it that tells neither case nor ways of writing an accent apart.
        name = unicodedata.normalize("NFC", label).casefold()
        if (
            not label.isprintable()
            or label != label.strip(" .")
            or not label
            or _SIGNS & {*label}
            or name.split(".")[0] in _DEVICES
            or len(label.encode()) > _LONGEST
        ):
            raise ValueError(
                f"The label {label!r} cannot be the name of a file. Rename it in the table, to "
                "letters and digits."
            )
        if name in known:
            raise ValueError(
                f"The label {label!r} would be written over {known[name]}. Rename it in the table."
            )
        known[name] = f"that of the label {label!r}"


def _check_splits(splits) -> None:
    if {*splits} != {""} and not {*splits} <= {*SPLITS}:
        raise ValueError(
            f"The splits are {', '.join(map(repr, splits))}. The folders of songs are called "
            f"{', '.join(SPLITS)}: name the splits so in the table, or leave all of them empty."
        )


def _check_folder(folder, table) -> bool:
    """Check that a folder may be written to: is there the same table already, or nothing?"""
    there = folder / TABLE
    if there.exists():
        new = table.to_csv(folder / f".{TABLE}.{uuid.uuid4().hex}")
        try:
            same = _content(there) == _content(new)
        finally:
            new.unlink()
        if not same:
            raise ValueError(
                f"{shown(folder)} was begun with another table: its {TABLE} differs. Choose "
                "another folder, or remove this one."
            )
        return True
    others = [path.name for path in folder.iterdir()] if os.path.lexists(folder) else []
    if others := sorted(name for name in others if not files.is_litter(name)):
        raise ValueError(
            f"{shown(folder)} holds {shown(others[0])}, and no {TABLE}: it was not begun by an "
            "export. Choose an empty folder."
        )
    return False


def _content(path):
    """What a table's file says, but for what changes nothing in what is rendered from it."""
    header, _, rows = path.read_text(encoding="utf-8", errors="replace").partition("\n")
    try:
        header = json.loads(header.removeprefix("#"))
        return {name: header[name] for name in ("duration", "labels", "fade_in", "fade_out")}, rows
    except (ValueError, TypeError, KeyError):
        return None


def _missing(table, folder, suffix, prints) -> list[int]:
    """The positions of the mixtures that are still to be written."""
    mixtures = table.rows.drop_duplicates("mixture")
    expected = _file_names(table.labels, suffix)
    missing = []
    for i, (split, number) in enumerate(zip(mixtures["split"], mixtures["mixture"], strict=True)):
        place = _place(folder, split, number)
        try:
            found = {*os.listdir(place)}
        except FileNotFoundError:
            missing.append(i)
            continue
        if lost := expected - found:
            raise ValueError(
                f"{shown(place)} lacks {min(lost)}: it was written in another format, or changed "
                "since. Remove it to have it written again, or choose another folder."
            )
        _check_sources(place, table.events(i), table.root, prints)
    return missing


def _check_sources(place, events, root, prints) -> None:
    """Check that a mixture was rendered from the same sounds as those that are to follow."""
    try:
        used = dict(json.loads((place / RECORD).read_text(encoding="utf-8"))["sources"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{shown(place / RECORD)} does not say what the mixture was made of ({error!r}). "
            f"Remove {shown(place)} to have it written again, or choose another folder."
        ) from error
    for name in {event.source_file for event in events}:
        if used.get(name) != prints[name]:
            raise ValueError(
                f"{shown(place)} was made of another {shown(name)} than that in {shown(root)}. "
                "Give the root with which the folder was begun, or choose another folder. If the "
                "sound was mended since, remove the mixture to have it written again."
            )


def _place(folder, split, number):
    return folder / split / f"{number:06d}"


def _file_names(labels, suffix):
    return {RECORD, *(f"{label}{suffix}" for label in (MIXTURE, *labels))}


class _Parallel(joblib.Parallel):
    """Moves a progress bar. (Results as they come would too, but not every backend gives them.)"""

    def __init__(self, bar, chunk, jobs):
        super().__init__(n_jobs=jobs)
        self._bar = bar
        self._chunk = chunk
        self._begun_at = bar.n

    def print_progress(self):
        done = self._begun_at + self.n_completed_tasks * self._chunk
        self._bar.update(min(done, self._bar.total) - self._bar.n)


def _write_all(table, positions, folder, suffix, jobs, prints):
    """Write the mixtures at these positions, in parallel."""
    jobs = processes.how_many(jobs, len(positions))
    # Several parts for each process, so that none waits long for the others at the end.
    chunk = min(_CHUNK, -(-len(positions) // (4 * jobs))) or 1
    done = len(table) - len(positions)
    bar = tqdm(total=len(table), initial=done, desc="Writing mixtures", unit="mixture")
    with bar, processes.explained():
        _Parallel(bar, chunk, jobs)(
            joblib.delayed(_write_part)(
                os.getpid(), _part(table, positions[i : i + chunk]), folder, suffix, prints
            )
            for i in range(0, len(positions), chunk)
        )


def _part(table, positions):
    """A part of the table that any process can render, whatever folder it works in."""
    part = table.take(positions)
    part.root = part.root.absolute()
    return part


def _write_part(asker, part, folder, suffix, prints):
    processes.end_with(asker)
    for i in range(len(part)):
        events = part.events(i)
        try:
            _write(part.render(i), events, folder, suffix, prints)
        except (OSError, ValueError, soundfile.SoundFileError) as error:
            raise ExportError(
                f"Mixture {events[0].mixture}: {error} (What is complete stays in {shown(folder)}; "
                "the next export of this table goes on from there.)"
            ) from error


def _write(mix, events, folder, suffix, prints: Mapping[str, str]):
    """Write the folder of one mixture, whole or not at all."""
    signals, scale = _in_steps(mix)
    split, number = events[0].split, events[0].mixture
    sources = {event.source_file: prints[event.source_file] for event in events}
    record = {"mixture": number, "scale": scale, "sources": sources}
    place, names = _place(folder, split, number), _file_names(mix.sources, suffix)
    with files.whole_folder(folder / _UNFINISHED, place, names) as new:
        for name, samples in signals.items():
            audio.write(new / f"{name}{suffix}", samples, mix.sample_rate, _BITS)
        with files.whole_file(new / RECORD) as file:
            file.write_text(f"{json.dumps(record)}\n", encoding="utf-8")


def _in_steps(mix: Mix) -> tuple[dict[str, np.ndarray], float]:
    """The mixture and its sources, rounded to what a file holds and within it, and their scale.

    The sources are rounded, and the mixture is their sum: so they sum to it exactly.
    """
    sources = np.stack([*mix.sources.values()])
    peak = max(float(np.abs(sources).max()), float(np.abs(mix.mixture).max()))
    # Scaling and rounding move a source by up to a step, and so the mixture by one for each source.
    limit = 1 - (len(sources) + 2) / _STEPS
    scale = min(1.0, limit / peak) if peak else 1.0
    sources = np.round(sources * (scale * _STEPS)) / _STEPS
    mixture = sources.sum(axis=0, dtype=np.float64).astype(np.float32)
    return {MIXTURE: mixture, **dict(zip(mix.sources, sources, strict=True))}, mix.scale * scale
