"""Whether a file breaks off, where its duration does not tell.

A container that announces a track's duration is measured against it when the sound
is decoded. The others are known to break off when they end inside a unit: a page of
Ogg, a packet of MPEG-TS, a frame of MP3, a fragment of MP4, an element of Matroska.
Not knowable: a cut exactly between two such units of MPEG-TS, of an MP3 without a
Xing or VBRI header, of a fragmented MP4 or of a live-recorded WebM; and any cut of a
FLAC whose header leaves its length open.
"""

import os
from collections.abc import Callable
from typing import BinaryIO

from mentora_pipelines.adapters.media.limits import MIN_SHARE
from mentora_pipelines.adapters.media.matroska import ends_inside_element
from mentora_pipelines.adapters.media.mp3 import ends_inside_frame

STREAMED_RIFF_SIZE = 0x7FFF_0000
"""Recorders that do not know the end yet write this much or more (sox, ffmpeg)."""

OGG_PAGE_BYTES = 65_307
"""The largest page: header, 255 lengths, 255 segments of 255 bytes."""

TS_PACKET_BYTES = 188


def break_off(file: BinaryIO, demuxer: str) -> str | None:
    """Why `file` is known to break off, or None."""
    size = file.seek(0, os.SEEK_END)
    return _CHECKS[demuxer](file, size) if demuxer in _CHECKS else None


def _riff(file: BinaryIO, size: int) -> str | None:
    """Of a broken-off WAV ffmpeg takes the length of the file for the announced one."""
    file.seek(0)
    head = file.read(28)
    announced = int.from_bytes(head[4:8], "little")
    if head[:4] != b"RIFF":
        # 64-bit sizes stand in a chunk of their own, `ds64`.
        announced = int.from_bytes(head[20:28], "little")
    elif announced >= STREAMED_RIFF_SIZE:
        return None
    if size < MIN_SHARE * announced:
        return f"{size} bytes of {announced} announced"
    return None


def _ogg(file: BinaryIO, size: int) -> str | None:
    """The last page must be whole, and say that it is the last of its stream."""
    file.seek(max(0, size - 2 * OGG_PAGE_BYTES))
    tail = file.read(2 * OGG_PAGE_BYTES)
    at = tail.rfind(b"OggS")
    while at >= 0:
        header = tail[at : at + 27]
        if len(header) < 27:
            return "ends inside a page"
        if header[4] == 0:
            lengths = tail[at + 27 : at + 27 + header[26]]
            if len(lengths) < header[26] or at + 27 + header[26] + sum(lengths) > len(
                tail
            ):
                return "ends inside a page"
            return None if header[5] & 4 else "has no last page"
        # Sound may hold these four bytes too.
        at = tail.rfind(b"OggS", 0, at)
    return "no page near its end"


def _transport_stream(_: BinaryIO, size: int) -> str | None:
    return "ends inside a packet" if size % TS_PACKET_BYTES else None


def _fragments(file: BinaryIO, size: int) -> str | None:
    """Only of a fragmented file: another's index announces every sample."""
    at = 0
    is_fragmented = False
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        is_fragmented = is_fragmented or head[4:8] == b"moof"
        if length == 0:
            return None  # up to the end, by definition
        if length < 8:
            break
        at += length
    if is_fragmented and at != size:
        return "ends inside a fragment"
    return None


_CHECKS: dict[str, Callable[[BinaryIO, int], str | None]] = {
    "wav": _riff,
    "ogg": _ogg,
    "mpegts": _transport_stream,
    "mp4": _fragments,
    "mp3": ends_inside_frame,
    "matroska": ends_inside_element,
}
