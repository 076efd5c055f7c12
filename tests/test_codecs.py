"""Codecs give back nearly what they were given, of the same length and at the same place."""

import shutil

import numpy as np
import pytest
import scipy.signal

from tutorial_utils import codecs, measures
from tutorial_utils.audio import AudioError

RATE = 44100
TIME = np.arange(2 * RATE) / RATE


def music(channels=2):
    """A tone with harmonics, and noise that is switched on and off."""
    random = np.random.default_rng(0)
    tone = sum(np.sin(2 * np.pi * 220 * k * TIME) / k for k in range(1, 20))
    hits = random.normal(size=(channels, len(TIME))) * (TIME % 0.5 < 0.05)
    return (0.1 * (tone + hits)).astype(np.float32)


needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
each_codec = pytest.mark.parametrize(
    "codec", [codecs.mp3, codecs.vorbis, pytest.param(codecs.aac, marks=needs_ffmpeg)]
)


@each_codec
@pytest.mark.parametrize("channels", [1, 2])
def test_what_comes_back_is_close_and_in_place(codec, channels):
    sent = music(channels)
    back, kbits = codec(sent, RATE)
    assert back.shape == sent.shape and back.dtype == np.float32
    assert measures.decibels(back - sent, sent) < -10
    assert 20 < kbits < 500
    lags = scipy.signal.correlate(back[0], sent[0])
    assert np.argmax(lags) == sent.shape[1] - 1  # no delay


@pytest.mark.parametrize("codec", [codecs.mp3, codecs.vorbis])
def test_better_quality_takes_more_and_loses_less(codec):
    sent = music()
    low, high = codec(sent, RATE, 0.1), codec(sent, RATE, 1.0)
    assert low.kbits < high.kbits
    assert measures.decibels(low.audio - sent, sent) > measures.decibels(high.audio - sent, sent)


@needs_ffmpeg
def test_aac_aims_at_the_bit_rate():
    noise = np.random.default_rng(0).normal(0, 0.1, (2, len(TIME))).astype(np.float32)
    assert codecs.aac(noise, RATE, 128).kbits == pytest.approx(128, rel=0.1)
    assert codecs.aac(noise, RATE).kbits == pytest.approx(256, rel=0.1)


def test_the_sum_of_coded_sounds_is_not_the_coded_sum():
    """Each sound is coded on its own; see the chapter on MUSDB18."""
    random = np.random.default_rng(1)
    stems = [music(), 0.05 * random.normal(size=(2, len(TIME)))]
    mixture = sum(stems)
    apart = codecs.mp3(mixture, RATE).audio - sum(codecs.mp3(stem, RATE).audio for stem in stems)
    assert -40 < measures.decibels(apart, mixture) < -5


@pytest.mark.parametrize("edge", [9000, 12000, 16000])
def test_a_cliff_is_found_where_it_is(edge):
    noise = np.random.default_rng(0).normal(0, 0.1, (2, RATE))
    place, drop = codecs.cliff(noise, RATE)
    assert drop < 6
    wall = scipy.signal.ellip(12, 0.1, 80, edge, fs=RATE, output="sos")
    place, drop = codecs.cliff(scipy.signal.sosfilt(wall, noise), RATE)
    assert place == pytest.approx(edge, abs=500) and drop > 50


def test_mp3_of_low_quality_leaves_a_cliff():
    noise = np.random.default_rng(0).normal(0, 0.1, (2, RATE)).astype(np.float32)
    _, before = codecs.cliff(noise, RATE)
    place, after = codecs.cliff(codecs.mp3(noise, RATE, 0.4).audio, RATE)
    assert after > before + 20 and 12000 < place < 21000


def test_errors_say_what_to_do(monkeypatch):
    with pytest.raises(AudioError, match="between 0 and 1"):
        codecs.mp3(music(), RATE, quality=7)
    with pytest.raises(AudioError, match="3 channels"):
        codecs.mp3(music(3), RATE)
    with pytest.raises(AudioError, match="12345 Hz"):
        codecs.mp3(music(), 12345)
    with pytest.raises(AudioError, match="no samples"):
        codecs.vorbis(np.zeros((2, 0)), RATE)
    with pytest.raises(AudioError, match="4096 samples"):
        codecs.cliff(music()[:, :100], RATE)
    with pytest.raises(AudioError, match="nothing above 8000 Hz"):
        codecs.cliff(music(), 16000)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AudioError, match="needs the program ffmpeg"):
        codecs.aac(music(), RATE)


@needs_ffmpeg
def test_a_refusal_of_ffmpeg_is_passed_on():
    with pytest.raises(AudioError, match="ffmpeg failed"):
        codecs.aac(music(), RATE, kbits=-1)
