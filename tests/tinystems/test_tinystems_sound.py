"""The instruments sound at the pitch, in the place and as long as they should."""

from itertools import pairwise

import numpy as np
import pytest

from tutorial_utils import tinystems
from tutorial_utils.tinystems import drums, dsp, keyboards, plucked, production, voice
from tutorial_utils.tinystems.composer import Note
from tutorial_utils.tinystems.dice import Dice
from tutorial_utils.tinystems.renderer import PLAYERS
from tutorial_utils.tinystems.settings import SETTINGS, draw_settings

RATE = dsp.SAMPLE_RATE


def mono(sound):
    return sound if sound.ndim == 1 else sound.mean(axis=0)


def fundamental(sound, low, high):
    """Pitch in Hz by autocorrelation, refined by a parabola."""
    spectrum = np.abs(np.fft.rfft(sound, 2 * len(sound))) ** 2
    correlation = np.fft.irfft(spectrum)[: len(sound)]
    first, last = int(RATE / high), int(RATE / low)
    at = first + np.argmax(correlation[first:last])
    left, middle, right = correlation[at - 1 : at + 2]
    return RATE / (at + 0.5 * (left - right) / (left - 2 * middle + right))


def cents(a, b):
    return 1200 * np.log2(a / b)


@pytest.mark.parametrize("frequency", [41.2, 110.0, 329.6, 987.8])
def test_a_string_is_in_tune_and_decays(frequency):
    burst = plucked.pluck_shape(frequency, 0.15, 0.5, 1.0, Dice("pluck"))
    sound = plucked.string(frequency, 2.0, burst, decay=0.8, damping=0.02)
    piece = sound[RATE // 10 : RATE // 2]
    assert abs(cents(fundamental(piece, frequency * 0.7, frequency * 1.4), frequency)) < 4
    early, late = (np.sqrt(np.mean(sound[a : a + RATE // 4] ** 2)) for a in (RATE // 4, RATE))
    fall = 0.75 / 0.8 * 8.686
    assert 20 * np.log10(early / late) == pytest.approx(fall, abs=2.5)


def test_high_partials_die_first_and_stiffness_raises_them():
    burst = plucked.pluck_shape(110.0, 0.13, 0.8, 1.0, Dice("pluck"))
    sound = plucked.string(110.0, 1.5, burst, decay=2.0, damping=2.0)
    shares = []
    for first in (2000, 40000):
        power = np.abs(np.fft.rfft(sound[first : first + 8192] * np.hanning(8192))) ** 2
        shares.append(power[200:].sum() / power.sum())  # above about 1 kHz
    assert shares[1] < 0.1 * shares[0]
    stiff = plucked.string(110.0, 1.5, burst, decay=2.0, damping=0.1, stiffness=1e-3)
    spectrum = np.abs(np.fft.rfft(stiff * np.hanning(len(stiff))))
    hertz = np.arange(len(spectrum)) * RATE / len(stiff)
    near = (hertz > 1100) & (hertz < 1210)
    tenth = hertz[near][np.argmax(spectrum[near])]
    assert tenth == pytest.approx(1100 * np.sqrt(1 + 1e-3 * 100), rel=0.003)


@pytest.mark.parametrize("instrument", sorted(PLAYERS))
def test_every_instrument_plays_in_tune_and_on_time(instrument):
    dice = Dice("test", instrument)
    settings = draw_settings(instrument, dice) | {"vibrato": 0.0, "drive": 0.1}
    notes = [Note(0.5, 0.8, 57, 0.8)]
    sound = PLAYERS[instrument](notes, settings, 2 * RATE, dice)
    assert sound.shape in ((2 * RATE,), (2, 2 * RATE)) and np.isfinite(sound).all()
    heard = mono(sound)
    assert np.abs(heard[: int(0.45 * RATE)]).max() < 0.02 * np.abs(heard).max()
    assert np.abs(heard[int(0.5 * RATE) : int(0.8 * RATE)]).max() > 0.3 * np.abs(heard).max()
    piece = heard[int(0.7 * RATE) : int(1.1 * RATE)]
    pitch = fundamental(piece, 85, 500)
    octave = 2.0 ** np.round(np.log2(pitch / 220.0))
    assert abs(cents(pitch / octave, 220.0)) < 25


def test_the_bass_players():
    for instrument, play in (("picked bass", plucked.bass), ("synth bass", keyboards.synth_bass)):
        dice = Dice("test", instrument)
        sound = play([Note(0.1, 0.8, 33, 0.9)], draw_settings(instrument, dice), RATE, dice)
        assert abs(cents(fundamental(sound[RATE // 5 : RATE * 4 // 5], 40, 80), 55.0)) < 10


def test_every_knob_belongs_to_a_known_instrument_and_wide_settings_play():
    played = set(PLAYERS) | {"picked bass", "fingered bass", "synth bass", "voice"}
    played |= {"backing voice", "acoustic kit", "electronic kit", "mix"}
    assert set(SETTINGS) == played


@pytest.mark.parametrize("piece", sorted(drums.LEVELS))
@pytest.mark.parametrize("electronic", [False, True])
def test_drums_start_at_once_and_die_away(piece, electronic):
    dice = Dice("kit", piece)
    settings = draw_settings("acoustic kit", dice)
    sound = drums.stroke(piece, 0.9, settings, dice, electronic)
    soft = drums.stroke(piece, 0.3, settings, Dice("kit", piece), electronic)
    assert np.isfinite(sound).all() and np.abs(sound).max() > 0.05
    loudest = np.argmax(np.convolve(sound**2, np.ones(200), "same"))
    assert loudest < 0.08 * RATE
    tail = np.abs(sound[-len(sound) // 10 :]).max()
    assert tail < 0.25 * np.abs(sound).max()
    assert np.mean(soft**2) < np.mean(sound**2)


def test_pieces_of_the_kit_have_spectra_of_their_own():
    dice = Dice("kit")
    settings = draw_settings("acoustic kit", dice)

    def centroid(piece):
        spectrum = np.abs(np.fft.rfft(drums.stroke(piece, 0.9, settings, dice, False))) ** 2
        return (
            spectrum * np.fft.rfftfreq(2 * len(spectrum) - 2, 1 / RATE)[: len(spectrum)]
        ).sum() / (spectrum.sum())

    order = [centroid(piece) for piece in ("kick", "low tom", "snare", "hat")]
    assert order == sorted(order)
    assert order[0] < 200 and order[3] > 4000


def sing(text, pitch=50, **changes):
    dice = Dice("singer", text)
    settings = draw_settings("voice", dice) | {"vibrato": 0.0, "tract": 0.0, "breath": 0.2}
    return voice.sing([Note(0.3, 1.0, pitch, 0.9, text)], settings | changes, 2 * RATE, dice)


def test_vowels_differ_by_their_formants():
    def bands(vowel):
        sound = sing(vowel, pitch=41)[RATE // 2 : RATE]
        power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
        hertz = np.arange(len(power)) * RATE / len(sound)
        centres = 270, 730, 1090, 2290  # the first two formants of IY, and those of AA
        return [power[(hertz > f * 0.85) & (hertz < f * 1.15)].max() for f in centres]

    low, open_, back, front = np.array(bands("IY")) / bands("AA")
    assert low > 10 * open_  # the first formant
    assert front > 10 * back  # the second


def test_the_singer_is_in_tune():
    piece = sing("AH", pitch=57, glide=0.04)[int(0.7 * RATE) : int(1.2 * RATE)]
    assert abs(cents(fundamental(piece, 150, 300), 220.0)) < 45


def test_consonants_come_before_the_beat_and_hiss():
    hiss = sing("S AA")[int(0.2 * RATE) : int(0.28 * RATE)]
    spectrum = np.abs(np.fft.rfft(hiss)) ** 2
    hertz = np.fft.rfftfreq(len(hiss), 1 / RATE)
    assert spectrum[hertz > 3500].sum() > 5 * spectrum[hertz < 3500].sum()


def test_sounds_follow_one_another():
    notes = [Note(0.5, 0.5, 60, 0.8, "S T AY"), Note(1.0, 0.5, 62, 0.8, "N AH T")]
    plan = voice.lay_out(notes)
    assert [symbol for _, _, symbol, _ in plan] == ["S", "T", "AY", "N", "AH", "T"]
    assert [plan[2][0], plan[4][0]] == [0.5, 1.0]
    for (_, end, *_), (start, *_) in pairwise(plan):
        assert end <= start + 1e-9


def test_the_limiter_holds_the_ceiling_and_changes_nothing_quiet():
    loud = Dice("noise").noise(2, RATE) * 0.2
    loud[:, 1000] = 3.0
    curve = production.limiter_gain(loud)
    assert np.abs(loud * curve).max() <= 0.97 + 1e-6
    assert np.all(production.limiter_gain(loud.clip(-0.9, 0.9)) == 1.0)


def test_the_compressor_evens_out_levels():
    t = np.arange(RATE) / RATE
    tone = (np.sin(2 * np.pi * 220 * t) * np.where(t < 0.5, 1.0, 0.25)).astype(np.float32)
    out = dsp.compress(tone, -20, 4)
    before, after = (x[RATE // 4 : RATE // 2].std() / x[3 * RATE // 4 :].std() for x in (tone, out))
    assert before == pytest.approx(4, rel=0.02) and after < 2


def test_equaliser_bells_and_shelves_do_what_they_say():
    impulse = np.zeros(RATE, dtype=np.float32)
    impulse[0] = 1
    hertz = np.fft.rfftfreq(RATE, 1 / RATE)
    for section, at, wanted in (
        (dsp.peak(1000, 6, 1), 1000, 6),
        (dsp.shelf("low", 200, -4), 20, -4),
        (dsp.shelf("high", 4000, 5), 18000, 5),
    ):
        response = np.abs(np.fft.rfft(dsp.equalise(impulse, section)))
        assert 20 * np.log10(response[np.argmin(np.abs(hertz - at))]) == pytest.approx(
            wanted, abs=0.3
        )


def test_stems_are_balanced_and_a_part_without_notes_is_silent():
    score = tinystems.compose(0, "train", 1, 3.0)
    score.parts = [part for part in score.parts if part.stem != "vocals"]
    audio = tinystems.render(score)
    assert not audio["vocals"].any() and audio["drums"].any()
    assert np.array_equal(audio["mixture"], audio["drums"] + audio["bass"] + audio["other"])
