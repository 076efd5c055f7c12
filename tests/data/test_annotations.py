"""Mixtures go to JAMS and come back, and what Scaper wrote is read."""

import gzip
import json
import math
import shutil
import unicodedata
import warnings

import jams
import numpy as np
import pandas as pd
import pytest
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.compat import scaper
from tutorial_utils.data import MixtureTable, open_songs, open_sounds
from tutorial_utils.data.table.checks import COLUMNS, TableError

AS_IT_IS = dict(pitch_shift=None, time_stretch=None)
needs_sox = pytest.mark.skipif(shutil.which("sox") is None, reason="SoX is not installed")


def write(table, folder):
    """The JAMS files of all mixtures of a table."""
    paths = [folder / f"{i}.jams" for i in range(len(table))]
    for i, path in enumerate(paths):
        table.to_jams(i).save(str(path))
    return paths


@settings(deadline=None, max_examples=8)
@given(
    seed=st.integers(0, 2**32 - 1),
    leave_out=st.sampled_from([0.0, 0.6]),
    augmented=st.booleans(),
    balanced=st.booleans(),
    gain=st.sampled_from([None, ("uniform", -6.0, 6.0)]),
    fade=st.sampled_from([0.0, 0.0123]),
)
def test_songs_come_back_as_they_went(
    songs, tmp_path_factory, seed, leave_out, augmented, balanced, gain, fade
):
    wanted = {} if augmented else AS_IT_IS
    wanted |= dict(snr=None) if balanced else {}
    table = MixtureTable.sample(
        songs, 2, seed, 1.0, coherent=0.0, leave_out=leave_out, fade=fade, gain=gain, **wanted
    )
    read = MixtureTable.from_jams(write(table, tmp_path_factory.mktemp("jams")))
    pd.testing.assert_frame_equal(read.rows, table.rows, check_exact=True)
    assert read.root == table.root
    assert (read.duration, read.fade_in, read.fade_out) == (1.0, fade, fade)
    assert set(read.labels) == set(table.rows["label"])
    for i in range(2):
        sources = table.render(i).sources
        for label, source in read.render(i).sources.items():
            np.testing.assert_array_equal(source, sources[label])


def test_sounds_come_back_in_the_order_of_their_times(sounds_root, tmp_path):
    table = MixtureTable.sample_sounds(
        open_sounds(sounds_root), 3, duration=2.0, k=4, channels=2, sample_rate=RATE,
        time_stretch=("uniform", 0.5, 2.0),
    )  # fmt: skip
    read = MixtureTable.from_jams(write(table, tmp_path))
    key = ["mixture", "event_time"]
    pd.testing.assert_frame_equal(
        read.rows, table.rows.sort_values(key, ignore_index=True), check_exact=True
    )
    assert (read.rows.groupby("mixture")["event_time"].diff().dropna() >= 0).all()


def beside_scaper(table, path):
    """The peak difference of a table's first mixture and its sources to what Scaper renders."""
    table.to_jams(0).save(str(path))
    return beside_file(table.render(0), path)


def beside_file(mix, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Scaper says that it scales what would clip.
        theirs, described, _, parts = scaper.generate_from_jams(str(path))
    assert theirs.T.shape == mix.mixture.shape and np.abs(theirs).max() > 0.01
    differences = [np.abs(mix.mixture - theirs.T).max()]
    for part, observation in zip(parts, described.annotations[0].data, strict=True):
        differences.append(np.abs(mix.sources[observation.value["label"]] - part.T).max())
    return max(differences)


@needs_sox
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    "changes",
    [
        dict(coherent=1.0),
        dict(coherent=0.0, gain=("uniform", -9.0, 9.0)),
        dict(coherent=1.0, song_gain=("const", 24.0), gain=("uniform", -3.0, 3.0)),
        dict(snr=("uniform", -6.0, 6.0), gain=("uniform", -6.0, 6.0)),
        dict(song=("const", "b")),  # whose vocals are silent
    ],
    ids=["balance", "gain", "clipping", "snr and gain", "silence"],
)
def test_scaper_renders_the_levels_of_files(songs, tmp_path, channels, changes):
    for seed in range(3):
        table = MixtureTable.sample(
            songs, 1, seed, 1.0, channels=channels, **{"snr": None} | AS_IT_IS | changes
        )
        assert beside_scaper(table, tmp_path / "t.jams") <= 1e-4


