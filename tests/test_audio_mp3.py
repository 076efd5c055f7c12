"""An MP3, whole or a segment of it, is what decoding the whole file gives."""

import functools
import subprocess

import numpy as np
import pytest
import soundfile
from helpers import needs_ffmpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_utils import audio
from tutorial_utils.audio import AudioError, mp3
from tutorial_utils.data.mixing.event import Event
from tutorial_utils.data.render import render

MODES = {"CBR": "CONSTANT", "ABR": "AVERAGE", "VBR": "VARIABLE"}
KINDS = [  # mode, quality (small is good), sample rate, channels
    ("CBR", 0.0, 44100, 2),
    ("CBR", 0.7, 48000, 1),
    ("ABR", 0.6, 44100, 2),
    ("VBR", 0.0, 32000, 2),
    ("VBR", 0.9, 44100, 2),
    ("VBR", 0.9, 44100, 1),
    ("VBR", 0.4, 24000, 2),
    ("CBR", 0.5, 22050, 2),
    ("VBR", 0.2, 16000, 1),
    ("CBR", 0.5, 8000, 1),
]
LAST_BITS = 1e-6  # In MPEG-2, mpg123 adds in another order where it skips the encoder's delay.
ENCODER_DELAY = 576 + 529  # LAME's, and the decoder's


def music(seconds, rate, channels, seed=0):
    """Notes, noises and rests, so that the bit rate has something to vary with."""
    random = np.random.default_rng(seed)
    length = rate // 4
    time = np.arange(length) / rate
    notes = []
    for _ in range(round(4 * seconds)):
        tone = np.sin(2 * np.pi * random.uniform(80, 2000) * time) * np.exp(-6 * time)
        hiss = random.normal(0, 0.3, length) * np.exp(-40 * time)
        sides = random.choice([0, 0.05, 0.8], (channels, 2), p=[0.3, 0.3, 0.4])
        notes.append(sides @ np.stack([tone, hiss]))
    return np.concatenate(notes, axis=1).clip(-1, 1).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mp3")


def encoded(folder, mode, quality, rate, channels):
    """An MP3 by libsndfile, thus by LAME, with a Xing or Info header."""
    path = folder / f"{mode}-{quality}-{rate}-{channels}.mp3"
    if not path.exists():
        soundfile.write(
            path,
            music(3, rate, channels).T,
            rate,
            bitrate_mode=MODES[mode],
            compression_level=quality,
        )
    return path


def bare(path):
    """The same file without its header, as streams and many old encoders have it."""
    data = path.read_bytes()
    copy = path.with_name(f"bare-{path.name}")
    if not copy.exists():
        copy.write_bytes(data[mp3.index(data).starts[0] :])
    return copy


@functools.cache
def decoded(path):
    return audio.read(path)[0]


def whole(path):
    """What libsndfile decodes from the beginning on, which is right where the header is."""
    return soundfile.read(path, dtype="float32", always_2d=True)[0].T


