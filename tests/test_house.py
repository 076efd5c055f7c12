"""The lock, the metadata and the environment agree, and the tree is as the design wants it."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = [
    line
    for line in (ROOT / "requirements/lock.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked():
    pins = {}
    for line in LOCK:
        if not line.startswith("./"):
            requirement = Requirement(line)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", line
            pins.setdefault(canonical(requirement.name), []).append(
                (specifier.version, requirement.marker)
            )
    return pins


def requirements():
    # Neither the book nor the tests need demucs, which is why the lock leaves it out.
    extras = {k: v for k, v in PROJECT["optional-dependencies"].items() if k != "demucs"}
    groups = [PROJECT["dependencies"], *extras.values()]
    return [Requirement(text) for group in groups for text in group]


def test_the_lock_pins_everything_and_torch_exactly():
    assert locked()["torch"][0][0] == "2.13.0"
    assert "./requirements/soxbindings" in LOCK
    assert not any(line.startswith(("nvidia-", "cuda-", "triton")) for line in LOCK)


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_the_ranges_hold_the_locked_versions(requirement):
    for version, _ in locked()[canonical(requirement.name)]:
        assert requirement.specifier.contains(version), version


def test_the_lock_is_what_is_installed():
    for name, pins in locked().items():
        here = [version for version, marker in pins if marker is None or marker.evaluate()]
        if here:
            assert importlib.metadata.version(name).split("+")[0] == here[0], name


def test_the_conda_environment_takes_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == ["-r requirements/lock.txt", "-e ."]
    (python,) = [p for p in environment["dependencies"] if str(p).startswith("python=")]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(python[7:])


def test_no_address_is_written_down():
    """A copy takes it from its workflow or its remote: book/address.py."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert "repository" not in config and "launch_buttons" not in config
    for name in ("README.md", "CITATION.cff", "pyproject.toml", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "git+" not in text and "github.com/source-separation" not in text, name


def test_the_readme_names_the_commands_that_ci_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    for command in ("make book", "make test"):
        assert command in readme and re.search(rf"^PATH=\$bare {command}$", ci, re.MULTILINE)


def test_make_help_lists_every_command():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    for command in phony:
        assert re.search(rf"^{command}:.*## \w", makefile, re.MULTILINE), command
    assert {"book", "test", "serve", "lint", "bench", "images", "clean", "help"} <= set(phony)


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, tutorial_utils, tutorial_utils.data, tutorial_utils.compat;"
        "print([m for m in ('torch', 'librosa', 'nussl', 'scaper', 'matplotlib', 'pandas')"
        " if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


def test_every_public_name_can_be_loaded():
    import tutorial_utils as tu

    for module in (tu, tu.data, tu.models):
        for name in dir(module):
            assert getattr(module, name) is not None


def test_contributing_says_what_every_module_is_for():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    package = ROOT / "tutorial_utils"
    for path in sorted(package.iterdir()):
        if path.suffix == ".py" and not path.stem.startswith("_"):
            assert path.name in text, path.name
        elif (path / "__init__.py").is_file():
            assert f"`{path.name}/" in text, path.name
    for path in sorted((package / "data").rglob("[a-z]*.py")):
        name = path.name if path.parent.name == "data" else path.stem
        assert f"`{name}`" in text or f"/{name}`" in text, path


def test_no_module_grows_beyond_what_a_reader_holds():
    """About 400 lines, as the design has it."""
    for path in sorted((ROOT / "tutorial_utils").rglob("*.py")):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 420, f"{path.relative_to(ROOT)} has {lines} lines: split it by subject"