@needs_sox
def test_scaper_renders_the_levels_of_short_sounds(sounds_root, tmp_path):
    """Also of those that are too short to be measured as they are."""
    sounds = [sound for sound in open_sounds(sounds_root) if sound.sample_rate == RATE]
    for seed in range(3):
        table = MixtureTable.sample_sounds(
            sounds, 1, seed, 2.0, snr=None, gain=("uniform", -6.0, 6.0), channels=1,
            event_duration=("uniform", 0.1, 0.6),
        )  # fmt: skip
        assert beside_scaper(table, tmp_path / "t.jams") <= 1e-4


@needs_sox
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [1001, 7999, 8000, 12000, 15999])
def test_scaper_repeats_a_background_as_we_do(tmp_path, random, samples, channels):
    """Also where the length in seconds, times the rate, is rounded down to a sample less."""
    sound = 0.3 * random.standard_normal((2, samples)) * np.linspace(0.1, 1, samples)
    audio.write(tmp_path / "street" / "0.wav", np.clip(sound, -1, 1), RATE)
    audio.write(tmp_path / "dog" / "0.wav", noise(random, 0.5), RATE)
    scape = scaper.Scaper(2.0, str(tmp_path), str(tmp_path), random_state=0)
    scape.sr, scape.n_channels, scape.ref_db = RATE, channels, -20
    scape.add_background(("const", "street"), ("choose", []), ("const", 0))
    scape.add_event(
        ("const", "dog"), ("choose", []), ("const", 0), ("const", 0.7), ("const", 0.5),
        ("const", 3), None, None,
    )  # fmt: skip
    generate(scape, tmp_path / "t.jams")
    table = MixtureTable.from_jams(tmp_path / "t.jams")
    assert list(table.rows["source_duration"]) == [2.0, 0.5]
    assert beside_file(table.render(0), tmp_path / "t.jams") <= 1e-4
    # There and back again, and through a CSV file.
    assert beside_scaper(table, tmp_path / "u.jams") <= 1e-4
    again = MixtureTable.from_csv(table.to_csv(tmp_path / "t.csv"))
    np.testing.assert_array_equal(again.render(0).mixture, table.render(0).mixture)


@pytest.mark.parametrize("changes", [dict(polarity=-1), dict(swap=1), dict(effects=7.0)], ids=str)
def test_what_scaper_cannot_say(songs, changes):
    drawn = MixtureTable.sample(songs, 3, duration=1.0)
    (name, value), *_ = changes.items()
    rows = drawn.rows.copy()
    rows.loc[(rows["mixture"] == 1) & (rows["label"] == "bass"), name] = value
    table = MixtureTable(rows, drawn.root, 1.0, drawn.labels)
    assert len(table.to_jams(0).annotations) == len(table.to_jams(2).annotations) == 1
    message = (
        rf"cannot say {name}={value:g}\. Draw the table with {name}=0, or keep it as it is with"
    )
    with pytest.raises(
        TableError, match=rf"^Mixture 1, source 'bass': Scaper's .* {message} to_csv"
    ):
        table.to_jams(1)
    with pytest.raises(TableError, match=r"^Mixture 1, source 'bass'"):  # by its own number
        table.take([1]).to_jams(0)


@pytest.mark.parametrize(
    "changes",
    [
        dict(snr=3.0),
        dict(gain=-3.0),
        dict(snr=math.nan),
        dict(event_time=0.2, source_duration=0.8),
        dict(source_duration=0.5),
        dict(pitch_shift=1.0),
    ],
    ids=str,
)
def test_a_background_that_scaper_would_render_otherwise(songs, changes):
    drawn = MixtureTable.sample(songs, 1, duration=1.0, **AS_IT_IS)
    plain = dict(role="background", snr=0.0, loudness=math.nan)
    assert MixtureTable(drawn.rows.assign(**plain), drawn.root, 1.0, drawn.labels).to_jams(0)
    table = MixtureTable(drawn.rows.assign(**plain | changes), drawn.root, 1.0, drawn.labels)
    with pytest.raises(TableError, match=r"^Mixture 0, source 'drums': a background of Scaper's"):
        table.to_jams(0)


