"""A set of songs is scored: every frame of every source, song and method, in one tidy table.

What is computed for a song is kept in a file of its own, beside the JSON of museval, so that a run
that was stopped goes on, and museval's tools read the results.
"""

import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import joblib
import pandas as pd
import soundfile
from tqdm import tqdm

from tutorial_utils import audio, files, processes
from tutorial_utils.audio import AudioError
from tutorial_utils.data.songs import Song
from tutorial_utils.evaluation.songscores import ACCOMPANIMENT, COLUMNS, of_length, song_table
from tutorial_utils.evaluation.stores import museval_json
from tutorial_utils.separation.estimating import fingerprint, separate
from tutorial_utils.text import shown

TABLE = "evaluation.csv"
_SPLIT = "test"  # of songs without one; museval looks for results only there
_EXPECTED = (OSError, ValueError, RuntimeError, ArithmeticError, soundfile.SoundFileError)


@dataclass(frozen=True)
class Score:
    """The scores of one song by one method, or why there are none.

    Attributes
    ----------
    method, song : str
    table : pandas.DataFrame or None
    error : str or None
    """

    method: str
    song: str
    table: pd.DataFrame | None = None
    error: str | None = None


def evaluate(
    methods: Mapping[str, object],
    songs: Sequence[Song],
    folder=None,
    *,
    win: float = 1.0,
    hop: float = 1.0,
    start: float = 0.0,
    duration: float | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Score methods on a set of songs.

    Parameters
    ----------
    methods : dict
        From a name to one of these:

        - a folder of estimates: ``folder/<song>/<label>.wav`` (or flac ...), or
          ``folder/<split>/<song>/<label>.wav``, as ``tutorial-utils separate`` and museval have it;
        - a model, as :func:`tutorial_utils.separate` takes it;
        - a function from a song, ``start`` and ``duration`` to ``{label: (channels, samples)}``.
    songs : sequence of Song
        From :func:`tutorial_utils.data.open_songs`.
    folder : path-like, optional
        Where to keep results, so that a run that was stopped goes on. For each song there are
        ``<method>/<split>/<song>.json``, which museval's ``EvalStore`` and ``MethodStore`` read,
        and ``<song>.csv`` with all metrics; all together are ``evaluation.csv``. Scores of other
        settings or estimates are computed anew.
    win, hop : float, in seconds
        Of the frames of BSS Eval.
    start, duration : float, in seconds
        Of an excerpt of each song, if not all of it is to be scored.
    jobs : int, optional
        How many processes score, in joblib's way of counting: -1 is one for each core. By default
        what ``joblib.parallel_config`` says, and one without it.
    progress : bool
        Show a bar.

    Returns
    -------
    pandas.DataFrame
        One row per method, song, source, metric and frame, with the columns ``method, song, split,
        source, metric, time, value``. The values are in dB. ``time`` is when a frame begins, in
        seconds, and NaN for metrics of the whole song. NaN marks what is not defined: frames in
        which any source or estimate is silent, for BSS Eval's ratios of all sources, and a silent
        reference. Minus infinity marks a source that a method left silent throughout.

    Warns
    -----
    UserWarning
        For each song that could not be scored, and why; the others are.

    Raises
    ------
    ValueError
        If there is no method, or no song, or two songs of one name in one split.

    Notes
    -----
    **Which sources are scored together.** Of the labels that a method estimates, those that a song
    has are. BSS Eval's ISR, SIR and SAR depend on the other references: interference is what can be
    made of *them*. And a frame counts for no source if any of the sources or estimates is silent in
    it; so even the median SDR depends on which other stems are scored, although no frame's SDR does
    (`museval's issue 65 <https://github.com/sigsep/sigsep-mus-eval/issues/65>`_). As museval does,
    "vocals" and "accompaniment", if both are estimated, are scored as a pair, and the other sources
    beside the vocals, whose scores from there are dropped. The reference of the accompaniment is
    the sum of all stems but the vocals.

    A method with a single estimate has no SIR and SAR.

    **Lengths.** Estimates that are up to 0.1 s longer or shorter than their references, as those
    of lossy files are, are cut or padded. Others are an error.

    The work is handed out through joblib, one song of one method at a time. So any backend of
    joblib can do it, such as Dask's, on several machines that see songs, estimates and ``folder``
    under the same paths.

    Examples
    --------
    On a cluster that Dask knows:

    >>> from dask.distributed import Client                              # doctest: +SKIP
    >>> client = Client("scheduler:8786")                                # doctest: +SKIP
    >>> with joblib.parallel_config(backend="dask"):                     # doctest: +SKIP
    ...     table = evaluate({"mine": "estimates"}, songs, "scores")
    """
    scores = []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for score in scored(methods, songs, folder, win, hop, start, duration, jobs, progress):
            scores.append(score)
            if score.error:
                warnings.warn(
                    f"{score.method}, {score.song} was not scored: {score.error}", stacklevel=2
                )
    return collected(scores, folder)


def collected(scores: Sequence[Score], folder=None) -> pd.DataFrame:
    """The tables of all scores as one, also written to ``evaluation.csv`` in a folder."""
    tables = [score.table for score in scores if score.table is not None]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    if folder is not None:
        with files.whole_file(files.expanded(folder) / TABLE) as file:
            table.to_csv(file, index=False)
    return table


def scored(methods, songs, folder, win, hop, start, duration, jobs, progress) -> Iterator[Score]:
    """The work of :func:`evaluate`, with each song's outcome as it comes, in order."""
    if not methods:
        raise ValueError("There is no method to score. Name one, and its folder of estimates.")
    if not songs:
        raise ValueError("There is no song to score. Look at the split, and at the root.")
    names = [(song.split or _SPLIT, song.name) for song in songs]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"Two songs are called {shown(min(twice)[1])}. Rename one.")
    folder = None if folder is None else files.expanded(folder).absolute()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    settings = {"win": win, "hop": hop, "start": start, "duration": duration}
    work = [(name, method, song) for name, method in methods.items() for song in songs]
    jobs = processes.how_many(jobs, len(work))
    calls = (
        joblib.delayed(_score)(os.getpid(), name, method, song, folder, settings)
        for name, method, song in work
    )
    results = joblib.Parallel(n_jobs=jobs, return_as="generator")(calls)
    with processes.explained(), tqdm(total=len(work), unit="song", disable=not progress) as bar:
        bar.set_description("scoring")
        for result in results:
            bar.update()
            yield result


