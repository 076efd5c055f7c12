import errno
import os
from pathlib import Path

import pytest

from tutorial_utils import files


@pytest.mark.parametrize(
    ("name", "litter"),
    [
        (".DS_Store", True), ("._drums.wav", True), (".lock", True), ("Thumbs.db", True),
        ("desktop.ini", True), ("Icon\r", True), ("drums.wav", False), ("My song", False),
        ("Desktop", False),
    ],
)  # fmt: skip
def test_what_systems_leave_behind_is_known(name, litter):
    assert files.is_litter(name) is litter


def test_a_tilde_is_somebodys_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert files.expanded("~/songs") == tmp_path / "songs"
    assert files.expanded(Path("a") / "~") == Path("a") / "~"
    with pytest.raises(FileNotFoundError, match="'~nobody-of-this-name' stands for nobody's home"):
        files.expanded("~nobody-of-this-name/songs")


def test_a_file_is_there_when_it_is_whole_and_not_before(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError):
        with files.whole_file(path) as temporary:
            temporary.write_text("half")
            1 / 0  # noqa: B018
    assert path.read_text() == "before" and [*tmp_path.iterdir()] == [path]
    with files.whole_file(path) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == tmp_path and path.read_text() == "before"
    assert path.read_text() == "whole" and [*tmp_path.iterdir()] == [path]


def test_errors_of_the_system_name_the_file_and_not_the_temporary_one(tmp_path):
    path = tmp_path / "a.txt"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # As `write` raises it: without a name.
    with pytest.raises(OSError, match=rf"{os.strerror(errno.ENOSPC)}: '.*a\.txt'") as raised:
        with files.whole_file(path):
            raise full
    assert raised.value.filename == str(path) and raised.value.errno == errno.ENOSPC
    gone = tmp_path / "gone" / "a.txt"
    with pytest.raises(FileNotFoundError) as raised:
        with files.whole_file(gone) as temporary:
            temporary.write_text("text")
    assert raised.value.filename == str(gone)
    said = OSError("Our own words.")
    assert files.named(said, path) is said


def write(folder, *names):
    for name in names:
        (folder / name).write_text(name)


def test_a_folder_is_there_when_it_is_whole_and_not_before(tmp_path):
    workshop, place = tmp_path / ".work", tmp_path / "songs" / "a"
    with pytest.raises(ZeroDivisionError):
        with files.whole_folder(workshop, place, "xy") as new:
            write(new, "x")
            1 / 0  # noqa: B018
    with pytest.raises(FileNotFoundError, match="y was removed before its folder was complete"):
        with files.whole_folder(workshop, place, "xy") as new:
            write(new, "x")
    assert not place.exists() and not [*workshop.iterdir()]
    with files.whole_folder(workshop, place, "xy") as new:
        write(new, "x", "y")
        assert not place.exists()
    assert sorted(os.listdir(place)) == ["x", "y"] and not [*workshop.iterdir()]


def test_a_folder_that_is_there_already_stays_if_it_is_whole(tmp_path):
    workshop, place = tmp_path / ".work", tmp_path / "a"
    place.mkdir()
    write(place, "x", "y", ".DS_Store")
    with files.whole_folder(workshop, place, "xy") as new:
        write(new, "x", "y")
    assert (place / ".DS_Store").exists()
    (place / "y").unlink()
    with pytest.raises(OSError):
        with files.whole_folder(workshop, place, "xy") as new:
            write(new, "x", "y")
    assert not (place / "y").exists()


def test_nothing_of_a_workshop_that_was_cleared_gets_its_place(tmp_path):
    workshop, place = tmp_path / ".work", tmp_path / "a"
    (tmp_path / ".work.old" / "song").mkdir(parents=True)  # That could not be removed once.
    with pytest.raises(OSError):
        with files.whole_folder(workshop, place, "xy") as new:
            write(new, "x")
            files.clear(workshop)
            new.mkdir(parents=True)
            write(new, "y")
    assert not place.exists() and [*tmp_path.iterdir()] == [workshop]
    files.clear(workshop)
    files.clear(workshop)
    assert not [*tmp_path.iterdir()]