def edited(path, function):
    """Change a JAMS file by a function of its annotation, its settings and its events."""
    content = json.loads(path.read_text(encoding="utf-8"))
    annotation = content["annotations"][0]
    function(annotation, annotation["sandbox"]["scaper"], annotation["data"])
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "new", "snr"), [("snr", 3.5, 3.5), ("source_time", 0.25, None), ("label", "x", None)]
)
def test_what_was_edited_counts(songs, tmp_path, name, new, snr):
    """What we keep aside of a level holds for what Scaper's part of the file says."""
    gain = ("const", 2.0)
    table = MixtureTable.sample(songs, 1, duration=1.0, coherent=1.0, gain=gain, **AS_IT_IS)
    (path,) = write(table, tmp_path)
    said = json.loads(path.read_text())["annotations"][0]["data"][0]["value"]["snr"]
    read = MixtureTable.from_jams(
        edited(path, lambda annotation, scaper, data: data[0]["value"].update({name: new}))
    )
    levels = ["snr", "gain", "loudness"]
    kept = 0 if name == "label" else 1
    pd.testing.assert_frame_equal(read.rows[levels][kept:], table.rows[levels][kept:])
    if kept:
        assert read.rows["snr"][0] == (said if snr is None else snr)
        assert read.rows["gain"][0] == 0 and math.isnan(read.rows["loudness"][0])


def test_what_an_older_version_wrote(songs, tmp_path):
    """It kept the songs and the split aside, and no levels."""
    table = MixtureTable.sample(songs, 1, duration=1.0)
    (path,) = write(table, tmp_path)
    edited(path, lambda annotation, *_: annotation["sandbox"]["tutorial_utils"].pop("levels"))
    read = MixtureTable.from_jams(path)
    columns = [name for name in table.rows if name != "loudness"]
    pd.testing.assert_frame_equal(read.rows[columns], table.rows[columns], check_exact=True)
    assert read.rows["loudness"].isna().all()


def test_one_path_is_enough(songs, tmp_path):
    table = MixtureTable.sample(songs, 2, duration=1.0)
    (path, _) = write(table, tmp_path)
    for one in (path, str(path)):
        assert len(MixtureTable.from_jams(one)) == 1


def test_scaper_knows_all_it_needs(songs, tmp_path):
    """The file passes the checks of JAMS, and holds every setting that Scaper asks for."""
    table = MixtureTable.sample(songs, 1, duration=1.0, pitch_shift=None)
    (path,) = write(table, tmp_path)
    annotation = jams.load(str(path)).search(namespace="scaper")[0]
    said = annotation.sandbox.scaper
    assert said["ref_db"] == -26 and said["sr"] == RATE and said["n_channels"] == 2
    assert said["duration"] == said["original_duration"] == 1.0 and said["n_events"] == 4
    assert said["fix_clipping"] and not said["peak_normalization"] and said["reverb"] is None
    for event, observation in zip(table.events(0), annotation.data, strict=True):
        value = observation.value
        assert observation.time == 0 and observation.duration == pytest.approx(1.0)
        assert value["pitch_shift"] is None and value["time_stretch"] == event.time_stretch
        assert value["event_duration"] == event.source_duration
        assert value["source_file"] == str(table.root / event.source_file)


