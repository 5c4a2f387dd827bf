"""Decoders gone wrong, in place of `child`: the data of a WAV file says how.

The ends are real: a real process gets a real signal, or says what is not true.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mentora_pipelines.adapters.media import child
from mentora_pipelines.adapters.media.child import Task
from mentora_pipelines.adapters.media.confinement import (
    close_the_doors,
    end_with_parent,
    limit_resources,
)


def main() -> None:
    """Fail in the way that the file asks for: `WAY argument`, from byte 44 on."""
    task = Task(**json.loads(sys.argv[1]))
    way, _, argument = os.pread(task.source, 4096, 44).decode().strip().partition(" ")
    end_with_parent(task.parent)
    WAYS[way](argument)


def tell(report: object) -> None:
    """Report as `child` does."""
    os.write(1, json.dumps(report).encode() + b"\n")


def _once(marker: str) -> None:
    if Path(marker).exists():
        child.main()
    Path(marker).touch()
    os.kill(os.getpid(), signal.SIGSEGV)


def _spin(_: str) -> None:
    limit_resources(memory_bytes=1 << 30, cpu_s=1, file_bytes=1 << 20)
    while True:
        pass


def _sleep(marker: str) -> None:
    Path(marker).write_text(str(os.getpid()), encoding="ascii")
    time.sleep(600)


def _try_doors(path: str) -> None:
    """Report what a confined process could still do, as if it were a codec."""
    tries: dict[str, Callable[[], object]] = {
        "read a file": lambda: os.open(path, os.O_RDONLY),
        "make a file": lambda: os.open(f"{path}.new", os.O_CREAT | os.O_WRONLY),
        "remove a file": lambda: Path(path).unlink(),
        "call": lambda: socket.socket(socket.AF_INET),
        "call here": lambda: socket.socket(socket.AF_UNIX),
        "start a process": os.fork,
        "become another": lambda: os.execv(sys.executable, ["python"]),  # noqa: S606  (refused)
        "stop its parent": lambda: os.kill(os.getppid(), signal.SIGTERM),
    }
    status = child._own_status()  # noqa: SLF001  (what the true one opens before)
    is_confined = close_the_doors()
    done = []
    for name, attempt in tries.items():
        try:
            attempt()
        except PermissionError:
            continue
        done.append(name)
    assert status is not None
    detail = f"confined {is_confined}, could {done}"
    tell(
        {"refused": {"code": "internal", "detail": detail}, "cpu_s": 0, "peak_bytes": 0}
    )


WAYS: dict[str, Callable[[str], object]] = {
    "once": _once,
    "spin": _spin,
    "sleep": _sleep,
    "doors": _try_doors,
    "segfault": lambda _: os.kill(os.getpid(), signal.SIGSEGV),
    "abort": lambda _: os.abort(),
    "killed": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda _: os._exit(0),
    "disk": lambda _: tell(
        {"disk": "No space left on device", "cpu_s": 0, "peak_bytes": 0}
    ),
    "say": lambda text: os.write(1, text.encode() + b"\n"),
    "flood": lambda _: [os.write(1, b" " * 65_536) for _ in range(1000)],
}
