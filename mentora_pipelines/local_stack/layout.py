"""The files of one local stack and the locks that keep its processes in step.

Every lock is a `flock`, because the kernel drops it when its holder dies, however
it dies; a list of pids would outlive a `kill -9` and then name strangers.

    lease       clients share it while they live; the supervisor stops the servers
                only while it holds it alone
    starting    held by the one client that attaches, starts or stops
    supervisor  held by the supervisor, and by nothing it starts: "somebody is in
                charge". Its content is the supervisor's pid
    servers     held by the supervisor and inherited by every server: "somebody may
                be writing the data". Its content is the servers' pids

What the servers are, and how they are run, does not belong here.
"""

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.05
"""Pause between two looks at something another process will change."""


@dataclass(frozen=True)
class Layout:
    """Where the files of the stack are; `root` is an absolute, resolved path."""

    root: Path

    @classmethod
    def below(cls, folder: Path) -> "Layout":
        """Return the layout of the stack of a folder, the same for every spelling."""
        return cls(folder.resolve() / "servers")

    @property
    def lease(self) -> Path:
        """Shared by the living clients."""
        return self.root / "lease.lock"

    @property
    def starting(self) -> Path:
        """Held by the client that attaches, starts or stops."""
        return self.root / "starting.lock"

    @property
    def supervisor(self) -> Path:
        """Held by whoever is in charge of the servers."""
        return self.root / "supervisor.lock"

    @property
    def servers(self) -> Path:
        """Held by everybody who may be writing the data."""
        return self.root / "servers.lock"

    @property
    def state(self) -> Path:
        """The addresses of the running servers; exists only while they run."""
        return self.root / "state.json"

    @property
    def credentials(self) -> Path:
        """Passwords, and the ports used last, so that addresses survive a restart."""
        return self.root / "credentials.json"

    @property
    def postgres_data(self) -> Path:
        """Postgres's data folder; complete if it exists."""
        return self.root / "postgres"

    def log(self, server: str) -> Path:
        """Return the log of a server, which its name names."""
        return self.root / f"{server}.log"


def open_private(path: Path, flags: int) -> int:
    """Open a file only its owner can read; create it if it is missing.

    It belongs to the owner of the folder, so that one start as root does not lock
    out the ordinary user whose folder it is.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Replace a file so that a reader, or a power failure, meets old or new whole."""
    draft = path.with_suffix(".draft")
    descriptor = open_private(draft, os.O_WRONLY | os.O_TRUNC)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder outlast a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_lock(path: Path) -> int:
    """Open a lock without taking it; closing the descriptor releases it."""
    return open_private(path, os.O_RDWR)


def try_lock(descriptor: int, kind: int) -> bool:
    """Take the lock (`fcntl.LOCK_SH` or `LOCK_EX`) if it is free now."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_lock(descriptor: int, kind: int, timeout_s: float) -> bool:
    """Take the lock within the time, or return False."""
    deadline = time.monotonic() + timeout_s
    while not try_lock(descriptor, kind):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def is_held(path: Path) -> bool:
    """Whether some process holds this lock exclusively."""
    descriptor = open_lock(path)
    try:
        return not try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def write_pids(descriptor: int, pids: list[int]) -> None:
    """Note in the file of a lock who holds it."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, " ".join(map(str, pids)).encode(), 0)


def read_pids(path: Path) -> list[int]:
    """Return who held the lock last; they may be dead, or strangers by now."""
    return [int(pid) for pid in path.read_text().split() if pid.isdecimal()]