# What Scaper wrote


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sounds as Scaper wants them, long enough for a background of 2 s."""
    root = tmp_path_factory.mktemp("scaper")
    random = np.random.default_rng(5)
    for label in ("dog", "cat", "street"):
        for i, seconds in enumerate((1.5, 2.5)):
            if label != "street" or i:
                audio.write(root / label / f"{i}.wav", noise(random, seconds), RATE)
    return root


def soundscape(folder, duration=2.0, background="street", seed=0):
    scape = scaper.Scaper(duration, str(folder), str(folder), random_state=seed)
    scape.sr, scape.n_channels, scape.ref_db = RATE, 1, -30
    scape.fade_in_len, scape.fade_out_len = 0.02, 0.03
    if background:
        scape.add_background(("const", background), ("choose", []), ("uniform", 0, 9))
    for _ in range(3):
        scape.add_event(
            ("choose", ["dog", "cat"]), ("choose", []), ("uniform", 0, 1), ("uniform", 0, 1),
            ("uniform", 0.5, 0.9), ("uniform", -5, 5), ("uniform", -2, 2), ("uniform", 0.8, 1.1),
        )  # fmt: skip
    return scape


def generate(scape, path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Scaper's, where it brings values into their bounds.
        return scape.generate(jams_path=str(path), no_audio=True, **options)


@pytest.fixture
def scapers(folder, tmp_path):
    """A file by Scaper: a function that writes it anew with changes, and returns its path."""
    generate(soundscape(folder), tmp_path / "scaper.jams")
    text = (tmp_path / "scaper.jams").read_text()

    def change(function):
        content = json.loads(text)
        annotation = content["annotations"][0]
        function(annotation, annotation["sandbox"]["scaper"], annotation["data"])
        (tmp_path / "changed.jams").write_text(json.dumps(content))
        return tmp_path / "changed.jams"

    return change


@pytest.mark.parametrize("seed", range(3))
def test_what_scaper_wrote_is_read(folder, tmp_path, seed):
    generate(soundscape(folder, seed=seed), tmp_path / "t.jams")
    annotation = jams.load(str(tmp_path / "t.jams")).search(namespace="scaper")[0]
    table = MixtureTable.from_jams(tmp_path / "t.jams")
    assert (table.duration, table.fade_in, table.fade_out) == (2.0, 0.02, 0.03)
    assert set(table.labels) <= {"dog", "cat", "street"} and len(table.rows) == 4
    assert list(table.rows["role"]) == ["background", *["foreground"] * 3]
    for row, observation in zip(table.rows.itertuples(), annotation.data, strict=True):
        value = observation.value
        assert (row.label, row.song) == (value["label"], value["source_file"][-5])
        assert str(table.root / row.source_file) == value["source_file"]
        assert row.source_time == value["source_time"]
        assert row.source_duration == value["event_duration"]
        assert row.event_time == value["event_time"] == observation.time
        if row.role == "foreground":
            assert (row.snr, row.pitch_shift) == (value["snr"], value["pitch_shift"])
            assert row.time_stretch == value["time_stretch"]
        assert (row.ref_db, row.channels, row.sample_rate, row.split) == (-30, 1, RATE, "")
    mix = table.render(0)
    assert mix.mixture.shape == (1, 2 * RATE)
    np.testing.assert_allclose(sum(mix.sources.values()), mix.mixture, atol=1e-6)


# Where the sounds are


@pytest.fixture
def moved(folder, tmp_path):
    """A function that writes Scaper's file with other paths, and the sounds elsewhere."""
    generate(soundscape(folder), tmp_path / "t.jams")
    shutil.copytree(folder, tmp_path / "new")
    text = (tmp_path / "t.jams").read_text()

    def write(before, style=lambda path: path):
        (tmp_path / "t.jams").write_text(text)

        def rename(annotation, said, data):
            for value in (observation["value"] for observation in data):
                value["source_file"] = style(value["source_file"].replace(str(folder), before))
            said.update(fg_path=style(before), bg_path=style(before))

        return edited(tmp_path / "t.jams", rename)

    return write


@pytest.mark.parametrize(
    ("before", "style"),
    [
        ("/no longer/there", str),
        ("sounds", str),
        ("../../a b/sounds/", str),
        ("./sounds", str),
        (".", str),
        ("C:/Users/Zoë/sounds", lambda path: path.replace("/", "\\")),
        ("C:/Users/Zoë/sounds", lambda path: path.replace("/", "\\").replace("\\dog", "/dog")),
        ("//server/share/sounds", lambda path: path.replace("/", "\\")),
        ("sounds", lambda path: path.replace("/", "\\")),
        ("sounds", lambda path: f"C:{path}".replace("/", "\\")),
    ],
)
def test_sounds_in_another_folder(folder, tmp_path, moved, before, style):
    """Of absolute and relative paths, written on Linux, on Windows, and by Scaper on Windows."""
    generate(soundscape(folder), tmp_path / "good.jams")
    expected = MixtureTable.from_jams(tmp_path / "good.jams")
    path = moved(before, style)
    with pytest.raises(
        TableError, match=r"t\.jams: Event 1, column 'source_file': .* is not in /.*: root=\.\.\.$"
    ):
        MixtureTable.from_jams(path)
    read = MixtureTable.from_jams(path, root=tmp_path / "new")
    assert read.root == tmp_path / "new"
    pd.testing.assert_frame_equal(read.rows, expected.rows)
    np.testing.assert_array_equal(read.render(0).mixture, expected.render(0).mixture)
    with pytest.raises(
        TableError, match=r"t\.jams: Event 1, .* is not in .*elsewhere\. Give the f"
    ):
        MixtureTable.from_jams(path, root=tmp_path / "elsewhere")


