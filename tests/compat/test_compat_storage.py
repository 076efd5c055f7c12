"""nussl's files: models and caches can be written and read back, and hold no surprises."""

import json
import os
import pathlib
import pickle

import jams
import numpy as np
import pytest
import torch

from tutorial_utils.compat import nussl

transforms = nussl.datasets.transforms
SeparationModel = nussl.ml.SeparationModel


class OwnTransform:
    """A transform that the file's author wrote and nussl does not know."""

    def __call__(self, data):
        return data


class Malicious:
    """Pickled, it calls `function` when unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.fixture
def model():
    config = nussl.ml.networks.builders.build_recurrent_mask_inference(
        num_features=5,
        hidden_size=2,
        num_layers=1,
        bidirectional=False,
        dropout=0.0,
        num_sources=2,
        mask_activation="sigmoid",
    )
    return SeparationModel(config)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "some.model.pth")


@pytest.fixture
def dataset(folder_of_stems):
    def make(*steps, **kwargs):
        return nussl.datasets.MixSourceFolder(
            folder_of_stems, make_mix=True, transform=transforms.Compose(list(steps)), **kwargs
        )

    return make


# Models


def test_model_comes_back_with_its_weights_and_metadata(model, dataset, path, tmp_path):
    cache = transforms.Cache(str(tmp_path / "cache"))
    data = dataset(transforms.SumSources([["drums", "bass"]]), transforms.GetAudio(), cache)
    scores = nussl.evaluation.aggregate_score_files([_score_file(tmp_path)])
    nussl.evaluation.associate_metrics(model, scores, data)  # with NumPy's numbers
    model.save(path, train_data=data, val_data=data)
    loaded, metadata = SeparationModel.load(path)
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], weight)
    assert metadata["stft_params"] == data.stft_params
    assert metadata["evaluation"]["SNR"]["mean"] == 2
    steps = metadata["train_dataset"]["transforms"].transforms
    assert [type(step) for step in steps] == [transforms.SumSources, transforms.GetAudio]


def _score_file(folder):
    file = folder / "score.json"
    file.write_text('{"vocals": {"SNR": [1.0, 2.0, 3.0]}}', encoding="utf-8")
    return file


def test_every_transform_of_nussl_can_be_loaded(model, path, tmp_path):
    own = [
        transforms.SumSources([["a"]]),
        transforms.LabelsToOneHot(),
        transforms.MagnitudeSpectrumApproximation(),
        transforms.MagnitudeWeights(),
        transforms.PhaseSensitiveSpectrumApproximation(),
        transforms.IndexSources("mix", 0),
        transforms.GetExcerpt(4),
        transforms.GetAudio(),
        transforms.ToSeparationModel(),
    ]
    evaluated_on = transforms.Cache(str(tmp_path / "cache"), overwrite=True)
    evaluated_on({"index": 0})
    model.metadata["test_dataset"] = {"transforms": evaluated_on}  # as associate_metrics does
    model.save(path, metadata={"transforms": transforms.Compose(own)})
    loaded = SeparationModel.load(path)[1]["train_dataset"]["transforms"].transforms
    assert [type(step) for step in loaded] == [type(step) for step in own]
    assert [vars(step) for step in loaded] == [vars(step) for step in own]
    assert (tmp_path / "cache" / "0.pt").exists()


def test_model_saved_under_numpy_1_loads(model, path):
    """NumPy 2 renamed the module from which its numbers and arrays are pickled."""
    numbers = [np.float64(1.5), np.arange(3)]
    model.save(path, metadata={"transforms": transforms.Compose(numbers)})
    contents = pathlib.Path(path).read_bytes()
    assert b"numpy._core.multiarray" in contents
    torch.save(torch.load(path, weights_only=False), path, pickle_module=_NumPy1)
    assert b"numpy._core.multiarray" not in pathlib.Path(path).read_bytes()
    loaded = SeparationModel.load(path)[1]["train_dataset"]["transforms"].transforms
    assert loaded[0] == 1.5 and loaded[1].tolist() == [0, 1, 2]


class _NumPy1:
    """A pickle module that writes NumPy's names as NumPy 1 had them."""

    class Pickler(pickle._Pickler):
        def save_global(self, value, name=None):
            if getattr(value, "__module__", None) == "numpy._core.multiarray":
                self.write(b"cnumpy.core.multiarray\n" + value.__name__.encode() + b"\n")
                self.memoize(value)
            else:
                super().save_global(value, name)

        dispatch = {**pickle._Pickler.dispatch, type(np.zeros(0).__reduce__()[0]): save_global}  # noqa: RUF012


@pytest.mark.parametrize("config_in", ["metadata", "model"])
def test_model_of_a_nussl_that_did_not_save_its_version(model, path, config_in):
    model.save(path)
    saved = torch.load(path, weights_only=False)
    assert saved["metadata"].pop("nussl_version") == nussl.__version__
    saved.pop("nussl_version", None)
    if config_in == "model":
        saved["config"] = json.dumps(saved["metadata"].pop("config"))
    torch.save(saved, path)
    loaded, metadata = SeparationModel.load(path)
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], weight)
    assert metadata["nussl_version"] == "UNAVAILABLE"


