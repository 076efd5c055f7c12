"""Scoring a set: against museval, resumed, with what users' folders hold."""

import os
import shutil
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from helpers import RATE, noise

from tutorial_utils import audio, cli, evaluation
from tutorial_utils.compat import museval
from tutorial_utils.data import open_songs
from tutorial_utils.data.songs import LABELS
from tutorial_utils.evaluation import scoring


@pytest.fixture
def songs(tmp_path, write_song):
    for split, name in (("test", "a"), ("test", "b"), ("train", "c")):
        write_song(tmp_path / "songs" / split / name, seconds=3.0)
    return sorted(open_songs(tmp_path / "songs"), key=lambda song: song.name)


def write_estimates(folder, songs, random, labels=None, level=0.3):
    for song in songs:
        for label in labels or song.labels:
            if label == "accompaniment":
                true = song.mixture() - song.stem("vocals")
            else:
                true = song.stem(label)
            estimate = true + level * noise(random, song.duration)
            path = folder / (song.split or "") / song.name / f"{label}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, estimate.T, RATE, "FLOAT")
    return folder


def values(table, metric, source, song="a"):
    chosen = table[
        (table["metric"] == metric) & (table["source"] == source) & (table["song"] == song)
    ]
    return chosen["value"].to_numpy()


class Track:
    """What museval needs of a track of musdb."""

    def __init__(self, song):
        self.name, self.subset, self.rate = song.name, song.split, song.sample_rate
        stems = song.stems()
        stems["accompaniment"] = sum(stems[label] for label in LABELS if label != "vocals")
        self.targets = {
            label: type("Target", (), {"audio": stem.T.astype(np.float64)})
            for label, stem in stems.items()
        }


@pytest.mark.parametrize("labels", [None, ("vocals", "accompaniment"), (*LABELS, "accompaniment")])
def test_it_scores_and_writes_what_museval_does(tmp_path, songs, random, labels):
    folder = write_estimates(tmp_path / "estimates", songs[:2], random, labels)
    out = tmp_path / "out"
    table = evaluation.evaluate({"mine": folder}, songs[:2], out, progress=False)
    theirs = museval.MethodStore()
    theirs.add_eval_dir(out / "mine")
    for song in songs[:2]:
        track = Track(song)
        found = {
            path.stem: audio.read(path)[0].T.astype(np.float64)
            for path in (folder / "test" / song.name).iterdir()
        }
        store = museval.eval_mus_track(track, found)
        store.validate()
        for target in store.scores["targets"]:
            for short in ("SDR", "ISR", "SIR", "SAR"):
                wanted = [float(frame["metrics"][short]) for frame in target["frames"]]
                ours = values(table, f"{short} (BSS Eval v4)", target["name"], song.name)
                np.testing.assert_allclose(ours, wanted, atol=1e-4)
                read = theirs.df.query("track == @song.name and metric == @short")
                read = read[read["target"] == target["name"]]["score"].astype(float)
                np.testing.assert_allclose(read, ours, atol=1e-5)
        assert {target["name"] for target in store.scores["targets"]} == {
            *table.loc[table["song"] == song.name, "source"]
        }
    written = pd.read_csv(out / "evaluation.csv")
    assert list(written.columns) == list(table.columns)
    np.testing.assert_allclose(written["value"], table["value"])
    medians = evaluation.aggregate(table).set_index(["metric", "source"])["value"]
    for (_, target, metric), score in theirs.agg_frames_tracks_scores().items():
        assert medians[f"{metric} (BSS Eval v4)", target] == pytest.approx(float(score), abs=1e-4)


