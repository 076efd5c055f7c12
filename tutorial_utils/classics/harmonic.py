"""Steady sounds are horizontal lines of a spectrogram, and hits are vertical ones: by librosa."""

import librosa
import numpy as np


def hpss(audio, sample_rate):
    """Percussive and harmonic part, by medians along frequency and along time.

    D. FitzGerald, "Harmonic/percussive separation using median filtering", DAFx 2010.
    """
    harmonic, percussive = _parts(audio, 2048)
    return percussive, harmonic


def two_windows(audio, sample_rate):
    """The voice, which is percussive to a long window and harmonic to a short one.

    A voice is never as steady as an instrument: a window of a fifth of a second blurs its vibrato,
    so that it goes with the drums. Of both, a short window keeps what is steady for a moment.

    After H. Tachibana, T. Ono, N. Ono and S. Sagayama, "Melody line estimation in homophonic music
    audio signals based on temporal-variability of melodic source", ICASSP 2010, with medians.
    """
    _, unsteady = _parts(audio, 8192)
    voice, _ = _parts(unsteady, 1024)
    return voice, audio - voice


def _parts(audio, n_fft):
    """Harmonic and percussive part of (channels, samples)."""
    spectrogram = librosa.stft(np.asarray(audio), n_fft=n_fft, hop_length=n_fft // 4)
    return [
        librosa.istft(part, hop_length=n_fft // 4, length=audio.shape[1])
        for part in librosa.decompose.hpss(spectrogram)
    ]
