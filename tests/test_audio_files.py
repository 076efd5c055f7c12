"""Files that were cut off, never finished, locked or wrongly named are told; nothing is lost."""

import contextlib
import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import RATE, noise

from tutorial_utils import audio
from tutorial_utils.audio import AudioError

resource = pytest.importorskip("resource", reason="limits of files and users are POSIX's")

CONTAINERS = {  # name: format, subtype, endianness
    "wav": ("WAV", "PCM_16", None),
    "rifx": ("WAV", "PCM_24", "BIG"),
    "extensible": ("WAVEX", "FLOAT", None),
    "rf64": ("RF64", "PCM_24", None),
    "w64": ("W64", "PCM_16", None),
    "aiff": ("AIFF", "PCM_16", None),
    "aifc": ("AIFF", "FLOAT", None),
    "au": ("AU", "PCM_16", None),
    "little au": ("AU", "PCM_16", "LITTLE"),
    "caf": ("CAF", "PCM_16", None),
    "flac": ("FLAC", "PCM_24", None),
    "vorbis": ("OGG", "VORBIS", None),
    "opus": ("OGG", "OPUS", None),
}
SIZED = [name for name in CONTAINERS if name not in ("caf", "flac", "vorbis", "opus")]
CODECS = [
    *CONTAINERS.values(),
    ("WAV", "IMA_ADPCM", None),
    ("WAV", "MS_ADPCM", None),
    ("WAV", "GSM610", None),
    ("WAV", "ULAW", None),
    ("AIFF", "IMA_ADPCM", None),
    ("CAF", "ALAC_16", None),
]


def written(path, random, form, subtype, endian, seconds=3.0, channels=2):
    """A file as libsndfile writes it; its samples need not be exactly those that were given."""
    soundfile.write(path, noise(random, seconds, channels).T, RATE, subtype, endian, form)
    return path


@pytest.mark.parametrize("kept", [0.3, 0.99])
@pytest.mark.parametrize("name", CONTAINERS)
def test_a_file_that_was_cut_off_is_no_shorter_sound(tmp_path, random, name, kept):
    path = written(tmp_path / "a.sound", random, *CONTAINERS[name])
    assert audio.read(path)[0].shape == (2, 3 * RATE)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(AudioError, match=r"a\.sound (is truncated|cannot be read as sound)"):
        audio.read(path)
    if name != "flac":  # Whose header alone does not tell.
        with pytest.raises(AudioError, match=r"a\.sound (is truncated|cannot be read as sound)"):
            audio.info(path)


@pytest.mark.parametrize("name", SIZED)
def test_a_single_byte_that_is_missing_is_noticed(tmp_path, random, name):
    path = written(tmp_path / "a.sound", random, *CONTAINERS[name])
    data = path.read_bytes()
    # Some end in chunks that are no sound; what matters is the sound.
    end = data.rindex(audio_bytes(path)[-64:]) + 64
    path.write_bytes(data[: end - 1])
    with pytest.raises(AudioError, match=r"truncated: it promises (\d+) bytes .* \d+ are there"):
        audio.read(path)
    path.write_bytes(data[:end])
    assert audio.read(path)[0].shape == (2, 3 * RATE)


def audio_bytes(path):
    """The samples of a file as they lie in it."""
    with soundfile.SoundFile(path) as file:
        kind = {"PCM_16": "i2", "PCM_24": "i4", "FLOAT": "f4"}[file.subtype]
        big = file.endian == "BIG" or (file.endian == "FILE" and file.format in ("AIFF", "AU"))
        read = {"i2": "int16", "i4": "int32", "f4": "float32"}[kind]
        samples = file.read(dtype=read).astype((">" if big else "<") + kind)
    raw = samples.tobytes()
    if kind == "i4":  # 24 of 32 bits
        octets = np.frombuffer(raw, np.uint8).reshape(-1, 4)
        raw = (octets[:, :3] if big else octets[:, 1:]).tobytes()
    return raw


