"""The decoder's own process: confined, it decodes one file and reports.

Started by `child_process` with open descriptors and one argument, a JSON object of the
fields of `Task`. Writes lines of JSON to standard output: `announced_s` before it
decodes, and at the end one of `decoded`, `refused`, `memory` or `disk`. No other end
is an ordinary one.
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import BinaryIO

from mentora_pipelines.adapters.media.confinement import (
    allow_cpu,
    close_the_doors,
    end_with_parent,
    limit_resources,
)
from mentora_pipelines.adapters.media.decoding import decode
from mentora_pipelines.adapters.media.flac import DiskFaultError
from mentora_pipelines.adapters.media.limits import START_CPU_S, DecoderLimits
from mentora_pipelines.errors import LessonRefused


@dataclass(frozen=True, slots=True)
class Task:
    """What a child is told; the descriptors are open in it."""

    source: int
    target: int
    size: int
    demuxer: str
    language: str | None
    max_duration_s: float
    memory_bytes: int
    parent: int


def main() -> None:
    """Do the one task of this process."""
    task = Task(**json.loads(sys.argv[1]))
    limits = DecoderLimits(task.max_duration_s, task.memory_bytes)
    end_with_parent(task.parent)
    limit_resources(
        memory_bytes=task.memory_bytes,
        cpu_s=START_CPU_S,
        file_bytes=limits.flac_bytes(),
    )
    _load()
    status = _own_status()
    with (
        os.fdopen(task.source, "rb", closefd=False) as source,
        os.fdopen(task.target, "r+b", closefd=False) as target,
    ):
        is_confined = close_the_doors()
        ending = _ending(task, limits, source, target)
    _tell(
        {
            **ending,
            "cpu_s": time.process_time(),
            "peak_bytes": _peak_bytes(status),
            "is_confined": is_confined,
        }
    )
    # Nothing is left to do, and tearing down libraries takes as long as loading them.
    os._exit(0)


def _ending(
    task: Task, limits: DecoderLimits, source: BinaryIO, target: BinaryIO
) -> dict[str, object]:
    def on_announced(duration_s: float) -> None:
        allow_cpu(limits.cpu_s(duration_s, task.size))
        _tell({"announced_s": duration_s})

    try:
        decoded = decode(
            source,
            target,
            demuxer=task.demuxer,
            language=task.language,
            max_duration_s=task.max_duration_s,
            on_announced=on_announced,
        )
    except LessonRefused as refused:
        detail = str(refused).partition(": ")[2]
        return {"refused": {"code": refused.code.value, "detail": detail}}
    except MemoryError:
        return {"memory": True}
    except DiskFaultError as fault:
        return {"disk": str(fault)}
    return {"decoded": asdict(decoded)}


def _load() -> None:
    """Import what is imported late, while files can still be opened."""
    import av.filter
    import av.filter.context
    import av.subtitles.codeccontext
    import av.subtitles.stream
    import av.subtitles.subtitle  # noqa: F401  (loaded, not used here)


def _own_status() -> int | None:
    """The kernel's account of this process (Linux)."""
    try:
        return os.open("/proc/self/status", os.O_RDONLY)
    except FileNotFoundError:
        return None


def _peak_bytes(status: int | None) -> int:
    """The most memory that was resident; 0 where the kernel does not tell.

    Not `ru_maxrss`: it counts what the parent held when it started us.
    """
    if status is None:
        return 0
    lines = os.pread(status, 1 << 14, 0).decode("ascii", "replace").splitlines()
    peak = next((line for line in lines if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(peak.split()[1]) * 1024


def _tell(report: dict[str, object]) -> None:
    os.write(1, json.dumps(report).encode() + b"\n")
