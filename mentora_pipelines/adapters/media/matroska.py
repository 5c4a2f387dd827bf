"""Matroska and WebM by their elements: whether a file breaks off.

Element ids and sizes: RFC 8794 (EBML) and RFC 9559 (Matroska).
"""

from typing import BinaryIO

from mentora_pipelines.adapters.media.limits import MIN_SHARE

SEGMENT = 0x18538067
CLUSTER = 0x1F43B675
LARGEST_HEAD = 12
"""Four bytes of id, eight of size."""


def ends_inside_element(file: BinaryIO, size: int) -> str | None:
    """Why the file is known to break off, or None.

    A finished segment announces its bytes. One recorded live announces none, and its
    clusters may not either: then the last block must be whole.
    """
    at = 0
    while at < size:
        file.seek(at)
        element = _element(file.read(LARGEST_HEAD))
        if element is None:
            return "ends inside an element" if size - at < LARGEST_HEAD else None
        name, head_bytes, length = element
        if name == SEGMENT and length is not None:
            whole = at + head_bytes + length
            if size < MIN_SHARE * whole:
                return f"{size} bytes of {whole} announced"
            return None
        if length is None and name not in {SEGMENT, CLUSTER}:
            return None
        # Into a segment or cluster of unknown size, past everything else.
        at += head_bytes + (length or 0)
    return "ends inside an element" if at > size else None


def _element(head: bytes) -> tuple[int, int, int | None] | None:
    """Id, bytes of id and size, and the size (None if unknown); None for no element."""
    if not head or head[0] == 0:
        return None
    id_bytes = 9 - head[0].bit_length()
    if id_bytes > 4 or len(head) <= id_bytes or head[id_bytes] == 0:
        return None
    size_bytes = 9 - head[id_bytes].bit_length()
    end = id_bytes + size_bytes
    if len(head) < end:
        return None
    value = int.from_bytes(head[id_bytes:end], "big") & ((1 << 7 * size_bytes) - 1)
    is_unknown = value == (1 << 7 * size_bytes) - 1
    return int.from_bytes(head[:id_bytes], "big"), end, None if is_unknown else value
