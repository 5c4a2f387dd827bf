"""The port's side of decoding: an upload taken in, its sound handed out.

Here belong the private copy of an upload and what a crash of the decoder means. Not
here: where uploads and audio lie, or what is said in them.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mentora_pipelines.adapters.media.child import Task
from mentora_pipelines.adapters.media.child_process import (
    CHILD_MODULE,
    DecoderCrashedError,
    Outcome,
    run_child,
)
from mentora_pipelines.adapters.media.limits import DecoderLimits
from mentora_pipelines.adapters.media.sniffing import sniff_file
from mentora_pipelines.adapters.private_folder import disk_faults, private_folder
from mentora_pipelines.domain.lessons.audio import DecodedAudio, SoundFacts
from mentora_pipelines.errors import ErrorCode, LessonRefused
from mentora_pipelines.observability.timers import timed

RULES_VERSION = 1
"""Raised when a change of this package makes other sound of the same file: audio is
then stored under other keys."""

COPY_BYTES = 1 << 20

DEFAULT_MEMORY_BYTES = 1 << 30
"""An index of 6 h takes 0.1 GB, and a picture of 100 MB in a tag twice its size."""

CRASHES = 2
"""A decoder that crashes twice on a file crashes always."""

FLAC_BYTES_PER_S = 20_000
"""Speech at 16 kHz."""

FLAC_PER_UPLOAD = 8
"""Times its size: sound alone at 20 kbit/s grows so; a video shrinks."""


@dataclass(frozen=True, slots=True)
class LocalSource:
    """An upload copied to a private folder under a generated name."""

    path: Path
    sha256: str
    size: int
    limits: DecoderLimits
    language: str | None
    child_module: str

    @property
    def sound(self) -> Path:
        """Where `run` puts what it decodes."""
        return self.path.with_name("audio.flac")

    @contextmanager
    def decode(self) -> Iterator[DecodedAudio]:
        """The sound of its chosen track as FLAC, while the context is open.

        Raises `LessonRefused` with the code of what is wrong with the file, and
        `TransientError` when this machine was at fault.
        """
        with timed("decoder"):
            outcome = self.run()
        if outcome.refused is not None:
            raise outcome.refused
        facts = SoundFacts(
            container=outcome.container,
            codec=outcome.codec,
            channels=outcome.channels,
            language=outcome.language,
            one_sided_share=outcome.one_sided_share,
            decoder_cpu_s=outcome.usage.cpu_s,
            decoder_peak_bytes=outcome.usage.peak_bytes,
            is_confined=outcome.usage.is_confined,
        )
        with self.sound.open("rb") as content:
            yield DecodedAudio(content, outcome.duration_s, facts)

    def run(self) -> Outcome:
        """Decode, in a second process should the first one crash.

        Raises `LessonRefused` for what is no recording, or when both crashed.
        """
        with self.path.open("rb") as source:
            return self._run(source, sniff_file(source))

    def _run(self, source: BinaryIO, demuxer: str) -> Outcome:
        for attempt in range(1, CRASHES + 1):
            with self.sound.open("w+b") as flac:
                task = Task(
                    source=source.fileno(),
                    target=flac.fileno(),
                    size=self.size,
                    demuxer=demuxer,
                    language=self.language,
                    max_duration_s=self.limits.max_duration_s,
                    memory_bytes=self.limits.memory_bytes,
                    parent=os.getpid(),
                )
                try:
                    return run_child(task, self.limits, self.child_module)
                except DecoderCrashedError as crash:
                    if attempt == CRASHES:
                        raise LessonRefused(
                            ErrorCode.DECODER_CRASHED,
                            f"{demuxer}: {crash}, {CRASHES} times",
                        ) from None
        raise AssertionError  # the last attempt has returned or raised


class PyAvDecoder:
    """Satisfies `MediaDecoder`; sizes in bytes, durations in seconds.

    `child_module` is the module whose `main` decodes, in a process of its own.
    """

    def __init__(
        self,
        *,
        max_bytes: int,
        max_duration_s: float,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        language: str | None = None,
        child_module: str = CHILD_MODULE,
    ) -> None:
        self._max_bytes = max_bytes
        self._limits = DecoderLimits(max_duration_s, memory_bytes)
        self._language = language
        self._child_module = child_module

    @property
    def fingerprint(self) -> str:
        """Names the rules and the choice of track: other ones make other sound."""
        return f"pyav-{RULES_VERSION}-{self._language or 'default'}"

    @contextmanager
    def take_in(
        self, content: BinaryIO, expected_bytes: int = 0
    ) -> Iterator[LocalSource]:
        """Copy the stream to a private folder, hashing it on the way.

        Raises `LessonRefused` when it is empty or larger than allowed, and
        `TransientError` when the disk has no room for it.
        """
        self._check_size(expected_bytes)
        needed_bytes = expected_bytes + self._flac_bytes(expected_bytes)
        with disk_faults(), private_folder(needed_bytes) as folder:
            # A generated name: what the creator called the file means nothing here.
            path = folder / "source"
            digest = hashlib.sha256()
            size = 0
            with timed("storage"), path.open("xb") as copy:
                while block := content.read(COPY_BYTES):
                    size += len(block)
                    self._check_size(size)
                    digest.update(block)
                    copy.write(block)
            if size == 0:
                raise LessonRefused(ErrorCode.EMPTY_FILE, "0 bytes")
            yield LocalSource(
                path,
                digest.hexdigest(),
                size,
                self._limits,
                self._language,
                self._child_module,
            )

    def _flac_bytes(self, expected_bytes: int) -> int:
        """Room for the sound, before anything is known but the upload's size."""
        longest = round(self._limits.max_duration_s * FLAC_BYTES_PER_S)
        return min(longest, FLAC_PER_UPLOAD * expected_bytes)

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise LessonRefused(ErrorCode.TOO_LARGE, f"over {self._max_bytes} bytes")
