"""Sounds of any categories: a folder per category, and in it one sound a file.

Songs bring stems that belong together (:mod:`tutorial_utils.data.songs`). Sirens, dogs and engines
do not: each file is a sound of its own. :func:`open_sounds` lists them, and says which of them are
for training, for validation and for testing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from tutorial_utils import audio
from tutorial_utils.data.disk import normalised
from tutorial_utils.data.songs import SPLITS
from tutorial_utils.data.songs.finding import contents, name_of, sound_files
from tutorial_utils.files import expanded
from tutorial_utils.text import shown

Files = range | slice | Collection[str]
"""Which files of a category: their positions in the order of names, or their names."""


@dataclass(frozen=True)
class Sound:
    """One sound file of a category.

    Attributes
    ----------
    label : str
        The category: the name of the folder.
    file : Path
    split : {"train", "valid", "test"} or None
        None if no splits were asked for.
    sample_rate : int, in Hz
    channels : int
    samples : int
    """

    label: str
    file: Path
    split: str | None
    sample_rate: int
    channels: int
    samples: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.samples / self.sample_rate


def open_sounds(
    root,
    train: Files | Mapping[str, Files] | None = None,
    valid: Files | Mapping[str, Files] | None = None,
    test: Files | Mapping[str, Files] | None = None,
) -> list[Sound]:
    """Open the sounds of a folder of categories.

    Every folder in ``root`` is a category, named after the folder. Its sounds are the wav, flac,
    mp3 and ogg files that lie directly in it. Hidden files and folders, and those that systems
    leave behind, are skipped. Only headers are read. The files may differ in sample rate and in
    channels.

    Parameters
    ----------
    root : path-like
    train, valid, test : range, slice or mapping, optional
        The files of each split. A range or a slice counts the files of each category in the order
        of their names: ``range(0, 80)`` is the first 80 of every category, ``slice(-10, None)``
        the last ten. A mapping says it for each category, with a range, a slice or a list of file
        names: ``{"siren": range(0, 80), "dog": ["a.wav", "b.wav"]}``; categories that it does not
        name are left out. Without any of the three, all files are opened, with no split.

    Returns
    -------
    list of Sound
        Sorted by split, then by label, then by file name.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, no category in it, or a link in it leads nowhere.
    OSError
        If a file or folder may not be read.
    ValueError
        If a category is empty or unknown, a range goes past its files, a name is not among them,
        a split draws nothing from a category, two splits hold other categories or the same file,
        or a name could not stand in a table of mixtures.
    TypeError
        If a split is given as something else.
    AudioError
        If a file cannot be read as sound.

    Examples
    --------
    >>> sounds = open_sounds("sounds", train=range(80), test=range(80, 100))  # doctest: +SKIP
    >>> sounds[0]                                                              # doctest: +SKIP
    Sound(label='dog', file=PosixPath('sounds/dog/000.wav'), split='train', ...)
    """
    root = expanded(root)
    folders = _categories(root)
    asked = {"train": train, "valid": valid, "test": test}
    splits = {split: files for split, files in asked.items() if files is not None}
    if not splits:
        return [sound for folder in folders.values() for sound in _open(None, _files(folder))]
    chosen = {split: _choose(split, files, folders) for split, files in splits.items()}
    _require_same_categories(chosen)
    _require_disjoint(chosen)
    return [
        sound
        for split in SPLITS
        for _, files in sorted(chosen.get(split, {}).items())
        for sound in _open(split, files)
    ]


def _categories(root) -> dict[str, Path]:
    if not root.is_dir():
        raise FileNotFoundError(
            f"There is no folder {shown(root)}. Give the folder of the categories."
        )
    folders: dict[str, Path] = {}
    for path in contents(root):
        if path.is_dir() and (other := folders.setdefault(name_of(path), path)) != path:
            raise ValueError(
                f"Two categories are called '{shown(path.name)}': the accents in the names of "
                f"{shown(other)} are encoded in two ways. Rename one of them."
            )
    if not folders:
        raise FileNotFoundError(
            f"There are no folders in {shown(root)}. Expected: one folder per category, with its "
            f"sound files in it ({', '.join(audio.SUFFIXES)})."
        )
    return folders


def _files(folder) -> list[Path]:
    """The sound files of a category in the order of their names; at least one."""
    if not (found := sound_files(folder)):
        raise ValueError(
            f"The category {shown(folder)} holds no sound files ({', '.join(audio.SUFFIXES)}); "
            "folders within it are not searched. Put its sounds into it, remove it, or name the "
            "categories to use in a mapping."
        )
    return found


def _open(split, found) -> list[Sound]:
    from tutorial_utils.data.table.checks import (
        problem_of,  # Which imports pandas, and this module.
    )

    sounds = []
    for file in found:
        label = name_of(file.parent)
        for name in (label, name_of(file)):
            if problem := problem_of(name):
                raise ValueError(
                    f"{shown(file)}: no table of mixtures could hold the name '{shown(name)}', "
                    f"because it {problem}"
                )
        header = audio.info(file)
        sounds.append(
            Sound(label, file, split, header.sample_rate, header.channels, header.samples)
        )
    return sounds


def _choose(split, files, folders) -> dict[str, list[Path]]:
    """The files of a split by category."""
    if isinstance(files, range | slice):
        files = dict.fromkeys(folders, files)
    if not isinstance(files, Mapping):
        raise TypeError(
            f"{split} must be a range or a slice over the files of each category, or a mapping "
            f"from categories to their files, not {files!r}."
        )
    if not files:
        raise ValueError(f"{split}: the mapping names no category. Name at least one.")
    chosen: dict[str, list[Path]] = {}
    for label, wanted in files.items():
        name = normalised(label) if isinstance(label, str) else None
        if name not in folders:
            raise ValueError(
                f"{split}: there is no category '{shown(label)}'. There are: "
                f"{shown(', '.join(folders))}."
            )
        if name in chosen:
            raise ValueError(f"{split}: the category '{shown(name)}' is named twice.")
        what = f"{split}, category '{shown(label)}'"
        chosen[name] = _pick(wanted, _files(folders[name]), what)
        if not chosen[name]:
            raise ValueError(
                f"{what}: {shown(repr(wanted))} chooses no file. Each category needs at least one."
            )
    return chosen


def _pick(wanted, found, what) -> list[Path]:
    """Those of a category's files that are wanted; ``what`` begins the errors' texts."""
    if isinstance(wanted, range | slice):
        return [found[i] for i in sorted(_positions(wanted, len(found), what))]
    is_list = isinstance(wanted, Collection) and not isinstance(wanted, str | bytes | Mapping)
    if not is_list or not all(isinstance(name, str) for name in wanted):
        raise TypeError(
            f"{what}: the files must be a range, a slice or a list of file names, not "
            f"{shown(repr(wanted))}."
        )
    by_name = {name_of(file): file for file in found}
    chosen: dict[str, Path] = {}
    for name in map(normalised, wanted):
        if name not in by_name:
            raise ValueError(
                f"{what}: there is no sound file '{shown(name)}' in {shown(found[0].parent)}. "
                f"Names are written with their suffix, as in '{shown(found[0].name)}'."
            )
        if name in chosen:
            raise ValueError(f"{what}: the file '{shown(name)}' is named twice. Name it once.")
        chosen[name] = by_name[name]
    return [chosen[name] for name in sorted(chosen)]


def _positions(wanted, count, what) -> range:
    """The positions that a range or a slice means, all of them among ``count`` files."""
    if isinstance(wanted, slice):
        ends = [end for end in (wanted.start, wanted.stop) if end is not None]
        outside = any(not -count <= end <= count for end in ends)
        positions = range(*wanted.indices(count))
    else:
        outside = wanted and not all(0 <= end < count for end in (wanted[0], wanted[-1]))
        positions = wanted
    if outside:
        raise ValueError(
            f"{what}: {wanted!r} goes beyond the {count} files that are there. Their positions are "
            f"0 to {count - 1}; count from the end with a slice, such as slice(-2, None)."
        )
    return positions


def _require_same_categories(chosen):
    first, *others = chosen
    for split in others:
        if unlike := set(chosen[first]) ^ set(chosen[split]):
            label = min(unlike)
            has, lacks = (first, split) if label in chosen[first] else (split, first)
            raise ValueError(
                f"The category '{shown(label)}' is in {has}, but not in {lacks}. All splits must "
                "hold the same categories: give it files in both, or in neither."
            )


def _require_disjoint(chosen):
    taken = {}
    for split, by_label in chosen.items():
        for file in (file for files in by_label.values() for file in files):
            # Two names may lead to one file.
            other = taken.setdefault(file.resolve(), split)
            if other != split:
                raise ValueError(
                    f"{shown(file)} is in {other} and in {split}. A file may be in one split only, "
                    "or the scores on unseen sounds would not be that: give it to one of them."
                )
