import doctest
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils.data import TAXONOMY, sort_tracks
from tutorial_utils.data.songs import taxonomy

# Names of tracks as they are in published multitracks and in sessions, by the stem they belong to.
TRACKS = {
    "drums": """
        01_KickIn.wav|02_KickOut.wav|03_KickSub.wav|04_SnareUp1.wav|06_SnareDown.wav|07_Tom1.wav
        11_HiHat.wav|12_Overheads.wav|05_OverheadsStereo.wav|13_DrumsRoom1.wav|01_KickSample.wav
        03_HiHatSample.wav|13_Cymbal.wav|14_Woodblock.wav|15_Cowbell.wav|16_Shaker.wav
        18_Claps.wav|19_RevCymbal.wav|08_Drumkit1_Kick.wav|06_Congas.wav|01_BassDrum.wav|OH_L
        OH-R|OHs|oh mix|Room|Room Mic L|KICK.WAV|kickin|snaretop|SNAREtop|Hi-Hat|hh|drum machine
        drum set|bass drum|toms|auxiliary percussion|high hat|sleigh bells|acoustic drums
        Synth Drums|Tom 2 (floor)|full acoustic drumkit|Hand Drum|Piccolo Snare.wav
    """,
    "bass": """
        15_Bass.wav|20_BassDI.wav|BassAmp|19_BassOverdrive.wav|21_BassSynth.wav|basssynth
        14_BassFX.wav|DIBass|Sub Bass|electric bass|double bass|bass guitar|Bass Gtr|Synth Bass
        Moog Bass|Bass Moog|MinimoogBass|upright|Acoustic Bass|keyboard bass
        contrabass/double bass (bass of instrings)
    """,
    "other": """
        16_ElecGtr1.wav|22_AcousticGtr1.wav|29_ElecGtr2DTDI.wav|06_ElecGtr2_VoxSM57.wav
        26_GtrFX.wav|Gtr1|GTR2|elecgtr4|Gtr 2 Room|Piano Room|18_Vibes.wav|19_Rhodes.wav
        20_ToyPiano.wav|41_SFX1.wav|Pad 1|10_HammondLeslieHi.wav|clean electric guitar
        steel drums|bassoon|bass clarinet|tenor saxophone|vibraphone|glockenspiel|string section
        fx processed sound|synth pad|lap steel guitar|other_keys|bowed_strings|other_plucked
        wind|Sax OH|Strings Hi|Acoustic|Mellotron Choir|synthesizer
    """,
    "vocals": """
        21_LeadVox.wav|22_BackingVox1.wav|44_LeadVox1Harm.wav|47_BackingVox1DT.wav|leadvox
        Lead Vox|BGVs|male singer|female rapper|vocalists|beatboxing|male speaker|Vox Room
        Bass Vox|Vocal Bass|Tom Vox|choir|lead male singer|background vocals
        other (vocoder, beatboxing etc)|VoxFX|VoxMix|Voice 2
    """,
    None: """
        Click.wav|click track|Mix|Song_MIX.wav|mixture.wav|Master|Guide Vox|Scratch Vocal
        Metronome
    """,
}
NAMES = [
    (name, stem)
    for stem, names in TRACKS.items()
    for name in (name.strip() for line in names.splitlines() for name in line.split("|"))
    if name
]


@pytest.mark.parametrize("name, stem", NAMES, ids=[name for name, _ in NAMES])
def test_tracks_go_to_their_stems(name, stem):
    assert sort_tracks([name]) == {stem: [name]}


def test_the_examples():
    assert doctest.testmod(taxonomy).failed == 0


@pytest.mark.parametrize("name", ["Lead", "Loop 3.wav", "808", "Sample", "STEM_01.wav", "___", ""])
def test_names_that_do_not_tell_are_not_guessed(name):
    with pytest.raises(ValueError, match=rf"No entry .* fits '{name}'.*add words.*'\*' takes all"):
        sort_tracks(["Kick", name])


def test_all_unknown_tracks_are_named_at_once():
    with pytest.raises(ValueError, match=r"'x0', .*'x19' and 5 more\. Copy it"):
        sort_tracks([f"x{i}" for i in range(25)])


def test_a_folder_says_what_its_tracks_are():
    names = ["s/drums/3f2a.wav", "s/vocals/Tom.wav", "s/guitar/Bass 2.wav", "s/percussion/1.wav"]
    assert sort_tracks(names) == {
        "drums": ["s/drums/3f2a.wav", "s/percussion/1.wav"],
        "other": ["s/guitar/Bass 2.wav"],
        "vocals": ["s/vocals/Tom.wav"],
    }
    # Those that all share do not: it might be anything that leads to the songs.
    paths = [Path("/music/Bass Songs/01_Kick.wav"), Path("/music/Bass Songs/02_Vox.wav")]
    assert sort_tracks(paths) == {"drums": paths[:1], "vocals": paths[1:]}
    with pytest.raises(ValueError, match=r"fits 'alternates/01_Kick\.wav'"):
        sort_tracks(["01_Kick.wav", "alternates/01_Kick.wav"])