@pytest.mark.parametrize("size", [0x7FFFF000, 0x7FFFEFFF, 0x80000000, 0xFFFFFFFF])
def test_wav_that_was_written_to_a_pipe(tmp_path, random, size):
    """Programs that cannot come back to the header write one of these sizes."""
    path = written(tmp_path / "a.wav", random, *CONTAINERS["wav"])
    expected, _ = audio.read(path)
    data = bytearray(path.read_bytes())
    for place in (4, data.index(b"data") + 4):
        data[place : place + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    np.testing.assert_array_equal(audio.read(path)[0], expected)
    assert audio.info(path).samples == 3 * RATE


@pytest.mark.parametrize(
    ("name", "mark", "after", "size"),
    [
        ("aiff", b"SSND", 4, b"\0\0\0\0"),
        ("aiff", b"SSND", 4, b"\x7f\0\0\x08"),
        ("au", b".snd", 8, b"\xff\xff\xff\xff"),
        ("w64", b"data\xf3\xac", 16, b"\xff\xff\xff\xff\xff\xff\xff\x7f"),
    ],
)
def test_other_files_that_were_written_to_a_pipe(tmp_path, random, name, mark, after, size):
    path = written(tmp_path / "a.sound", random, *CONTAINERS[name])
    expected, _ = audio.read(path)
    data = bytearray(path.read_bytes())
    place = data.index(mark) + after
    data[place : place + len(size)] = size
    path.write_bytes(data)
    assert audio.info(path).samples == 3 * RATE
    np.testing.assert_array_equal(audio.read(path)[0], expected)
    np.testing.assert_array_equal(
        audio.read(path, 1.25, 0.5)[0], expected[:, RATE * 5 // 4 : RATE * 7 // 4]
    )


@pytest.mark.parametrize(
    ("name", "marks", "message"),
    [
        ("wav", {b"RIFF": 4, b"data": 4}, "its header was never completed"),
        ("flac", {b"fLaC": 22}, "does not say how long it is.*ffmpeg"),
    ],
)
def test_some_of_them_cannot_be_read(tmp_path, random, name, marks, message):
    path = written(tmp_path / "a.sound", random, *CONTAINERS[name])
    data = bytearray(path.read_bytes())
    for mark, after in marks.items():
        place = data.index(mark) + after
        data[place : place + 4] = bytes(4)
    path.write_bytes(data)
    for use in (audio.info, audio.read):
        with pytest.raises(AudioError, match=message):
            use(path)


def chunk(name, contents):
    return name + len(contents).to_bytes(4, "little") + contents + bytes(len(contents) % 2)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_legal_in_wav_passes(tmp_path, random, channels):
    """Chunks of odd lengths before and after the samples, and samples of an odd number of bytes."""
    samples = random.integers(0, 256, (101, channels), dtype=np.uint8)
    form = (b"\1\0" + bytes([channels, 0]) + RATE.to_bytes(4, "little")) + bytes(
        [*(RATE * channels).to_bytes(4, "little"), channels, 0, 8, 0]
    )
    chunks = [chunk(b"LIST", b"INFOodd"), chunk(b"fmt ", form), chunk(b"junk", b"123")]
    sound = chunk(b"data", samples.tobytes())
    for end in (b"", chunk(b"id3 ", b"x" * 99), b"no chunk, but rubbish"):
        path = tmp_path / "a.wav"
        body = b"WAVE" + b"".join(chunks) + sound + end
        path.write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)
        read, _ = audio.read(path)
        np.testing.assert_array_equal(read, (samples.T - np.float32(128)) / 128)
    path.write_bytes((b"RIFF" + len(body).to_bytes(4, "little") + body)[: -len(end) - 1])
    assert audio.read(path)[0].shape == (channels, 101)  # only the byte that fills up is missing


@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_a_segment_has_the_samples_of_the_whole(tmp_path, random, codec):
    channels = 1 if codec[1] == "GSM610" else 2
    # Longer than the blocks in which what is not wanted is decoded.
    path = written(tmp_path / "a.sound", random, *codec, seconds=9.0, channels=channels)
    whole, rate = audio.read(path)
    samples = whole.shape[1]
    assert audio.info(path) == audio.Info(rate, channels, samples) and samples >= 9 * RATE
    with audio.opened(path) as sound:
        for first in [0, 1, samples - 1, samples - 700, *random.integers(0, samples - 700, 6)]:
            count = min(700, samples - int(first))
            segment = sound.read(int(first), count)
            np.testing.assert_array_equal(segment, whole[:, first : first + count])
        blocks = [sound.read(at, min(5000, samples - at)) for at in range(0, samples, 5000)]
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), whole)


