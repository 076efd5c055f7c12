"""Whatever a file or an array holds, documented errors are the only ones."""

import functools
import io

import numpy as np
import pytest
import soundfile
from helpers import RATE, noise
from hostile import numbers, sounds, texts
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tutorial_utils import audio, loudness
from tutorial_utils.audio import AudioError

FILES = {  # suffix: format, subtype
    "pcm.wav": ("WAV", "PCM_16"),
    "float.wav": ("WAV", "FLOAT"),
    "extensible.wav": ("WAVEX", "PCM_24"),
    "rf64.wav": ("RF64", "PCM_16"),
    "a.w64": ("W64", "PCM_16"),
    "a.aiff": ("AIFF", "PCM_16"),
    "a.au": ("AU", "PCM_16"),
    "a.caf": ("CAF", "PCM_16"),
    "a.flac": ("FLAC", "PCM_16"),
    "a.mp3": ("MP3", "MPEG_LAYER_III"),
    "vorbis.ogg": ("OGG", "VORBIS"),
    "opus.ogg": ("OGG", "OPUS"),
}
SUFFIXES = [".wav", ".flac", ".mp3", ".ogg", ".raw", ".txt", ""]


@functools.cache
def healthy(name):
    """The bytes of a file in which nothing is wrong."""
    form, subtype = FILES[name]
    sound = noise(np.random.default_rng(0), 0.3)
    file = io.BytesIO()
    if form == "MP3":
        soundfile.write(
            file, sound.T, RATE, format=form, bitrate_mode="VARIABLE", compression_level=0.3
        )
    else:
        soundfile.write(file, sound.T, RATE, format=form, subtype=subtype)
    return file.getvalue()


KINDS = ("change", "cut", "lose", "double", "zero", "empty", "nothing")
#: What happens to files: where, to how many bytes, and with which new ones.
damages = st.tuples(
    st.sampled_from(KINDS),
    st.integers(0, 80) | st.integers(0, 10_000),
    st.integers(1, 60),
    st.binary(min_size=1, max_size=9) | st.sampled_from([b"\xff" * 4, b"\xff" * 8]),
)


def damaged(data, kind, where, length, new):
    at = where % max(len(data), 1)
    match kind:
        case "change":
            return data[:at] + new + data[at + len(new) :]
        case "cut":
            return data[:at]
        case "lose":
            return data[:at] + data[at + length :]
        case "double":
            return data[: at + length] + data[at:]
        case "zero":
            return data[:at] + bytes(length) + data[at + length :]
        case "empty":
            return b""
    return data


def check_a_damaged_file(path, data):
    path.write_bytes(data)
    try:
        header = audio.info(path)
        assert header.samples > 0 and header.channels > 0 and header.sample_rate > 0
        whole, rate = audio.read(path)
        assert (rate, *whole.shape) == (header.sample_rate, header.channels, header.samples)
        assert np.isfinite(whole).all()
        with audio.opened(path) as sound:
            part = sound.read(header.samples // 3, 1 + header.samples // 3, integers=True)
        assert part.shape == (header.channels, 1 + header.samples // 3)
    except AudioError as error:
        assert path.name in str(error) and str(error).isprintable() and len(str(error)) < 1000


cases = given(
    name=st.sampled_from(sorted(FILES)),
    suffix=st.none() | st.sampled_from(SUFFIXES),
    damage=st.lists(damages, min_size=1, max_size=3),
)


def run(folder, name, suffix, damage):
    data = healthy(name)
    for one in damage:
        data = damaged(data, *one)
    stem, own = name.split(".")
    check_a_damaged_file(folder / f"{stem}{f'.{own}' if suffix is None else suffix}", data)


@cases
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_file_is_read_or_named(tmp_path_factory, name, suffix, damage):
    run(tmp_path_factory.getbasetemp(), name, suffix, damage)


@pytest.mark.slow
@cases
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_damaged_files_are_read_or_named(tmp_path_factory, name, suffix, damage):
    run(tmp_path_factory.getbasetemp(), name, suffix, damage)


@given(start=st.floats() | st.floats(-1, 1), duration=st.none() | st.floats() | st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_any_segment_is_read_or_refused(tmp_path_factory, start, duration):
    path = tmp_path_factory.getbasetemp() / "segments.wav"
    path.write_bytes(healthy("pcm.wav"))
    try:
        part, rate = audio.read(path, start, duration)
        expected = 0.3 - start if duration is None else duration
        assert 0 < part.shape[1] == pytest.approx(expected * rate, abs=1)
    except AudioError as error:
        assert "does not lie within" in str(error) and len(str(error)) < 500


@given(sound=sounds, rate=numbers, bits=numbers | st.sampled_from([16, 24]), name=texts)
@settings(max_examples=150, deadline=None)
def test_anything_is_written_and_read_again_or_refused(tmp_path_factory, sound, rate, bits, name):
    assume("/" not in name)
    folder = tmp_path_factory.getbasetemp() / "any"
    for suffix in (".wav", ".flac"):
        try:
            path = audio.write(folder / (name[:50] + suffix), sound, rate, bits)
        except (AudioError, OSError) as error:
            assert str(error).isprintable()
            continue
        read, _ = audio.read(path)
        np.testing.assert_allclose(read, np.atleast_2d(np.asarray(sound)), rtol=0, atol=2**-15)


@given(sound=sounds, rates=st.tuples(numbers, numbers))
@settings(max_examples=150, deadline=None)
def test_anything_is_resampled_or_refused(sound, rates):
    try:
        there = audio.resample(sound, *rates)
    except AudioError:
        return
    given = audio.as_channels(sound)
    assert there.dtype == np.float32 and len(there) == len(given)
    assert there.shape[1] == pytest.approx(given.shape[1] * rates[1] / rates[0], abs=1)


@given(sound=sounds, channels=st.integers(-2, 5))
@settings(max_examples=100, deadline=None)
def test_any_number_of_channels_is_made_or_refused(sound, channels):
    try:
        given = audio.as_channels(sound)
        made = audio.with_channels(given, channels)
    except AudioError:
        return
    assert made.shape == (channels, given.shape[1])


@given(sound=sounds, rate=numbers | st.sampled_from([4000, 4001, 96000]), longer=st.booleans())
@settings(max_examples=150, deadline=None)
def test_anything_has_a_loudness_or_is_refused(sound, rate, longer):
    try:
        if longer:
            sound = np.tile(audio.as_channels(sound), 3000)[:, :50_000]
        measured = audio.loudness(sound, rate)
    except AudioError:
        return
    assert measured == -np.inf or np.isfinite(measured)
    assert (measured == -np.inf) <= (np.abs(sound).max() < 1e-2)
    assert measured == loudness.integrated(audio.as_channels(sound), int(rate))
