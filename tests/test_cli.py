"""The command line, run as users run it: in a process of its own."""

import errno
import os
import re
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from helpers import RATE

from tutorial_utils import __version__, audio, cli
from tutorial_utils.data.export import export
from tutorial_utils.data.songs import LABELS, open_songs
from tutorial_utils.data.table import MixtureTable

COMMAND = [sys.executable, "-m", "tutorial_utils"]


def run(*arguments, **settings):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, encoding="utf-8", **settings
    )


def error_of(capsys, *arguments):
    """The one line that a command prints when its input is bad."""
    capsys.readouterr()
    assert cli.main([str(argument) for argument in arguments]) == 2
    printed = capsys.readouterr()
    # What is left of a progress bar stands in lines of its own.
    (line,) = [line for line in printed.err.splitlines() if line.startswith("tutorial-utils")]
    assert "Traceback" not in printed.err and not printed.out
    assert printed.err.endswith(f"{line}\n")
    return line


@pytest.fixture
def csv(tmp_path, write_song):
    """A table of 200 mixtures that are long enough for a command to be stopped on its way."""
    write_song(tmp_path / "songs" / "train" / "a", mix=False)
    write_song(tmp_path / "songs" / "train" / "b", mix=False)
    table = MixtureTable.sample(
        open_songs(tmp_path / "songs"), 10, duration=1.0, pitch_shift=None, time_stretch=None
    )
    rows = [table.rows.assign(mixture=table.rows["mixture"] + 10 * i) for i in range(20)]
    many = MixtureTable(pd.concat(rows), table.root, table.duration, table.labels)
    return many.to_csv(tmp_path / "table.csv")


def few(csv, n=3):
    """The path of a table with the first few mixtures of another."""
    return MixtureTable.from_csv(csv).take(range(n)).to_csv(csv.with_name("few.csv"))


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.glob("**/[!.]*.*")}


def complete(folder):
    """The folders of mixtures that are there; each has to be complete."""
    places = [*folder.glob("train/[0-9]*")]
    for place in places:
        assert {path.stem for path in place.iterdir()} == {"mixture", *LABELS}
    return places


def test_help_teaches_by_an_example(capsys):
    for arguments in (["--help"], ["render", "--help"]):
        with pytest.raises(SystemExit) as exit:
            cli.main(arguments)
        assert exit.value.code == 0
        printed = capsys.readouterr().out
        assert "render" in printed
        assert all(len(line) <= 90 for line in printed.splitlines())
    assert "tutorial-utils render mixtures.csv --out mixtures" in printed


