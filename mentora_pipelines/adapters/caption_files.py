"""Caption files that a person has corrected, read by webvtt-py.

Here belongs turning WebVTT and SubRip files into lines with times. Not here: writing
them (`captions`), or what becomes of the lines.
"""

import codecs
import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mentora_pipelines.domain.lessons.edits import EditedLine
from mentora_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    from webvtt import Caption

MAX_BYTES = 16 << 20
"""A caption file of six hours has half a megabyte."""

_SRT_MARKUP = re.compile(r"</?(?:[biu]|font)\b[^<>]*>|\{\\an?\d\}", re.IGNORECASE)
"""What editors write into SubRip files; any other `<` was said."""


def read_caption_file(path: Path) -> tuple[EditedLine, ...]:
    """The lines of a WebVTT or SubRip file without markup, in the order of the file.

    Raises `InvalidInput` for a file that is neither, or holds no caption.
    """
    text = _decoded(path)
    is_vtt = text.lstrip().startswith("WEBVTT")
    captions = _captions(path.name, text, is_vtt=is_vtt)
    lines = [
        EditedLine(
            caption.start_time.in_milliseconds() / 1000,
            caption.end_time.in_milliseconds() / 1000,
            html.unescape(caption.text)
            if is_vtt
            else _SRT_MARKUP.sub("", caption.raw_text),
        )
        for caption in captions
    ]
    if not any(line.text.strip() for line in lines):
        raise InvalidInput(f"{path.name} holds no caption")
    return tuple(lines)


def _decoded(path: Path) -> str:
    if not path.is_file():
        raise InvalidInput(f"{path} is not a file")
    if path.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"{path.name} is larger than {MAX_BYTES >> 20} MiB")
    content = path.read_bytes()
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{path.name} is not UTF-8: save it as UTF-8") from None


def _captions(name: str, text: str, *, is_vtt: bool) -> "list[Caption]":
    import webvtt
    from webvtt.errors import MalformedCaptionError, MalformedFileError

    try:
        read = webvtt.from_buffer(
            # Lines as both formats know them: a form feed does not end one.
            re.split(r"\r\n|\r|\n", text.lstrip()),
            format="vtt" if is_vtt else "srt",
        )
    except (MalformedFileError, MalformedCaptionError):
        raise InvalidInput(f"{name} is neither a WebVTT nor a SubRip file") from None
    return list(read.captions)
