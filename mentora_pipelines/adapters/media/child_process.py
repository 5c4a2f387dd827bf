"""The decoder's process, from outside: started, watched, and judged by how it ends.

Here belong its command line, its time and the reading of its reports, which may be
those of a decoder that a file has taken over. Not here: what it does (`child`).
"""

import json
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mentora_pipelines.adapters.media.child import Task
from mentora_pipelines.adapters.media.limits import DecoderLimits
from mentora_pipelines.errors import (
    ErrorCode,
    LessonRefused,
    TransientError,
)
from mentora_pipelines.settings.environment import bare_environment

CHILD_MODULE = "mentora_pipelines.adapters.media.child"

START = (
    "import sys, json, importlib;"
    "sys.path[:] = json.loads(sys.argv.pop(1));"
    "importlib.import_module(sys.argv.pop(1)).main()"
)
"""Finds modules where this process does, without the work of `site` (10 ms)."""

LONGEST_REPORT = 1 << 16
"""The true ones have a few hundred bytes."""

LONGEST_WORD = 200
"""Of what a report quotes; the true ones have a few dozen characters."""


class DecoderCrashedError(Exception):
    """The process ended without a report; the message says how."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a decoding cost."""

    cpu_s: float
    peak_bytes: int
    """Resident memory; 0 where the system does not tell."""
    is_confined: bool
    """Whether the process could open nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Either what was decoded or why the file is refused, and what it cost."""

    container: str
    duration_s: float
    codec: str
    channels: str
    language: str | None
    one_sided_share: float
    refused: LessonRefused | None
    usage: Usage


def run_child(task: Task, limits: DecoderLimits, module: str = CHILD_MODULE) -> Outcome:
    """Decode in a process of its own.

    Raises `DecoderCrashedError` when it ended by the file's doing, `TransientError`
    when by the machine's: killed by another, no disk left, or no end within its time.
    """
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603  (our own module, no shell)
            [
                *(sys.executable, "-I", "-S", "-c", START),
                json.dumps([str(Path(path).absolute()) for path in sys.path]),
                module,
                json.dumps(asdict(task)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=writing,
            # What ffmpeg says of a file may quote it.
            stderr=subprocess.DEVNULL,
            pass_fds=(task.source, task.target),
            env=bare_environment(),
            # Ctrl-C is for us to pass on, once what it held is put away.
            start_new_session=True,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    with process, os.fdopen(reading, "rb") as reports:
        try:
            return _watch(process, _Reports(reports.fileno()), task, limits)
        finally:
            process.kill()


def _watch(
    process: "subprocess.Popen[bytes]",
    reports: "_Reports",
    task: Task,
    limits: DecoderLimits,
) -> Outcome:
    started = time.monotonic()
    allowed_s = limits.start_wall_s
    while True:
        report = reports.next_before(started + allowed_s)
        if report is None:
            raise _sudden_end(process)
        if "announced_s" in report:
            announced_s = _number(report["announced_s"])
            allowed_s = limits.wall_s(announced_s, task.size)
            continue
        return _outcome(report, task, limits)


class _Reports:
    """Lines of JSON from a process that may have been taken over."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unread = b""
        self._total = 0

    def next_before(self, deadline: float) -> Mapping[str, object] | None:
        """The next report, None at the end; raises `TransientError` at the deadline."""
        while b"\n" not in self._unread:
            patience_s = deadline - time.monotonic()
            ready = select.poll()
            ready.register(self._descriptor, select.POLLIN)
            if patience_s <= 0 or not ready.poll(math.ceil(patience_s * 1000)):
                raise TransientError("the decoder did not end within its time")
            piece = os.read(self._descriptor, LONGEST_REPORT)
            self._total += len(piece)
            if self._total > LONGEST_REPORT:
                raise DecoderCrashedError("reports without end")
            if not piece:
                return None
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        try:
            report = json.loads(line)
        except ValueError:
            report = None
        if not isinstance(report, dict):
            raise DecoderCrashedError("a report that is none")
        return report


def _sudden_end(process: "subprocess.Popen[bytes]") -> Exception:
    status = process.wait()
    if status == -signal.SIGKILL:
        return TransientError("the decoder was killed, perhaps for want of memory")
    if status < 0:
        return DecoderCrashedError(signal.Signals(-status).name)
    return DecoderCrashedError(f"exit status {status}")


def _outcome(
    report: Mapping[str, object], task: Task, limits: DecoderLimits
) -> Outcome:
    """The last report, believed only where it can be true."""
    usage = Usage(
        _number(report.get("cpu_s")),
        int(_number(report.get("peak_bytes"))),
        report.get("is_confined") is True,
    )
    if "memory" in report:
        raise DecoderCrashedError(f"wanted over {limits.memory_bytes} bytes of memory")
    if "disk" in report:
        raise TransientError(f"temporary folder: {_word(report['disk'])}")
    refused = report.get("refused")
    if isinstance(refused, dict):
        refusal = _refusal(refused)
        return Outcome(task.demuxer, 0.0, "", "", None, 0.0, refusal, usage)
    decoded = report.get("decoded")
    if not isinstance(decoded, dict):
        raise DecoderCrashedError("a report that is none")
    duration_s = _number(decoded.get("duration_s"))
    if not 0 < duration_s <= limits.max_duration_s:
        raise DecoderCrashedError("a duration that cannot be")
    language = decoded.get("language")
    return Outcome(
        container=task.demuxer,
        duration_s=duration_s,
        codec=_word(decoded.get("codec")),
        channels=_word(decoded.get("channels")),
        language=None if language is None else _word(language),
        one_sided_share=_number(decoded.get("one_sided_share")),
        refused=None,
        usage=usage,
    )


def _refusal(refused: Mapping[str, object]) -> LessonRefused:
    try:
        code = ErrorCode(_word(refused.get("code")))
    except ValueError:
        raise DecoderCrashedError("a code that does not exist") from None
    return LessonRefused(code, _word(refused.get("detail")))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecoderCrashedError("a number that is none")
    if not (math.isfinite(value) and value >= 0):
        raise DecoderCrashedError("a number that cannot be")
    return float(value)


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise DecoderCrashedError("a word that is none")
    return "".join(c for c in value[:LONGEST_WORD] if c.isprintable())
