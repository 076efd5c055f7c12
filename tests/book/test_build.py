"""The program that builds the book: the address, the buttons, and the notebooks' execution."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book"))
import address  # noqa: E402
import build  # noqa: E402
import conventions  # noqa: E402
import execute  # noqa: E402

ADDRESS = "https://github.com/someone/her-copy"
BUTTONS = ("use_repository_button", "use_issues_button", "use_edit_page_button")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A function that makes a checkout with this remote, or with none."""

    def make(remote=None):
        monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
        monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
        monkeypatch.setattr(address, "ROOT", tmp_path)
        git = ["git", "-C", tmp_path]
        subprocess.run([*git, "init", "-q"], check=True)
        if remote:
            subprocess.run([*git, "remote", "add", "origin", remote], check=True)

    return make


@pytest.mark.parametrize(
    "remote",
    [
        f"{ADDRESS}.git",
        f"{ADDRESS}/",
        ADDRESS,
        "git@github.com:someone/her-copy.git",
        "ssh://git@github.com/someone/her-copy.git",
        "https://a-token@github.com/someone/her-copy",
    ],
)
def test_a_checkout_takes_its_address_from_its_remote(checkout, remote):
    checkout(remote)
    assert address.address() == ADDRESS


@pytest.mark.parametrize(
    "remote",
    [None, "/srv/her-copy", "file:///srv/her-copy", "https://github.com.evil.org/a/b", "../b.git"],
)
def test_any_other_checkout_has_none(checkout, remote):
    checkout(remote)
    assert address.address() is None


def test_the_workflow_says_the_address(checkout, monkeypatch):
    checkout("https://github.com/another/one")
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/her-copy")
    assert address.address() == ADDRESS


def test_without_an_address_no_button_leads_anywhere(monkeypatch):
    monkeypatch.setattr(build, "address", lambda: None)
    config = build.configuration(None, {})
    assert "repository" not in config and "launch_buttons" not in config
    assert not any(config["html"].get(button) for button in BUTTONS)


@pytest.mark.parametrize("known", [True, False])
def test_colab_is_offered_where_the_notebooks_know_the_address(tmp_path, monkeypatch, known):
    monkeypatch.setattr(build, "address", lambda: ADDRESS)
    path = tmp_path / "chapter.ipynb"
    notebook = conventions.normalised(nbformat.v4.new_notebook(), ADDRESS if known else None)
    nbformat.write(notebook, path)
    config = build.configuration(None, {"chapter": path})
    assert config["repository"]["url"] == ADDRESS
    assert all(config["html"][button] for button in BUTTONS)
    assert ("launch_buttons" in config) == known


def written(folder, **sources):
    """Notebooks with one code cell each: {name: path}."""
    paths = {}
    for name, source in sources.items():
        paths[name] = folder / f"{name}.ipynb"
        cells = [nbformat.v4.new_code_cell(source)]
        nbformat.write(
            conventions.normalised(nbformat.v4.new_notebook(cells=cells), None), paths[name]
        )
    return paths


def test_notebooks_are_executed_once_and_with_one_thread(tmp_path, capfd):
    source = "import os\nprint(os.environ['OMP_NUM_THREADS'], os.environ['HER'])"
    paths = written(tmp_path, a=source, b="1 + 1")
    cache = tmp_path / "cache"
    environment = {**os.environ, "HER": "variable"}
    seconds, whole = execute.execute(paths, cache, 60, environment)
    assert whole and set(seconds) == {"a", "b"}
    said = capfd.readouterr()
    assert sorted(line.split()[-1] for line in said.out.splitlines()) == ["a", "b"]
    assert said.err == ""
    kept = execute.get_cache(cache)
    notebook = nbformat.read(paths["a"], as_version=4)
    _, merged = kept.merge_match_into_notebook(notebook)
    assert merged.cells[1].outputs[0].text == "1 variable\n"

    again, whole = execute.execute(paths, cache, 60, environment)
    assert whole and again == seconds
    assert capfd.readouterr().out == ""


def test_a_failing_notebook_is_named_with_its_error_and_the_others_are_kept(tmp_path, capfd):
    paths = written(
        tmp_path,
        good="1 + 1",
        wrong="1 / 0",
        dead="import os\nos.write(2, b'last words')\nos._exit(1)",
    )
    seconds, whole = execute.execute(paths, tmp_path / "cache", 60, dict(os.environ))
    assert not whole and set(seconds) == {"good"}
    said = capfd.readouterr().err
    assert "ZeroDivisionError" in said and "last words" in said


def test_a_cell_that_takes_too_long_fails(tmp_path, capfd):
    paths = written(tmp_path, slow="import time\ntime.sleep(60)")
    _, whole = execute.execute(paths, tmp_path / "cache", 1, dict(os.environ))
    assert not whole
    assert "timed out" in capfd.readouterr().err.lower()


def test_an_unknown_chapter_is_refused_with_the_names_of_all():
    result = subprocess.run(
        [sys.executable, ROOT / "book/build.py", "book/nothing"], capture_output=True, text=True
    )
    assert result.returncode == 2
    assert "book/nothing" in result.stderr and "book/intro/quickstart" in result.stderr


def test_kernels_that_run_at_once_share_no_compiled_functions(tmp_path, capfd):
    source = "import os\nimport time\ntime.sleep(2)\nprint(os.environ['NUMBA_CACHE_DIR'])"
    paths = written(tmp_path, a=source, b=f"{source}\n'b'")
    _, whole = execute.execute(paths, tmp_path / "cache", 60, dict(os.environ))
    assert whole
    kept = execute.get_cache(tmp_path / "cache")
    folders = set()
    for path in paths.values():
        _, merged = kept.merge_match_into_notebook(nbformat.read(path, as_version=4))
        folders.add(merged.cells[1].outputs[0].text)
    assert len(folders) == min(2, execute._processors())
