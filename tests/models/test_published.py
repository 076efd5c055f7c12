"""Published weights, from a server on this machine that has weights made by the tests."""

import functools
import hashlib
import http.server
import sys
import threading
import types
from dataclasses import replace
from typing import ClassVar

import pytest
import torch

import tutorial_utils as tu
from tutorial_utils import cli
from tutorial_utils.models import published

SMALL = {"hidden_size": 8, "n_fft": 256, "hop": 64, "max_bin": 100, "layers": 1}


@pytest.fixture
def original():
    """A model whose weights are published."""
    torch.manual_seed(0)
    return tu.models.build("OpenUnmix", labels=("vocals", "drums"), wiener_iterations=1, **SMALL)


@pytest.fixture
def server(tmp_path, monkeypatch, original):
    """The folder that is served; what is asked of it is noted in ``asked``."""
    folder = tmp_path / "served"
    folder.mkdir()
    names = {}
    for label, target in original.targets.items():
        state = target.state_dict()
        # As the original's, which also hold the windows of their transforms.
        torch.save({**state, "stft.window": torch.ones(256)}, folder / "new")
        digest = hashlib.sha256((folder / "new").read_bytes()).hexdigest()[:8]
        names[label] = f"{label}-{digest}.pth"
        (folder / "new").rename(folder / names[label])

    class Handler(http.server.SimpleHTTPRequestHandler):
        asked: ClassVar[list] = []

        def log_message(self, form, *args):
            self.asked.append(self.path)

    started = http.server.ThreadingHTTPServer(
        ("localhost", 0), functools.partial(Handler, directory=str(folder))
    )
    threading.Thread(target=started.serve_forever, daemon=True).start()
    address = f"http://localhost:{started.server_port}"
    known = replace(published.UNMIX["umxl"], address=address, files=names, settings=SMALL)
    monkeypatch.setitem(published.UNMIX, "umxl", known)
    monkeypatch.setenv("TUTORIAL_UTILS_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    yield folder, Handler.asked
    started.shutdown()
    started.server_close()


def test_downloaded_once_with_its_licence_told(server, original, capsys):
    folder, asked = server
    model = tu.models.load("OpenUnmix", weights="umxl")
    told = capsys.readouterr().err
    assert told.count("forbids commercial use") == 1
    mixture = torch.randn(1, 2, 5000)
    with torch.no_grad():
        assert torch.equal(model(mixture), original.eval()(mixture))
    assert len(asked) == 2
    tu.models.load("OpenUnmix", weights="umxl")
    assert len(asked) == 2 and "commercial" not in capsys.readouterr().err


def test_something_else_is_removed_and_can_be_downloaded_again(server, tmp_path):
    folder, _ = server
    path = next(folder.glob("vocals*"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(ValueError, match="was not what was published"):
        tu.models.load("OpenUnmix", weights="umxl")
    assert not [*(tmp_path / "home").rglob("vocals*")]
    path.write_bytes(whole)
    tu.models.load("OpenUnmix", weights="umxl")
    # Damaged on the reader's disk, too.
    (kept,) = (tmp_path / "home").rglob("vocals*")
    kept.write_bytes(whole[::-1])
    with pytest.raises(ValueError, match="removed; try again"):
        tu.models.load("OpenUnmix", weights="umxl")
    tu.models.load("OpenUnmix", weights="umxl")


def test_offline_it_says_where_to_put_the_file(server, tmp_path, monkeypatch, original):
    folder, _ = server
    known = replace(published.UNMIX["umxl"], address="http://localhost:9/none")
    monkeypatch.setitem(published.UNMIX, "umxl", known)
    with pytest.raises(OSError, match="put it into") as error:
        tu.models.load("OpenUnmix", weights="umxl")
    place = tmp_path / "home" / "weights" / "umxl"
    assert str(place) in str(error.value)
    for path in folder.iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    tu.models.load("OpenUnmix", weights="umxl")


def test_on_the_command_line(server, tmp_path, capsys):
    noise = torch.randn(2, 4000).mul(0.1).numpy()
    tu.audio.write(tmp_path / "song.wav", noise, 44100)
    command = ["separate", "umxl", str(tmp_path / "song.wav"), "--save", str(tmp_path / "stems")]
    assert cli.main(command) == 0
    stems = {path.stem for path in (tmp_path / "stems" / "song").glob("*.wav")}
    assert stems == {"vocals", "drums"}


def test_unsafe_files_are_refused(server, tmp_path):
    """A pickle that would run code is not run, even if its hash were right."""

    class Harm:
        def __reduce__(self):
            return (open, (str(tmp_path / "harm"), "w"))

    folder, _ = server
    torch.save({"fc1.weight": Harm()}, folder / "new")
    digest = hashlib.sha256((folder / "new").read_bytes()).hexdigest()[:8]
    (folder / "new").rename(folder / f"vocals-{digest}.pth")
    published.UNMIX["umxl"].files["vocals"] = f"vocals-{digest}.pth"
    with pytest.raises(Exception, match="Weights only load failed"):
        tu.models.load("OpenUnmix", weights="umxl")
    assert not (tmp_path / "harm").exists()


def test_settings_are_those_of_the_originals():
    for name, labels in (("umxhq", 4), ("umxl", 4), ("umxse", 2)):
        known = published.UNMIX[name]
        with torch.device("meta"):
            model = tu.models.build("OpenUnmix", labels=tuple(known.files), **known.settings)
        assert len(model.targets) == labels
        assert all(len(file.rpartition(".")[0][-8:]) == 8 for file in known.files.values())


def test_errors():
    with pytest.raises(ValueError, match="of OpenUnmix, not of Demucs"):
        tu.models.load("Demucs", weights="umxhq")
    with pytest.raises(ValueError, match="weights must be one of umxhq, umxl, umxse"):
        tu.models.load("OpenUnmix", weights="umxhd")


def test_without_demucs_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "demucs", None)
    with pytest.raises(ImportError, match="pip install"):
        tu.models.load("htdemucs")
    assert cli.main(["separate", "htdemucs", "song.wav", "--save", "out"]) == 2
    assert "pip install" in capsys.readouterr().err


def test_a_model_of_demucs_is_separated_with(monkeypatch):
    """A stand-in for the package: what is tested is the level, the shapes and the labels."""

    class Model(torch.nn.Module):
        sources, samplerate, audio_channels = ["drums", "vocals"], 44100, 2

    def apply_model(model, mix, shifts):
        assert mix.mean(1).std(1).sub(1).abs().max() < 1e-3 and mix.mean().abs() < 1e-5
        return torch.stack([0.25 * mix, 0.75 * mix], 1)

    def get_model(name):
        assert name == "hf://htdemucs"
        return Model()

    monkeypatch.setitem(sys.modules, "demucs", types.ModuleType("demucs"))
    for part, found in (("pretrained", get_model), ("apply", apply_model)):
        module = types.ModuleType(f"demucs.{part}")
        setattr(module, found.__name__, found)
        monkeypatch.setitem(sys.modules, f"demucs.{part}", module)
    model = tu.models.load("htdemucs")
    noise = 0.05 * torch.randn(2, 40000).numpy()
    estimates = tu.separate(model, noise, 44100)
    assert abs(estimates["drums"] - noise / 4).max() < 1e-4
    assert abs(estimates["vocals"] - 3 * noise / 4).max() < 1e-4
