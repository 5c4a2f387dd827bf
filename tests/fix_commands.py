"""The `mentora` command in processes of its own, and a home with finished lessons."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mentora_pipelines.local_stack import stop_local_stack
from mentora_pipelines.settings.environment import child_environment
from tests.fix_lessons import SAMPLES
from tests.fix_services import make_home
from tests.processes import processes

MENTORA = Path(sys.executable).with_name("mentora")

TIMEOUT_S = 300.0
"""Only so that a command that hangs fails its test."""


@dataclass(frozen=True)
class Answer:
    """What a command said, and the code it ended with."""

    code: int
    output: str
    progress: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output, which must be one JSON object and nothing else."""
        answer = json.loads(self.output)
        assert isinstance(answer, dict)
        return answer


@dataclass(frozen=True)
class Mentora:
    """The command in one home; it is called in `folder`, the home by default."""

    home: Path
    folder: Path | None = None

    def __call__(self, *words: object, **environment: str) -> Answer:
        """Run the command to its end."""
        done = subprocess.run(
            [MENTORA, *map(str, words)],
            cwd=self.folder or self.home,
            env=self.variables(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *words: object) -> subprocess.Popen[bytes]:
        """Start the command; what it says is lost."""
        return subprocess.Popen(
            [MENTORA, *map(str, words)],
            cwd=self.folder or self.home,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of the command."""
        return child_environment(**{"DAGSTER_HOME": str(self.home), **more})


@pytest.fixture
def mentora(home: Path) -> Mentora:
    """The command in the home of this test run."""
    return Mentora(home)


@dataclass(frozen=True)
class DemoHome:
    """A home in which `mentora demo` has run once."""

    mentora: Mentora
    demo: Answer
    left_over: list[str]
    """Command lines of the processes that the demo has left behind."""


@pytest.fixture(scope="session")
def demo_home(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoHome]:
    """The sample lessons, found by the real sensor and made by the real daemon."""
    assert home.is_dir(), "it has cleared the developer's own settings"
    folder = make_home(tmp_path_factory.mktemp("demo home"))
    (folder / "samples").symlink_to(SAMPLES)
    mentora = Mentora(folder)
    demo = mentora("demo")
    yield DemoHome(mentora, demo, processes_of(folder))
    stop_local_stack(folder / ".mentora")


def processes_of(folder: Path) -> list[str]:
    """Command lines of all that works in `folder`, except the servers."""
    servers = folder / ".mentora" / "servers"
    return [
        process.command
        for process in processes()
        if process.folder.is_relative_to(folder)
        and not process.folder.is_relative_to(servers)
        and str(servers) not in process.command
    ]
