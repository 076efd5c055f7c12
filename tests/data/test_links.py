import os
import tempfile
import unicodedata
from pathlib import Path

import pytest
from helpers import needs_ffmpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils.compat import scaper
from tutorial_utils.data import decoded, label_folders, open_songs
from tutorial_utils.data.songs import LABELS


@pytest.fixture
def two_songs(tmp_path, write_song):
    write_song(tmp_path / "set" / "A - Dr. One")
    write_song(tmp_path / "set" / "B", suffix=".flac", mix=False)
    return open_songs(tmp_path / "set")


def test_scaper_draws_from_label_folders(tmp_path, two_songs):
    folder = label_folders(two_songs, tmp_path / "labels")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.*")}
    assert files == {
        f"{label}/{name}" for label in LABELS for name in ("A - Dr. One.wav", "B.flac")
    }
    assert all(path.is_symlink() for path in folder.rglob("*.*"))
    drawn = set()
    for seed in range(40):
        soundscape = scaper.Scaper(1.0, str(folder), str(folder), random_state=seed)
        soundscape.add_event(
            label=("choose", []),
            source_file=("choose", []),
            source_time=("uniform", 0, 1),
            event_time=("const", 0),
            event_duration=("const", 1.0),
            snr=("const", 0),
            pitch_shift=None,
            time_stretch=None,
        )
        (event,) = soundscape.generate(no_audio=True)[1].annotations[0].data
        file = Path(event.value["source_file"])
        song = two_songs[[one.name for one in two_songs].index(file.stem)]
        assert file.samefile(song.files[event.value["label"]])
        drawn.add((event.value["label"], file.stem))
    assert len(drawn) == 8


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_links_lead_to_the_files_whatever_was_there(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("labels")
    names = [f"{label}/{name}" for label in "ab" for name in "xyz"]
    for name in names:
        (root / "real" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "real" / f"{name}.wav").write_text(name)
    wanted = data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from(names), min_size=1))
    there = data.draw(st.dictionaries(st.sampled_from(sorted(wanted)), st.sampled_from(names)))
    for link, file in there.items():
        (root / "links" / link).parent.mkdir(parents=True, exist_ok=True)
        make = data.draw(st.sampled_from([Path.symlink_to, Path.hardlink_to]))
        make(root / "links" / f"{link}.wav", root / "real" / f"{file}.wav")
    files: dict = {}
    for link, file in wanted.items():
        label, name = link.split("/")
        files.setdefault(label, {})[name] = root / "real" / f"{file}.wav"
    label_folders(files, root / "links")
    links = sorted(path for path in (root / "links").rglob("*") if path.is_file())
    assert [str(path.relative_to(root / "links")) for path in links] == [
        f"{name}.wav" for name in sorted(wanted)
    ]
    for link, file in wanted.items():
        assert (root / "links" / f"{link}.wav").read_text() == file
    assert all((root / "real" / f"{name}.wav").read_text() == name for name in names)


def test_right_links_are_left_and_dangling_ones_replaced(tmp_path, two_songs):
    folder = label_folders(two_songs, tmp_path / "labels")
    right, dangling = folder / "bass" / "B.flac", folder / "drums" / "B.flac"
    dangling.unlink()
    dangling.symlink_to(tmp_path / "nothing")
    before = right.lstat()
    label_folders(two_songs, folder)
    assert right.lstat().st_ino == before.st_ino
    assert dangling.samefile(two_songs[1].files["drums"])


def refuse(*args, **kwargs):
    raise OSError("not permitted")


def test_hard_links_where_there_are_no_symbolic_ones(tmp_path, two_songs, monkeypatch):
    monkeypatch.setattr(os, "symlink", refuse)
    folder = label_folders(two_songs, tmp_path / "labels")
    link = folder / "bass" / "B.flac"
    assert not link.is_symlink() and link.samefile(two_songs[1].files["bass"])
    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(OSError, match=r"neither symbolic \(not permitted\) nor hard .*Choose"):
        label_folders(two_songs, tmp_path / "elsewhere")


def test_files_that_are_no_links_are_kept(tmp_path, two_songs):
    precious = tmp_path / "labels" / "bass" / "B.flac"
    precious.parent.mkdir(parents=True)
    precious.write_text("the only copy")
    with pytest.raises(FileExistsError, match=r"B\.flac is in the way.*Move it"):
        label_folders(two_songs, tmp_path / "labels")
    assert precious.read_text() == "the only copy"


