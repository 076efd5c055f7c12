"""What a sound file's header promises, held against the bytes that are there.

libsndfile reads a WAV file that was cut off as a shorter sound. For music that is to be mixed with
other stems, this is a fault that nobody hears until training. So the sizes in the headers of WAV
(with RIFX, RF64 and BW64), W64, AIFF, AU and CAF are compared with the file, and an Ogg file has to
end with the page that is marked as its last. FLAC says how many samples it holds, which shows when
they are decoded; MP3 has a module of its own.

References
----------
EBU Tech 3306 (RF64); ITU-R BS.2088 (BW64); Apple Computer, "Audio Interchange File Format AIFF-C"
(1991); Apple, "Core Audio Format Specification"; Xiph.Org, RFC 3533 (Ogg).
"""

import os
import struct
from typing import BinaryIO

_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
# What a program writes that does not know the size yet, and cannot come back since it writes to a
# pipe: ffmpeg, SoX (to AIFF and to WAV) and arecord, each a little more or less for its header.
_UNKNOWN = (0, 0x7F000000, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_ABOUT = 64
_ENDLESS = 2**62  # The same where sizes have 64 bits.
_OGG_PAGE = 27 + 255 + 255 * 255  # bytes of the largest


def missing(file: BinaryIO) -> str | None:
    """What is missing at the end of a sound file.

    Parameters
    ----------
    file : binary file, open for reading

    Returns
    -------
    str or None
        The end of a sentence that begins with the file's name; None if the file holds all that its
        header promises, if the header does not say (as in a file that was written to a pipe), or
        if it is of another format.
    """
    length = _length(file)
    file.seek(0)
    head = file.read(16)
    if head.startswith(b"OggS"):
        return None if _ends_with_last_page(file, length) else "lacks its last page"
    start, size = _data(file, head) or (0, 0)
    there = length - start
    if size <= there or size >= _ENDLESS:
        return None
    if any(abs(size - unknown) <= _ABOUT for unknown in _UNKNOWN):
        return None
    return f"promises {size} bytes of sound, and {there} are there"


def _length(file):
    return os.fstat(file.fileno()).st_size


def _data(file, head):
    """Where the samples begin, and their size in bytes by the header; None if it does not say."""
    match head[:4], head[8:12]:
        case (b"RIFF", b"WAVE"):
            return _chunk(file, 12, b"data", "<4sI", even=2)
        case (b"RIFX", b"WAVE"):
            return _chunk(file, 12, b"data", ">4sI", even=2)
        case (b"RF64" | b"BW64", b"WAVE"):
            data = _chunk(file, 12, b"data", "<4sI", even=2)
            long = _chunk(file, 12, b"ds64", "<4sI", even=2)
            if data and long and data[1] == 0xFFFFFFFF:
                file.seek(long[0] + 8)
                return data[0], int.from_bytes(file.read(8), "little")
            return data
        case (b"FORM", b"AIFF" | b"AIFC"):
            return _chunk(file, 12, b"SSND", ">4sI", even=2)
        case (b"caff", _):
            return _chunk(file, 8, b"data", ">4sq")
        case (b".snd", _) if len(head) == 16:
            return struct.unpack(">II", head[4:12])
        case (b"dns.", _) if len(head) == 16:
            return struct.unpack("<II", head[4:12])
    if head == _W64_RIFF:
        return _chunk(file, 40, _W64_DATA, "<16sQ", even=8, itself=24)
    return None


def _chunk(file, position, wanted, form, even=1, itself=0):
    """Where the contents of a chunk begin, and their size; None if there is no such chunk.

    The size in its header includes ``itself`` bytes, and the next chunk begins at a multiple of
    ``even`` bytes.
    """
    header, length = struct.Struct(form), _length(file)
    while True:
        file.seek(position)
        head = file.read(header.size)
        if len(head) < header.size:
            return None
        name, size = header.unpack(head)
        size -= itself
        position += header.size
        if name == wanted:
            return position, size
        position += size + -size % even
        if size < 0 or position > length:
            return None


def _ends_with_last_page(file, length):
    file.seek(max(length - _OGG_PAGE, 0))
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    whole = len(page) >= 27 and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])
    return whole and bool(page[5] & 4)
