"""What kind of file an upload is, told by its first bytes alone.

Here belongs the allow-list of containers. Not here: opening one.
"""

from typing import BinaryIO

from mentora_pipelines.errors import ErrorCode, LessonRefused

HEAD_BYTES = 377
"""Three transport packets' sync bytes lie within them."""

_MOV_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_MAGIC = {
    b"\x1a\x45\xdf\xa3": "matroska",
    b"fLaC": "flac",
    b"OggS": "ogg",
}
_WAVES = (b"RIFF", b"RF64", b"BW64")
"""The last two are WAV files that may pass 4 GB."""

_REFUSED = (
    b"RIFF",  # AVI
    b"FORM",  # AIFF
    b"FLV\x01",
    b"\x30\x26\xb2\x75",  # ASF: WMV and WMA
    b".RMF",
    b"#!AMR",
    b"caff",
    b".snd",
    b"wvpk",
    b"MAC ",
    b"MThd",
    b"DKIF",
    b"ADIF",
    b"\x00\x00\x01\xba",  # MPEG program stream: DVD
    b"\x00\x00\x01\xb3",
    b"\x06\x0e\x2b\x34",  # MXF
)


def sniff_container(head: bytes) -> str:
    """The demuxer for a file that starts with `head` (`HEAD_BYTES` of it, if it can).

    Only these are ever tried: a demuxer chosen by ffmpeg itself may be a playlist
    that opens other files. Raises `LessonRefused`.
    """
    if head[4:8] in _MOV_ATOMS:
        return "mp4"
    for magic, demuxer in _MAGIC.items():
        if head.startswith(magic):
            return demuxer
    if head.startswith(_WAVES) and head[8:12] == b"WAVE":
        return "wav"
    if head[:1] == b"\x47" and head[188:189] == b"\x47" and head[376:377] == b"\x47":
        return "mpegts"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        # An MPEG frame: eleven bits set, then version and layer. Layer III is MP3;
        # none (AAC), II and I are sound without a container.
        if head[1] & 0x06 == 0x02:
            return "mp3"
        if head[1] & 0xF6 == 0xF0 or head[1] & 0x06 in {0x04, 0x06}:
            raise LessonRefused(ErrorCode.UNSUPPORTED_CONTAINER, "bare MPEG sound")
    if head.startswith(_REFUSED):
        raise LessonRefused(ErrorCode.UNSUPPORTED_CONTAINER, f"starts {head[:12]!r}")
    raise LessonRefused(ErrorCode.NOT_MEDIA, "no known container")


def sniff_file(file: BinaryIO) -> str:
    """The demuxer for `file`; a tag in front of it (ID3) is looked past.

    Raises `LessonRefused`.
    """
    start = end_of_tag(file)
    file.seek(start)
    head = file.read(HEAD_BYTES)
    if start == 0:
        return sniff_container(head)
    try:
        return sniff_container(head)
    except LessonRefused as refused:
        if refused.code is ErrorCode.UNSUPPORTED_CONTAINER:
            raise
        # Padding, or a tag that lies about its size: the demuxer looks further.
        return "mp3"


def end_of_tag(file: BinaryIO) -> int:
    """Where the sound begins: behind the ID3 tag, whose size has seven bits a byte."""
    file.seek(0)
    head = file.read(10)
    if len(head) < 10 or not head.startswith(b"ID3"):
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    footer = 10 if head[5] & 0x10 else 0
    return 10 + size + footer
