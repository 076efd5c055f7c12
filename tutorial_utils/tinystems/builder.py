"""Write the set to disk: song by song, in MUSDB18-HQ's layout."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import uuid
from pathlib import Path

import soundfile
from joblib import Parallel, delayed
from tqdm import tqdm

from tutorial_utils import cache

from .composer import compose
from .dsp import SAMPLE_RATE
from .renderer import render
from .titles import MAX_SONGS, title

VERSION = "1.0"
SHORTEST, LONGEST = 2.0, 600.0


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
        Number of processes; by default one a processor, at most eight. The bytes written do not
        depend on it.
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

    Notes
    -----
    A song is written to a temporary folder and renamed when it is complete, so a build that was
    stopped goes on where it was. Two processes that build the same set at once share the work: the
    second one waits and finds the songs done.

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
    root = _default_root(settings) if root is None else Path(root).expanduser()
    if _is_complete(root, settings):
        return root
    root.mkdir(parents=True, exist_ok=True)
    waiting = f"TinyStems: waiting for another process that builds {root}" if progress else None
    with cache.exclusive(root, waiting):
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
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON ({error}); delete it and build again") from None


def _write_json(path: Path, data: dict) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def _is_complete(root: Path, settings: dict) -> bool:
    found = _read_json(root / "metadata.json")
    if found is None:
        return False
    other = {k: found.get(k) for k, value in settings.items() if found.get(k) != value}
    if other:
        wanted = {k: settings[k] for k in other}
        raise ValueError(
            f"{root} holds a set with other settings ({other} instead of {wanted}); "
            "choose another root or delete that folder"
        )
    folders = [
        root / split / name for split in ("train", "test") for name in _names(settings, split)
    ]
    return all((folder / "metadata.json").is_file() for folder in folders)


def _build_songs(root: Path, settings: dict, workers: int | None, progress: bool) -> None:
    workshop = root / ".building"
    # We hold the lock: whatever lies here was left by a build that was killed.
    shutil.rmtree(workshop, ignore_errors=True)
    jobs = []
    for split in ("train", "test"):
        names = _names(settings, split)
        folder = root / split
        folder.mkdir(exist_ok=True)
        strangers = {path.name for path in folder.iterdir()} - set(names)
        if strangers:
            raise ValueError(
                f"{folder} holds {sorted(strangers)[0]!r}, which does not belong to this set; "
                "choose another root or an empty folder"
            )
        for index, name in enumerate(names):
            identity = {k: settings[k] for k in ("version", "seed", "duration")}
            identity |= {"split": split, "index": index}
            found = _read_json(folder / name / "metadata.json")
            if found is None:
                jobs.append((root, name, identity))
            elif any(found.get(key) != value for key, value in identity.items()):
                raise ValueError(
                    f"{folder / name} was built with other settings; choose another root or "
                    "delete that folder"
                )
    workers = min(workers or min(_processors(), 8), max(1, len(jobs)))
    bar = tqdm(
        total=settings["n_train"] + settings["n_test"],
        initial=settings["n_train"] + settings["n_test"] - len(jobs),
        desc="TinyStems",
        unit="song",
        disable=not progress or not jobs,
    )
    with bar:
        for _ in _each(jobs, workers):
            bar.update()
    shutil.rmtree(workshop, ignore_errors=True)
    _write_json(root / "metadata.json", describe(root, settings))


def _each(jobs: list[tuple], workers: int):
    """Write the songs, one after the other or in several processes."""
    if workers == 1:
        return (write_song(*job) for job in jobs)
    pool = Parallel(n_jobs=workers, return_as="generator_unordered")
    return pool(delayed(write_song)(*job) for job in jobs)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def write_song(root: Path, name: str, identity: dict) -> None:
    """Compose, render and write one song; rename its folder when everything is in it."""
    settings = {k: identity[k] for k in ("seed", "split", "index", "duration")}
    score = compose(**settings)
    audio = render(score)
    temporary = root / ".building" / uuid.uuid4().hex
    temporary.mkdir(parents=True)
    for stem, wave in audio.items():
        soundfile.write(temporary / f"{stem}.wav", wave.T, SAMPLE_RATE, subtype="PCM_16")
    _write_json(temporary / "metadata.json", {"version": identity["version"], **score.to_dict()})
    os.replace(temporary, root / identity["split"] / name)


def describe(root: Path, settings: dict) -> dict:
    """The set's metadata: settings, the songs of each split, and one hash over all notes."""
    names = _names(settings, "train")
    last = len(names) - settings["n_valid"]
    splits = {"train": names[:last], "validation": names[last:], "test": _names(settings, "test")}
    whole = hashlib.sha256()
    for split in ("train", "test"):
        for name in _names(settings, split):
            song = _read_json(root / split / name / "metadata.json")
            whole.update(song["notes_sha256"].encode())
    return {
        "name": "TinyStems",
        **settings,
        "sample_rate": SAMPLE_RATE,
        "licence": "CC0-1.0",
        "hash": whole.hexdigest(),
        **splits,
    }