def _score(asker, name, method, song, folder, settings):
    processes.end_with(asker)
    try:
        stamp = {
            "version": 1,
            **settings,
            "song": _stamp(song.tracks),
            "method": _told(method, song),
        }
        place = None
        if folder is not None:
            place = folder / _safe(name) / (song.split or _SPLIT) / _safe(song.name)
            found = _kept(place, stamp)
            if found is not None:
                return Score(name, song.name, found)
        estimates = _estimates(method, song, settings["start"], settings["duration"])
        table = song_table(name, song, estimates, settings)
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            with files.whole_file(_with(place, ".json")) as file:
                file.write_text(museval_json(table, settings["win"], settings["hop"]))
            with files.whole_file(_with(place, ".csv")) as file:
                file.write_text(f"# {json.dumps(stamp)}\n{table.to_csv(index=False)}")
        return Score(name, song.name, table)
    except _EXPECTED as error:
        return Score(name, song.name, error=str(error) or type(error).__name__)


def _with(place, suffix):
    return place.with_name(f"{place.name}{suffix}")


def _safe(name):
    """A name that cannot lead out of its folder."""
    return "".join("_" if sign in '/\\:*?"<>|' else sign for sign in str(name)).strip(". ") or "_"


def _kept(place, stamp):
    """The scores that an earlier run left, if it was of the same settings and files."""
    try:
        if not _with(place, ".json").exists():
            return None
        with _with(place, ".csv").open(encoding="utf-8", newline="") as file:
            if json.loads(file.readline().removeprefix("#")) != json.loads(json.dumps(stamp)):
                return None
            return pd.read_csv(file, dtype={"split": str, "source": str, "song": str}).fillna(
                {"split": ""}
            )[COLUMNS]
    except (OSError, ValueError, KeyError):
        return None


def _stamp(tracks):
    """What tells whether files are still the same."""
    every = sorted({str(file) for paths in tracks.values() for file in paths})
    return [[name, os.stat(name).st_size, os.stat(name).st_mtime_ns] for name in every]


def _told(method, song):
    """What tells the estimates of a method."""
    if isinstance(method, str | os.PathLike):
        found = _files(method, song)
        return _stamp({label: [path] for label, path in found.items()})
    if hasattr(method, "labels"):
        return [type(method).__name__, fingerprint(method), [*method.labels]]
    return getattr(method, "__qualname__", type(method).__name__)


def _files(folder, song):
    """The sound files of a song's estimates, by their labels."""
    folder = files.expanded(folder)
    places = [folder / (song.split or ""), folder / _SPLIT, folder]
    for place in (place / song.name for place in places):
        if place.is_dir():
            found = {}
            for path in sorted(place.iterdir()):
                if path.suffix.lower() in audio.SUFFIXES and not files.is_litter(path.name):
                    if path.stem in found:
                        raise AudioError(
                            f"{shown(place)} holds {shown(path.stem)} twice. Remove one."
                        )
                    found[path.stem] = path
            return found
    raise FileNotFoundError(
        f"{shown(folder)} has no folder {shown(song.name)}, nor below {_SPLIT}. Separate the song "
        "first."
    )


def _estimates(method, song, start, duration):
    """``{label: (channels, samples)}``"""
    if isinstance(method, str | os.PathLike):
        found = {}
        for label, path in _files(method, song).items():
            if label not in (*song.labels, ACCOMPANIMENT):
                continue
            samples, rate = audio.read(path)
            if rate != song.sample_rate:
                raise AudioError(
                    f"{shown(path)} has {rate} Hz, and {shown(song.name)} {song.sample_rate} Hz. "
                    "Convert the estimates."
                )
            samples = of_length(samples, song.samples, rate, shown(path))
            first, count = audio.segment(start, duration, rate, song.samples, shown(song.name))
            found[label] = samples[:, first : first + count]
        return found
    if hasattr(method, "labels"):
        return separate(method, song.mixture(start, duration), song.sample_rate)
    if isinstance(method, Callable):
        return method(song, start, duration)
    raise ValueError(
        f"{shown(type(method).__name__)} is neither a folder, nor a model, nor a function."
    )
