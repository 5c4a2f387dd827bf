"""MPEG layer III by its headers: what a file announces, and whether it breaks off.

Layouts of the headers of Xing (also written `Info`) and VBRI: Gabriel Bouvigne,
"MP3 Info Tag revision 1"; Konrad Windszus, "MPEG Audio Frame Header".
"""

from dataclasses import dataclass
from typing import BinaryIO

from mentora_pipelines.adapters.media.sniffing import end_of_tag

_BITRATES_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BITRATES_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = (44_100, 48_000, 32_000)

FIRST_FRAME_WITHIN = 4096
"""Encoders pad their tag; further off there is no header to find."""

TAIL_BYTES = 16_384
"""Holds ten of the largest frames (1,441 bytes), and a tag at the end."""

TELLING_FRAMES = 4
"""So many headers in a row are no accident of the sound."""


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """The four bytes before each frame; `size` counts them too."""

    version: int
    """1, 2 or 3 for MPEG 2.5."""
    rate: int
    samples: int
    size: int
    is_mono: bool


def frame_header(head: bytes) -> FrameHeader | None:
    """The header that `head` begins with; None when it is none of layer III."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version = {3: 1, 2: 2, 0: 3}.get(head[1] >> 3 & 3)
    bitrate_at, rate_at = head[2] >> 4, head[2] >> 2 & 3
    if version is None or not 1 <= bitrate_at <= 14 or rate_at == 3:
        return None
    bitrates = _BITRATES_1 if version == 1 else _BITRATES_2
    rate = _RATES[rate_at] >> (version - 1)
    samples = 1152 if version == 1 else 576
    size = samples // 8 * bitrates[bitrate_at - 1] * 1000 // rate + (head[2] >> 1 & 1)
    return FrameHeader(version, rate, samples, size, is_mono=head[3] >> 6 == 3)


def announced_s(file: BinaryIO) -> float:
    """Seconds that a Xing, Info or VBRI header announces, 0.0 without one."""
    file.seek(end_of_tag(file))
    head = file.read(FIRST_FRAME_WITHIN)
    at = head.find(b"\xff")
    while at >= 0:
        header = frame_header(head[at : at + 4])
        if header is not None:
            frames = _frame_count(head[at : at + header.size], header)
            return frames * header.samples / header.rate
        at = head.find(b"\xff", at + 1)
    return 0.0


def _frame_count(frame: bytes, header: FrameHeader) -> int:
    wide, narrow = (32, 17) if header.version == 1 else (17, 9)
    at = 4 + (narrow if header.is_mono else wide)
    if frame[at : at + 4] in {b"Xing", b"Info"} and frame[at + 7 : at + 8]:
        return (
            int.from_bytes(frame[at + 8 : at + 12], "big") if frame[at + 7] & 1 else 0
        )
    # Fraunhofer's stands at the same place whatever the version.
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[50:54], "big")
    return 0


def ends_inside_frame(file: BinaryIO, size: int) -> str | None:
    """Why the file is known to break off: its last frame is announced longer.

    Tags at the end (ID3v1, APE, Lyrics3) follow whole frames.
    """
    start = max(end_of_tag(file), size - TAIL_BYTES)
    file.seek(start)
    tail = file.read(TAIL_BYTES)
    at = tail.find(b"\xff")
    while at >= 0:
        chain = _frames_from(tail, at)
        if len(chain) >= TELLING_FRAMES:
            last_at, last = chain[-1]
            if last_at + last.size > len(tail):
                return "ends inside a frame"
            return None
        at = tail.find(b"\xff", at + 1)
    return None


def _frames_from(tail: bytes, at: int) -> list[tuple[int, FrameHeader]]:
    """Frames of one version and rate that follow one another without a gap."""
    chain: list[tuple[int, FrameHeader]] = []
    while (header := frame_header(tail[at : at + 4])) is not None:
        if chain and (header.version, header.rate) != (
            chain[0][1].version,
            chain[0][1].rate,
        ):
            break
        chain.append((at, header))
        at += header.size
    return chain
