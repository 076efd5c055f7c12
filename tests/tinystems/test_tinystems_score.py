"""The composer: notes that can be played, that fit the chords, and that never change."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import tinystems
from tutorial_utils.tinystems import theory
from tutorial_utils.tinystems.dice import Dice
from tutorial_utils.tinystems.lyrics import line
from tutorial_utils.tinystems.phonemes import CONSONANTS, DIPHTHONGS, VOWELS
from tutorial_utils.tinystems.titles import MAX_SONGS, title

RANGES = {"bass": (26, 62), "other": (28, 100), "vocals": (40, 88), "drums": (35, 82)}
HASHES = {
    (0, "train", 0): "e4b98af0281b9ec978875c1fc98eae8cc131cfd8a02b0044053a3626772e75ae",
    (0, "test", 7): "50136f7abd04cc8a95a807128daeca7980862219656171a35bef769390aaa121",
    (7, "train", 3): "c5d0ee6dbcc4e1de2b5dcc6fb6844e3cd33f21c814f79a74a58b62e910fe7322",
}


@pytest.mark.parametrize("which", HASHES, ids=str)
def test_the_notes_of_a_seed_never_change(which):
    assert tinystems.compose(*which).notes_hash() == HASHES[which]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from(["train", "test"]), st.integers(0, 324),
       st.floats(2, 60))  # fmt: skip
def test_every_score_can_be_played(seed, split, index, duration):
    score = tinystems.compose(seed, split, index, duration)
    assert score.parts
    for part in score.parts:
        low, high = RANGES[part.stem]
        starts = [note.start for note in part.notes]
        assert starts == sorted(starts)
        for note in part.notes:
            assert 0 <= note.start < duration and 0 < note.duration
            assert note.start + note.duration <= duration + 1e-3
            assert low <= note.pitch <= high and 0 < note.velocity <= 1
    assert json.loads(json.dumps(score.to_dict()))["notes_sha256"] == score.notes_hash()


def test_seeds_splits_and_songs_differ():
    which = [(0, "train", 0), (1, "train", 0), (0, "test", 0), (0, "train", 1)]
    assert len({tinystems.compose(*key).notes_hash() for key in which}) == 4


def test_ten_songs_hold_ten_styles_and_many_instruments():
    scores = [tinystems.compose(0, "train", index) for index in range(24)]
    assert len({score.style for score in scores[:10]}) == 10
    others = {part.instrument for score in scores for part in score.parts if part.stem == "other"}
    assert len(others) >= 8
    assert len({score.key for score in scores}) >= 6
    tempi = [score.tempo for score in scores]
    assert min(tempi) < 85 and max(tempi) > 130


def test_stems_fall_silent_as_in_real_songs():
    rests = {stem: 0 for stem in ("drums", "bass", "vocals")}
    for index in range(24):
        score = tinystems.compose(0, "train", index)
        for stem in rests:
            notes = [note for part in score.parts if part.stem == stem for note in part.notes]
            sounding = np.zeros(200)
            for note in notes:
                first = int(note.start * 10)
                sounding[first : max(first + 10, int((note.start + note.duration) * 10))] = 1
            rests[stem] += sounding.mean() < 0.93
    assert all(count >= 4 for count in rests.values()), rests


def test_the_bass_plays_the_root_when_the_chord_changes():
    hits = total = 0
    for index in range(20):
        score = tinystems.compose(0, "train", index)
        bass = next((part for part in score.parts if part.stem == "bass"), None)
        for chord in score.chords:
            root = next(
                i
                for i, n in reversed(list(enumerate(theory.PITCH_NAMES)))
                if chord["name"].startswith(n) and (len(n) == 2 or chord["name"][1:2] != "b")
            )
            near = [n for n in bass.notes if abs(n.start - chord["start"]) < 0.06] if bass else []
            total += len(near)
            hits += sum(note.pitch % 12 == root for note in near)
    assert total > 100 and hits > 0.85 * total


@pytest.mark.parametrize(
    ("numeral", "tonic", "name"),
    [("I", 0, "C"), ("vi", 0, "Am"), ("bVII", 2, "C"), ("iv", 9, "Dm"), ("V", 4, "B")],
)
def test_numerals(numeral, tonic, name):
    root, quality = theory.read_numeral(numeral, tonic)
    assert theory.Chord(0, 4, root, quality).name == name


def test_sevenths_are_those_of_the_scale():
    assert theory.read_numeral("V", 0, "major", sevenths=True)[1] == "7"
    assert theory.read_numeral("I", 0, "major", sevenths=True)[1] == "maj7"
    assert theory.read_numeral("I", 0, "mixolydian", sevenths=True)[1] == "7"


@given(st.integers(0, 11), st.sampled_from(sorted(theory.QUALITIES)))
def test_guitar_chords_are_chord_tones_on_rising_strings(root, quality):
    chord = theory.Chord(0, 4, root, quality)
    pitches = theory.guitar_voicing(chord)
    tones = {(root + interval) % 12 for interval in chord.intervals}
    assert {pitch % 12 for pitch in pitches} <= tones
    assert pitches[0] % 12 == root and pitches == sorted(pitches)


@given(st.floats(0, 64), st.floats(0.5, 0.7), st.sampled_from([0.5, 1.0]))
def test_swing_moves_off_beats_only(beat, swing, grid):
    assert theory.swung(round(beat), swing, grid) == pytest.approx(round(beat))
    assert abs(theory.swung(beat, swing, grid) - beat) < 0.25
    assert theory.swung(grid / 2, swing, grid) == pytest.approx(swing * grid)


def test_lyrics_have_one_vowel_a_syllable():
    words = line(200, Dice("words"))
    assert len(words) == 200
    for word in words:
        sounds = word.split()
        assert sum(sound in VOWELS or sound in DIPHTHONGS for sound in sounds) == 1
        assert all(s in CONSONANTS or s in VOWELS or s in DIPHTHONGS for s in sounds)


def test_titles_differ_and_suit_every_file_system():
    names = [title(0, split, i) for split in ("train", "test") for i in range(MAX_SONGS)]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(name.isascii() and len(name) < 80 for name in names)


def test_dice_are_the_same_everywhere():
    dice = Dice(0, "fixed")
    assert [dice.whole(1, 6) for _ in range(8)] == [1, 1, 4, 4, 2, 4, 6, 2]
    assert Dice(0, "fixed").child("a").random() != Dice(0, "fixed").child("b").random()
    wide = [Dice(i, wide=True).setting(1.0, 2.0) for i in range(200)]
    assert min(wide) < 1.0 and max(wide) > 2.0
    assert min(Dice(i, wide=True).setting(0.0, 1.0) for i in range(200)) >= 0.0