def test_other_stems_change_which_frames_count_and_so_the_median(tmp_path, songs, random):
    """museval's issue 65: no frame's SDR differs, and yet the vocals get another score."""
    folder = write_estimates(tmp_path / "estimates", songs[:1], random)
    silent = folder / "test" / "a" / "bass.wav"
    bass, _ = audio.read(silent)
    bass[:, : 2 * RATE] = 0
    soundfile.write(silent, bass.T, RATE, "FLOAT")
    vocals, _ = audio.read(folder / "test" / "a" / "vocals.wav")
    vocals[:, : 2 * RATE] *= 0.1  # what is bad in frames that are left out
    soundfile.write(folder / "test" / "a" / "vocals.wav", vocals.T, RATE, "FLOAT")
    four = evaluation.evaluate({"x": folder}, songs[:1], progress=False)
    for label in ("drums", "bass", "other"):
        (folder / "test" / "a" / f"{label}.wav").unlink()
    write_estimates(folder, songs[:1], random, ["accompaniment"])
    pair = evaluation.evaluate({"x": folder}, songs[:1], progress=False)
    sdr = evaluation.SDR
    beside_four, beside_one = values(four, sdr, "vocals"), values(pair, sdr, "vocals")
    assert np.isnan(beside_four).tolist() == [True, True, False]
    np.testing.assert_allclose(beside_four[2], beside_one[2])
    score = [evaluation.aggregate(t).set_index(["metric", "source"])["value"] for t in (four, pair)]
    assert score[0][sdr, "vocals"] != pytest.approx(score[1][sdr, "vocals"], abs=0.01)


def test_columns_and_metrics(tmp_path, songs, random):
    table = evaluation.evaluate(
        {"mixture": lambda song, *part: dict.fromkeys(song.labels, song.mixture(*part))},
        songs,
        progress=False,
    )
    assert {*table["split"]} == {"test", "train"} and {*table["method"]} == {"mixture"}
    assert {*table["metric"]} == {*evaluation.METRICS}
    frames = table[table["metric"] == evaluation.SDR].groupby(["song", "source"])["time"]
    assert all(times.tolist() == [0, 1, 2] for _, times in frames)
    assert table[table["metric"] == "uSDR"]["time"].isna().all()
    pair = [
        np.stack([song.stem(label) for label in song.labels]) for song in songs if song.name == "a"
    ]
    wanted = evaluation.usdr(pair[0], np.broadcast_to(pair[0].sum(0), pair[0].shape))
    ours = [values(table, "uSDR", label)[0] for label in songs[0].labels]
    np.testing.assert_allclose(ours, wanted, atol=1e-4)


def test_a_model_and_an_excerpt(songs):
    class Model:
        labels, sample_rate = ("vocals", "drums"), RATE

        def __call__(self, mixture):
            return torch.stack([0.5 * mixture, 0.25 * mixture], 1)

    table = evaluation.evaluate(
        {"model": Model()}, songs[:1], start=0.5, duration=2.0, progress=False
    )
    assert {*table["source"]} == {"vocals", "drums"}
    times = table[table["metric"] == evaluation.SDR]["time"]
    assert {*times} == {0.5, 1.5}
    vocals = songs[0].stem("vocals", 0.5, 2.0)
    wanted = evaluation.usdr(vocals, 0.5 * songs[0].mixture(0.5, 2.0))
    assert values(table, "uSDR", "vocals")[0] == pytest.approx(float(wanted), abs=1e-4)


def test_a_single_estimate_has_no_interference(songs):
    table = evaluation.evaluate(
        {"x": lambda song, *part: {"vocals": 0.9 * song.stem("vocals", *part)}},
        songs[:1],
        progress=False,
    )
    assert np.isnan(values(table, evaluation.SIR, "vocals")).all()
    assert values(table, evaluation.SDR, "vocals") == pytest.approx(20, abs=1e-3)
    assert np.isfinite(values(table, evaluation.ISR, "vocals")).all()


def test_silence(songs):
    def method(song, *part):
        stems = song.stems(*part)
        stems["bass"] = 0 * stems["bass"]
        return {label: 0.9 * stem for label, stem in stems.items()}

    table = evaluation.evaluate({"x": method}, songs[:1], progress=False)
    assert np.isneginf(values(table, evaluation.SDR, "bass")).all()
    assert values(table, evaluation.SDR, "drums") == pytest.approx(20, abs=1e-3)
    assert "-inf" not in evaluation.museval_json(table, 1, 1).lower()


