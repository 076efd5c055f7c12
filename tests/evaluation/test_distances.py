import numpy as np
import pytest
from helpers import noise

from tutorial_utils.evaluation import log_spectral_distance, spectral_convergence


def test_the_same_sound_is_at_no_distance_whatever_its_sign(random):
    sound = noise(random)
    assert np.isneginf(spectral_convergence(sound, sound))
    assert log_spectral_distance(sound, sound) == 0
    assert spectral_convergence(sound, -sound) < -100
    assert log_spectral_distance(sound, -sound) < 1e-6


def test_a_gain_is_told_in_decibels(random):
    sound = noise(random)
    assert log_spectral_distance(sound, sound / 2) == pytest.approx(20 * np.log10(2), abs=1e-3)
    assert spectral_convergence(sound, sound / 2) == pytest.approx(-20 * np.log10(2), abs=1e-6)
    assert spectral_convergence(sound, 0 * sound) == pytest.approx(0)
    assert 50 < log_spectral_distance(sound, 0 * sound) < 100  # The floor limits it.


@pytest.mark.parametrize("distance", [spectral_convergence, log_spectral_distance])
def test_bad_input(random, distance):
    sound = noise(random)
    with pytest.raises(ValueError, match="silent"):
        distance(0 * sound, sound)
    with pytest.raises(ValueError, match="must be the same"):
        distance(sound, sound[:1])
