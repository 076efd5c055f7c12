"""One test for every break that is mended: each fails when its mend is taken out."""

import json
import shutil
import warnings

import librosa
import matplotlib
import numpy as np
import pytest
import torch

from tutorial_utils.compat import museval, nussl

matplotlib.use("agg")
import matplotlib.pyplot as plt

needs_sox = pytest.mark.skipif(shutil.which("sox") is None, reason="SoX is not installed")
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture
def axes():
    _, axes = plt.subplots()
    yield axes
    plt.close("all")


@pytest.fixture
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.filterwarnings("error")
        # NumPy would rather have no matrices, as DUET uses them.
        warnings.filterwarnings("ignore", category=PendingDeprecationWarning)
        yield


# SciPy and NumPy


def test_window_constants_have_their_names():
    assert nussl.constants.ALL_WINDOWS == [
        "hamming",
        "rectangular",
        "hann",
        "blackman",
        "triang",
        "sqrt_hann",
    ]


@pytest.mark.parametrize("window", [*nussl.constants.ALL_WINDOWS, "hanning"])
def test_every_window_reconstructs(mix, window):
    before = mix.audio_data.copy()
    mix.stft(256, 64, window)
    np.testing.assert_allclose(mix.istft(256, 64, window), before, atol=1e-9)


@pytest.mark.parametrize("approach", ["original", "local_std"])
def test_ft2d_warns_of_nothing(mix, approach, warnings_are_errors):
    nussl.separation.primitive.FT2D(mix, filter_approach=approach)()


def test_duet_smooths_its_histogram(mix, warnings_are_errors):
    duet = nussl.separation.spatial.Duet(mix, 3)
    duet()
    assert duet.normalized_attenuation_delay_histogram.shape == (50, 50)


# librosa and matplotlib


def test_resample(mix):
    tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    signal = nussl.AudioSignal(audio_data_array=tone, sample_rate=8000).resample(4000)
    assert signal.audio_data.shape == (1, 4000) and signal.sample_rate == 4000
    np.testing.assert_allclose(signal.audio_data[0, 200:-200], tone[400:-400:2], atol=0.01)


def test_rms_in_windows_reflects_at_the_ends(mix):
    expected = librosa.feature.rms(
        y=mix.audio_data, frame_length=512, hop_length=256, pad_mode="reflect"
    )
    np.testing.assert_allclose(mix.rms(win_len=512), expected[:, 0])


@pytest.mark.parametrize(("direction", "width"), [("forward", 20), ("backward", 129)])
def test_mel_projection(direction, width):
    layer = nussl.ml.networks.modules.MelProjection(8000, 129, 20, direction=direction)
    assert layer(torch.ones(1, 3, 149 - width, 1)).shape == (1, 3, width, 1)


@pytest.mark.parametrize("mono", [False, True])
def test_visualize_waveform(mix, axes, mono):
    nussl.utils.visualize_waveform(mix, do_mono=mono)
    drawn = axes.dataLim
    assert drawn.x1 == pytest.approx(mix.signal_duration, abs=0.1)
    assert drawn.y1 == pytest.approx(np.abs(mix.audio_data[0]).max(), rel=0.5)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Time", "Amplitude")


def test_visualize_sources_as_waveform(stems, axes):
    nussl.utils.visualize_sources_as_waveform(stems)
    labels = {text.get_text() for text in axes.get_legend().get_texts()}
    assert labels == set(stems)


@pytest.mark.parametrize("y_axis", ["linear", "log", "mel"])
def test_visualize_spectrogram(mix, axes, y_axis):
    nussl.utils.visualize_spectrogram(mix, y_axis=y_axis)
    assert len(axes.collections) == 1


@pytest.mark.parametrize(("y_axis", "scale"), [("linear", "linear"), ("mel", "symlog")])
def test_visualize_sources_as_masks(stems, axes, y_axis, scale):
    nussl.utils.visualize_sources_as_masks(stems, y_axis=y_axis)
    assert len(axes.images) == len(stems) and axes.get_yscale() == scale