def test_relative_paths_where_scaper_ran(folder, tmp_path, moved, monkeypatch):
    path = moved("new")
    monkeypatch.chdir(tmp_path)
    assert MixtureTable.from_jams(path).root == tmp_path / "new"
    assert MixtureTable.from_jams(path, root="new").root == tmp_path / "new"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir("/")
    assert MixtureTable.from_jams(path, root="~/new").root == tmp_path / "new"
    with pytest.raises(FileNotFoundError, match="~nosuchuser"):
        MixtureTable.from_jams(path, root="~nosuchuser")


def test_what_we_write_holds_in_any_folder(songs, tmp_path, monkeypatch):
    table = MixtureTable.sample(songs, 1, duration=1.0)
    csv = table.to_csv(tmp_path / "t.csv")
    monkeypatch.chdir(table.root.parent)
    here = MixtureTable.from_csv(csv, root=table.root.name)
    assert not here.root.is_absolute()
    (path,) = write(here, tmp_path)
    monkeypatch.chdir("/")
    assert MixtureTable.from_jams(path).root == table.root


def test_folders_of_foreground_and_background(folder, tmp_path):
    """Scaper's have one each; the root is the one that holds both, or either if it holds all."""
    shutil.copytree(folder, tmp_path / "old" / "foreground", ignore=lambda *_: ["street"])
    shutil.copytree(folder / "street", tmp_path / "old" / "background" / "street")
    scape = scaper.Scaper(
        2.0, str(tmp_path / "old/foreground"), str(tmp_path / "old/background"), random_state=0
    )
    scape.sr, scape.n_channels = RATE, 1
    scape.add_background(("const", "street"), ("choose", []), ("const", 0))
    scape.add_event(
        ("const", "dog"), ("choose", []), ("const", 0), ("const", 0), ("const", 1), ("const", 0),
        None, None,
    )  # fmt: skip
    generate(scape, tmp_path / "t.jams")
    before = MixtureTable.from_jams(tmp_path / "t.jams")
    assert before.root == tmp_path / "old"
    (tmp_path / "old").rename(tmp_path / "new")
    after = MixtureTable.from_jams(tmp_path / "t.jams", root=tmp_path / "new")
    assert after.root == tmp_path / "new"
    pd.testing.assert_frame_equal(after.rows, before.rows)
    for kind in ("foreground", "background"):
        shutil.copytree(tmp_path / "new" / kind, tmp_path / "flat", dirs_exist_ok=True)
    flat = MixtureTable.from_jams(tmp_path / "t.jams", root=tmp_path / "flat")
    assert {file.split("/")[0] for file in flat.rows["source_file"]} == {"dog", "street"}


def test_scapers_own_folders_are_used(folder, tmp_path, moved):
    """As where somebody has corrected them in the file, and not every path."""
    path = moved("/no longer/there")

    def correct(annotation, said, data):
        said.update(fg_path=str(tmp_path / "new"), bg_path=str(tmp_path / "new"))

    assert MixtureTable.from_jams(edited(path, correct)).root == tmp_path / "new"


def test_a_song_is_not_taken_for_another(songs, tmp_path):
    """The stems of all songs have the same names: what tells them apart counts."""
    table = MixtureTable.sample(songs, 1, duration=1.0, song=("const", "a"), **AS_IT_IS)
    (path,) = write(table, tmp_path)
    shutil.copytree(table.root, tmp_path / "new")
    read = MixtureTable.from_jams(path, root=tmp_path / "new")
    pd.testing.assert_frame_equal(read.rows, table.rows)
    shutil.move(tmp_path / "new" / "train" / "a", tmp_path / "new" / "a")
    edited(path, lambda annotation, said, data: said.update(fg_path="/x", bg_path="/x"))
    assert MixtureTable.from_jams(path, tmp_path / "new").rows["source_file"][0].startswith("a/")
    with pytest.raises(TableError, match=r"drums\.wav is not in .*/train/b"):
        MixtureTable.from_jams(path, root=tmp_path / "new" / "train" / "b")


