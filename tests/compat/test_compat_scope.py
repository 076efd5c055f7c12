"""The mends reach nussl and Scaper, and nobody else."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from tutorial_utils import compat


def run_python(*arguments, **environment):
    """Run a Python of its own; return what it printed, on both channels."""
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "MPLBACKEND": "agg"} | environment
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr.strip()


@pytest.fixture(scope="module")
def after_use(tmp_path_factory):
    """What use_everything.py found."""
    script = pathlib.Path(__file__).with_name("use_everything.py")
    return json.loads(run_python(str(script), str(tmp_path_factory.mktemp("use")))[0])


def test_no_library_and_no_global_state_is_changed(after_use):
    assert after_use["changes"] == []


def test_libraries_refuse_others_what_nussl_and_scaper_are_granted(after_use):
    assert after_use["refusals"] == {
        "resample": "TypeError",
        "rms": "TypeError",
        "mel": "TypeError",
        "waveplot": "AttributeError",
        "hamming": "AttributeError",
        "hanning": "ValueError",
        "Inf": "AttributeError",
        "mat": "AttributeError",
        "ThreadSynchronizer": "AttributeError",
        "load": "UnpicklingError",
    }


def test_a_plain_import_afterwards_finds_the_mended_packages(after_use):
    assert after_use["plain imports"] == [True, True]


def test_nothing_is_loaded_before_it_is_asked_for():
    code = """if True:
        import sys
        import tutorial_utils.compat
        print({"nussl", "scaper", "museval", "numpy", "torch", "librosa"} & set(sys.modules))
    """
    assert run_python("-c", code)[0] == "set()"


@pytest.mark.slow
def test_import_works_silently_on_a_bare_machine(tmp_path):
    code = """if True:
        import warnings
        warnings.filterwarnings("error", module="nussl|scaper|tutorial_utils")
        from tutorial_utils.compat import museval, nussl, scaper
        assert "sox" not in __import__("sys").modules
    """
    assert run_python("-c", code, PATH=str(tmp_path)) == ("", "")


@pytest.mark.slow
def test_a_plain_import_that_failed_does_no_harm():
    code = """if True:
        try:
            import nussl
        except AttributeError as error:
            print(error)
        from tutorial_utils.compat import nussl
        print(nussl.constants.WINDOW_HAMMING)
    """
    refusal, window = run_python("-c", code)[0].splitlines()
    assert "hamming" in refusal and window == "hamming"


@pytest.mark.slow
def test_a_plain_import_before_is_an_error_that_says_what_to_do():
    code = """if True:
        import scaper
        try:
            from tutorial_utils.compat import scaper
        except ImportError as error:
            print(error)
    """
    message = run_python("-c", code)[0]
    assert "from tutorial_utils.compat import scaper" in message and "Restart" in message


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="librosa"):
        _ = compat.librosa
    assert {"museval", "nussl", "scaper"} <= set(dir(compat))
