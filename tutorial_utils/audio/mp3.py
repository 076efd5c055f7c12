"""MP3 files: where their frames lie, and any segment of them as in the decoded whole.

libsndfile decodes MP3 well from the beginning of a file (its decoder is mpg123), but two things
that it does around that are guesses. Without a Xing or Info header it estimates the length from the
size of the first frame, which is wrong for files of variable bit rate. And after a seek it begins
to decode too late: a frame of layer III may keep its data in up to 511 bytes of the frames before
it, the *bit reservoir*, which at low bit rates are many.

So the frames are found here, from header to header, which takes some 10 ms for a song. Decoded is
then a small file in memory that is made of the frames of a segment and as many before them as
they need.

References
----------
ISO/IEC 11172-3:1993 and 13818-3:1998 (layer III, headers and side information); "Mp3 Info Tag
rev 1", LAME project (Xing and Info headers, encoder delay and padding).
"""

import io
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import soundfile

from .memory import alone

_ID3V2, _ID3V1, _APE = b"ID3", b"TAG", b"APETAGEX"
_JUNK = 65536  # bytes before the first frame that are searched, as mpg123 does
_DECODER_DELAY = 529  # samples by which a decoder of layer III is late
_BLOCK = 8  # frames after which mpg123 adds in the same order, hence rounds as in the whole
_OVERLAP = 2  # frames before a segment that still sound in it
_KBITS = {  # of the bit rates 1 to 14, for MPEG-1 and for MPEG-2 and 2.5
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


class DamagedError(ValueError):
    """What is wrong with the frames of a file, to be put after the file's name."""


def _sizes():
    """Sizes of frames in bytes, for the first 23 bits of all headers of layer III."""
    sizes = {}
    for version, divisor in ((0b11, 1), (0b10, 2), (0b00, 4)):  # MPEG-1, MPEG-2, MPEG-2.5
        first = version == 0b11
        for number, rate in enumerate((44100, 48000, 32000)):
            for index, kbits in enumerate(_KBITS[first], start=1):
                size = (144 if first else 72) * 1000 * kbits // (rate // divisor)
                for padding in (0, 1):
                    for unprotected in (0, 1):
                        head = 0x7FF << 12 | version << 10 | 0b01 << 8 | unprotected << 7
                        sizes[head | index << 3 | number << 1 | padding] = size + padding
    return sizes


_SIZES = _sizes()
_SAME = 0x7FF << 12 | 0b1111 << 8 | 0b11 << 1  # bits that all frames of a file share


@dataclass(frozen=True)
class Frames:
    """The frames of a file.

    Attributes
    ----------
    head : bytes
        The header of the first, four bytes.
    starts, sizes, room : arrays of int
        Where each frame begins, of how many bytes it is, and how many of them can hold data of
        frames that follow. The Xing or Info header is not among them.
    sample_rate : int, in Hz
    channels : int
    delay : int
        Samples at the beginning of the first frame that the encoder put there.
    samples : int
        Length of the sound, without what the encoder put before and after it.
    """

    head: bytes
    starts: np.ndarray
    sizes: np.ndarray
    room: np.ndarray
    sample_rate: int
    channels: int
    delay: int
    samples: int

    def read(self, file: BinaryIO, first: int, count: int) -> np.ndarray:
        """Decode samples: an array of shape (count, channels), float32.

        They are the same, to the last bit, whatever segment they are read with.
        """
        length = _frame_samples(self.head)
        begin, end = first + self.delay, first + count + self.delay
        wanted = max(begin // length - _OVERLAP, 0)
        last = -(-end // length)
        stream, start = self._excerpt(file, wanted, last)
        decoded = alone(_decoded, stream, (last - start) * length)
        segment = decoded[begin - start * length : end - start * length]
        if len(segment) < count:
            raise DamagedError(
                f"is damaged: of {count} samples from sample {first} on, only {len(segment)} could "
                "be decoded"
            )
        return segment

    def _excerpt(self, file, wanted, last):
        """A file of the frames from ``wanted`` to ``last``, and the number of its first frame.

        What comes before ``wanted`` is there for the bit reservoir alone. Such frames are made
        silent, as is one whose reservoir is not in the file: the decoder would do the same, but
        complain on the terminal.
        """
        limit, shift = (511, 7) if _is_mpeg1(self.head) else (255, 8)
        side = _side_information(self.head)
        before = np.cumsum(self.room) - self.room
        start = np.searchsorted(before, before[wanted] - limit, side="right") - 1
        start = max(int(start), 0) // _BLOCK * _BLOCK
        begin = int(self.starts[start])
        file.seek(begin)
        length = int(self.starts[last - 1] + self.sizes[last - 1]) - begin
        data = file.read(length)
        if len(data) < length:
            raise DamagedError("has become shorter while it was read")
        parts, held = [], 0
        for frame in range(start, last):
            at = int(self.starts[frame]) - begin
            part = data[at : at + int(self.sizes[frame])]
            if held < limit:
                at = 4 + _checksum(part[1])
                needed = int.from_bytes(part[at : at + 2], "big") >> shift
                if frame < wanted or needed > held:
                    # The decoder hands the reservoir on only as far as a frame says it needs it.
                    silent = (held << shift).to_bytes(2, "big") + bytes(side - 2)
                    part = part[:at] + silent + part[at + side :]
                held = min(held + int(self.room[frame]), limit)
            parts.append(part)
        # The length is estimated from the size of the first frame. Silent frames of that size at
        # the end, which are not read, make the estimate large enough.
        size = int(self.sizes[start])
        missing = 2 + last - start - sum(map(len, parts)) // size
        parts.append(max(missing, 1) * parts[0][:4].ljust(size, b"\0"))
        return b"".join(parts), start


def _decoded(stream, samples):
    with soundfile.SoundFile(io.BytesIO(stream)) as decoder:
        return decoder.read(samples, "float32", always_2d=True)


def begins(head: bytes) -> bool:
    """Whether a file that begins with these bytes, at least three, may be an MP3."""
    return head.startswith(_ID3V2) or _size(head, 0) > 0


def index(data: bytes) -> Frames | None:
    """Find the frames of a file; None if it has none of layer III, or only of free bit rates.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    DamagedError
        If frames are missing at the end or in between.
    """
    first = _first(data)
    if first is None:
        return None
    starts, sizes = _walk(data, first)
    head = data[first : first + 4]
    promised, delay, padding = _info(data[first : first + sizes[0]])
    if promised is not None:
        starts, sizes = starts[1:], sizes[1:]
        if promised > len(starts):
            raise DamagedError(
                f"is truncated: its header promises {promised} frames, and {len(starts)} are there"
            )
    if not len(starts):
        return None
    samples = len(starts) * _frame_samples(head) - delay
    if promised == len(starts):  # Else files were joined, and the padding lies somewhere within.
        samples -= max(padding - _DECODER_DELAY, 0)
    checksums = _checksum(np.frombuffer(data, np.uint8)[starts + 1])
    room = np.maximum(sizes - 4 - checksums - _side_information(head), 0)
    rate = (44100, 48000, 32000)[head[2] >> 2 & 3]
    rate //= {0b11: 1, 0b10: 2, 0b00: 4}[head[1] >> 3 & 3]
    return Frames(head, starts, sizes, room, rate, _channels(head), delay, max(samples, 0))


def _size(data, position):
    """Bytes of the frame that begins here; 0 if none does."""
    return _SIZES.get(int.from_bytes(data[position : position + 3], "big") >> 1, 0)


def _kind(head):
    """What all frames of a file have in common; None if these four bytes begin none."""
    bits = int.from_bytes(head[:3], "big") >> 1
    return (bits & _SAME, _channels(head)) if bits in _SIZES and len(head) == 4 else None


def _is_mpeg1(head):
    return head[1] >> 3 & 3 == 3


def _channels(head):
    return 1 if head[3] >> 6 == 3 else 2


def _frame_samples(head):
    return 1152 if _is_mpeg1(head) else 576


def _checksum(second_byte):
    """Bytes of the checksum after the header."""
    return 2 - 2 * (second_byte & 1)


def _side_information(head):
    """Bytes of side information after the header."""
    return (17, 32)[_channels(head) - 1] if _is_mpeg1(head) else (9, 17)[_channels(head) - 1]


def _tag(data, position):
    """Bytes of the tag that begins here; 0 if none does."""
    head = data[position : position + 32]
    if head.startswith(_ID3V2) and len(head) >= 10:
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        return 10 + size + (10 if head[5] & 0x10 else 0)
    if head.startswith(_ID3V1):
        return 128
    if head.startswith(_APE) and len(head) == 32:
        return 32 + int.from_bytes(head[12:16], "little")
    return 0


def _first(data):
    """Where the first frame begins: it is followed by one of its kind, by a tag or by the end."""
    position = 0
    while skipped := _tag(data, position):
        position += skipped
    limit = position + _JUNK
    while (position := data.find(b"\xff", position, limit)) >= 0:
        after = position + _size(data, position)
        if position < after <= len(data) and (
            after == len(data) or _tag(data, after) or _follows(data, after, position)
        ):
            return position
        position += 1
    return None


def _follows(data, after, position):
    return _kind(data[after : after + 4]) == _kind(data[position : position + 4])


def _walk(data, position):
    """Starts and sizes of all frames from the first on."""
    kind = _kind(data[position : position + 4])
    same = {head: size for head, size in _SIZES.items() if head & _SAME == kind[0]}
    starts, sizes, end = [], [], len(data)
    while position < end:
        head = data[position : position + 4]
        size = same.get(int.from_bytes(head[:3], "big") >> 1)
        if size is None or len(head) < 4 or _channels(head) != kind[1]:
            skipped = _tag(data, position)
            if not skipped:
                break
            position += skipped
        elif position + size > end:
            raise DamagedError(
                f"is truncated: {size} bytes are due for its last frame, and "
                f"{end - position} are there"
            )
        else:
            starts.append(position)
            sizes.append(size)
            position += size
    after = _next(data, position, kind)
    if after is not None:
        raise DamagedError(
            f"is damaged after byte {position}: no frame begins there, but {after - position} "
            "bytes later the next one does"
        )
    return np.array(starts, np.int64), np.array(sizes, np.int32)


def _next(data, position, kind):
    """Where two frames of this kind follow each other; None if nowhere from here on."""
    while (position := data.find(b"\xff", position)) >= 0:
        if _kind(data[position : position + 4]) == kind:
            if _follows(data, position + _size(data, position), position):
                return position
        position += 1
    return None


def _info(frame):
    """What a Xing or Info header says: frames, and samples before and after the sound.

    The first is None if this frame is none, and 0 if it does not say. Where an encoder does not
    say what it added, mpg123 takes away its own delay, and so do we.
    """
    side = _side_information(frame)
    at = 4 + side
    if any(frame[6:at]) or frame[at : at + 4] not in (b"Xing", b"Info"):
        return None, 0, 0
    flags, at = int.from_bytes(frame[at + 4 : at + 8], "big"), at + 8
    frames = 0
    if flags & 1:
        frames = int.from_bytes(frame[at : at + 4], "big")
    at += 4 * bool(flags & 1) + 4 * bool(flags & 2) + 100 * bool(flags & 4) + 4 * bool(flags & 8)
    if not frames:
        return 0, 0, 0
    encoder = frame[at : at + 24]
    if len(encoder) < 24 or not encoder[0]:
        return frames, _DECODER_DELAY, 0
    both = int.from_bytes(encoder[21:24], "big")
    return frames, _DECODER_DELAY + (both >> 12), both & 0xFFF
