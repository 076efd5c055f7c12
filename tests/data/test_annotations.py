"""Mixtures go to JAMS and come back, and what Scaper wrote is read."""

import json
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
from tutorial_utils.data import MixtureTable, open_sounds
from tutorial_utils.data.checks import TableError


def write(table, folder):
    """The JAMS files of all mixtures of a table."""
    paths = [folder / f"{i}.jams" for i in range(len(table))]
    for i, path in enumerate(paths):
        table.to_jams(i).save(str(path))
    return paths


def without_loudness(rows):
    return rows.drop(columns="loudness")


@settings(deadline=None, max_examples=8)
@given(
    seed=st.integers(0, 2**32 - 1),
    leave_out=st.sampled_from([0.0, 0.6]),
    augmented=st.booleans(),
    fade=st.sampled_from([0.0, 0.0123]),
)
def test_songs_come_back_as_they_went(songs, tmp_path_factory, seed, leave_out, augmented, fade):
    wanted = {} if augmented else dict(pitch_shift=None, time_stretch=None)
    table = MixtureTable.sample(
        songs, 3, seed, 1.0, coherent=0.0, leave_out=leave_out, fade=fade, **wanted
    )
    read = MixtureTable.from_jams(write(table, tmp_path_factory.mktemp("jams")))
    pd.testing.assert_frame_equal(
        without_loudness(read.rows.assign(source_file="")),
        without_loudness(table.rows.assign(source_file="")),
        check_exact=True,
    )
    assert read.rows["loudness"].isna().all()
    assert (read.duration, read.fade_in, read.fade_out) == (1.0, fade, fade)
    assert set(read.labels) == set(table.rows["label"])
    for i in range(3):
        ours, theirs = table.render(i), read.render(i)
        np.testing.assert_allclose(theirs.mixture, ours.mixture, atol=1e-6)


def test_sounds_come_back_in_the_order_of_their_times(sounds_root, tmp_path):
    table = MixtureTable.sample_sounds(
        open_sounds(sounds_root), 3, duration=2.0, k=4, channels=2, sample_rate=RATE,
        time_stretch=("uniform", 0.5, 2.0),
    )  # fmt: skip
    read = MixtureTable.from_jams(write(table, tmp_path))
    key = ["mixture", "event_time"]
    pd.testing.assert_frame_equal(
        without_loudness(read.rows),
        without_loudness(table.rows.sort_values(key, ignore_index=True)),
        check_exact=True,
    )
    assert (read.rows.groupby("mixture")["event_time"].diff().dropna() >= 0).all()


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
    with pytest.raises(FileNotFoundError):
        MixtureTable.from_jams(tmp_path / "t.jams")


def test_one_table_has_one_frame(songs, tmp_path):
    paths = []
    for name, changes in {"a": {}, "b": dict(duration=0.5), "c": dict(fade=0.5)}.items():
        table = MixtureTable.sample(songs, 1, **{"duration": 1.0} | changes)
        paths.append(tmp_path / f"{name}.jams")
        table.to_jams(0).save(str(paths[-1]))
    for other in paths[1:]:
        with pytest.raises(TableError, match=rf"{other.name} has \(duration, fade in, fade out\)"):
            MixtureTable.from_jams([paths[0], other])
