import numpy as np
import pytest
import soundfile
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.audio import AudioError


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_what_is_written_is_read_again(tmp_path, random, suffix):
    samples = noise(random)
    path = audio.write(tmp_path / f"deep/er/a{suffix}", samples, RATE)
    read, rate = audio.read(path)
    assert rate == RATE and read.shape == samples.shape and read.dtype == np.float32
    assert np.abs(read - samples).max() <= 0.5 / 32768 + 1e-9


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("bits", [16, 24])
def test_every_step_of_the_range_is_written(tmp_path, random, suffix, bits):
    full = 2 ** (bits - 1)
    steps = random.integers(-full, full, (2, 1000))
    steps[0, :4] = -full, full - 1, 1, -1
    path = audio.write(tmp_path / f"a{suffix}", steps / full, RATE, bits)
    assert soundfile.info(path).subtype == f"PCM_{bits}"
    np.testing.assert_array_equal(audio.read(path)[0], (steps / full).astype(np.float32))
    between = np.array([[0.3, 0.7, -0.3, full]]) / full
    read, _ = audio.read(audio.write(path, between, RATE, bits))
    np.testing.assert_array_equal(read * full, [[0, 1, 0, full - 1]])


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(AudioError, match=r"a\.wav: can write 16 or 24 bits a sample, not 32"):
        audio.write(tmp_path / "a.wav", np.zeros((2, 10)), RATE, bits=32)
    with pytest.raises(AudioError, match=r"a\.flac: audio of 9 channels at 8000 Hz cannot"):
        audio.write(tmp_path / "a.flac", np.zeros((9, 10)), RATE)
    assert not [*tmp_path.iterdir()]


@settings(max_examples=30, deadline=None)
@given(start=st.floats(0, 1.5), duration=st.floats(0.01, 0.5))
def test_a_segment_is_that_part_of_the_whole(tmp_path_factory, start, duration):
    path = tmp_path_factory.getbasetemp() / "segments.wav"
    if not path.exists():
        audio.write(path, noise(np.random.default_rng(1)), RATE)
    whole, _ = audio.read(path)
    part, _ = audio.read(path, start, duration)
    first = round(start * RATE)
    np.testing.assert_array_equal(part, whole[:, first : first + round(duration * RATE)])


@pytest.mark.parametrize(
    "start, duration", [(-0.1, 1), (0, 2.1), (1.5, 1), (2.0, None), (3.0, 1), (0, 0)]
)
def test_a_segment_outside_the_file_is_refused(tmp_path, random, start, duration):
    path = audio.write(tmp_path / "a.wav", noise(random), RATE)
    with pytest.raises(AudioError, match=r"a\.wav.*does not lie within its 2\.000 s"):
        audio.read(path, start, duration)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.wav"):
        audio.read(tmp_path / "gone.wav")


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "empty.wav").touch()
    with pytest.raises(AudioError, match=r"empty\.wav is empty"):
        audio.read(tmp_path / "empty.wav")


def test_a_file_without_samples_is_named(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 2)), RATE)
    with pytest.raises(AudioError, match=r"none\.wav holds no samples"):
        audio.info(tmp_path / "none.wav")


def test_a_file_that_is_no_sound_is_named(tmp_path):
    (tmp_path / "text.wav").write_text("These are words.")
    with pytest.raises(AudioError, match=r"text\.wav cannot be read as sound"):
        audio.read(tmp_path / "text.wav")


@pytest.mark.parametrize("suffix", [".flac", ".ogg"])
def test_a_truncated_file_is_named(tmp_path, random, suffix):
    path = tmp_path / f"cut{suffix}"
    soundfile.write(path, noise(random, seconds=4).T, RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match=r"cut.*(truncated|cannot be read|within its)"):
        audio.read(path, 0, 3.9)


def test_nan_samples_are_found(tmp_path, random):
    samples = noise(random)
    samples[1, 100] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples.T, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"nan\.wav holds NaN.*channel 1 at sample 100"):
        audio.read(tmp_path / "nan.wav")


def test_a_write_that_fails_leaves_the_old_file(tmp_path, random):
    path = audio.write(tmp_path / "a.wav", noise(random), RATE)
    before = path.read_bytes()
    with pytest.raises(AudioError, match=r"peaks at 2\.000"):
        audio.write(path, np.full((2, 10), 2.0), RATE)
    with pytest.raises(AudioError, match="NaN"):
        audio.write(path, np.full((2, 10), np.nan), RATE)
    with pytest.raises(AudioError, match=r"can write \.wav, \.flac, not '\.aiff'"):
        audio.write(tmp_path / "a.aiff", noise(random), RATE)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.wav"]


def test_resampling_keeps_a_tone():
    time = np.arange(44100) / 44100
    tone = np.sin(2 * np.pi * 440 * time)
    there = audio.resample(tone, 44100, 16000)
    assert there.shape == (1, 16000) and there.dtype == np.float32
    wanted = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert np.abs(there[0] - wanted)[500:-500].max() < 1e-3


def test_loudness_of_a_known_tone():
    # BS.1770: a 997 Hz sine at full scale in one channel reads -3.01 LUFS.
    tone = np.sin(2 * np.pi * 997 * np.arange(48000 * 2) / 48000)
    assert audio.loudness(tone, 48000) == pytest.approx(-3.01, abs=0.05)
    assert audio.loudness(np.zeros((2, 48000)), 48000) == -np.inf
    with pytest.raises(AudioError, match=r"at least 0\.4 s"):
        audio.loudness(tone[:1000], 48000)


def test_swapped_axes_are_refused():
    with pytest.raises(AudioError, match=r"\(channels, samples\), not \(1000, 2\)"):
        audio.as_channels(np.zeros((1000, 2)))