# torch and Python


def test_checkpointed_convolutions_have_the_same_gradients(warnings_are_errors):
    def gradients(use_checkpointing):
        torch.manual_seed(0)
        stack = nussl.ml.networks.modules.ConvolutionalStack2D(
            1, [2, 1], [1, 1], [3, 3], [False, False], use_checkpointing=use_checkpointing
        )
        stack(torch.ones(1, 4, 5, 1)).square().sum().backward()
        return [parameter.grad for parameter in stack.parameters()]

    for ours, plain in zip(gradients(True), gradients(False), strict=True):
        torch.testing.assert_close(ours, plain)


def test_a_layer_without_source_can_be_registered():
    """As those that are written in a notebook."""
    layer = type("Doubled", (torch.nn.Module,), {"forward": lambda self, data: 2 * data})
    layer.__module__ = "__main__"
    nussl.ml.register_module(layer)
    config = {
        "name": "Doubling",
        "modules": {"mix_magnitude": {}, "doubled": {"class": "Doubled"}},
        "connections": [["doubled", ["mix_magnitude"]]],
        "output": ["doubled"],
    }
    model = nussl.ml.SeparationModel(config)
    assert model(mix_magnitude=torch.ones(2))["doubled"].tolist() == [2, 2]
    assert "No module snapshot" in config["modules"]["doubled"]["module_snapshot"]


# pandas and museval


def test_report_card_averages_the_numbers_and_skips_the_text(tmp_path):
    files = []
    for i, value in enumerate([1.0, 3.0]):
        scores = {"vocals": {"SDR": [value], "SIR": [10 * value]}, "permutation": [0]}
        files.append(tmp_path / f"{i}.json")
        files[-1].write_text(json.dumps(scores))
    table = nussl.evaluation.aggregate_score_files(files)
    card = nussl.evaluation.report_card(table, report_each_source=True).split()
    assert "VOCALS" in card and "+/-" in card and {"2.00", "1.41", "20.00"} <= set(card)


def scores_of(references, estimates, **options):
    def signals(arrays):
        return [nussl.AudioSignal(audio_data_array=a, sample_rate=8000) for a in arrays]

    evaluate = nussl.evaluation.BSSEvalScale
    return evaluate(signals(references), signals(estimates), **options).evaluate()


def test_a_silent_reference_has_no_score_and_leaves_the_others_theirs(warnings_are_errors):
    random = np.random.default_rng(0)
    references = random.uniform(-1, 1, (3, 2, 4000))
    references[1] = 0
    references[2, 0] = 0  # silent in one channel
    estimates = references + random.uniform(-0.1, 0.1, references.shape)
    scores = scores_of(references, estimates)
    alone = scores_of(references[[0, 2], 1:], estimates[[0, 2], 1:])
    for metric, values in scores["source_0"].items():
        assert np.isfinite(values).all()
        assert values[1] == pytest.approx(alone["source_0"][metric][0])
        assert np.isnan(scores["source_1"][metric]).all()
        assert np.isnan(scores["source_2"][metric][0])
        assert scores["source_2"][metric][1] == pytest.approx(alone["source_1"][metric][0])
    assert scores["source_0"]["SI-SDR"] == pytest.approx([20, 20], abs=1)


def test_the_best_permutation_is_found_beside_a_silent_reference():
    random = np.random.default_rng(0)
    references = random.uniform(-1, 1, (3, 1, 4000))
    references[0] = 0
    estimates = references + random.uniform(-0.1, 0.1, references.shape)
    scores = scores_of(references, estimates[[2, 1, 0]], compute_permutation=True)
    assert list(scores["permutation"]) == [2, 1, 0]
    assert scores["source_2"]["SI-SDR"] == pytest.approx([20], abs=1)


