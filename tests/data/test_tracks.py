"""Songs whose stems are sums of tracks, or differ in length or in channels."""

import json
import os
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import RATE, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.audio import AudioError
from tutorial_utils.data import TAXONOMY, MixtureTable, decoded, open_songs
from tutorial_utils.data.songs.layouts import FolderSong, TrackSong

STEP = 2.0**-23
SESSION = {
    "01_Kick": 1,
    "02_OH_L": 1,
    "03_DrumsRoom": 2,
    "04_BassDI": 1,
    "05_BassAmp": 1,
    "06_ElecGtr1": 2,
    "07_Pad": 2,
    "08_LeadVox": 1,
    "09_BackingVox": 2,
}
STEMS = {"drums": (0, 1, 2), "bass": (3, 4), "other": (5, 6), "vocals": (7, 8)}


@pytest.fixture
def write_session(random):
    """A function that writes tracks of noise, and returns what the stems are."""

    def write(folder, seconds=1.0, peak=0.2, suffix=".wav"):
        tracks = [noise(random, seconds, channels, peak=peak) for channels in SESSION.values()]
        for name, samples in zip(SESSION, tracks, strict=True):
            audio.write(folder / f"{name}{suffix}", samples, RATE, bits=24)
        stereo = [np.broadcast_to(samples, (2, samples.shape[1])) for samples in tracks]
        return {label: sum(stereo[i] for i in which) for label, which in STEMS.items()}

    return write


def write(path, samples, rate=RATE):
    return audio.write(path, np.asarray(samples, np.float32), rate, bits=24)