@pytest.mark.parametrize("other", ["bass/C.wav", "guitar/A.wav"])
def test_what_scaper_would_draw_besides(tmp_path, two_songs, other):
    folder = tmp_path / "labels"
    (folder / other).parent.mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "readme.txt").write_text("Scaper does not see this")
    (folder / other).write_text("no song")
    with pytest.raises(FileExistsError, match=rf"{other} does not belong.*Delete it"):
        label_folders(two_songs, folder)


def test_songs_that_cannot_be_laid_out(tmp_path, two_songs, write_song):
    write_song(tmp_path / "more" / "B")
    with pytest.raises(ValueError, match=r"Two songs are called 'B'.*Rename"):
        label_folders([*two_songs, *open_songs(tmp_path / "more")], tmp_path / "labels")
    with pytest.raises(FileNotFoundError, match=r"no file .*gone\.wav"):
        label_folders({"bass": {"B": tmp_path / "gone.wav"}}, tmp_path / "labels")
    for label, name in (("bass", "../B"), ("..", "B"), ("", "B"), ("bass", ".B")):
        with pytest.raises(ValueError, match="cannot be the name of a file"):
            label_folders({label: {name: two_songs[0].files["bass"]}}, tmp_path / "labels")
    assert not (tmp_path / "labels").exists()


def test_names_are_equal_however_their_accents_are_encoded(tmp_path, write_song):
    for form in ("NFC", "NFD"):
        write_song(tmp_path / form / unicodedata.normalize(form, "Café"), ["drums"], mix=False)
    for form in ("NFD", "NFC", "NFD"):
        label_folders(open_songs(tmp_path / form), tmp_path / "labels")
        (link,) = (tmp_path / "labels" / "drums").iterdir()
        assert link.name == unicodedata.normalize("NFC", "Café.wav")
        assert link.samefile(next((tmp_path / form).rglob("drums.wav")))
    # Where the disk keeps them apart, Scaper would draw both.
    link.rename(link.with_name(unicodedata.normalize("NFD", link.name)))
    if not link.exists():
        with pytest.raises(FileExistsError, match=r"Cafe.*does not belong"):
            label_folders(open_songs(tmp_path / "NFC"), tmp_path / "labels")
    both = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    files = {"bass": dict.fromkeys(both, next((tmp_path / "NFC").rglob("drums.wav")))}
    with pytest.raises(ValueError, match="Two names are 'é'"):
        label_folders(files, tmp_path / "other")


def test_a_link_is_replaced_whatever_it_led_to(tmp_path, two_songs):
    folder = label_folders(two_songs, tmp_path / "labels")
    link = folder / "bass" / "B.flac"
    link.unlink()
    link.symlink_to(link.name)  # to itself
    assert label_folders(two_songs, folder) == folder
    assert link.samefile(two_songs[1].files["bass"])


def test_folders_that_cannot_be_made(tmp_path, two_songs):
    (tmp_path / "file").write_text("no folder")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="file"):
            label_folders(two_songs, place)
    with pytest.raises(FileNotFoundError, match="~nosuchuser' stands for nobody's home"):
        label_folders(two_songs, "~nosuchuser/labels")


NAMES = st.text(st.characters(exclude_categories=()), max_size=9) | st.sampled_from(
    [".", "..", "a"]
)


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(NAMES, st.dictionaries(NAMES, st.sampled_from(["a.wav", "gone", "."]))))
def test_any_names_are_linked_or_refused(files):
    """With the errors that the docstring names."""
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "a.wav").write_text("sound")
        paths = {
            label: {name: Path(root, file) for name, file in of_label.items()}
            for label, of_label in files.items()
        }
        try:
            folder = label_folders(paths, Path(root) / "labels")
        except (ValueError, OSError) as error:
            assert str(error)
            return
        links = [path for path in folder.rglob("*") if path.is_file()]
        assert len(links) == sum(map(len, files.values()))
        assert all(link.read_text() == "sound" for link in links)


@needs_ffmpeg
def test_stem_files_are_decoded_before_they_are_laid_out(tmp_path, write_stem_file):
    write_stem_file(tmp_path / "set" / "a.stem.mp4")
    songs = open_songs(tmp_path / "set")
    with pytest.raises(ValueError, match=r"stems of a are no files.*decoded\(songs\)"):
        label_folders(songs, tmp_path / "labels")
    songs = decoded(songs, tmp_path / "cache")
    folder = label_folders(songs, tmp_path / "labels")
    assert (folder / "vocals" / "a.wav").samefile(songs[0].files["vocals"])
