"""Write the set to disk: song by song, in MUSDB18-HQ's layout."""

from __future__ import annotations

import hashlib
import json
import math
import os
import uuid
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from tutorial_utils import audio, cache, files, processes
from tutorial_utils.text import shown

from .composer import compose
from .dsp import SAMPLE_RATE
from .renderer import STEMS, render
from .titles import MAX_SONGS, title

VERSION = "1.0"
SHORTEST, LONGEST = 2.0, 600.0
METADATA = "metadata.json"
FILES = {METADATA, *(f"{name}.wav" for name in ("mixture", *STEMS))}
"""What the folder of a song holds."""

_WORKSHOP = ".building"
_MANY = 8  # processes; more do not help, since a song takes about a second


def build(
    root: str | os.PathLike | None = None,
    seed: int = 0,
    n_train: int = 24,
    n_valid: int = 4,
    n_test: int = 8,
    duration: float = 20.0,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Compose and render TinyStems, or find it where it was built before.

    Parameters
    ----------
    root : path, optional
        Folder to build in. By default a folder in the user's cache directory (or in
        ``$TUTORIAL_UTILS_HOME``), named by version and settings.
    seed : int
        Another seed gives other songs.
    n_train : int
        Number of songs in ``train/``.
    n_valid : int
        How many of the songs in ``train/`` (the last ones) are marked for validation.
    n_test : int
        Number of songs in ``test/``.
    duration : float
        Length of each song in seconds.
    workers : int, optional
        Number of processes, of which there is never more than one per core; by default one per
        core, eight at most. The bytes written do not depend on it.
    progress : bool
        Show a progress bar.

    Returns
    -------
    pathlib.Path
        The folder that holds ``train/``, ``test/`` and ``metadata.json``; ``musdb.DB(root,
        is_wav=True)`` reads it. Each song is a folder of ``mixture.wav``, ``drums.wav``,
        ``bass.wav``, ``other.wav``, ``vocals.wav`` (44.1 kHz, stereo, 16 bit; the mixture is the
        exact sum of the four) and ``metadata.json``, its score.

    Raises
    ------
    ValueError
        For a setting out of range, or a ``root`` that holds anything but these very songs.
    OSError
        If the folder cannot be written to, the disk is full, or a process is ended from outside.
        The songs that are complete stay.

    Notes
    -----
    A song is written to a temporary folder and renamed when it is complete, so a build that was
    stopped goes on where it was. A song that has lost a file since is made again. Two processes
    that build the same set at once share the work: the second one waits and finds the songs done.

    Examples
    --------
    >>> root = build(n_train=2, n_valid=1, n_test=1, duration=4.0)      # doctest: +SKIP
    >>> sorted(path.name for path in root.iterdir())                     # doctest: +SKIP
    ['.lock', 'metadata.json', 'test', 'train']
    """
    _check(seed, n_train, n_valid, n_test, duration, workers)
    duration = float(duration)
    settings = {
        "version": VERSION,
        "seed": int(seed),
        "n_train": int(n_train),
        "n_valid": int(n_valid),
        "n_test": int(n_test),
        "duration": duration,
    }
    root = _default_root(settings) if root is None else files.expanded(root)
    if _is_complete(root, settings):
        return root
    _missing(root, settings)  # Without the lock, so that none is left where this is refused.
    waiting = f"TinyStems: waiting for another process that builds {shown(root)}"
    with cache.exclusive(root, waiting if progress else None):
        if not _is_complete(root, settings):
            _build_songs(root, settings, workers, progress)
    return root


def _default_root(s: dict) -> Path:
    sizes = f"{s['n_train']}+{s['n_test']}"
    valid = f"valid{s['n_valid']}"
    return cache.home() / "tinystems" / (
        f"v{s['version']}-seed{s['seed']}-{sizes}songs-{valid}-{s['duration']:g}s"
    )  # fmt: skip


def _check(seed, n_train, n_valid, n_test, duration, workers) -> None:
    whole = {"seed": seed, "n_train": n_train, "n_valid": n_valid, "n_test": n_test}
    for name, value in whole.items():
        if not hasattr(value, "__index__") or isinstance(value, bool) or value < 0:
            raise ValueError(f"{name} must be a whole number, 0 or more, not {value!r}")
    if n_train + n_test == 0:
        raise ValueError("n_train and n_test are both 0: there is nothing to build")
    if max(n_train, n_test) > MAX_SONGS:
        raise ValueError(
            f"n_train and n_test can be {MAX_SONGS} at most; use another seed for more"
        )
    if n_valid > n_train:
        raise ValueError(
            f"n_valid ({n_valid}) counts songs of n_train ({n_train}), of which it is more"
        )
    is_number = isinstance(duration, (int, float)) or hasattr(duration, "__float__")
    if not is_number or not math.isfinite(duration) or not SHORTEST <= duration <= LONGEST:
        raise ValueError(f"duration must be {SHORTEST:g} to {LONGEST:g} seconds, not {duration!r}")
    if workers is not None and (not hasattr(workers, "__index__") or workers < 1):
        raise ValueError(f"workers must be None or a whole number from 1 on, not {workers!r}")


def _names(settings: dict, split: str) -> list[str]:
    return [title(settings["seed"], split, index) for index in range(settings[f"n_{split}"])]


def _read_json(path: Path) -> dict | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{shown(path)} is not valid JSON ({error}); delete it and build again"
        ) from None
    if not isinstance(found, dict):
        raise ValueError(f"{shown(path)} is not TinyStems'; delete it and build again")
    return found


def _write_json(path: Path, data: dict) -> None:
    with files.whole_file(path) as file:
        file.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _is_complete(root: Path, settings: dict) -> bool:
    found = _read_json(root / METADATA)
    if found is None:
        return False
    other = {k: found.get(k) for k, value in settings.items() if found.get(k) != value}
    if other:
        wanted = {k: settings[k] for k in other}
        raise ValueError(
            f"{shown(root)} holds a set with other settings ({shown(other)} instead of {wanted}); "
            "choose another root or delete that folder"
        )
    return all(
        FILES <= _held(root / split / name)
        for split in ("train", "test")
        for name in _names(settings, split)
    )


def _held(folder: Path) -> set[str]:
    """The names of what a folder holds; of nothing if it is not there."""
    try:
        return {*os.listdir(folder)}
    except FileNotFoundError:
        return set()


def _missing(root: Path, settings: dict) -> list[tuple]:
    """The songs that are still to be written, as arguments of :func:`write_song`."""
    missing = []
    for split in ("train", "test"):
        names = _names(settings, split)
        _refuse_strangers(root / split, names)
        for index, name in enumerate(names):
            song = root / split / name
            identity = {k: settings[k] for k in ("version", "seed", "duration")}
            identity |= {"split": split, "index": index}
            found = _read_json(song / METADATA)
            if found is not None and any(found.get(k) != value for k, value in identity.items()):
                raise ValueError(
                    f"{shown(song)} was built with other settings; choose another root or "
                    "delete that folder"
                )
            if not FILES <= _held(song):
                _refuse_strangers(song, FILES)
                missing.append((root, name, identity))
    return missing


def _refuse_strangers(folder: Path, names) -> None:
    strangers = sorted(_held(folder) - {*names})
    if strangers := [name for name in strangers if not files.is_litter(name)]:
        raise ValueError(
            f"{shown(folder)} holds '{shown(strangers[0])}', which does not belong to this set; "
            "choose another root or an empty folder"
        )


def _build_songs(root: Path, settings: dict, workers: int | None, progress: bool) -> None:
    workshop = root / _WORKSHOP
    # We hold the lock: whatever lies here was left by a build that was killed.
    files.clear(workshop)
    jobs = _missing(root, settings)
    for split in ("train", "test"):
        (root / split).mkdir(exist_ok=True)
    for _, name, identity in jobs:
        _take_away(root / identity["split"] / name, workshop)
    bar = tqdm(
        total=settings["n_train"] + settings["n_test"],
        initial=settings["n_train"] + settings["n_test"] - len(jobs),
        desc="TinyStems",
        unit="song",
        disable=not progress or not jobs,
    )
    workers = processes.how_many(workers or _MANY, len(jobs))
    try:
        with bar, processes.explained():
            for _ in _each(jobs, workers):
                bar.update()
    finally:
        files.clear(workshop)
    _write_json(root / METADATA, describe(root, settings))


def _take_away(song: Path, workshop: Path) -> None:
    """Move what is left of a song that has lost a file out of the way of a whole one."""
    if song.exists():
        workshop.mkdir(exist_ok=True)
        os.rename(song, workshop / uuid.uuid4().hex)


def _each(jobs: list[tuple], workers: int):
    """Write the songs, one after the other or in several processes."""
    if workers == 1:
        return (write_song(*job) for job in jobs)
    pool = Parallel(n_jobs=workers, return_as="generator_unordered")
    return pool(delayed(_write_in_worker)(os.getpid(), *job) for job in jobs)


def _write_in_worker(asker: int, *job) -> None:
    processes.end_with(asker)
    write_song(*job)


def write_song(root: Path, name: str, identity: dict) -> None:
    """Compose, render and write one song; rename its folder when everything is in it."""
    settings = {k: identity[k] for k in ("seed", "split", "index", "duration")}
    score = compose(**settings)
    waves = render(score)
    with files.whole_folder(root / _WORKSHOP, root / identity["split"] / name, FILES) as new:
        for stem, wave in waves.items():
            # The bits of the file are those of the integers: 2 ** 15 steps to full scale.
            audio.write(new / f"{stem}.wav", wave / np.float32(32768), SAMPLE_RATE)
        _write_json(new / METADATA, {"version": identity["version"], **score.to_dict()})


def describe(root: Path, settings: dict) -> dict:
    """The set's metadata: settings, the songs of each split, and one hash over all notes."""
    names = _names(settings, "train")
    last = len(names) - settings["n_valid"]
    splits = {"train": names[:last], "validation": names[last:], "test": _names(settings, "test")}
    whole = hashlib.sha256()
    for split in ("train", "test"):
        for name in _names(settings, split):
            song = _read_json(root / split / name / METADATA)
            whole.update(song["notes_sha256"].encode())
    return {
        "name": "TinyStems",
        **settings,
        "sample_rate": SAMPLE_RATE,
        "licence": "CC0-1.0",
        "hash": whole.hexdigest(),
        **splits,
    }