@pytest.mark.parametrize(("in_file", "on_disk"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_may_be_encoded_otherwise_on_the_disk(tmp_path, write_song, in_file, on_disk):
    write_song(tmp_path / unicodedata.normalize(on_disk, "Zoë"))
    table = MixtureTable.sample(open_songs(tmp_path), 1, duration=1.0, **AS_IT_IS)
    (path,) = write(table, tmp_path)
    text = json.dumps(json.loads(path.read_text()), ensure_ascii=False)
    path.write_text(unicodedata.normalize(in_file, text), encoding="utf-8")
    for options in ({}, dict(root=tmp_path)):
        read = MixtureTable.from_jams(path, **options)
        np.testing.assert_array_equal(read.render(0).mixture, table.render(0).mixture)


def test_a_label_is_one_however_its_accents_are_encoded(scapers, tmp_path):
    def rename(annotation, said, data):
        for i, observation in enumerate(data):
            observation["value"]["label"] = ("é", "e\u0301")[i % 2]

    read = MixtureTable.from_jams(scapers(rename))
    assert len(read.labels) == 1 and {*read.rows["label"]} == {*read.labels}


def test_an_older_scaper_said_only_the_duration(scapers):
    path = scapers(lambda annotation, said, data: said.pop("original_duration"))
    assert MixtureTable.from_jams(path).duration == 2.0


@pytest.mark.parametrize("reverb", [0.0, 0.4])
def test_reverberation_is_refused(folder, tmp_path, reverb):
    """Also of 0, which is not none at all."""
    generate(soundscape(folder), tmp_path / "t.jams", reverb=reverb)
    with pytest.raises(ValueError, match=r"t\.jams asks for reverberation, .* Generate it without"):
        MixtureTable.from_jams(tmp_path / "t.jams")


def test_a_normalised_peak_is_refused(folder, tmp_path):
    generate(soundscape(folder), tmp_path / "t.jams", peak_normalization=True)
    with pytest.raises(ValueError, match=r"t\.jams asks for a normalised peak"):
        MixtureTable.from_jams(tmp_path / "t.jams")


def test_what_was_trimmed_is_refused(folder, tmp_path):
    generate(soundscape(folder), tmp_path / "t.jams")
    described = jams.load(str(tmp_path / "t.jams"))
    described.slice(0.5, 1.5).save(str(tmp_path / "u.jams"))
    with pytest.raises(ValueError, match=r"u\.jams was trimmed. Use the annotation from which it"):
        MixtureTable.from_jams(tmp_path / "u.jams")


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "not JAMS", b"\xff\x00" * 99, '{"annotations": 3}'], ids=repr
)
def test_what_is_no_jams(tmp_path, content):
    path = tmp_path / "t.jams"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=r"t\.jams is no JAMS file") as error:
        MixtureTable.from_jams(path)
    assert "\n" not in str(error.value)


def test_sound_is_no_jams(songs):
    with pytest.raises(ValueError, match=r"drums\.wav is no JAMS file"):
        MixtureTable.from_jams(songs[0].files["drums"])


