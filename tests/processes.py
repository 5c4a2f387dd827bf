"""The processes of this machine as tests look at them (Linux)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process: where it works, and its command line with blanks between words."""

    pid: int
    folder: Path
    command: str


def processes() -> Iterator[Process]:
    """Every process that we may look at, and that lives as long as that takes."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            folder = (process / "cwd").readlink()
            command = (process / "cmdline").read_text(errors="replace")
        except OSError:
            continue
        yield Process(int(process.name), folder, command.replace("\0", " "))