def test_integers_are_given_where_the_file_has_them(tmp_path, random):
    samples = noise(random)
    kinds = {(".wav", 16): np.int16, (".flac", 16): np.int16, (".wav", 24): np.float32}
    for (suffix, bits), kind in kinds.items():
        path = audio.write(tmp_path / f"{bits}{suffix}", samples, RATE, bits)
        with audio.opened(path) as sound:
            read = sound.read(100, 50, integers=True)
        assert read.dtype == kind and read.strides[0] < read.strides[1]
        scale = 32768 if kind == np.int16 else 1
        np.testing.assert_array_equal(read / np.float32(scale), audio.read(path)[0][:, 100:150])


def test_absurd_lengths_take_no_memory(tmp_path, random):
    path = audio.write(tmp_path / "a.flac", noise(random), RATE)
    expected, _ = audio.read(path)
    data = bytearray(path.read_bytes())
    data[21] |= 0x0F
    data[22:26] = b"\xff\xff\xff\xfe"
    path.write_bytes(data)
    assert audio.info(path).samples == 2**36 - 2
    with pytest.raises(AudioError, match=r"a\.flac.*(no memory for \d+|truncated: its header)"):
        audio.read(path)
    np.testing.assert_array_equal(audio.read(path, 0, 0.5)[0], expected[:, : RATE // 2])


def test_other_formats_are_refused(tmp_path, random):
    """In many of them a file that was cut off cannot be told from a shorter one."""
    path = written(tmp_path / "a.sf", random, "IRCAM", "PCM_16", None)
    with pytest.raises(AudioError, match=r"a\.sf is a file of the format .*IRCAM.*Convert it"):
        audio.read(path)
    raw = tmp_path / "a.raw"
    raw.write_bytes(bytes(1000))
    with pytest.raises(AudioError, match=r"a\.raw has samples without a header.*Convert it"):
        audio.info(raw)


@pytest.mark.parametrize("use", [audio.info, audio.read])
def test_what_is_no_file_is_named(tmp_path, use):
    for name in ("gone.wav", "no/such/folder.wav", "\ud800.wav", "nul\0.wav", "x" * 300):
        with pytest.raises(FileNotFoundError, match="There is no file ") as raised:
            use(tmp_path / name)
        assert str(raised.value).isprintable()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        use(tmp_path)
    loop = tmp_path / "loop.wav"
    loop.symlink_to(loop)
    with pytest.raises(FileNotFoundError, match=r"loop\.wav"):
        use(loop)
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioError, match=r"pipe\.wav is no regular file"):
        use(tmp_path / "pipe.wav")


@contextlib.contextmanager
def nobody():
    """Act as a user who may not do everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder(tmp_path):
    """A folder that every user can reach, which pytest's are not."""
    folder = Path("/tmp") / f"open-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_a_file_that_may_not_be_read_is_not_called_damaged(open_folder, random):
    path = audio.write(open_folder / "in/a.wav", noise(random), RATE)
    path.chmod(0)
    with nobody(), pytest.raises(PermissionError, match=r"change who may read it.*a\.wav"):
        audio.read(path)
    path.parent.chmod(0)
    with nobody(), pytest.raises(PermissionError, match=r"change who may enter.*a\.wav"):
        audio.info(path)
    path.parent.chmod(0o700)


def test_names_of_any_encoding(tmp_path, random):
    name = os.fsdecode(b"caf\xe9 \xff.wav") if sys.platform == "linux" else "café.wav"
    path = audio.write(tmp_path / name, noise(random), RATE)
    assert audio.read(path)[0].shape == (2, 2 * RATE)
    with pytest.raises(AudioError) as raised:
        audio.read(path, 5)
    assert str(raised.value).isprintable()


def test_no_message_holds_what_a_terminal_obeys(tmp_path, random):
    path = tmp_path / "\x1b[31mred\n.wav"
    path.write_bytes(b"RIFF")
    for call in (
        lambda: audio.read(path),
        lambda: audio.read(path.with_name("\x1b[2J")),
        lambda: audio.write(path, np.zeros((2, 0)), RATE),
        lambda: audio.write(path.with_suffix(".\x1b[1m"), noise(random), RATE),
    ):
        with pytest.raises((AudioError, FileNotFoundError)) as raised:
            call()
        assert str(raised.value).isprintable()


def test_a_file_that_changes_is_looked_at_anew(tmp_path, random):
    path = tmp_path / "a.wav"
    for seconds in (1.0, 2.0):
        samples = noise(random, seconds)
        audio.write(path, samples, RATE)
        read, _ = audio.read(path)
        np.testing.assert_allclose(read, samples, atol=1e-4)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(AudioError, match="truncated"):
        audio.read(path)


@contextlib.contextmanager
def small_disk(size):
    """No file can grow beyond so many bytes, and writing says why as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("missing", [1, 5000])
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_full_disk_leaves_no_broken_file(tmp_path, random, suffix, missing):
    path = audio.write(tmp_path / f"a{suffix}", noise(random), RATE)
    before = path.read_bytes()
    with small_disk(len(before) - missing), pytest.raises(OSError, match=path.name) as raised:
        audio.write(path, noise(random), RATE)
    assert raised.value.filename == str(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs to mount a disk")
def test_a_disk_that_is_really_full(tmp_path, random):
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("may not mount a disk")
    try:
        for suffix in (".wav", ".flac"):
            path = tmp_path / f"a{suffix}"
            with pytest.raises(OSError, match=path.name) as raised:
                audio.write(path, noise(random, 10.0), RATE)
            assert raised.value.errno == errno.ENOSPC and not os.listdir(tmp_path)
            assert audio.read(audio.write(path, noise(random, 0.5), RATE))[0].shape == (2, 4000)
            path.unlink()
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_folder_that_may_not_be_written_to(open_folder, random):
    open_folder.chmod(0o555)
    path = open_folder / "a.wav"
    with nobody(), pytest.raises(PermissionError) as raised:
        audio.write(path, noise(random), RATE)
    assert raised.value.filename == str(path)
    with nobody(), pytest.raises(PermissionError, match="new"):
        audio.write(open_folder / "new/a.wav", noise(random), RATE)
    open_folder.chmod(0o777)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("rate", [1, 7, 44099, 655350, 2**31 - 1])
def test_odd_sample_rates_are_kept_or_refused(tmp_path, suffix, rate):
    path = tmp_path / f"a{suffix}"
    if suffix == ".flac" and rate > 655350:
        with pytest.raises(AudioError, match=r"a\.flac: audio of 1 channels at \d+ Hz cannot be"):
            audio.write(path, np.zeros(10), rate)
    else:
        audio.write(path, np.zeros(10), rate)
        assert audio.info(path) == audio.Info(rate, 1, 10)


@pytest.mark.parametrize("rate", [0, -1, 44100.5, 2**31, 1e300, np.nan, np.inf, "44100", None])
def test_what_is_no_sample_rate_is_refused(tmp_path, rate):
    message = "A sample rate is a whole number of Hz above 0"
    with pytest.raises(AudioError, match=message):
        audio.write(tmp_path / "a.wav", np.zeros(10), rate)
    for rates in ((rate, 8000), (8000, rate)):
        with pytest.raises(AudioError, match=message):
            audio.resample(np.zeros(10), *rates)
    with pytest.raises(AudioError, match=message):
        audio.loudness(np.zeros(8000), rate)
    assert not os.listdir(tmp_path)


def test_what_no_file_can_hold_is_refused(tmp_path):
    with pytest.raises(AudioError, match=r"a\.wav: there are no samples to write"):
        audio.write(tmp_path / "a.wav", np.zeros((2, 0)), RATE)
    long = np.broadcast_to(np.float32(0), (2, 2**30))
    with pytest.raises(AudioError, match=r"a\.wav would be larger than 4 GiB.*Write flac"):
        audio.write(tmp_path / "a.wav", long, RATE)
    for name in ("\ud800.wav", "nul\0.wav"):
        with pytest.raises(AudioError, match="No file can be called"):
            audio.write(tmp_path / name, np.zeros(10), RATE)
    assert not os.listdir(tmp_path)