def test_an_annotation_of_something_else(tmp_path):
    beats = jams.JAMS()
    beats.file_metadata.duration = 1.0
    beats.annotations.append(jams.Annotation("beat"))
    beats.save(str(tmp_path / "beats.jams"))
    with pytest.raises(ValueError, match=r"beats\.jams holds no annotation by Scaper"):
        MixtureTable.from_jams(tmp_path / "beats.jams")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda annotation, said, data: annotation.update(sandbox={}), "no annotation by Scaper"),
        (
            lambda annotation, said, data: annotation.update(sandbox={"scaper": 3}),
            "no annotation by Scaper",
        ),
        (lambda annotation, said, data: data.clear(), "or one without events"),
        (lambda annotation, said, data: said.pop("sr"), "does not say all .*KeyError: 'sr'"),
        (lambda annotation, said, data: said.pop("ref_db"), "does not say all .*'ref_db'"),
        (lambda annotation, said, data: said.update(sr="fast"), "does not say all .*fast"),
        (lambda annotation, said, data: said.update(fade_in_len=None), "does not say all"),
        (
            lambda annotation, said, data: annotation["sandbox"].update(
                tutorial_utils={"songs": ["a"]}
            ),
            "does not say all .*IndexError",
        ),
        (
            lambda annotation, said, data: annotation["sandbox"].update(tutorial_utils=3),
            "does not say all",
        ),
        (lambda annotation, said, data: data[1]["value"].pop("snr"), "does not say all .*'snr'"),
        (lambda annotation, said, data: data[0]["value"].update(role="x"), "is no JAMS file"),
        (lambda annotation, said, data: data[0]["value"].update(source_time=-1), "is no JAMS file"),
        (
            lambda annotation, said, data: data[1]["value"].update(source_file="/nowhere/x.wav"),
            r"column 'source_file': \S*nowhere/x.wav is not in /",
        ),
        (
            lambda annotation, said, data: data[1]["value"].update(label="=cmd"),
            "column 'label': '=cmd' would be run as a formula",
        ),
        (
            lambda annotation, said, data: data[0]["value"].update(source_time=1.0),
            "reaches beyond the end of",
        ),
    ],
    ids=range(15),
)
def test_annotations_that_lack_something(scapers, change, message):
    with pytest.raises(ValueError, match=message):
        MixtureTable.from_jams(scapers(change))


def test_no_file_and_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match="There is no file to read"):
        MixtureTable.from_jams([])
    with pytest.raises(FileNotFoundError, match=r"t\.jams"):
        MixtureTable.from_jams(tmp_path / "t.jams")
    with pytest.raises(OSError, match=str(tmp_path)):
        MixtureTable.from_jams(tmp_path)


def test_other_files_that_hold_jams(songs, tmp_path):
    """Compressed, with a byte order mark, under another name."""
    table = MixtureTable.sample(songs, 1, duration=1.0)
    (path,) = write(table, tmp_path)
    text = path.read_text(encoding="utf-8")
    (tmp_path / "a.jamz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "b.jams").write_text(f"\ufeff{text}", encoding="utf-8")
    (tmp_path / "c.txt").write_text(text, encoding="utf-8")
    read = MixtureTable.from_jams([tmp_path / name for name in ("a.jamz", "b.jams", "c.txt")])
    assert len(read) == 3 and list(read.rows["label"][:4]) == list(read.rows["label"][8:])
    (tmp_path / "d.jamz").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=r"d\.jamz is no JAMS file: .*[Nn]ot a gzipped file"):
        MixtureTable.from_jams(tmp_path / "d.jamz")
    (tmp_path / "e.jamz").write_bytes(gzip.compress(text.encode())[:-40])
    with pytest.raises(TableError, match=r"e\.jamz is no JAMS file"):
        MixtureTable.from_jams(tmp_path / "e.jamz")


def test_one_table_has_one_frame(songs, tmp_path):
    paths = []
    for name, changes in {"a": {}, "b": dict(duration=0.5), "c": dict(fade=0.5)}.items():
        table = MixtureTable.sample(songs, 1, **{"duration": 1.0} | changes)
        paths.append(tmp_path / f"{name}.jams")
        table.to_jams(0).save(str(paths[-1]))
    for other in paths[1:]:
        with pytest.raises(TableError, match=rf"{other.name} has \(duration, fade in, fade out\)"):
            MixtureTable.from_jams([paths[0], other])


# Anything


def paths_in(content, path=()):
    """The places of all values in a JSON document."""
    items = content.items() if isinstance(content, dict) else ()
    items = enumerate(content) if isinstance(content, list) else items
    yield path
    for key, value in items:
        yield from paths_in(value, (*path, key))


def with_value(content, path, value):
    """A JSON document with another value in one place."""
    if not path:
        return value
    first, *rest = path
    changed = content.copy()
    changed[first] = with_value(content[first], rest, value)
    return changed


