"""Files that no encoder writes: forged headers, bombs, damage and pointers to others.

Here belong the forgeries, made by hand. Not here: what must become of them
(`media_corpus`).
"""

import struct
import tempfile
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.media_files import Track, media


def box(name: bytes, content: bytes) -> bytes:
    """A box of an MP4 file."""
    return struct.pack(">I", 8 + len(content)) + name + content


def id3(content: bytes, picture_bytes: int) -> bytes:
    """`content` behind a tag with a picture of that size."""
    picture = b"\0image/png\0\x03\0" + bytes(picture_bytes)
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + frame + content


def _crc(content: bytes, bits: int, polynomial: int) -> int:
    value = 0
    for byte in content:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = value << 1 ^ (polynomial if value >> (bits - 1) & 1 else 0)
        value &= (1 << bits) - 1
    return value


def silent_flac(hours: float, *, announced: bool = True) -> bytes:
    """Hours of silence at 8 kHz, 15 bytes for each 8 seconds of it."""
    block = 65_535
    blocks = int(hours * 3600 * 8000 / block)
    total = blocks * block if announced else 0
    info = struct.pack(">HH", block, block) + bytes(6)
    info += (8000 << 44 | 0 << 41 | 15 << 36 | total).to_bytes(8, "big") + bytes(16)
    out = bytearray(b"fLaC" + struct.pack(">I", 0x80 << 24 | len(info)) + info)
    for number in range(blocks):
        # Fixed blocks, size in 16 bits, 8 kHz, mono, 16 bits a sample.
        head = b"\xff\xf8\x74\x08" + chr(number).encode("utf-8", "surrogatepass")
        head += struct.pack(">H", block - 1)
        head += bytes([_crc(head, 8, 0x07)])
        frame = head + b"\0\0\0"  # one constant subframe of value 0
        out += frame + struct.pack(">H", _crc(frame, 16, 0x8005))
    return bytes(out)


def flipped(content: bytes, share: float, seed: int = 1) -> bytes:
    """`content` with that share of its bytes damaged, the first 4 kB aside."""
    random = np.random.default_rng(seed)
    damaged = np.frombuffer(content, dtype=np.uint8).copy()
    at = random.integers(4096, len(damaged), int(share * len(damaged)))
    damaged[at] ^= random.integers(1, 256, len(at), dtype=np.uint8)
    return damaged.tobytes()


def zeroed(content: bytes) -> bytes:
    """`content` with its middle half lost, as by a disk."""
    quarter = len(content) // 4
    return content[:quarter] + bytes(2 * quarter) + content[3 * quarter :]


def png() -> bytes:
    """A picture."""
    encoder = av.CodecContext.create("png", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 8, 8, "rgb24"
    picture = av.VideoFrame.from_ndarray(np.zeros((8, 8, 3), dtype=np.uint8))
    encoder.framerate = Fraction(1)
    return b"".join(bytes(p) for p in [*encoder.encode(picture), *encoder.encode(None)])


def wav(rate: int, channels: int, content: bytes, *, announced: int = 0) -> bytes:
    """A WAV file of 16-bit samples by hand, with whatever its header is made to say."""
    frame = 2 * channels & 0xFFFF
    fmt = struct.pack(
        "<HHIIHH", 1, channels, rate, rate * frame & 0xFFFFFFFF, frame, 16
    )
    size = announced or len(content)
    body = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", size + 36) + body + content


def tone16(seconds: float, rate: int, channels: int = 1) -> bytes:
    """Samples of 440 Hz, the same in each channel."""
    times = np.arange(int(seconds * rate)) / rate
    tone = (16_000 * np.sin(2 * np.pi * 440 * times)).astype("<i2")
    return np.repeat(tone, channels).tobytes()


def centred(seconds: float, rate: int) -> bytes:
    """The tone in the third of six channels."""
    tone = np.frombuffer(tone16(seconds, rate), dtype="<i2")
    samples = np.zeros((len(tone), 6), dtype="<i2")
    samples[:, 2] = tone
    return samples.tobytes()


def rf64(content: bytes) -> bytes:
    """`content`, a WAV, as the format for more than 4 GB writes it."""
    sizes = struct.pack("<QQQI", len(content) + 28, len(content) - 44, 0, 0)
    ds64 = b"ds64" + struct.pack("<I", len(sizes)) + sizes
    return b"RF64\xff\xff\xff\xffWAVE" + ds64 + content[12:]


def subtitles_in(container: str) -> bytes:
    """Subtitles without sound or picture."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        srt = Path(folder) / "made.srt"
        srt.write_text("1\n00:00:00,000 --> 00:00:02,000\nHello\n\n")
        with (
            av.open(str(srt)) as texts,
            av.open(str(path), "w", format=container) as out,
        ):
            stream = out.add_stream_from_template(texts.streams.subtitles[0])
            for packet in texts.demux():
                if packet.dts is not None:
                    packet.stream = stream
                    out.mux(packet)
        return path.read_bytes()


def many_samples(count: int) -> bytes:
    """A small MP4 whose index claims `count` samples of one byte."""
    whole = media("mov", "pcm_s16le", Track(0.5, rate=16_000))
    at = whole.index(b"stsz")
    broken = bytearray(whole)
    struct.pack_into(">III", broken, at + 4, 0, 1, count)
    at = whole.index(b"stsc")
    struct.pack_into(">IIIII", broken, at + 4, 0, 1, 1, count, 1)
    at = whole.index(b"stts")
    struct.pack_into(">IIII", broken, at + 4, 0, 1, count, 1)
    return bytes(broken)


def compressed_index(megabytes: int) -> bytes:
    """A QuickTime file whose index, some kB of zlib, unpacks to so many megabytes."""
    packed = zlib.compress(box(b"free", bytes(megabytes << 20)), 9)
    claimed = struct.pack(">I", megabytes << 20)
    cmov = box(b"dcom", b"zlib") + box(b"cmvd", claimed + packed)
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"cmov", cmov))


def linked(target: str) -> bytes:
    """A QuickTime file whose samples lie in another file, named by an alias."""
    whole = media("mov", "pcm_s16le", Track(0.5, rate=16_000))
    path = target.encode() + b"\0" * (len(target) % 2)
    place = bytes(38) + bytes(12) + b"\1x" + bytes(62) + bytes(16)
    place += struct.pack(">HH", 1, 1) + bytes(16)
    absolute = struct.pack(">HH", 2, len(path)) + path + b"\xff\xff\0\0"
    alias = box(b"alis", bytes(4) + place + absolute)
    at = whole.index(b"url ", whole.index(b"dref")) - 4
    old = struct.unpack(">I", whole[at : at + 4])[0]
    grown = bytearray(whole[:at] + alias + whole[at + old :])
    # Each box around it is longer now.
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = whole.rindex(name, 0, at) - 4
        size = struct.unpack(">I", grown[start : start + 4])[0]
        struct.pack_into(">I", grown, start, size + len(alias) - old)
    return bytes(grown)


def reference_movie(target: str) -> bytes:
    """A QuickTime file that is nothing but a pointer to another one."""
    rdrf = (
        b"\0\0\0\0url " + struct.pack(">I", len(target) + 1) + target.encode() + b"\0"
    )
    rmra = box(b"rmra", box(b"rmda", box(b"rdrf", rdrf)))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", rmra)


def hls(target: str) -> bytes:
    """A playlist of HTTP live streaming."""
    return f"#EXTM3U\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n".encode()


def ffconcat(target: str) -> bytes:
    """A playlist of ffmpeg's own kind."""
    return f"ffconcat version 1.0\nfile '{target}'\n".encode()
