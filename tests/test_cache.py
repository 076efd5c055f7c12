"""Where things are kept, on machines that have a place for them and on those that have none."""

import errno
import os
import subprocess
import sys
import tempfile
import threading
import warnings
from pathlib import Path

import numba
import numpy as np
import pytest

from tutorial_utils import cache, files

NO_PLACE = "a folder below a file, which nobody can write to, not even root"


@pytest.fixture
def nowhere(tmp_path):
    (tmp_path / "file").touch()
    return tmp_path / "file" / NO_PLACE


@pytest.fixture
def homeless(monkeypatch, nowhere, tmp_path):
    """No cache folder can be written to, but the folder of temporary files can."""
    monkeypatch.delenv(cache.HOME, raising=False)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(cache, "_user_cache", lambda name: nowhere / name)
    monkeypatch.setattr(cache, "_beside_sources", lambda: False)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def test_the_variable_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.HOME, str(tmp_path / "kept"))
    assert cache.home() == tmp_path / "kept"
    monkeypatch.setenv(cache.HOME, "~nobody-of-this-name/kept")
    with pytest.raises(FileNotFoundError, match="'~nobody-of-this-name' stands for nobody's home"):
        cache.home()


def test_without_it_the_users_cache_is_taken_even_if_nothing_can_be_added(monkeypatch, tmp_path):
    monkeypatch.delenv(cache.HOME, raising=False)
    monkeypatch.setattr(cache, "_user_cache", lambda name: tmp_path / name)
    assert cache.home() == tmp_path / "tutorial_utils"
    monkeypatch.setattr(cache, "_can_hold", lambda folder: False)
    (tmp_path / "tutorial_utils").mkdir()
    assert cache.home() == tmp_path / "tutorial_utils"


def test_without_a_home_the_temporary_files_are_taken_and_it_is_said(homeless):
    with pytest.warns(UserWarning, match=rf"cannot be written to\. .*set {cache.HOME} to a folder"):
        folder = cache.home()
    assert folder.parent == homeless and folder.is_dir()
    with pytest.warns(UserWarning):
        assert cache.home() == folder  # The next process finds what this one left.
    if os.name == "posix":
        assert folder.stat().st_mode & 0o777 == 0o700


def test_where_nothing_can_be_written_the_variable_is_named(homeless, monkeypatch, nowhere):
    monkeypatch.setattr(tempfile, "tempdir", str(nowhere))
    with pytest.raises(PermissionError, match=rf"Set {cache.HOME} to a folder that can"):
        cache.home()
    with pytest.warns(UserWarning, match="Set NUMBA_CACHE_DIR to a folder that can be written to"):
        cache.keep_compiled()
    assert "NUMBA_CACHE_DIR" not in os.environ


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("trap", ["open to all", "a link", "a file"])
def test_what_others_may_have_put_among_the_temporary_files_is_not_run(homeless, trap, tmp_path):
    folder = homeless / f"tutorial_utils-{os.getuid()}"
    if trap == "open to all":
        folder.mkdir()
        folder.chmod(0o777)
    elif trap == "a link":
        folder.symlink_to(tmp_path)
    else:
        folder.touch(0o700)
    with pytest.raises(PermissionError, match=cache.HOME):
        cache.home()


def test_numba_is_given_a_place_only_where_it_has_none(homeless, monkeypatch, tmp_path):
    cache.keep_compiled()
    place = Path(os.environ["NUMBA_CACHE_DIR"])
    assert place.parent.parent == homeless
    for name, value in {
        "_beside_sources": lambda: True,
        "_user_cache": lambda name: tmp_path / name,
    }.items():
        monkeypatch.delenv("NUMBA_CACHE_DIR")
        with monkeypatch.context() as changed:
            changed.setattr(cache, name, value)
            cache.keep_compiled()
        assert "NUMBA_CACHE_DIR" not in os.environ
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(place))


def test_what_the_user_chose_for_numba_is_left_as_it_is(homeless, monkeypatch, nowhere, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "chosen"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.keep_compiled()
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "chosen")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(nowhere))
    with pytest.warns(UserWarning, match="Set NUMBA_CACHE_DIR to a folder that can"):
        cache.keep_compiled()
    assert os.environ["NUMBA_CACHE_DIR"] == str(nowhere)


def test_functions_are_compiled_where_nothing_can_be_kept(monkeypatch):
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator available"):
        numba.njit(cache=True)(double)
    assert cache.compiled(double)(np.ones(2)).tolist() == [2, 2]


def double(values):
    return 2 * values


