"""Run by test_compat_scope in a Python of its own: what changes when nussl and Scaper are used?"""

import importlib
import json
import logging
import shutil
import sys
import warnings

# What nussl and Scaper use, and might leave marks on.
LIBRARIES = """
    numpy scipy scipy.signal scipy.ndimage scipy.io.wavfile librosa librosa.display librosa.feature
    librosa.filters torch torch.utils torch.utils.data torch.utils.checkpoint torch.serialization
    torch.utils.tensorboard zarr numcodecs numcodecs.blosc ignite ignite.engine ignite.handlers
    ignite.metrics matplotlib matplotlib.pyplot pandas sklearn sklearn.decomposition
    sklearn.preprocessing gpytorch norbert jams pyloudnorm soundfile audioread ffmpeg ffmpy
    termtables tqdm yaml six importlib_resources IPython builtins importlib importlib.machinery
    inspect logging pickle subprocess tempfile warnings
""".split()
LIBRARIES += ["museval", "musdb"] if shutil.which("ffmpeg") else []  # cannot be imported without
LIBRARIES += ["sox"] if shutil.which("sox") else []  # prints a warning without

modules = {name: importlib.import_module(name) for name in LIBRARIES}
librosa, np, scipy, torch, zarr = map(modules.get, "librosa numpy scipy torch zarr".split())


def global_state():
    root = logging.getLogger()
    return {
        "import": [sys.meta_path[:], sys.path_hooks[:], sys.path[:]],
        "warnings": [warnings.filters[:], warnings.showwarning],
        "logging": [root.level, root.handlers[:], root.manager.disable],
        "matplotlib": dict(modules["matplotlib"].rcParams),
        "numpy": [np.geterr(), np.get_printoptions()],
        "torch": [torch.get_default_dtype(), torch.is_grad_enabled()],
        "safe globals of torch": sorted(map(str, torch.serialization.get_safe_globals())),
        "threads of numcodecs": modules["numcodecs.blosc"].use_threads,
    }


def use_nussl_and_scaper(folder):
    from tutorial_utils.compat import nussl, scaper

    signal = nussl.AudioSignal(audio_data_array=np.random.randn(2, 8000), sample_rate=8000)
    nussl.separation.composite.OverlapAdd(nussl.separation.primitive.FT2D(signal), 0.5)()
    nussl.separation.spatial.Duet(signal, 2)()
    nussl.utils.visualize_waveform(signal.resample(4000))
    nussl.datasets.transforms.Cache(f"{folder}/cache", overwrite=True)({"index": 0})
    scaper.Scaper(1.0, folder, folder).generate(no_audio=True)
    config = nussl.ml.networks.builders.build_recurrent_mask_inference(
        num_features=5,
        hidden_size=2,
        num_layers=1,
        bidirectional=False,
        dropout=0.0,
        num_sources=2,
        mask_activation="sigmoid",
    )
    path = f"{folder}/model.pth"
    metadata = {"stft_params": nussl.STFTParams(8, 2)}
    nussl.ml.SeparationModel(config).save(path, metadata=metadata)
    nussl.ml.SeparationModel.load(path)
    return nussl, scaper, path


def refusals(path):
    """The libraries' answer to what nussl and Scaper ask, when anybody else asks."""
    audio = np.zeros(4410, np.float32)
    requests = {
        "resample": lambda: librosa.resample(audio, 44100, 22050),
        "rms": lambda: librosa.feature.rms(audio),
        "mel": lambda: librosa.filters.mel(22050, 512),
        "waveplot": lambda: librosa.display.waveplot(audio),
        "hamming": lambda: scipy.signal.hamming(8),
        "hanning": lambda: scipy.signal.get_window("hanning", 8),
        "Inf": lambda: np.Inf,
        "mat": lambda: np.mat([1]),
        "ThreadSynchronizer": lambda: zarr.ThreadSynchronizer(),
        "load": lambda: torch.load(path),
    }
    answers = {}
    for name, request in requests.items():
        try:
            answers[name] = str(request())
        except Exception as error:
            answers[name] = type(error).__name__
    return answers


modules["matplotlib.pyplot"].figure()  # chooses a backend, which is a change too
modules["numcodecs.blosc"].use_threads = None
state_before = global_state()
names_before = {name: dict(vars(module)) for name, module in modules.items()}

nussl, scaper, path = use_nussl_and_scaper(sys.argv[1])

changes = [
    f"{key}: {value} instead of {state_before[key]}"
    for key, value in global_state().items()
    if value != state_before[key]
]
changes += [
    f"{name}.{key}: {vars(modules[name]).get(key)} instead of {value}"
    for name, before in names_before.items()
    for key, value in before.items()
    if vars(modules[name]).get(key) is not value
]
plainly = [importlib.import_module("nussl") is nussl, importlib.import_module("scaper") is scaper]
print(json.dumps({"changes": changes, "refusals": refusals(path), "plain imports": plainly}))
