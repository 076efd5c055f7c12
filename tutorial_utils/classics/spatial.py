"""Sources stand at different places between two loudspeakers, and bins tell where."""

import librosa
import numpy as np

from tutorial_utils.audio import AudioError, resample
from tutorial_utils.classics.through_nussl import outputs

_N_FFT, _HOP = 4096, 1024
_HIGHEST = 22050  # Hz
_TINY = 1e-10


def centre(audio, sample_rate):
    """The voice is where both channels agree: a mask of how equal they are, in every bin."""
    left, right = librosa.stft(_stereo(audio), n_fft=_N_FFT, hop_length=_HOP)
    mask = 1 - np.abs(left - right) / (np.abs(left) + np.abs(right) + _TINY)
    voice = librosa.istft(mask**2 * np.stack([left, right]), hop_length=_HOP, length=audio.shape[1])
    return voice, audio - voice


def duet(audio, sample_rate):
    """DUET: peaks of a histogram of level and time differences are sources.

    Ö. Yılmaz and S. Rickard, "Blind separation of speech mixtures via time-frequency masking", IEEE
    Transactions on Signal Processing 52(7), 2004. Of what it finds, what stands nearest to the
    middle is taken for the voice.
    """
    voice = _nearest_to_the_middle(
        outputs("spatial.Duet", _stereo(audio), sample_rate, num_sources=3)
    )
    return voice, audio - voice


def projet(audio, sample_rate):
    """PROJET: sources of unknown places, fitted to projections of both channels, without delays.

    D. FitzGerald, A. Liutkus and R. Badeau, "PROJET -- spatial audio separation using projections",
    ICASSP 2016. What stands nearest to the middle is taken for the voice. The method is slow, so it
    is given no more than 22,050 samples per second; what is above their range goes with the
    accompaniment.
    """
    options = {
        "num_sources": 3,
        "num_iterations": 40,
        "location_set_delay": 1,
        "projection_set_delay": 1,
        "maximum_delay_in_samples": 0,
    }
    rate = min(sample_rate, _HIGHEST)
    given = resample(_stereo(audio), sample_rate, rate)
    # nussl draws its beginning from the generator that all share. It is left as it was.
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        voice = _nearest_to_the_middle(outputs("spatial.Projet", given, rate, **options))
    finally:
        np.random.set_state(before)  # noqa: NPY002
    voice = librosa.util.fix_length(resample(voice, rate, sample_rate), size=audio.shape[1])
    return voice, audio - voice


def _stereo(audio):
    if len(audio) != 2:
        raise AudioError(
            f"A spatial method compares two channels, and here are {len(audio)}. Of a recording in "
            "mono it can tell nothing."
        )
    return audio


def _nearest_to_the_middle(estimates):
    """The estimate whose channels are the most alike, among those that are not silent."""
    energies = np.array([float((one**2).sum()) for one in estimates])
    heard = [estimates[place] for place in np.flatnonzero(energies > 0.01 * energies.max())]
    differences = [((one[0] - one[1]) ** 2).sum() / (one**2).sum() for one in heard]
    return heard[int(np.argmin(differences))] if heard else estimates[0]
