"""A training set as a table of what to cut and mix, in place of stored mixtures.

Each row is one source of one mixture: which file, which segment, how loud, how shifted. The table
is small, can be read and edited by people, and says all that is needed to render its mixtures again
from the songs.
"""

import html
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tutorial_utils import files
from tutorial_utils.data import render
from tutorial_utils.data.disk import normalised
from tutorial_utils.data.mixing.event import Event
from tutorial_utils.data.table import annotations, checks, csvfile, sampling
from tutorial_utils.data.table.rows import as_rows, root_of
from tutorial_utils.text import shown

if TYPE_CHECKING:
    import jams


class MixtureTable:
    """Mixtures as rows of a table, to be rendered when they are needed.

    Make one with :meth:`sample` (songs), :meth:`sample_sounds` (any sounds), :meth:`from_csv` or
    :meth:`from_jams`.

    Attributes
    ----------
    rows : pandas.DataFrame
        One row per source. The columns are the fields of
        :class:`tutorial_utils.data.mixing.Event`. For reading: :meth:`edited` gives a table
        with other values.
    root : Path
        The folder that the column ``source_file`` is relative to.
    duration : float, in seconds
        Length of every mixture.
    labels : tuple of str
        The sources that every mixture has when it is rendered, silent or not.
    parts : {label: tuple of str}
        The labels of the rows that each source is the sum of; mostly just its own.
    fade_in, fade_out : float, in seconds
    seed : int or None
    settings : dict
        What the mixtures were drawn with, for the record.
    """

    version = csvfile.VERSION

    def __init__(
        self,
        rows: pd.DataFrame,
        root,
        duration: float,
        labels: Sequence[str] | Mapping[str, Sequence[str]],
        fade_in: float = 0.01,
        fade_out: float = 0.01,
        seed: int | None = None,
        settings: Mapping | None = None,
    ):
        if not isinstance(labels, Mapping):
            labels = {label: (label,) for label in labels}
        checks.times(duration, fade_in, fade_out)
        self.parts = {label: tuple(parts) for label, parts in labels.items()}
        parts = [part for parts in self.parts.values() for part in parts]
        self.rows = checks.rows(rows, duration, parts).reset_index(drop=True)
        self.root = Path(root)
        self.duration = duration
        self.labels = tuple(labels)
        self.fade_in = fade_in
        self.fade_out = fade_out
        self.seed = seed
        self.settings = dict(settings or {})
        # Where each mixture begins, and its columns as arrays: so that finding one takes the same
        # time in a table of any length.
        self._first = np.flatnonzero(np.diff(self.rows["mixture"], prepend=-1))
        self._last = np.append(self._first[1:], len(self.rows))
        self._columns = [self.rows[name].tolist() for name in checks.COLUMNS]

    sample = classmethod(sampling.sample)
    sample_sounds = classmethod(sampling.sample_sounds)

    def __len__(self):
        return len(self._first)

    def __repr__(self):
        return (
            f"MixtureTable({len(self)} mixtures of {self.duration:g} s, {', '.join(self.labels)})"
        )

    def _repr_html_(self):
        return f"<p>{html.escape(repr(self))}</p>{self.rows._repr_html_()}"

    def events(self, i: int) -> list[Event]:
        """The sources of mixture ``i``, counted from 0."""
        self._require(i)
        rows = slice(self._first[i], self._last[i])
        return [
            Event(*row) for row in zip(*(column[rows] for column in self._columns), strict=True)
        ]

    def render(self, i: int) -> render.Mix:
        """Render mixture ``i``: read the segments, and mix them.

        Returns
        -------
        Mix
            With ``mixture`` of shape (channels, samples) and ``sources``, which sum to it.
        """
        return render.render(
            self.events(i), self.root, self.duration, self.parts, self.fade_in, self.fade_out
        )

    def subset(self, split: str) -> "MixtureTable":
        """The mixtures of one split; they keep their numbers in the column ``mixture``."""
        rows = self.rows[self.rows["split"] == split]
        if not len(rows):
            raise ValueError(
                f"No mixture is of the split '{split}'. There are: "
                f"{', '.join(repr(name) for name in self.rows['split'].unique())}."
            )
        return self._with(rows=rows)

    def take(self, positions: Iterable[int]) -> "MixtureTable":
        """The mixtures at these positions, which keep their numbers; to hand out parts of work.

        They stay in the order of the table, each once.
        """
        positions = sorted({*positions})
        for i in positions:
            self._require(i)
        rows = [row for i in positions for row in range(self._first[i], self._last[i])]
        return self._with(rows=self.rows.iloc[rows])

    def summed(self, **sums: Sequence[str]) -> "MixtureTable":
        """A view of the table in which some sources are one: ``accompaniment=["drums", "bass"]``.

        Nothing is copied or stored: the sources are added when a mixture is rendered.

        Parameters
        ----------
        **sums : sequences of labels
            Each label at most once. The sums come after the labels that are left.
        """
        taken = [label for parts in sums.values() for label in parts]
        for label in taken:
            if label not in self.labels or taken.count(label) > 1:
                raise ValueError(
                    f"'{label}' can be summed once, if it is there. The labels are "
                    f"{', '.join(self.labels)}."
                )
        left = {label: parts for label, parts in self.parts.items() if label not in taken}
        if both := {*left} & {*sums}:
            raise ValueError(f"'{both.pop()}' is the name of another source. Choose another name.")
        for name, parts in sums.items():
            left[name] = tuple(part for label in parts for part in self.parts[label])
        return self._with(labels=left)

    def edited(
        self, label: str | None = None, mixture: int | None = None, **values
    ) -> "MixtureTable":
        """A copy of the table in which some rows have other values, and all others are the same.

        Parameters
        ----------
        label : str, optional
            Change the rows with this label; by default those of all labels.
        mixture : int, optional
            Change the rows of this mixture, by its number in the column ``mixture``; by default
            those of all.
        **values
            The new value of each column, such as ``snr=3.0``. Where another segment is cut, or it
            gets other channels, its loudness is measured anew when it is rendered, unless
            ``loudness`` is given too.

        Raises
        ------
        ValueError
            If there is no such row or column, or the table could not be rendered with the values.

        Examples
        --------
        >>> louder = table.edited("vocals", mixture=0, snr=9.0)             # doctest: +SKIP
        """
        for name in values:
            if name not in checks.COLUMNS:
                raise ValueError(
                    f"There is no column '{name}'. A table has {', '.join(checks.COLUMNS)}."
                )
        chosen = pd.Series(True, self.rows.index)
        if label is not None:
            chosen &= self.rows["label"] == label
        if mixture is not None:
            chosen &= self.rows["mixture"] == mixture
        if not chosen.any():
            raise ValueError(f"No row has label={label!r} and mixture={mixture!r}.")
        if {"source_file", "source_time", "source_duration", "channels"} & {*values}:
            values = {"loudness": np.nan} | values
        rows = self.rows.copy()
        for name, value in values.items():
            rows.loc[chosen, name] = value
        return self._with(rows=rows)

    def to_csv(self, path) -> Path:
        """Write the table to a CSV file, whole or not at all.

        The first line is a comment that holds all that is not in the rows, as JSON. It counts the
        rows, too, so that a file that was cut off can be told from a whole one. If you remove rows
        by hand, remove ``"rows"`` from the first line as well, or its cell in a spreadsheet.

        Raises
        ------
        OSError
            If the file cannot be written; the one that was there stays.
        """
        header = {name: getattr(self, name) for name in csvfile.FIELDS}
        header |= {"root": self.root.absolute().as_posix(), "labels": self.parts}
        path = Path(path)
        csvfile.write(path, header, self.rows)
        return path

    @classmethod
    def from_csv(cls, path, root=None) -> "MixtureTable":
        """Read a table, and check all of it, down to the files that it names.

        It may have been edited in a spreadsheet: commas, semicolons or tabs may separate the cells,
        decimals may have commas, and the text may be UTF-8 or UTF-16. Names of files and labels may
        have their accents encoded otherwise than on this disk. Tables of older versions of the
        package are read; columns that were added since get their defaults.

        Parameters
        ----------
        path : path-like
        root : path-like, optional
            The folder that holds the sounds, if it is not where it was when the table was written.

        Raises
        ------
        TableError
            If anything in it is wrong; the message names the file, the line and the column.
        OSError
            If it cannot be opened.
        """
        path = Path(path)
        try:
            header, cells, place = csvfile.read(path)
            root = files.expanded(root) if root else Path(header["root"])
            labels = [part for parts in header["labels"].values() for part in parts]
            rows = checks.rows(checks.parse(cells, place), header["duration"], labels, place)
            rows = checks.files(rows, root, place)
        except checks.TableError as error:
            raise checks.TableError(f"{shown(path)}: {error}") from error
        fields = {name: header[name] for name in csvfile.FIELDS if name not in ("version", "root")}
        return cls(rows, root, **fields)

    def to_jams(self, i: int) -> "jams.JAMS":
        """Mixture ``i`` as the annotation that Scaper writes, and can render once it is saved.

        An event that keeps the level of its file is given the ``snr`` of that level.

        Raises
        ------
        TableError
            If Scaper would render something else: it knows no inverted polarity, swapped channels
            or effects.
        """
        return annotations.write(
            self.events(i), self.root, self.duration, self.fade_in, self.fade_out
        )

    @classmethod
    def from_jams(cls, paths, root=None) -> "MixtureTable":
        """Read mixtures that Scaper, or :meth:`to_jams`, described.

        Parameters
        ----------
        paths : path-like, or sequence of them
            All of one duration, fade, rate and number of channels.
        root : path-like, optional
            The folder that holds the sounds, if they are not where they were: on another machine,
            or where paths are relative to a folder in which Scaper once ran. A sound is found by
            the end of its path. (Scaper's own ``fg_path`` and ``bg_path`` in one.)

        Raises
        ------
        TableError
            If a file is no description by Scaper, names a sound that is not there, or asks for what
            would sound different here; the message names the file.
        OSError
            If a file cannot be opened.
        """
        paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        if not paths:
            raise ValueError("There is no file to read. Give one path, or several.")
        root = root and files.expanded(root).absolute()
        read = [annotations.read(path, i, root) for i, path in enumerate(paths)]
        frame = read[0].frame
        for path, described in zip(paths, read, strict=True):
            if described.frame != frame:
                raise checks.TableError(
                    f"{shown(path)} has (duration, fade in, fade out) = {(*described.frame,)}, and "
                    f"{shown(paths[0])} {(*frame,)}. Read them as two tables."
                )
        events = [event for described in read for event in described.events]
        root = root or annotations.folder_of(read) or root_of(e.source_file for e in events)
        places = [
            annotations.place(path, number)
            for path, described in zip(paths, read, strict=True)
            for number in range(len(described.events))
        ]
        rows = as_rows(events, root)
        labels = sorted({normalised(label): label for label in rows["label"]}.values())
        rows = checks.rows(rows, frame.duration, labels, places.__getitem__)
        rows = checks.files(rows, root, places.__getitem__)
        return cls(rows, root, frame.duration, labels, frame.fade_in, frame.fade_out)

    def _require(self, i):
        if not 0 <= i < len(self):
            raise IndexError(f"There are {len(self)} mixtures, and {i} is not one of them.")

    def _with(self, **changes):
        fields = {name: getattr(self, name) for name in csvfile.FIELDS if name != "version"}
        return MixtureTable(**{"rows": self.rows, **fields, "labels": self.parts, **changes})