def test_the_version_of_a_model_is_kept(model, path):
    model.save(path)
    saved = torch.load(path, weights_only=False)
    saved["nussl_version"] = saved["metadata"].pop("nussl_version")  # its place in nussl 1.0
    torch.save(saved, path)
    assert SeparationModel.load(path)[1]["nussl_version"] == nussl.__version__


def test_malicious_model_is_refused_and_nothing_runs(path, tmp_path):
    (tmp_path / "precious").mkdir()
    target, precious = str(tmp_path / "target"), str(tmp_path / "precious")
    calls = [
        Malicious(os.system, f"echo > {target}"),
        Malicious(eval, f"open({target!r}, 'w')"),
        Malicious(open, target, "w"),
        Malicious(getattr, "text", "join"),
        Malicious(transforms.Cache, precious, 1, True),  # which is how nussl clears a folder
        Malicious(nussl.AudioSignal, target),
    ]
    for call in calls:
        torch.save({"state_dict": {}, "metadata": {"transforms": call}}, path)
        with pytest.raises(pickle.UnpicklingError, match=r"some\.model\.pth was not loaded"):
            SeparationModel.load(path)
    assert not os.path.exists(target) and os.path.exists(precious)


def test_a_class_of_ones_own_loads_when_one_says_so(model, path):
    model.save(path, metadata={"transforms": transforms.Compose([OwnTransform()])})
    with pytest.raises(pickle.UnpicklingError, match=r"OwnTransform.*safe_globals"):
        SeparationModel.load(path)
    with torch.serialization.safe_globals([OwnTransform]):
        _, metadata = SeparationModel.load(path)
    assert isinstance(metadata["train_dataset"]["transforms"].transforms[0], OwnTransform)


def test_what_others_declared_safe_stays_so(model, path):
    model.save(path, metadata={"stft_params": nussl.STFTParams(8, 2)})
    with torch.serialization.safe_globals([nussl.STFTParams]):
        before = set(torch.serialization.get_safe_globals())
        SeparationModel.load(path)
        assert set(torch.serialization.get_safe_globals()) == before


# Caches


def test_cache_is_written_and_read_back(dataset, tmp_path):
    cache = transforms.Cache(str(tmp_path / "cache"))
    steps = [transforms.MagnitudeSpectrumApproximation(), transforms.ToSeparationModel(), cache]
    data = dataset(*steps, transforms.GetExcerpt(5))
    nussl.ml.train.cache_dataset(data)
    assert data.cache_populated and cache.info.startswith("2 items")
    data.process_item = None  # from here on, only the cache can answer
    assert data[1]["mix_magnitude"].shape[0] == 5
    again = dataset(transforms.Cache(str(tmp_path / "cache")), cache_populated=True)
    torch.testing.assert_close(
        again[0]["mix_magnitude"].sum(), cache({"index": 0})["mix_magnitude"].sum()
    )


def test_cache_keeps_signals_and_annotations(dataset, tmp_path):
    class Annotate:
        def __call__(self, data):
            annotation = jams.Annotation(namespace="scaper", duration=1.0)
            annotation.append(time=0.0, duration=1.0, value={"label": "drums"}, confidence=1.0)
            data["metadata"]["scaper"] = jams.JAMS(annotations=[annotation])
            return data

    data = dataset(Annotate(), transforms.Cache(str(tmp_path / "cache")))
    written = data[0]
    data.cache_populated = True
    assert data[0] == written and isinstance(data[0]["mix"], nussl.AudioSignal)
    assert isinstance(data[0]["metadata"]["scaper"], jams.JAMS)


def test_cache_says_when_an_item_is_missing(dataset, tmp_path):
    data = dataset(transforms.Cache(str(tmp_path / "cache")))
    data[0]
    data.cache_populated = True
    with pytest.raises(transforms.TransformException, match="index 1"):
        data[1]


def test_cache_from_a_stranger_is_refused(tmp_path):
    (tmp_path / "cache").mkdir()
    target = tmp_path / "target"
    torch.save({"index": Malicious(open, str(target), "w")}, tmp_path / "cache" / "0.pt")
    with pytest.raises(pickle.UnpicklingError, match=r"0\.pt was not loaded"):
        transforms.Cache(str(tmp_path / "cache"))({"index": 0})
    assert not target.exists()


def test_interrupted_write_leaves_the_item_as_it_was(tmp_path):
    cache = transforms.Cache(str(tmp_path / "cache"), overwrite=True)
    cache({"index": 0, "value": 1})
    with pytest.raises(AttributeError):
        cache({"index": 0, "value": lambda: "functions cannot be pickled"})
    assert os.listdir(tmp_path / "cache") == ["0.pt"]
    cache.overwrite = False
    assert cache({"index": 0})["value"] == 1