def test_songs_shorter_than_a_frame_and_silent_references(tmp_path, write_song):
    write_song(tmp_path / "test" / "short", seconds=0.4)
    stems = write_song(tmp_path / "test" / "silent", seconds=1.2)
    audio.write(tmp_path / "test" / "silent" / "bass.wav", 0 * stems["bass"], RATE)
    audio.write(tmp_path / "test" / "nothing" / "vocals.wav", 0 * stems["bass"], RATE)
    for label in ("other", "drums"):
        audio.write(tmp_path / "test" / "nothing" / f"{label}.wav", 0 * stems["bass"], RATE)
    audio.write(tmp_path / "test" / "nothing" / "bass.wav", 0 * stems["bass"], RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = evaluation.evaluate(
            {"x": lambda song, *part: {k: 0.9 * v for k, v in song.stems(*part).items()}},
            open_songs(tmp_path),
            progress=False,
        )
    assert values(table, evaluation.SDR, "vocals", "short") == pytest.approx(20, abs=1e-3)
    assert np.isnan(values(table, evaluation.SDR, "bass", "silent")).all()
    assert values(table, evaluation.SDR, "vocals", "silent") == pytest.approx(20, abs=1e-3)
    nothing = table[(table["song"] == "nothing") & (table["metric"] != "uSDR")]
    assert nothing["value"].isna().all()


def test_what_is_wrong_with_one_song_does_not_stop_the_others(tmp_path, songs, random):
    folder = write_estimates(tmp_path / "estimates", songs[:1], random)
    with pytest.warns(UserWarning, match=r"x, b was not scored: .* has no folder b") as warned:
        table = evaluation.evaluate({"x": folder}, songs[:2], progress=False)
    assert len(warned) == 1 and {*table["song"]} == {"a"}
    place = folder / "test" / "a" / "drums.wav"
    drums, _ = audio.read(place)
    for samples, rate, message in (
        (drums[:, :-RATE], RATE, "lasts 2.000 s, and its reference 3.000 s"),
        (drums, RATE // 2, "has 4000 Hz, and a 8000 Hz"),
        (drums[:1], RATE, r"has 1 channel\(s\), and its reference 2"),
        (np.where(drums > 0.2, np.nan, drums), RATE, "NaN or infinite"),
    ):
        soundfile.write(place, samples.T, rate, "FLOAT")
        with pytest.warns(UserWarning, match=message):
            evaluation.evaluate({"x": folder}, songs[:1], progress=False)
    place.write_bytes(b"")
    with pytest.warns(UserWarning, match="is empty"):
        evaluation.evaluate({"x": folder}, songs[:1], progress=False)
    shutil.rmtree(folder / "test" / "a")
    audio.write(folder / "test" / "a" / "piano.wav", drums, RATE)
    with pytest.warns(UserWarning, match="There is no estimate of drums, bass, other, vocals"):
        evaluation.evaluate({"x": folder}, songs[:1], progress=False)
    with pytest.warns(UserWarning, match="neither a folder, nor a model"):
        evaluation.evaluate({"x": 3}, songs[:1], progress=False)


@pytest.mark.parametrize("more", [-500, 500])
def test_lengths_that_nearly_agree(tmp_path, songs, random, more):
    folder = write_estimates(tmp_path / "estimates", songs[:1], random)
    place = folder / "test" / "a" / "drums.wav"
    drums, _ = audio.read(place)
    longer = np.pad(drums, [(0, 0), (0, max(0, more))])[:, : drums.shape[1] + more]
    soundfile.write(place, longer.T, RATE, "FLOAT")
    table = evaluation.evaluate({"x": folder}, songs[:1], progress=False)
    cut = np.pad(longer, [(0, 0), (0, max(0, -more))])[:, : drums.shape[1]]
    wanted = evaluation.usdr(songs[0].stem("drums"), cut)
    assert values(table, "uSDR", "drums")[0] == pytest.approx(float(wanted), abs=1e-5)


def test_what_makes_no_sense(tmp_path, songs):
    with pytest.raises(ValueError, match="no method"):
        evaluation.evaluate({}, songs)
    with pytest.raises(ValueError, match="no song to score"):
        evaluation.evaluate({"x": tmp_path}, [])
    with pytest.raises(ValueError, match="Two songs are called a"):
        evaluation.evaluate({"x": tmp_path}, [songs[0], songs[0]])


def test_names_of_methods_cannot_leave_their_folder(tmp_path, songs):
    method = lambda song, *part: {"vocals": song.mixture(*part)}  # noqa: E731
    out = tmp_path / "x" / "out"
    evaluation.evaluate({"../../evil": method}, songs[:1], out, progress=False)
    assert not (tmp_path / "evil").exists() and [*out.glob("*/test/a.json")]


def test_it_goes_on_and_notices_what_changed(tmp_path, songs, random, monkeypatch):
    folder, out = write_estimates(tmp_path / "estimates", songs[:2], random), tmp_path / "out"
    computed = []
    original = scoring.song_table

    def counted(name, song, *rest):
        computed.append(song.name)
        return original(name, song, *rest)

    monkeypatch.setattr(scoring, "song_table", counted)
    first = evaluation.evaluate({"x": folder}, songs[:1], out, progress=False)
    both = evaluation.evaluate({"x": folder}, songs[:2], out, progress=False)
    assert computed == ["a", "b"]
    pd.testing.assert_frame_equal(both[both["song"] == "a"].reset_index(drop=True), first)
    evaluation.evaluate({"x": folder}, songs[:2], out, win=0.5, hop=0.5, progress=False)
    assert computed == ["a", "b", "a", "b"]
    evaluation.evaluate({"x": folder}, songs[:2], out, win=0.5, hop=0.5, progress=False)
    assert len(computed) == 4
    drums, _ = audio.read(folder / "test" / "b" / "drums.wav")
    soundfile.write(folder / "test" / "b" / "drums.wav", drums.T / 2, RATE, "FLOAT")
    (out / "x" / "test" / "a.csv").write_text("# {}\nnonsense")
    evaluation.evaluate({"x": folder}, songs[:2], out, win=0.5, hop=0.5, progress=False)
    assert computed[4:] == ["a", "b"]


@pytest.mark.slow
def test_two_processes_score_as_one(tmp_path, songs, random):
    folder = write_estimates(tmp_path / "estimates", songs, random)
    alone = evaluation.evaluate({"x": folder}, songs, progress=False)
    pair = evaluation.evaluate({"x": folder}, songs, jobs=2, progress=False)
    pd.testing.assert_frame_equal(alone, pair, atol=1e-9, rtol=1e-9)


def test_the_command(tmp_path, songs, random, capsys):
    folder = write_estimates(tmp_path / "mine", songs[:2], random)
    other = write_estimates(tmp_path / "other", songs[:1], random, level=0.1)
    line = ["evaluate", folder, f"second={other}", "--songs", tmp_path / "songs", "--jobs", 1]
    line = [str(word) for word in [*line, "--save", tmp_path / "out"]]
    assert cli.main(line) == 1
    said = capsys.readouterr()
    assert "second, b: " in said.err and "has no folder b" in said.err
    assert "3 scored, 1 failed" in said.out and "SI-SDR" in said.out
    rows = [row.split() for row in said.out.splitlines()]
    mine, second = next(map(float, row[-2:]) for row in rows if row[:1] == ["uSDR"])
    assert second > mine + 5
    write_estimates(other, songs[1:2], random, level=0.1)
    assert cli.main(line) == 0
    assert (tmp_path / "out" / "evaluation.csv").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gone", "--save", "out"], "gone is neither a folder nor a model"),
        (["x=.", "x=..", "--save", "out"], "Two methods have the same name"),
        ([".", "--save", "out", "--split", "none"], "no song in the split 'none'"),
    ],
)
def test_what_the_command_refuses(tmp_path, songs, capsys, words, message):
    assert cli.main(["evaluate", *words, "--songs", str(tmp_path / "songs")]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--win", "0"], ["--hop", "x"], ["--jobs", "0"]])
def test_bad_options(option, capsys):
    with pytest.raises(SystemExit):
        cli.main(["evaluate", ".", "--save", "out", *option])
    assert "is no number of" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_killed_command_goes_on(tmp_path, write_song, random):
    for number in range(12):
        write_song(tmp_path / "songs" / "test" / f"{number:02}", seconds=5.0)
    songs = open_songs(tmp_path / "songs")
    folder, out = write_estimates(tmp_path / "mine", songs, random), tmp_path / "out"
    line = [sys.executable, "-m", "tutorial_utils", "evaluate", folder]
    line += ["--songs", tmp_path / "songs", "--save", out, "--jobs", "1"]
    process = subprocess.Popen(line, stderr=subprocess.DEVNULL)
    while len([*out.glob("mine/test/*.csv")]) < 2 and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in out.glob("mine/test/[!.]*.csv")}
    assert 2 <= len(done) < 12
    ended = subprocess.run(line, capture_output=True, text=True)
    assert "12 scored, 0 failed" in ended.stdout, ended.stderr
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())
    assert len([*out.glob("mine/test/*.json")]) == 12
