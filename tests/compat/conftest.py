import numpy as np
import pytest

from tutorial_utils.compat import nussl

RATE = 8000


def _stems(seconds=2.0):
    """A kick every half second, a bass note and a voice that pauses, panned apart."""
    rng = np.random.default_rng(0)
    time = np.arange(int(seconds * RATE)) / RATE
    drums = np.exp(-(time % 0.5) / 0.03) * rng.standard_normal(time.size)
    bass = np.sign(np.sin(2 * np.pi * 55 * time))
    voice = np.sin(2 * np.pi * 440 * time + 3 * np.sin(2 * np.pi * 5 * time)) * (time % 1 < 0.6)
    for mono, angle in ((drums, 0.2), (bass, 0.8), (voice, 1.3)):
        yield 0.3 * np.stack([mono * np.cos(angle), mono * np.sin(angle)])


@pytest.fixture
def stems():
    """Three stereo stems, as nussl's signals."""
    signals = {}
    for name, audio in zip(("drums", "bass", "vocals"), _stems(), strict=True):
        signals[name] = nussl.AudioSignal(audio_data_array=audio, sample_rate=RATE, label=name)
        signals[name].path_to_input_file = name
    return signals


@pytest.fixture
def mix(stems):
    return sum(stems.values())


@pytest.fixture
def folder_of_stems(stems, tmp_path):
    """Two excerpts of the stems in mono, in the layout of nussl's MixSourceFolder."""
    for name, signal in stems.items():
        (tmp_path / "stems" / name).mkdir(parents=True)
        for i in range(2):
            excerpt = nussl.AudioSignal(
                audio_data_array=0.5 * signal.audio_data[:1, i * RATE : (i + 1) * RATE],
                sample_rate=RATE,
            )
            excerpt.write_audio_to_file(str(tmp_path / "stems" / name / f"{i}.wav"))
    return str(tmp_path / "stems")


@pytest.fixture
def bare_machine(tmp_path, monkeypatch):
    """No program at all on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