@pytest.fixture
def small(folder):
    return encoded(folder, "VBR", 0.9, 44100, 2)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_whole_file_is_what_the_decoder_gives(folder, kind):
    path = encoded(folder, *kind)
    expected = whole(path)
    header = audio.info(path)
    assert (header.sample_rate, header.channels) == kind[2:]
    assert header.samples == expected.shape[1] == 12 * (kind[2] // 4)
    read, _ = audio.read(path)
    np.testing.assert_allclose(read, expected, rtol=0, atol=0 if kind[2] >= 32000 else LAST_BITS)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_without_a_header_all_frames_are_there(folder, kind):
    path = encoded(folder, *kind)
    headless = bare(path)
    read, rate = audio.read(headless)
    frame = 1152 if rate >= 32000 else 576
    assert audio.info(headless).samples == read.shape[1] == frame * -(-read.shape[1] // frame)
    # All that the encoder added is there, too.
    inside = read[:, ENCODER_DELAY : ENCODER_DELAY + 12 * (rate // 4)]
    np.testing.assert_array_equal(inside, audio.read(path)[0])


@pytest.mark.parametrize("headless", [False, True])
@pytest.mark.parametrize("kind", KINDS, ids=str)
@settings(max_examples=15, deadline=None)
@given(first=st.integers(0, 10**6), count=st.integers(1, 10**6))
def test_a_segment_has_the_samples_of_the_whole(folder, kind, headless, first, count):
    path = encoded(folder, *kind)
    path = bare(path) if headless else path
    everything = decoded(path)
    first %= everything.shape[1]
    count = min(count % 20000 + 1, everything.shape[1] - first)
    with audio.opened(path) as sound:
        segment = sound.read(first, count)
    np.testing.assert_array_equal(segment, everything[:, first : first + count])


@pytest.mark.parametrize("headless", [False, True])
def test_rendering_reads_the_same(small, headless):
    path = bare(small) if headless else small
    everything, rate = audio.read(path)
    event = Event(
        mixture=0, split="", label="bass", song="", source_file=path.name, source_time=1.7,
        source_duration=0.5, event_time=0.0, snr=np.nan, ref_db=-20.0, role="background",
        sample_rate=rate,
    )  # fmt: skip
    mix = render([event], path.parent, 0.5, {"bass": ["bass"]})
    first = int(1.7 * rate)
    expected = everything[:, first : first + rate // 2]
    np.testing.assert_array_equal(mix.mixture, mix.scale * expected)


def id3(size, version=4):
    """A tag of version 2 whose picture is full of what looks like the beginnings of frames."""
    contents = (b"\xff\xfb\x90\x44" * size)[:size]
    sizes = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, 0]) + sizes + contents


TAGS = {
    "small": (id3(100), b""),
    "large": (id3(300_000), b""),
    "two, and zeros": (id3(1000) + id3(50, version=3) + bytes(700), b""),
    "at the end": (b"", b"TAG" + bytes(125)),
    "everywhere": (id3(10), b"APETAGEX" + bytes(4) + (40).to_bytes(4, "little") + bytes(56)),
    "something at the end": (b"", b"nobody knows what \xff\xfb" * 99),
}


@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS)
@pytest.mark.parametrize("headless", [False, True])
def test_tags_are_no_sound(tmp_path, small, tags, headless):
    path = bare(small) if headless else small
    tagged = tmp_path / "tagged.mp3"
    tagged.write_bytes(tags[0] + path.read_bytes() + tags[1])
    np.testing.assert_array_equal(audio.read(tagged)[0], audio.read(path)[0])
    assert audio.info(tagged) == audio.info(path)


def edited(path, place, change):
    """A copy whose bytes, from ``place`` after the encoder's name on, are changed."""
    data = bytearray(path.read_bytes())
    at = data.index(b"LAME") + place
    data[at : at + len(change)] = change
    copy = path.with_name("edited.mp3")
    copy.write_bytes(data)
    return copy


@pytest.mark.parametrize(("delay", "padding"), [(0, 0), (576, 100), (1105, 2000), (4095, 4095)])
def test_what_the_encoder_added_is_taken_away(small, delay, padding):
    path = edited(small, 21, (delay << 12 | padding).to_bytes(3, "big"))
    frames, _ = audio.read(bare(small))
    end = frames.shape[1] - max(padding - 529, 0)
    expected = frames[:, delay + 529 : end]
    np.testing.assert_array_equal(audio.read(path)[0], expected)
    np.testing.assert_array_equal(whole(path), expected)


def test_if_it_does_not_say_the_delay_of_the_decoder_is_taken_away(small):
    path = edited(small, 0, bytes(24))
    np.testing.assert_array_equal(audio.read(path)[0], audio.read(bare(small))[0][:, 529:])
    np.testing.assert_array_equal(audio.read(path)[0], whole(path))


def test_files_that_were_joined_are_read_to_the_end(tmp_path, small):
    """The second one's header is a silent frame for all decoders."""
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(small.read_bytes() + id3(99) + small.read_bytes())
    once, rate = audio.read(bare(small))
    twice, _ = audio.read(joined)
    assert twice.shape[1] == 2 * once.shape[1] + 1152 - ENCODER_DELAY
    half = once.shape[1] - ENCODER_DELAY
    np.testing.assert_array_equal(twice[:, :half], once[:, ENCODER_DELAY:])
    assert not twice[:, half + 1105 : half + 1152].any()
    np.testing.assert_allclose(twice[:, half + 1152 :], once, rtol=0, atol=LAST_BITS)


@pytest.mark.parametrize("rate", [44100, 16000])
def test_a_file_that_was_cut_out_of_another(folder, capfd, rate):
    """Its first frames want data of frames that are not there: they are silent."""
    path = bare(encoded(folder, "VBR", 0.9, rate, 2))
    data = path.read_bytes()
    frames = mp3.index(data)
    cut = folder / "cut.mp3"
    cut.write_bytes(data[frames.starts[40] :])
    everything, _ = audio.read(path)
    read, _ = audio.read(cut)
    start = 40 * (1152 if rate == 44100 else 576)
    assert read.shape[1] == everything.shape[1] - start
    late = rate // 2
    np.testing.assert_allclose(
        read[:, late:], everything[:, start + late :], rtol=0, atol=LAST_BITS
    )
    part, _ = audio.read(cut, 0.3, 0.5)
    np.testing.assert_array_equal(part, read[:, round(0.3 * rate) : round(0.8 * rate)])
    captured = capfd.readouterr()
    assert captured.err == captured.out == ""


def test_a_single_frame(tmp_path, small):
    data = small.read_bytes()
    frames = mp3.index(data)
    path = tmp_path / "short.mp3"
    path.write_bytes(data[frames.starts[0] : frames.starts[1]])
    read, _ = audio.read(path)
    assert read.shape == (2, 1152) == (audio.info(path).channels, audio.info(path).samples)
    np.testing.assert_array_equal(read, audio.read(bare(small))[0][:, :1152])


def test_a_file_whose_end_is_missing(tmp_path, small):
    path, data = tmp_path / "cut.mp3", small.read_bytes()
    frames = mp3.index(data)
    count = len(frames.starts)
    # Between two frames only the header tells, within one the frame itself.
    path.write_bytes(data[: frames.starts[-1]])
    message = rf"cut\.mp3 is truncated: .* {count} frames, and {count - 1} "
    with pytest.raises(AudioError, match=message):
        audio.info(path)
    for original in (data, bare(small).read_bytes()):
        path.write_bytes(original[:-10])
        with pytest.raises(AudioError, match=r"cut\.mp3 is truncated: \d+ bytes are due"):
            audio.read(path, 0, 0.5)


def test_a_file_with_a_hole(tmp_path, small):
    path, data = tmp_path / "hole.mp3", bytearray(small.read_bytes())
    frames = mp3.index(bytes(data))
    start, size = int(frames.starts[20]), int(frames.sizes[20])
    data[start : start + 4] = bytes(4)
    path.write_bytes(data)
    message = rf"hole\.mp3 is damaged after byte {start}: .* but {size} bytes later"
    with pytest.raises(AudioError, match=message):
        audio.read(path)


def test_what_is_called_so_and_is_not(tmp_path, small, random):
    path = tmp_path / "words.mp3"
    path.write_text("These are words. " * 1000)
    with pytest.raises(AudioError, match=r"words\.mp3 cannot be read as sound"):
        audio.read(path)
    sound = music(1, 8000, 2)
    wave = audio.write(tmp_path / "a.wav", sound, 8000).rename(tmp_path / "wave.mp3")
    np.testing.assert_allclose(audio.read(wave)[0], sound, atol=1e-4)
    other = tmp_path / "other.wav"
    other.write_bytes(small.read_bytes())
    np.testing.assert_array_equal(audio.read(other)[0], audio.read(small)[0])


@needs_ffmpeg
@pytest.mark.parametrize("rate", [44100, 22050])
@pytest.mark.parametrize("options", ["-q:a 9", "-b:a 64k -write_xing 0", "-q:a 2 -id3v2_version 0"])
def test_ffmpeg_decodes_the_same(tmp_path, rate, options):
    path = tmp_path / "a.mp3"
    audio.write(tmp_path / "a.wav", music(3, rate, 2), rate)
    quiet = ["ffmpeg", "-v", "error", "-i"]
    subprocess.run([*quiet, tmp_path / "a.wav", *options.split(), path], check=True)
    raw = subprocess.run([*quiet, path, "-f", "f32le", "-"], check=True, capture_output=True).stdout
    expected = np.frombuffer(raw, np.float32).reshape(-1, 2).T
    read, _ = audio.read(path)
    assert read.shape == expected.shape
    np.testing.assert_allclose(read, expected, rtol=0, atol=1e-5)


@needs_ffmpeg
def test_other_layers_are_refused(tmp_path):
    audio.write(tmp_path / "a.wav", music(1, 44100, 2), 44100)
    path = tmp_path / "a.mp2"
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", path], check=True)
    with pytest.raises(AudioError, match=r"a\.mp2 is a file of the format .*Convert it to wav"):
        audio.read(path)