def test_the_title_of_the_song_counts_only_where_the_rest_says_nothing():
    names = ["Drummer Boy - Bass.wav", "Drummer Boy - Vox.wav", "Drummer Boy - Click.wav"]
    assert list(sort_tracks(names)) == ["bass", "vocals", None]
    assert sort_tracks(["Vox 1", "Vox 2"]) == {"vocals": ["Vox 1", "Vox 2"]}
    rest = {**TAXONOMY, "other": ["*"]}
    assert sort_tracks(["Vox 1", "Vox 2", "Vox Lead"], rest) == {
        "vocals": ["Vox 1", "Vox 2", "Vox Lead"]
    }


def test_a_taxonomy_of_ones_own():
    own = {"rhythm": ["kick", "bass*", "808"], "über": ["Ü*", "Lead Synth"], None: ["no"]}
    names = ["Kick 808", "BASSLINE", "über1", "lead-2-synth", "No.wav", "808.wav"]
    assert sort_tracks(names, own) == {
        "rhythm": ["Kick 808", "BASSLINE", "808.wav"],
        "über": ["über1", "lead-2-synth"],
        None: ["No.wav"],
    }
    # An entry fits whole words.
    for name in ("bas", "thekick", "lead", "synth lead"):
        with pytest.raises(ValueError, match="No entry"):
            sort_tracks([name], own)


def test_accents_are_the_same_in_both_encodings():
    composed, apart = (unicodedata.normalize(form, "Chœur é") for form in ("NFC", "NFD"))
    for one, other in ((composed, apart), (apart, composed)):
        assert sort_tracks([one], {"vocals": [other]}) == {"vocals": [one]}


def test_the_taxonomy_has_the_stems_of_musdb18_and_no_entry_in_vain():
    assert [*TAXONOMY] == ["drums", "bass", "other", "vocals", None]
    for stem, words in TAXONOMY.items():
        assert len({*words}) == len(words)
        for name in (word.replace("*", "") for word in words):
            assert sort_tracks([name]) == {stem: [name]}


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({}, "A taxonomy is a mapping"),
        ({None: ["click"]}, "A taxonomy is a mapping"),
        (["kick"], "A taxonomy is a mapping"),
        ({"drums": "kick"}, r"'drums' must have a list of words.*not 'kick'"),
        ({"drums": ["kick", 1]}, r"'drums' must have a list of words"),
        ({"drums": 3}, r"'drums' must have a list of words.*not 3"),
        ({"drums": ["kick", " - "]}, r"entry ' - ' of 'drums' has no letters"),
        ({"drums": ["kick"], "bass": ["Kick"]}, r"'Kick' under 'drums' and under 'bass'"),
        ({"mixture": ["kick"]}, r"cannot be called 'mixture'"),
        ({"a/b": ["kick"]}, r"cannot be called 'a/b'"),
        ({"a\nb": ["kick"]}, r"cannot be called 'a\\nb'"),
        ({".a": ["kick"]}, r"cannot be called '\.a'"),
        ({"": ["kick"]}, r"A stem has a name"),
        ({3: ["kick"]}, r"A stem has a name, not 3"),
    ],
)
def test_taxonomies_that_do_not_work(wrong, message):
    with pytest.raises(ValueError, match=message):
        sort_tracks(["Kick"], wrong)


words = st.lists(st.text(max_size=12) | st.sampled_from(["*", "kick*", "bass drum", "808"]))


@settings(deadline=None)
@given(
    st.lists(st.text() | st.sampled_from([name for name, _ in NAMES]), unique=True),
    st.dictionaries(st.none() | st.text(max_size=8), words, max_size=4) | st.just(TAXONOMY),
)
def test_any_names_and_any_taxonomy_are_sorted_or_refused(names, taxonomy):
    try:
        by_stem = sort_tracks(names, taxonomy)
    except ValueError as error:
        assert str(error).isprintable()
        return
    assert sorted(name for found in by_stem.values() for name in found) == sorted(names)
    assert {*by_stem} <= {*taxonomy}
    # The order in which the tracks stand is that in which they were given.
    for found in by_stem.values():
        places = [names.index(name) for name in found]
        assert places == sorted(places)
