"""What a process gives up before it looks at a creator's file.

Here belong resource limits, the tie to the parent and the filter of system calls.
Runs in the decoder's process only. On Linux (x86-64, arm64) the process can then open
no file, make no socket and start no process, whatever a decoder is made to do; on
other systems the limits of CPU time and file size alone hold.
"""

import ctypes
import os
import platform
import resource
import signal
import sys
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2

ALLOW = 0x7FFF_0000
REFUSE = 0x0005_0000 | 1
"""The call returns EPERM; a library that tries goes on without."""


@dataclass(frozen=True, slots=True)
class _Calls:
    """Numbers of one architecture's system calls (`linux/unistd.h`)."""

    architecture: int
    """As `linux/audit.h` names it."""
    own_limits: int
    """`prlimit64`, allowed on the process itself."""
    allowed: tuple[int, ...]


# What they do: read, write and close what is open, move about in it and ask its size
# (fstat, lseek, ioctl, fcntl, dup, fsync, ftruncate, poll); get memory and give it back
# (mmap, mremap, mprotect, munmap, madvise, brk); wait for a lock (futex) or a while;
# catch signals; ask for the time, the processors, random bytes and what it is itself;
# exit.
_CALLS = {
    "x86_64": _Calls(
        0xC000_003E,
        302,
        (
            *(0, 1, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 24),
            *(25, 28, 32, 35, 39, 60, 72, 74, 77, 96, 98, 99, 131, 186, 202, 204),
            *(228, 230, 231, 262, 271, 318),
        ),
    ),
    "aarch64": _Calls(
        0xC000_00B7,
        261,
        (
            *(23, 25, 29, 46, 57, 62, 63, 64, 65, 66, 67, 68, 73, 79, 80, 82, 93, 94),
            *(98, 101, 113, 115, 123, 124, 132, 134, 135, 139, 165, 169, 172, 178),
            *(179, 214, 215, 216, 222, 226, 233, 278),
        ),
    ),
}


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("operand", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_ushort),
        ("instructions", ctypes.POINTER(_Instruction)),
    )


def end_with_parent(parent_pid: int) -> None:
    """Be killed when the parent ends, however it ends (Linux)."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        # It ended before we asked.
        os._exit(1)


def limit_resources(*, memory_bytes: int, cpu_s: int, file_bytes: int) -> None:
    """Bound memory, CPU time (of starting; raised by `allow_cpu`) and what is written.

    No core is dumped: it would hold the lesson.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    if sys.platform == "linux":
        # macOS accepts no limit of address space.
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    allow_cpu(cpu_s)


def allow_cpu(seconds: int) -> None:
    """Be killed after this much CPU time in all."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard != resource.RLIM_INFINITY:
        seconds = min(seconds, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))


def close_the_doors() -> bool:
    """Allow no system call from here on but those that compute, read and write.

    Returns whether that holds: not on other systems, nor where Linux has no filters.
    """
    calls = _CALLS.get(platform.machine())
    if sys.platform != "linux" or calls is None:
        return False
    code = _filter(calls)
    program = _Program(
        len(code), (_Instruction * len(code))(*(_Instruction(*line) for line in code))
    )
    try:
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program))
    except OSError:
        return False
    return True


def _filter(calls: _Calls) -> list[tuple[int, int, int, int]]:
    """Instructions of the classic BPF machine; jumps count what is skipped."""
    load, equals, at_least, answer = 0x20, 0x15, 0x35, 0x06
    call_number, architecture, first_argument = 0, 4, 16
    count = len(calls.allowed)
    return [
        (load, 0, 0, architecture),
        (equals, 1, 0, calls.architecture),
        (answer, 0, 0, REFUSE),
        (load, 0, 0, call_number),
        # Calls of the x32 interface have other numbers.
        (at_least, count + 3, 0, 0x4000_0000),
        *((equals, count + 3 - at, 0, call) for at, call in enumerate(calls.allowed)),
        (equals, 0, 2, calls.own_limits),
        (load, 0, 0, first_argument),
        (equals, 1, 0, 0),
        (answer, 0, 0, REFUSE),
        (answer, 0, 0, ALLOW),
    ]


def _prctl(option: int, *arguments: object) -> None:
    padded = (*arguments, 0, 0, 0, 0)[:4]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *padded) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")