def test_stems_are_sums_of_tracks(tmp_path, write_session):
    truth = write_session(tmp_path / "train" / "a")
    write_session(tmp_path / "test" / "b", suffix=".flac")
    write(tmp_path / "train" / "a" / "10_Click.wav", np.ones((1, 50)) / 2)
    a, b = open_songs(tmp_path, taxonomy=TAXONOMY)
    assert isinstance(a, TrackSong) and (a.name, a.split, b.split) == ("a", "train", "test")
    assert (a.sample_rate, a.channels, a.samples) == (RATE, 2, RATE)
    assert a.labels == ("drums", "bass", "other", "vocals")
    names = {label: [file.name for file in files] for label, files in a.tracks.items()}
    assert names["drums"] == ["01_Kick.wav", "02_OH_L.wav", "03_DrumsRoom.wav"]
    assert names["bass"] == ["04_BassDI.wav", "05_BassAmp.wav"]
    for label, samples in truth.items():
        np.testing.assert_allclose(a.stem(label), samples, atol=1e-6)
        part = a.stem(label, 0.25, 0.5)
        assert part.dtype == np.float32 and part.shape == (2, RATE // 2)
        np.testing.assert_allclose(part, samples[:, RATE // 4 : 3 * RATE // 4], atol=1e-6)
    np.testing.assert_allclose(a.mixture(), sum(truth.values()), atol=1e-6)


def test_mono_tracks_alone_make_a_mono_song(tmp_path):
    kick, vox = write(tmp_path / "s" / "Kick.wav", [[0.5] * 9]), tmp_path / "s" / "Vox.wav"
    write(vox, [[0.25] * 9])
    (song,) = open_songs(tmp_path, taxonomy=TAXONOMY)
    # One file per stem: nothing is to be summed, and nothing to be decoded.
    assert isinstance(song, FolderSong) and song.files == {"drums": kick, "vocals": vox}
    assert song.mixture().tolist() == [[0.75] * 9] and decoded([song]) == [song]


def test_a_mono_stem_among_stereo_ones_is_repeated(tmp_path, write_song, random):
    write_song(tmp_path / "one", mix=False)
    bass = noise(random, channels=1)
    write(tmp_path / "one" / "bass.wav", bass)
    (song,) = open_songs(tmp_path)
    half = np.repeat(bass, 2, axis=0)[:, RATE // 2 :]
    np.testing.assert_allclose(song.stem("bass", 0.5), half, atol=STEP)
    (ready,) = decoded([song], tmp_path / "cache")
    np.testing.assert_array_equal(ready.stem("bass"), song.stem("bass"))


@pytest.mark.parametrize("taxonomy", [None, TAXONOMY])
def test_files_that_differ_in_length(tmp_path, write_song, taxonomy):
    """One song of many is cut too short; the others are not touched by what is done about it."""
    truth = write_song(tmp_path / "set" / "bad", mix=False)
    write_song(tmp_path / "set" / "good", mix=taxonomy is None)
    short = truth["vocals"][:, : RATE // 2]
    audio.write(tmp_path / "set" / "bad" / "vocals.wav", short, RATE)
    with pytest.raises(AudioError, match=r"vocals\.wav has 4000 .* 16000\..*'trim'.*'pad'"):
        open_songs(tmp_path / "set", taxonomy=taxonomy)

    trimmed, good = open_songs(tmp_path / "set", taxonomy=taxonomy, lengths="trim")
    assert (trimmed.samples, good.samples) == (RATE // 2, 2 * RATE)
    assert {stem.shape for stem in trimmed.stems().values()} == {(2, RATE // 2)}
    np.testing.assert_allclose(trimmed.stem("drums"), truth["drums"][:, : RATE // 2], atol=2e-5)
    with pytest.raises(AudioError, match=r"bad.*does not lie within its 0\.500 s"):
        trimmed.stem("drums", 0.4, 0.2)
    assert decoded([trimmed, good]) == [trimmed, good]

    padded, good = open_songs(tmp_path / "set", taxonomy=taxonomy, lengths="pad")
    assert (padded.samples, good.samples) == (2 * RATE, 2 * RATE)
    (ready,) = decoded([padded], tmp_path / "cache")
    for song in (padded, ready):
        np.testing.assert_allclose(song.stem("vocals")[:, : RATE // 2], short, atol=2e-5)
        assert not song.stem("vocals")[:, RATE // 2 :].any()
        assert song.stem("vocals", 0.4, 0.2).shape == (2, RATE // 5)
        assert not song.stem("vocals", 1.0).any()
        np.testing.assert_allclose(song.stem("drums"), truth["drums"], atol=2e-5)
        np.testing.assert_allclose(song.mixture(), sum(song.stems().values()), atol=1e-6)


def test_lengths_that_there_are_not(tmp_path):
    with pytest.raises(ValueError, match="lengths is one of error, trim, pad, not 'cut'"):
        open_songs(tmp_path, lengths="cut")


@pytest.mark.parametrize("lengths, seconds", [("trim", 0.8), ("pad", 2.0)])
def test_tables_mix_songs_whose_stems_differ_in_length(
    tmp_path, write_song, lengths, seconds, monkeypatch
):
    monkeypatch.setenv("TUTORIAL_UTILS_HOME", str(tmp_path / "home"))
    write_song(tmp_path / "set" / "a", mix=False)
    write_song(tmp_path / "set" / "a", ["bass"], seconds=0.8, mix=False)
    songs = open_songs(tmp_path / "set", lengths=lengths)
    assert songs[0].duration == seconds
    plain = dict(duration=0.5, coherent=1.0, pitch_shift=None, time_stretch=None)
    table = MixtureTable.sample(songs, 30, **plain)
    ends = table.rows["source_time"] + table.rows["source_duration"]
    assert seconds - 0.3 < ends.max() <= seconds + 1e-9
    for i in range(len(table)):
        mix = table.render(i)
        np.testing.assert_allclose(mix.mixture, sum(mix.sources.values()), atol=1e-6)
    silent = [i for i in range(30) if not table.render(i).sources["bass"].any()]
    assert bool(silent) == (lengths == "pad")


def test_tables_mix_tracks(tmp_path, write_session, monkeypatch):
    monkeypatch.setenv("TUTORIAL_UTILS_HOME", str(tmp_path / "home"))
    write_session(tmp_path / "set" / "a")
    songs = open_songs(tmp_path / "set", taxonomy=TAXONOMY)
    table = MixtureTable.sample(
        songs, 3, duration=0.5, coherent=1.0, pitch_shift=None, time_stretch=None, fade=0.0
    )
    assert table.labels == ("drums", "bass", "other", "vocals")
    for event in table.events(1):
        stem = songs[0].stem(event.label, event.source_time, event.source_duration)
        source = table.render(1).sources[event.label]
        gain = np.vdot(source, stem) / np.vdot(stem, stem)
        np.testing.assert_allclose(source, gain * stem, atol=1e-5)
    # Whoever has the table finds the files.
    again = MixtureTable.from_csv(table.to_csv(tmp_path / "table.csv"))
    np.testing.assert_array_equal(again.render(2).mixture, table.render(2).mixture)


@pytest.mark.parametrize("peak, scaled", [(0.1, False), (0.9, True)])
def test_sums_keep_their_balance_and_do_not_clip(tmp_path, write_session, peak, scaled):
    truth = write_session(tmp_path / "set" / "a", peak=peak)
    (song,) = open_songs(tmp_path / "set", taxonomy=TAXONOMY)
    (ready,) = decoded([song], tmp_path / "cache")
    assert (ready.name, ready.split, ready.labels) == (song.name, None, song.labels)
    scale = json.loads((ready.path / "source.json").read_text())["scale"]
    assert (scale < 1) == scaled
    for label, samples in truth.items():
        np.testing.assert_allclose(ready.stem(label), scale * samples, atol=3 * STEP)
    loudest = max(np.abs(x).max() for x in (ready.mixture(), *ready.stems().values()))
    assert loudest < 1 and (not scaled or loudest > 0.9999)
    total = sum(stem.astype(np.float64) for stem in ready.stems().values())
    np.testing.assert_array_equal(ready.mixture(), total)
    assert {soundfile.info(str(file)).subtype for file in ready.files.values()} == {"PCM_24"}


def test_silence_is_summed(tmp_path):
    for name in ("Kick", "Snare"):
        write(tmp_path / "set" / "a" / f"{name}.wav", np.zeros((1, 80)))
    (ready,) = decoded(open_songs(tmp_path / "set", taxonomy=TAXONOMY), tmp_path / "cache")
    assert ready.mixture().shape == (1, 80) and not ready.mixture().any()


def test_the_ways_to_open_a_song_have_files_of_their_own(tmp_path, write_session):
    """A table that was made with one taxonomy is not changed by what is made with another."""
    write_session(tmp_path / "set" / "a")
    write(tmp_path / "set" / "a" / "10_Tamb.wav", np.full((1, 20), 0.5))
    own = {**TAXONOMY, "drums": ["kick*"], "other": ["*"]}
    songs = {}
    for taxonomy, lengths in ((TAXONOMY, "pad"), (own, "pad"), (own, "trim")):
        (song,) = open_songs(tmp_path / "set", taxonomy=taxonomy, lengths=lengths)
        (ready,) = decoded([song], tmp_path / "cache")
        songs[ready.path] = ready.stem("drums")
    assert len(songs) == 3 and len({stem.tobytes() for stem in songs.values()}) == 3
    for path, before in songs.items():
        np.testing.assert_array_equal(audio.read(path / "drums.wav")[0], before)


def test_a_track_that_changed_is_summed_again(tmp_path, write_session):
    write_session(tmp_path / "set" / "a", peak=0.1)
    (before,) = decoded(open_songs(tmp_path / "set", taxonomy=TAXONOMY), tmp_path / "cache")
    stamps = {file: file.stat().st_mtime_ns for file in before.files.values()}
    decoded(open_songs(tmp_path / "set", taxonomy=TAXONOMY), tmp_path / "cache")
    assert stamps == {file: file.stat().st_mtime_ns for file in stamps}
    for damage in ("{", "[]", '{"sources": 3}'):
        (before.path / "source.json").write_text(damage)
        decoded(open_songs(tmp_path / "set", taxonomy=TAXONOMY), tmp_path / "cache")
        assert json.loads((before.path / "source.json").read_text())["scale"] == 1.0
    write(tmp_path / "set" / "a" / "05_BassAmp.wav", np.zeros((1, RATE)))
    (after,) = decoded(open_songs(tmp_path / "set", taxonomy=TAXONOMY), tmp_path / "cache")
    assert after.files == before.files
    di = audio.read(tmp_path / "set" / "a" / "04_BassDI.wav")[0]
    np.testing.assert_array_equal(after.stem("bass"), np.repeat(di, 2, 0))


@pytest.mark.parametrize("suffix, kind", [(".mp3", "MP3"), (".ogg", "OGG")])
@pytest.mark.parametrize("mix", [False, True])
def test_coded_songs_are_decoded_once(tmp_path, random, suffix, kind, mix):
    for label in ("drums", "vocals", *(["mixture"] if mix else [])):
        (tmp_path / "set" / "a").mkdir(parents=True, exist_ok=True)
        samples = noise(random, rate=44100, peak=1.0).T
        soundfile.write(tmp_path / "set" / "a" / f"{label}{suffix}", samples, 44100, format=kind)
    (song,) = open_songs(tmp_path / "set")
    (ready,) = decoded([song], tmp_path / "cache")
    assert {file.suffix for file in ready.files.values()} == {".wav"}
    scale = json.loads((ready.path / "source.json").read_text())["scale"]
    assert scale < 1  # Noise at full scale overshoots when it is coded.
    for label in song.labels:
        np.testing.assert_allclose(ready.stem(label), scale * song.stem(label), atol=STEP)
    np.testing.assert_allclose(ready.mixture(), scale * song.mixture(), atol=3 * STEP)
    assert decoded([song], tmp_path / "cache")[0].files == ready.files


def test_folders_that_say_what_their_tracks_are(tmp_path):
    """As in MoisesDB: a folder per stem, and in it tracks whose names say nothing."""
    for file in ("drums/3f2a.wav", "drums/bd01.wav", "other_keys/77.wav", "vocals/0a.wav"):
        write(tmp_path / "set" / "song" / file, np.full((2, 9), 0.125))
    (song,) = open_songs(tmp_path / "set", taxonomy=TAXONOMY)
    assert song.name == "song" and song.labels == ("drums", "other", "vocals")
    assert [len(song.tracks[label]) for label in song.labels] == [2, 1, 1]
    assert song.stem("drums").tolist() == [[0.25] * 9] * 2
    write(tmp_path / "set" / "song" / "old takes" / "Vox.wav", np.full((2, 9), 0.125))
    with pytest.raises(ValueError, match=r"fits 'song.old takes.Vox\.wav'"):
        open_songs(tmp_path / "set", taxonomy=TAXONOMY)


def test_a_folder_of_songs_is_no_song(tmp_path):
    for song in "ab":
        write(tmp_path / "artist" / song / "Kick.wav", np.zeros((1, 9)))
    assert [song.name for song in open_songs(tmp_path / "artist", taxonomy=TAXONOMY)] == ["a", "b"]
    with pytest.raises(FileNotFoundError, match="no songs"):
        open_songs(tmp_path, taxonomy=TAXONOMY)
    (song,) = open_songs(tmp_path / "artist" / "a", taxonomy=TAXONOMY)
    assert song.name == "a"


def test_a_folder_of_mixes_is_no_song(tmp_path, write_session):
    write_session(tmp_path / "a")
    write(tmp_path / "b" / "Master.wav", np.zeros((1, 9)))
    assert [song.name for song in open_songs(tmp_path, taxonomy=TAXONOMY)] == ["a"]


def test_unknown_tracks_of_all_songs_are_named_at_once(tmp_path):
    for song, track in (("a", "Kick"), ("a", "Lead"), ("b", "Loop"), ("b", "Hat"), ("c", "Vox")):
        write(tmp_path / song / f"{track}.wav", np.zeros((1, 9)))
    with pytest.raises(ValueError, match=r"fits 'a.Lead\.wav', 'b.Loop\.wav'\. Copy it"):
        open_songs(tmp_path, taxonomy=TAXONOMY)
    own = {**TAXONOMY, "other": ["lead"], None: ["loop"]}
    lacks = r"3 of 3 songs lack .*'a' has no vocals; 'b' has no other, vocals; 'c' has no drums, ot"
    with pytest.warns(UserWarning, match=lacks):
        songs = open_songs(tmp_path, taxonomy=own)
    assert [song.labels for song in songs] == [("drums", "other"), ("drums",), ("vocals",)]


def test_a_track_is_summed_once_however_many_names_it_has(tmp_path):
    song = tmp_path / "set" / "song"
    write(song / "Kick.wav", [[0.25] * 9])
    (song / "Kick copy.wav").symlink_to(song / "Kick.wav")
    (song / "drums").symlink_to(song)
    (song / "loop").symlink_to(tmp_path / "set")
    (opened,) = open_songs(tmp_path / "set", taxonomy=TAXONOMY)
    assert opened.mixture().tolist() == [[0.25] * 9]
    write(song / "kick.flac", [[0.25] * 9])
    with pytest.raises(AudioError, match=r"two files for 'kick': .*Remove one"):
        open_songs(tmp_path / "set", taxonomy=TAXONOMY)


def test_tracks_of_several_rates(tmp_path):
    write(tmp_path / "a" / "Kick.wav", np.zeros((1, 9)), 48000)
    write(tmp_path / "a" / "Vox.wav", np.zeros((1, 9)), 44100)
    with pytest.raises(AudioError, match=r"Vox\.wav has 44100 Hz, but Kick\.wav .* 48000.*convert"):
        open_songs(tmp_path, taxonomy=TAXONOMY)


def test_tracks_that_are_gone_or_damaged_when_they_are_summed(tmp_path, write_session):
    write_session(tmp_path / "set" / "a")
    songs = open_songs(tmp_path / "set", taxonomy=TAXONOMY)
    file = tmp_path / "set" / "a" / "07_Pad.wav"
    whole = file.read_bytes()
    for content in (whole[:3000], b"", None):
        file.write_bytes(content) if content is not None else file.unlink()
        with pytest.raises((AudioError, FileNotFoundError), match=r"07_Pad\.wav"):
            decoded(songs, tmp_path / "cache")
        (cache,) = (tmp_path / "cache").iterdir()
        assert os.listdir(cache) == [".lock"]


@pytest.mark.parametrize("taxonomy", [None, TAXONOMY])
@pytest.mark.parametrize("channels, rate", [(1, RATE), (2, 16000)])
def test_files_that_are_others_since_the_song_was_opened(tmp_path, taxonomy, channels, rate):
    names = ["Drums", "Bass"] if taxonomy is None else ["Drums", "Kick"]
    for name in names:
        write(tmp_path / "a" / f"{name}.wav", np.zeros((2, 80)))
    (song,) = open_songs(tmp_path, taxonomy=taxonomy)
    write(tmp_path / "a" / "Drums.wav", np.zeros((channels, 200)), rate)
    message = rf"Drums\.wav had 2 channels and 8000 Hz .* {channels} channels and {rate} Hz now"
    with pytest.raises(AudioError, match=message):
        song.mixture()


def test_names_are_equal_however_their_accents_are_encoded(tmp_path, write_session):
    apart = unicodedata.normalize("NFD", "Café")
    write_session(tmp_path / "set" / "train" / apart)
    write_session(tmp_path / "set" / "train" / "b")
    listed = {"validation": [unicodedata.normalize("NFC", apart)]}
    (tmp_path / "set" / "metadata.json").write_text(json.dumps(listed))
    songs = open_songs(tmp_path / "set", taxonomy=TAXONOMY)
    assert [(song.name, song.split) for song in songs] == [("b", "train"), ("Café", "valid")]
    assert [song.name for song in decoded(songs, tmp_path / "cache")] == ["b", "Café"]


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_whatever_becomes_of_the_files_songs_are_written_whole_or_not_at_all(data):
    """Files are changed, cut or removed while songs are opened and decoded."""
    with tempfile.TemporaryDirectory() as root:
        files = []
        for name, channels, length in (("Kick", 1, 900), ("OH", 2, 1500), ("Vox", 1, 1200)):
            kind = data.draw(st.sampled_from(["wav", "flac", "ogg", "mp3"]))
            files.append(Path(root, "set", "a", f"{name}.{kind}"))
            files[-1].parent.mkdir(parents=True, exist_ok=True)
            samples = np.random.default_rng(length).uniform(-1, 1, (length, channels))
            soundfile.write(files[-1], samples, 44100)
        lengths = data.draw(st.sampled_from(["trim", "pad"]))
        damage = st.tuples(st.sampled_from(files), st.booleans(), st.binary(max_size=4))
        hurt = data.draw(st.lists(damage, max_size=2))
        try:
            _hurt(hurt, True, data)
            (song,) = open_songs(Path(root, "set"), taxonomy=TAXONOMY, lengths=lengths)
            _hurt(hurt, False, data)
            (ready,) = decoded([song], Path(root, "cache"))
        except (AudioError, FileNotFoundError) as error:
            assert str(error).isprintable()
            assert not [*Path(root).rglob("source.json")]
            return
        shapes = {ready.stem(label).shape for label in song.labels} | {ready.mixture().shape}
        assert shapes == {(song.channels, song.samples)}


def _hurt(damage, before, data):
    for file, when, scrap in damage:
        content = file.read_bytes() if file.exists() and when == before else b""
        if content and scrap:
            place = data.draw(st.integers(0, len(content) - 1))
            file.write_bytes(content[:place] + scrap + content[place + len(scrap) :])
        elif content:
            cut = data.draw(st.none() | st.integers(0, len(content) - 1))
            file.unlink() if cut is None else file.write_bytes(content[:cut])