def test_museval_needs_no_ffmpeg(bare_machine, rng=np.random.default_rng(0)):  # noqa: B008
    references = rng.standard_normal((2, 4000, 1))
    estimates = references + 0.1 * rng.standard_normal((2, 4000, 1))
    sdr, *_ = museval.evaluate(references, estimates, win=4000, hop=4000)
    assert np.all(np.abs(sdr - 20) < 3)


# Programs that may be missing


@needs_sox
def test_sox_effects_stretch_and_shift(mix):
    frequency = np.argmax(np.abs(np.fft.rfft(mix.audio_data[1])))
    slow = mix.time_stretch(0.5).apply_effects()
    high = mix.pitch_shift(12).apply_effects()
    assert slow.signal_length == pytest.approx(2 * mix.signal_length, rel=0.01)
    assert np.argmax(np.abs(np.fft.rfft(high.audio_data[1]))) == pytest.approx(
        2 * frequency, rel=0.05
    )
    slow.audio_data *= 0.5  # soxbindings' arrays could be written to as well


FFMPEG_EFFECTS = {
    "low_pass": {"freq": 200},
    "high_pass": {"freq": 2000},
    "tremolo": {"mod_freq": 5, "mod_depth": 0.5},
    "vibrato": {"mod_freq": 5, "mod_depth": 0.5},
    "chorus": {"delays": [40], "decays": [0.4], "speeds": [0.9], "depths": [2]},
    "phaser": {},
    "flanger": {"depth": 5},
    "emphasis": {"level_in": 0.5, "level_out": 0.5},
    "compressor": {"level_in": 0.5},
    "equalizer": {"bands": [{"chn": [0, 1], "f": 440, "w": 100, "g": 10}]},
}


@needs_ffmpeg
@pytest.mark.parametrize("effect", FFMPEG_EFFECTS)
def test_ffmpeg_effects_change_the_sound_and_print_nothing(mix, effect, capfd):
    mix.apply_gain(0.5).make_effect(effect, **FFMPEG_EFFECTS[effect])
    changed = mix.apply_effects()
    n = min(changed.signal_length, mix.signal_length)
    difference = changed.audio_data[:, :n] - mix.audio_data[:, :n]
    assert np.abs(difference).max() > 0.01
    assert str(changed.effects_applied[0]).startswith(effect)
    assert capfd.readouterr() == ("", "")


def test_effects_use_files_that_windows_lets_ffmpeg_open():
    with nussl.core.effects.tempfile.NamedTemporaryFile() as file:
        pass
    with nussl.utils._close_temp_files([file]):
        assert open(file.name, "rb").close() is None
    with pytest.raises(FileNotFoundError):
        open(file.name, "rb")


def test_a_missing_program_is_named(mix, bare_machine):
    with pytest.raises(RuntimeError, match=r"needs sox, not found on the PATH"):
        mix.time_stretch(1.1).apply_effects()
    with pytest.raises(RuntimeError, match=r"effect of nussl's needs ffmpeg, not found"):
        mix.reset_effects_chain().low_pass(100).apply_effects()
    with pytest.raises(RuntimeError, match=r"musdb needs ffmpeg and ffprobe, not found"):
        nussl.datasets.MUSDB18("anywhere")
    assert "sox" in repr(nussl.core.effects.sox)


@needs_ffmpeg
def test_musdb_is_there_with_ffmpeg(mix, stems):
    track = nussl.utils.audio_signals_to_musdb_track(mix, stems, nussl.constants.STEM_TARGET_DICT)
    assert track.stems.shape == (4, mix.signal_length, 2)


@needs_ffmpeg
def test_embedded_audio_is_mp3_and_prints_nothing(mix, capfd):
    element = mix.embed_audio(display=False)
    assert element.src_attr().startswith("data:audio/mpeg;base64,")
    assert capfd.readouterr() == ("", "")


def test_embedded_audio_is_wav_without_ffmpeg(stems, bare_machine):
    page = nussl.play_utils.multitrack(stems, display=False).data
    assert page.count("data:audio/x-wav;base64,") + page.count("data:audio/wav;base64,") == 3