def test_help_loads_nothing_that_is_slow():
    code = (
        "import sys; from tutorial_utils import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: print(sorted({'numpy', 'pandas', 'torch', 'joblib'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"tutorial-utils {__version__}\n")


@pytest.mark.slow
def test_a_table_is_rendered_in_two_processes_as_in_one(csv, tmp_path):
    done = run("render", few(csv), "--out", tmp_path / "out", "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"3 mixtures are in {tmp_path / 'out'}\n"
    assert "3/3" in done.stderr
    alone = export(MixtureTable.from_csv(few(csv)), tmp_path / "alone")
    assert files(tmp_path / "out") == files(alone) and len(complete(alone)) == 3


def test_format_and_root(csv, tmp_path, capsys):
    path = few(csv)
    (tmp_path / "songs").rename(tmp_path / "moved")
    out = tmp_path / "out"
    assert "Give the folder that holds it: root=" in error_of(capsys, "render", path, "--out", out)
    assert not out.exists()
    root = MixtureTable.from_csv(path, root=tmp_path / "moved" / "train").root
    arguments = ["render", path, "--out", out, "--root", root, "--format", "flac", "--jobs", 1]
    assert cli.main([str(argument) for argument in arguments]) == 0
    assert [song.sample_rate for song in open_songs(out)] == [RATE] * 3
    assert {path.suffix for path in out.glob("train/*/drums.*")} == {".flac"}
    assert "lacks bass.wav" in error_of(capsys, *arguments[:6])


def test_bad_input_is_told_in_one_line(csv, tmp_path, capsys):
    out = tmp_path / "out"
    gone = tmp_path / "gone.csv"
    assert error_of(capsys, "render", gone, "--out", out) == (
        f"tutorial-utils: error: {gone}: {os.strerror(2)}"
    )
    path = few(csv)
    text = path.read_text()
    path.write_text(text.replace(",vocals,", ",=cmd(),", 1))
    line = error_of(capsys, "render", path, "--out", out)
    assert re.match(r"tutorial-utils: error: .*few\.csv: Line \d+, column 'label'", line)
    path.write_text(text)
    (tmp_path / "file").touch()
    assert "file" in error_of(capsys, "render", path, "--out", tmp_path / "file" / "out")
    songs = tmp_path / "songs"
    assert "Choose an empty folder" in error_of(capsys, "render", path, "--out", songs)
    assert not out.exists()


def test_what_comes_from_files_cannot_command_the_terminal(csv, tmp_path, capsys):
    path = few(csv)
    path.write_text(path.read_text().replace(",vocals,", ",\x1b[2J\x1b[31mvocals,", 1))
    red = path.rename(tmp_path / "\x1b[31mred.csv")
    for wrong in (red, tmp_path / "\x1b[31mgone.csv"):
        line = error_of(capsys, "render", wrong, "--out", tmp_path / "out")
        assert line.isprintable() and "\\x1b[31m" in line
    with pytest.raises(SystemExit):
        cli.main(["render", "t.csv", "--out", "o", "\x1b[31mmore"])
    assert "\x1b[31m" not in capsys.readouterr().err


def test_nobodys_home_and_other_sounds_are_refused_and_nothing_is_left(csv, tmp_path, capsys):
    path, out = few(csv), tmp_path / "out"
    line = error_of(capsys, "render", path, "--out", "~nobody-of-this-name/out")
    assert "'~nobody-of-this-name' stands for nobody's home" in line
    assert cli.main(["render", str(path), "--out", str(out), "--jobs", "1"]) == 0
    before = files(out)
    root = MixtureTable.from_csv(path).root
    other = tmp_path / "other"
    for file in root.rglob("*.wav"):
        samples, rate = audio.read(file)
        audio.write(other / file.relative_to(root), samples[:, ::-1], rate)
    line = error_of(capsys, "render", path, "--out", out, "--root", other)
    assert "000000 was made of another" in line and files(out) == before


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are text")
def test_a_folder_whose_name_is_no_text(csv, tmp_path, capfd):
    out = tmp_path / os.fsdecode(b"caf\xe9")
    assert cli.main(["render", str(few(csv)), "--out", str(out), "--jobs", "1"]) == 0
    assert len(complete(out)) == 3
    assert capfd.readouterr().out == f"3 mixtures are in {tmp_path}/caf\\udce9\n"


def test_what_cannot_be_said_is_an_error(monkeypatch, capsys):
    class Full:
        def reconfigure(self, errors):
            pass

        def flush(self):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cli.render, "run", lambda options: 0)
    monkeypatch.setattr(sys, "stdout", Full())
    assert cli.main(["render", "table.csv", "--out", "out"]) == 2
    assert os.strerror(errno.ENOSPC) in capsys.readouterr().err


def test_too_little_memory_is_told(monkeypatch, capsys):
    def render(options):
        raise MemoryError

    monkeypatch.setattr(cli.render, "run", render)
    assert "Use fewer processes, with --jobs" in error_of(capsys, "render", "t.csv", "--out", "o")


@pytest.mark.parametrize("jobs", ["0", "-1", "two", "1.5", "²"])
def test_bad_arguments_are_told(jobs, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["render", "table.csv", "--out", "out", "--jobs", jobs])
    assert exit.value.code == 2
    assert f"'{jobs}' is no number of processes. Give 1 or more." in capsys.readouterr().err


def test_no_command(capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main([])
    assert exit.value.code == 2 and "COMMAND" in capsys.readouterr().err


def start(csv, out, jobs):
    """Start a command in a group of its own, and wait until it has written something."""
    process = subprocess.Popen(
        [*COMMAND, "render", csv, "--out", out, "--jobs", str(jobs)],
        stdout=subprocess.DEVNULL,
        stderr=out.with_suffix(".log").open("w"),
        start_new_session=True,
    )
    begun = len(complete(out))
    while len(complete(out)) < begun + 3 and process.poll() is None:
        time.sleep(0.002)
    assert process.poll() is None, out.with_suffix(".log").read_text()
    return process


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_command_that_is_killed_goes_on(csv, tmp_path, capsys):
    out = tmp_path / "out"
    process = start(csv, out, jobs=1)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert 0 < len(complete(out)) < 200
    assert cli.main(["render", str(csv), "--out", str(out), "--jobs", "1"]) == 0
    assert len(complete(out)) == 200 and not [*out.glob(".unfinished*")]
    assert not re.search(r"\b0/200", capsys.readouterr().err)
    some = files(export(MixtureTable.from_csv(csv).take(range(0, 200, 10)), tmp_path / "some"))
    assert len(some) == 20 * 6 + 1
    assert {path.name for path, _ in some.items() - files(out).items()} == {"table.csv"}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_stops_in_good_order(csv, tmp_path, jobs):
    out = tmp_path / "out"
    process = start(csv, out, jobs)
    os.killpg(process.pid, signal.SIGINT)  # As a terminal does: to all processes of the command.
    assert process.wait(30) == 130
    log = out.with_suffix(".log").read_text()
    assert log.endswith("\ntutorial-utils: stopped. The same command goes on from here.\n")
    assert "Traceback" not in log
    assert 0 < len(complete(out)) < 200 and not [*out.glob(".unfinished*")]


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.slow
def test_a_full_disk_is_told(csv, tmp_path):
    """A limit on the size of files stands in for the disk: the system's error is like it."""
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))

    path, out = few(csv), tmp_path / "out"
    export(MixtureTable.from_csv(path), tmp_path / "compiled")  # Compiles, and keeps what it made.
    done = run("render", path, "--out", out, "--jobs", 1, preexec_fn=limit)
    assert done.returncode == 2
    error = rf"tutorial-utils: error: Mixture 0: .*{os.strerror(errno.EFBIG)}.*\.wav.*goes on from"
    assert re.match(error, done.stderr.splitlines()[-1]) and "Traceback" not in done.stderr
    assert complete(out) == [] and not [*out.glob(".unfinished*")]
    assert cli.main(["render", str(path), "--out", str(out), "--jobs", "1"]) == 0
    assert len(complete(out)) == 3