def test_compiled_functions_are_kept_where_there_is_a_place(monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert cache.compiled(double)(np.ones(2)).tolist() == [2, 2]
    assert len([*tmp_path.rglob("*.nbc")]) == 1


def test_functions_are_compiled_on_a_full_disk(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, "save", full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        numba.njit(cache=True)(double)(np.ones(2))
    assert cache.compiled(double)(np.ones(2)).tolist() == [2, 2]


def test_one_at_a_time(tmp_path, capsys):
    order = []

    def second():
        with cache.exclusive(tmp_path / "new" / "folder", "Waiting."):
            order.append("second")

    with cache.exclusive(tmp_path / "new" / "folder"):
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)
        order.append("first")
    other.join()
    assert order == ["first", "second"] and capsys.readouterr().out == "Waiting.\n"


def test_a_folder_that_cannot_be_written_to_is_named_with_the_cure(monkeypatch, nowhere):
    with pytest.raises(OSError, match=r"\(choose a folder that can be written to\): .*file"):
        with cache.exclusive(nowhere):
            pass
    monkeypatch.setenv(cache.HOME, str(nowhere))
    with pytest.raises(OSError, match=rf"\(set {cache.HOME} to a folder that can be written to\)"):
        with cache.exclusive(nowhere / "tinystems" / "v1"):
            pass


# What a reader does who has the package in a container: look, listen, compose, mix, plot.
EVERYTHING = """
import importlib, pkgutil
import matplotlib
matplotlib.use("agg")
import numpy as np
import tutorial_utils as tu
from tutorial_utils.compat import nussl, scaper

for module in (tu, tu.data, tu.models):
    for name in dir(module):
        getattr(module, name)
for found in pkgutil.walk_packages(tu.__path__, "tutorial_utils."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
root = tu.data.tinystems.build(n_train=1, n_valid=0, n_test=0, duration=2.0, progress=False)
songs = tu.data.open_songs(root)
mix = tu.data.MixtureTable.sample(songs, 1, duration=1.0).render(0)
tu.player(mix.sources, mix.sample_rate)
tu.plots.waveform(mix.mixture, mix.sample_rate)
signal = nussl.AudioSignal(audio_data_array=mix.mixture, sample_rate=mix.sample_rate)
nussl.separation.primitive.FT2D(signal)().pop().istft()
print("all done")
"""

# In a mount namespace of its own, where all is read-only but (perhaps) a new folder in memory.
READ_ONLY = """
set -e
mount --make-rprivate /
mount -o remount,bind,ro /
for place in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o ro none $place; done
if [ "$1" = temporary ]; then mount -t tmpfs none /tmp; fi
cd /
export HOME=/nonexistent
unset MUSDB_PATH TUTORIAL_UTILS_HOME NUMBA_CACHE_DIR XDG_CACHE_HOME MPLCONFIGDIR TMPDIR
exec "$2" -c "$3"
"""


def on_a_read_only_machine(code, kind):
    root = [] if hasattr(os, "getuid") and os.getuid() == 0 else ["--map-root-user"]
    command = ["unshare", *root, "--mount", "sh", "-c"]
    try:
        subprocess.run([*command, "mount --make-rprivate /"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs unshare, and the right to use it")
    below = [path for path in ("/tmp", "/var/tmp", "/dev/shm") if sys.prefix.startswith(path)]
    if below or files.__file__.startswith("/tmp"):
        pytest.skip("the package itself lies among the temporary files")
    arguments = ["sh", kind, sys.executable, code]
    done = subprocess.run([*command, READ_ONLY, *arguments], capture_output=True, text=True)
    return done


@pytest.mark.slow
def test_all_works_on_a_read_only_installation_without_a_home():
    done = on_a_read_only_machine(EVERYTHING, "temporary")
    assert done.stdout == "all done\n", done.stderr
    assert f"set {cache.HOME} to a folder" in done.stderr  # Where the songs lie is told.
    assert "NUMBA_CACHE_DIR" not in done.stderr


@pytest.mark.slow
def test_where_nothing_at_all_can_be_written_the_variables_are_named():
    code = """
import tutorial_utils as tu, numpy as np
print(tu.stretch.change(np.zeros((1, 44100)), 44100, 1.0, 1.1).shape)
print(tu.audio.loudness(np.ones((1, 44100)), 44100) > -70)
tu.data.open_songs()
"""
    done = on_a_read_only_machine(code, "nothing")
    assert done.stdout == "(1, 48510)\nTrue\n", done.stderr
    assert "Set NUMBA_CACHE_DIR to a folder that can be written to" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("PermissionError: ") and f"Set {cache.HOME} to a folder" in last
