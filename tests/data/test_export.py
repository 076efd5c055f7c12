import json
import math
import os
import re
import shutil

import joblib
import numpy as np
import pytest
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio, files
from tutorial_utils.data import export as module
from tutorial_utils.data.export import ExportError, export
from tutorial_utils.data.render import Mix
from tutorial_utils.data.songs import LABELS, open_songs
from tutorial_utils.data.table import MixtureTable, fingerprints


@pytest.fixture(scope="module")
def table(songs):
    """Of songs that all tests share, which only read them."""
    return sample(songs, 8)


@pytest.fixture
def own_songs(songs, tmp_path):
    """The same songs, in a folder that may be changed."""
    root = songs[0].files["drums"].parents[2]
    return open_songs(shutil.copytree(root, tmp_path / "songs"))


def sample(songs, n, **settings):
    settings = {"duration": 0.5, "pitch_shift": None, "time_stretch": None, **settings}
    return MixtureTable.sample(songs, n, **settings)


def relabelled(table, *labels):
    """The table with other names for its labels."""
    rows = table.rows.replace({"label": dict(zip(table.labels, labels, strict=True))})
    return MixtureTable(rows, table.root, table.duration, labels)


def contents(folder):
    """Every file that is not hidden, by its path: its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def whole(folder):
    """The numbers of the mixtures that are there, having checked that each is complete."""
    names = {"mixture.json", *(f"{label}.wav" for label in ("mixture", *LABELS))}
    places = [path.parent for path in folder.glob("**/mixture.json")]
    for place in [path for path in folder.glob("*/[0-9]*") if path.is_dir()]:
        assert {*os.listdir(place)} == names and place in places
    return sorted(int(place.name) for place in places)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_what_is_written_is_read_like_songs(table, tmp_path, suffix):
    folder = export(table, tmp_path / "out", suffix)
    songs = open_songs(folder)
    assert {(song.split, int(song.name)) for song in songs} == {
        (event.split, event.mixture) for event in (table.events(i)[0] for i in range(len(table)))
    }
    for song in songs:
        assert song.labels == LABELS and song.sample_rate == RATE
        record = json.loads((song.files["mixture"].parent / "mixture.json").read_text())
        mix = table.render(int(song.name))
        sources = record.pop("sources")
        assert record == {"mixture": int(song.name), "scale": mix.scale} and mix.scale == 1
        assert {*sources} == {event.source_file for event in table.events(int(song.name))}
        for label, source in mix.sources.items():
            assert np.abs(song.stem(label) - source).max() <= 2**-24
        np.testing.assert_array_equal(sum(song.stems().values()), song.mixture())
        assert np.abs(song.mixture() - mix.mixture).max() <= 1e-6


def test_the_table_lies_beside_its_mixtures(table, tmp_path):
    folder = export(table.summed(rest=["drums", "bass", "other"]), tmp_path / "out")
    again = MixtureTable.from_csv(folder / "table.csv")
    assert again.labels == ("vocals", "rest")
    assert {path.stem for path in folder.glob("*/*/*.wav")} == {"mixture", "vocals", "rest"}
    # And it can be rendered to the folder in which it lies.
    assert export(again, folder) == folder


def test_without_splits_the_mixtures_lie_in_the_folder_itself(songs, tmp_path):
    table = sample(songs, 3)
    rows = table.rows.assign(split="", mixture=table.rows["mixture"] + 1234567)
    folder = export(MixtureTable(rows, table.root, 0.5, LABELS), tmp_path / "out")
    assert [(song.name, song.split) for song in open_songs(folder)] == [
        (str(1234567 + i), None) for i in range(3)
    ]


def test_sources_louder_than_their_mixture_are_scaled_with_it(tmp_path, random):
    drums = noise(random)
    for label, samples in {"drums": drums, "bass": -drums}.items():
        audio.write(tmp_path / "songs" / "a" / f"{label}.wav", samples, RATE)
    songs = open_songs(tmp_path / "songs")
    loud = {"coherent": 1, "ref_db": ("const", 3), "snr": ("const", 0)}
    table = sample(songs, 1, duration=1.9, **loud)
    mix = table.render(0)
    peak = np.abs(mix.sources["drums"]).max()
    assert peak > 1.2 and np.abs(mix.mixture).max() < 0.1
    folder = export(table, tmp_path / "out") / "000000"
    scale = json.loads((folder / "mixture.json").read_text())["scale"]
    assert scale == pytest.approx(1 / peak, abs=1e-5)
    written = {name: audio.read(folder / f"{name}.wav")[0] for name in ("drums", "bass", "mixture")}
    assert np.abs(written["drums"] - scale * mix.sources["drums"]).max() <= 2**-22
    np.testing.assert_array_equal(written["drums"] + written["bass"], written["mixture"])
    loudness = audio.loudness(written["drums"], RATE)
    assert loudness == pytest.approx(3 + 20 * math.log10(scale), abs=0.03)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sources=st.integers(1, 12),
    peak=st.floats(0.01, 30),
    cancelled=st.booleans(),
)
def test_sums_are_exact_and_within_full_scale(seed, sources, peak, cancelled):
    random = np.random.default_rng(seed)
    signals = [random.uniform(-peak, peak, (2, 50)).astype(np.float32) for _ in range(sources)]
    if cancelled:
        signals.append(-signals[0])
    mix = Mix(sum(signals), {str(i): signal for i, signal in enumerate(signals)}, RATE, 1.0)
    written, scale = module._in_steps(mix)
    steps = {name: samples.astype(float) * 2**23 for name, samples in written.items()}
    for samples in steps.values():
        np.testing.assert_array_equal(samples, np.round(samples))
        assert np.abs(samples).max() < 2**23
    mixture = steps.pop("mixture")
    np.testing.assert_array_equal(sum(steps.values()), mixture)
    for name, source in mix.sources.items():
        assert np.abs(written[name] - scale * source).max() <= 2**-23
    loudest = max(np.abs(signal).max() for signal in (mix.mixture, *signals))
    assert scale == pytest.approx(min(1, 1 / loudest), rel=1e-5)


def test_silence_is_written(tmp_path):
    audio.write(tmp_path / "songs" / "a" / "drums.wav", np.zeros((1, RATE)), RATE)
    folder = export(sample(open_songs(tmp_path / "songs"), 1), tmp_path / "out")
    assert not audio.read(folder / "000000" / "mixture.wav")[0].any()


@pytest.mark.parametrize(
    "backend", ["threading", "multiprocessing", pytest.param("loky", marks=pytest.mark.slow)]
)
def test_any_backend_writes_the_same(table, tmp_path, backend, capsys):
    alone = export(table, tmp_path / "alone")
    assert "100%" in capsys.readouterr().err
    with joblib.parallel_config(backend, n_jobs=2):
        together = export(table, tmp_path / "together")
    assert contents(together) == contents(alone)
    assert whole(together) == list(range(8))
    progress = capsys.readouterr().err
    assert "0/8" in progress and "8/8" in progress and "100%" in progress


@pytest.mark.slow
def test_a_dask_cluster_writes_the_same(own_songs, tmp_path, capsys):
    distributed = pytest.importorskip("dask.distributed")
    table = sample(own_songs, 120)
    alone = export(table, tmp_path / "alone")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        with joblib.parallel_config(backend="dask"):
            together = export(table, tmp_path / "together")
            # And an error of a worker is told as one of this process is.
            for file in (tmp_path / "songs").rglob("drums.wav"):
                file.write_bytes(b"RIFF")
            with pytest.raises(ExportError, match=r"^Mixture \d+: .*drums\.wav cannot be read"):
                export(table, tmp_path / "broken")
        assert len(client.scheduler_info()["workers"]) == 2
    assert contents(together) == contents(alone)
    assert whole(together) == list(range(120))
    assert "120/120" in capsys.readouterr().err


def test_only_what_is_missing_is_written(table, tmp_path, monkeypatch, capsys):
    folder = export(table, tmp_path / "out")
    before = contents(folder)
    for number in (2, 5):
        shutil.rmtree(next(folder.glob(f"*/{number:06d}")))
    capsys.readouterr()
    rendered = []
    render = MixtureTable.render

    def noted(self, i):
        rendered.append(self.events(i)[0].mixture)
        return render(self, i)

    monkeypatch.setattr(MixtureTable, "render", noted)
    export(table, folder)
    assert rendered == [2, 5] and contents(folder) == before
    assert "6/8" in capsys.readouterr().err


def test_the_same_table_from_elsewhere_goes_on(table, tmp_path):
    folder = export(table.take([0, 1]), tmp_path / "part")
    assert export(table.take([0, 1]), folder) == folder
    moved = shutil.copytree(table.root, tmp_path / "moved")
    path = table.take([0, 1]).to_csv(tmp_path / "table.csv")
    assert export(MixtureTable.from_csv(path, root=moved), folder) == folder


def test_other_sounds_under_the_same_names_are_refused(table, tmp_path):
    folder = export(table.take([0, 1]), tmp_path / "out")
    first = next(folder.glob("*/000001"))
    shutil.rmtree(first)
    before = contents(folder)
    other = shutil.copytree(table.root, tmp_path / "other")
    name = table.events(0)[2].source_file
    changed = audio.read(other / name)[0]
    changed[:, len(changed[0]) // 3 :] *= -1  # Of the same length, and the same to begin with.
    audio.write(other / name, changed, RATE)
    path = table.take([0, 1]).to_csv(tmp_path / "table.csv")
    error = rf"000000 was made of another {name} than that in .*other\. Give the root"
    with pytest.raises(ValueError, match=error):
        export(MixtureTable.from_csv(path, root=other), folder)
    assert contents(folder) == before
    assert whole(export(table.take([0, 1]), folder)) == [0, 1]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"sources": 3}'])
def test_a_mixture_whose_record_is_damaged_is_refused(table, tmp_path, text):
    folder = export(table, tmp_path / "out")
    next(folder.glob("*/000003/mixture.json")).write_text(text)
    with pytest.raises(ValueError, match=r"000003.mixture\.json does not say .*Remove .*000003 to"):
        export(table, folder)


@pytest.mark.parametrize("change", ["seed", "mixtures", "label", "duration"])
def test_another_table_is_refused(songs, table, tmp_path, change):
    folder = export(table, tmp_path / "out")
    before = contents(folder)
    other = {
        "seed": lambda: sample(songs, 8, seed=1),
        "mixtures": lambda: sample(songs, 9),
        "label": lambda: table.summed(rest=["bass", "other"]),
        "duration": lambda: MixtureTable(table.rows, table.root, 0.6, table.labels),
    }[change]()
    with pytest.raises(ValueError, match=r"out was begun with another table: its table\.csv"):
        export(other, folder)
    assert contents(folder) == before


@pytest.mark.parametrize("text", ["", "notes", "# {}\n", "# []\n1,2\n"])
def test_a_file_that_is_no_table_is_another_table(table, tmp_path, text):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "table.csv").write_text(text)
    with pytest.raises(ValueError, match="was begun with another table"):
        export(table, tmp_path / "out")


def test_a_folder_of_something_else_is_left_alone(table, tmp_path):
    before = contents(table.root)
    with pytest.raises(ValueError, match=r" holds test, and no table\.csv.*empty folder"):
        export(table, table.root)
    assert contents(table.root) == before
    assert {path.name for path in table.root.iterdir()} == {"train", "valid", "test"}


def test_nothing_is_left_where_a_sound_is_missing(own_songs, tmp_path):
    table = sample(own_songs, 20)
    own_songs[0].files["bass"].unlink()
    with pytest.raises(FileNotFoundError, match=r"bass\.wav"):
        export(table, tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini"])
def test_what_systems_leave_in_folders_is_no_hindrance(table, tmp_path, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).touch()
    assert whole(export(table, tmp_path / "out")) == [*range(8)]


def test_another_format_or_a_lost_file_is_refused(table, tmp_path):
    folder = export(table, tmp_path / "out")
    with pytest.raises(ValueError, match=r"00000\d lacks bass\.flac: it was written in another"):
        export(table, folder, ".flac")
    lost = next(folder.glob("*/000003")) / "vocals.wav"
    lost.unlink()
    with pytest.raises(ValueError, match=r"000003 lacks vocals\.wav"):
        export(table, folder)
    with pytest.raises(ValueError, match=r"suffix='\.mp3' is none of \.wav, \.flac"):
        export(table, tmp_path / "mp3", ".mp3")


@pytest.mark.parametrize(
    "label",
    ["../x", "a/b", "a\\b", "..", ".x", "x.", " x", "x ", "", "a\nb", "a\u202eb", "a\ud800", "a:b",
     "a*", "CON", "nul.x", "x" * 201],
)  # fmt: skip
def test_a_label_that_is_no_file_name_is_refused(table, tmp_path, label):
    with pytest.raises(ValueError, match=r"The label .* cannot be the name of a file"):
        export(table.summed(**{label: ["vocals"]}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("label", ["mixture", "Mixture", "Drums", "DRUMS"])
def test_labels_whose_files_would_be_one_are_refused(table, tmp_path, label):
    with pytest.raises(ValueError, match=f"The label '{label}' would be written over"):
        export(table.summed(**{label: ["vocals"]}), tmp_path / "out")


def test_accents_written_in_two_ways_are_one_name(table, tmp_path):
    with pytest.raises(ValueError, match="would be written over that of the label"):
        export(relabelled(table, "caf\u00e9", "cafe\u0301", "c", "d"), tmp_path / "out")


def test_labels_of_any_language_are_written(table, tmp_path):
    folder = export(relabelled(table, "Schlagzeug", "café", "声", "lead vocals.2"), tmp_path / "o")
    labels = {"schlagzeug", "café", "声", "lead vocals.2"}
    assert {*open_songs(folder)[0].labels} == labels


@pytest.mark.parametrize("split", ["../x", "holdout", "/"])
def test_a_split_that_is_no_folder_of_songs_is_refused(table, tmp_path, split):
    rows = table.rows.assign(split=split)
    with pytest.raises(ValueError, match=re.escape(f"The splits are '{split}'. The folders")):
        export(MixtureTable(rows, table.root, 0.5, LABELS), tmp_path / "out")
    some = table.rows["split"].where(table.rows["split"] != "test", "")
    with pytest.raises(ValueError, match="or leave all of them empty"):
        export(MixtureTable(table.rows.assign(split=some), table.root, 0.5, LABELS), tmp_path / "o")


def test_a_damaged_source_stops_with_its_mixture_and_keeps_the_rest(own_songs, tmp_path):
    table = sample(own_songs, 20)
    splits = [table.events(i)[0].split for i in range(20)]
    last = max(i for i in range(20) if splits[i] == "test")
    (name,) = (event.source_file for event in table.events(last) if event.label == "bass")
    before = [i for i in range(last) if splits[i] == "train"]
    table, out = table.take([*before, last]), tmp_path / "out"
    file = table.root / name
    assert len(before) > 1
    kept = file.read_bytes()
    file.write_bytes(kept[:-RATE])
    with pytest.raises(ExportError, match=rf"^Mixture {last}: .*bass\.wav .*\(What is complete"):
        export(table, out)
    assert whole(out) == before and not [*out.glob(".unfinished*")]
    file.write_bytes(kept)  # Of what is complete nothing was made of it: so it may change.
    assert whole(export(table, out)) == [*before, last]


def test_a_folder_that_cannot_be_made(table, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        export(table, tmp_path / "file" / "out")


def test_what_a_killed_run_left_is_removed(table, tmp_path):
    out = tmp_path / "out"
    for name in (".unfinished/1", ".unfinished.2/3"):
        (out / name).mkdir(parents=True)
        (out / name / "drums.wav").touch()
    assert whole(export(table, out)) == [*range(8)]
    assert not [*out.glob(".unfinished*")]


def test_a_folder_that_another_run_removes_is_never_half_there(table, tmp_path, monkeypatch):
    """As by a process that outlives a killed run, and writes when the next run clears up."""
    out, write = tmp_path / "out", audio.write

    def write_and_lose(path, *arguments):
        write(path, *arguments)
        if path.name == "bass.wav":
            files.clear(out / ".unfinished")

    monkeypatch.setattr(audio, "write", write_and_lose)
    with pytest.raises(ExportError, match=r"Mixture 0: .* was removed before its folder"):
        export(table, out)
    assert whole(out) == []


def test_a_mixture_that_another_process_finished_meanwhile_is_kept(table, tmp_path, monkeypatch):
    out, render = tmp_path / "out", MixtureTable.render

    def render_twice(part, i):
        mix = render(part, i)
        module._write(mix, part.events(i), out, ".wav", fingerprints.of_sounds(table))
        return mix

    monkeypatch.setattr(MixtureTable, "render", render_twice)
    assert whole(export(table, out)) == [*range(8)]


@pytest.mark.parametrize("jobs", [99_999, -1, 1, None])
def test_there_are_no_more_processes_than_mixtures_or_cores(table, tmp_path, monkeypatch, jobs):
    started = []

    class Parallel(module._Parallel):
        def __init__(self, bar, chunk, jobs):
            started.append(jobs)
            super().__init__(bar, chunk, 1)

    monkeypatch.setattr(module, "_Parallel", Parallel)
    export(table.take([0, 1]), tmp_path / "few", jobs=jobs)
    with joblib.parallel_config("loky", n_jobs=99_999):
        export(table, tmp_path / "more", jobs=jobs)
    cores = joblib.cpu_count()
    few, more = {99_999: (cores, cores), -1: (cores, cores), 1: (1, 1), None: (1, cores)}[jobs]
    assert started == [min(few, 2), min(more, len(table))]


def test_a_relative_root_is_found_by_every_process(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table.to_csv("table.csv")
    here = MixtureTable.from_csv("table.csv", root=os.path.relpath(table.root))
    assert not here.root.is_absolute()
    parts = []
    monkeypatch.setattr(module, "_write_part", lambda _, part, *__: parts.append(part))
    assert export(here, "out") == tmp_path / "out"
    assert parts and all(part.root.is_absolute() for part in parts)
    assert {part.root.resolve() for part in parts} == {table.root.resolve()}
