"""A private folder for each object that is worked on, which outlives nobody.

Here belong its rights, its space and its end. Not here: what is put into it.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mentora_pipelines.errors import TransientError

PREFIX = "mentora-object-"

YOUNG_S = 60
"""A folder is locked milliseconds after it is made; one this old that is not locked
belonged to a process that was killed."""

SPARE_BYTES = 64 << 20
"""Left to others: a disk filled to its last byte stops every process of the machine."""


@contextmanager
def private_folder(needed_bytes: int, *, base: Path | None = None) -> Iterator[Path]:
    """A folder of our own (0700) with that much space, removed at the end.

    It lies in `base`, where the system keeps what is temporary by default.
    Removes those that killed processes left behind. Raises `TransientError` when the
    disk has not the space or makes no folder; what fails in the folder is the caller's.
    """
    with disk_faults():
        base = base or Path(tempfile.gettempdir())
        remove_abandoned(base)
        free = shutil.disk_usage(base).free
        if free < needed_bytes + SPARE_BYTES:
            raise TransientError(
                f"temporary folder: {free} bytes free, {needed_bytes + SPARE_BYTES} "
                "needed"
            )
        folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=base)
    with folder as name:
        lock = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(lock)


@contextmanager
def disk_faults() -> Iterator[None]:
    """Turns faults of the disk into `TransientError`: the file is not to blame."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise TransientError(f"temporary folder: {reason}") from None


def remove_abandoned(base: Path) -> None:
    """Remove our folders in `base` that no living process holds."""
    for folder in base.glob(f"{PREFIX}*"):
        with suppress(OSError):
            _remove_if_abandoned(folder)


def _remove_if_abandoned(folder: Path) -> None:
    # Anybody may make a folder of this name there; only our own are touched.
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        facts = os.fstat(lock)
        if facts.st_uid != os.geteuid() or time.time() - facts.st_mtime < YOUNG_S:
            return
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(lock)