ODD = st.sampled_from(
    [
        None, True, -1, 0.5, 10**400, -(10**400), 1e300, math.inf, -math.inf, math.nan, "", "x",
        "=1+1", "\ud800", "\0", "a\x1b[2J", "x" * 9999, "nan", "/", "..", "C:", "~", "*", [], {},
        [[]], [1] * 5, {"a": 1}, {"said": [0]}, [{"said": None}],
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def documents(folder, songs, tmp_path_factory):
    """What Scaper wrote and what we wrote, and a function that reads another text."""
    place = tmp_path_factory.mktemp("documents")
    generate(soundscape(folder), place / "scaper.jams")
    table = MixtureTable.sample(songs, 1, duration=1.0, snr=None, pitch_shift=None)
    table.to_jams(0).save(str(place / "ours.jams"))
    texts = [(place / name).read_text() for name in ("scaper.jams", "ours.jams")]

    def read(text, **options):
        (place / "t.jams").write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            table = MixtureTable.from_jams(place / "t.jams", **options)
        except TableError as error:
            assert "t.jams" in str(error)
            assert str(error).isprintable() and len(str(error)) < 2000
            return
        assert len(table) == 1 and tuple(table.rows) == COLUMNS
        assert len(table.render(0).mixture) in range(1, 6)

    read.texts = texts
    read.contents = [json.loads(text) for text in texts]
    read.paths = [[*paths_in(content)] for content in read.contents]
    return read


@settings(deadline=None, max_examples=80)
@given(data=st.data(), which=st.integers(0, 1), value=ODD, root=st.sampled_from([None, "/", "."]))
def test_any_value_gives_a_table_or_a_table_error(documents, data, which, value, root):
    content, paths = documents.contents[which], documents.paths[which]
    # Most places lie deep in the schema: half of the cases are where the mixture is described.
    own = [path for path in paths if "sandbox" in path or "value" in path]
    path = data.draw(st.sampled_from(paths) | st.sampled_from(own))
    documents(json.dumps(with_value(content, path, value)), root=root)


@settings(deadline=None, max_examples=60)
@given(
    which=st.integers(0, 1),
    cuts=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 30), st.text(max_size=6)), min_size=1, max_size=3
    ),
)
def test_any_change_gives_a_table_or_a_table_error(documents, which, cuts):
    text = documents.texts[which]
    for place, length, new in cuts:
        at = round(place * len(text))
        text = text[:at] + new + text[at + length :]
    documents(text)


@pytest.mark.parametrize("depth", [50, 500, 900, 100_000])
@pytest.mark.parametrize("key", ["tutorial_utils", "scaper", "more"])
def test_deep_nesting(documents, depth, key):
    content = documents.contents[1]
    deep = with_value(content, ("annotations", 0, "sandbox"), {key: "here"})
    documents(json.dumps(deep).replace('"here"', "[" * depth + "]" * depth))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "source_time",
            "is no JAMS file|Event 1, column 'source_time': inf is not a number from 0",
        ),
        (
            "event_duration",
            "is no JAMS file|Event 1, column 'source_duration': inf is not a number",
        ),
        ("snr", "Event 2, column 'snr': inf is not a number from -200 to 200"),
        ("sr", "Event 1, column 'sample_rate': inf is not a whole number"),
        ("n_channels", "Event 1, column 'channels': inf is not a whole number"),
        ("ref_db", "Event 1, column 'ref_db': inf is not a number"),
        ("original_duration", "The duration is inf, not a number from 0.1 to 86400"),
        (
            "fade_in_len",
            "The fade_in is inf, not a number from 0 to 2: seconds, no more than a mix",
        ),
    ],
)
def test_infinite_values(scapers, name, message):
    def change(annotation, said, data):
        for values in (said, data[0]["value"], data[1]["value"]):
            if name in values:
                values[name] = math.inf

    with pytest.raises(TableError, match=rf"changed\.jams(:)? ({message})"):
        MixtureTable.from_jams(scapers(change))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("sr", 8000.5, "Event 1, column 'sample_rate': 8000.5 is not a whole number from 1000"),
        ("sr", "8000", "does not say all that Scaper says, .*'8000' is no number"),
        ("sr", True, "does not say all that Scaper says, .*True is no number"),
        ("fade_out_len", 86400, "The fade_out is 86400.0, not a number from 0 to 2"),
        ("original_duration", 86400, "Event 1, column 'mixture': 0 would take 14 GB of memory"),
    ],
)
def test_values_that_cannot_be(scapers, name, value, message):
    with pytest.raises(TableError, match=rf"changed\.jams(:)? ({message})"):
        MixtureTable.from_jams(scapers(lambda annotation, said, data: said.update({name: value})))
