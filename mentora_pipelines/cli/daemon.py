"""Dagster's daemon and development server as child processes.

Here belong their start, their health and their end. Not here: what they run.
"""

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mentora_pipelines.errors import InvalidInput, MentoraError
from mentora_pipelines.settings.environment import child_environment
from mentora_pipelines.settings.home import HomeSettings

STOP_TIMEOUT_S = 20.0
PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>."""


@dataclass(frozen=True)
class Daemon:
    """A running process group; its output goes to `log`."""

    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise `MentoraError` when the process has ended."""
        code = self.process.poll()
        if code is not None:
            raise MentoraError(f"Dagster ended with code {code}: see {self.log}")

    def ended_within(self, seconds: float) -> bool:
        """Whether the process ends in that time, or the user presses Ctrl-C."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        except KeyboardInterrupt:
            return True
        return True


@contextmanager
def dagster_daemon() -> Iterator[Daemon]:
    """Sensors, schedules and the run queue, without the UI."""
    with _running(
        "daemon", "-m", "dagster._daemon", "run", "-w", "workspace.yaml"
    ) as it:
        yield it


@contextmanager
def dagster_dev(port: int) -> Iterator[Daemon]:
    """The same with the UI on `port` of this machine.

    Raises `InvalidInput` when something else listens there.
    """
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise InvalidInput(f"port {port} is taken: give another one with --port")
    with _running(
        "dev", "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1",
        "-p", str(port),
    ) as it:  # fmt: skip
        yield it


@contextmanager
def _running(name: str, *arguments: str) -> Iterator[Daemon]:
    """The process, as the only daemon of this home: Dagster allows no second one."""
    folder = HomeSettings().state_folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "daemon.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MentoraError(
                "a daemon runs here already (`mentora dev` or `mentora demo`): it "
                "finds what lies in the upload folder, or stop it first"
            ) from None
        with _started(name, *arguments) as daemon:
            yield daemon


@contextmanager
def _started(name: str, *arguments: str) -> Iterator[Daemon]:
    settings = HomeSettings()
    folder = settings.state_folder / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  (our own interpreter)
            [sys.executable, *arguments],
            cwd=settings.home,
            env=child_environment(
                DAGSTER_HOME=str(settings.home), DAGSTER_DISABLE_TELEMETRY="1"
            ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A group of its own: SIGKILL of the parent alone leaves its children.
            start_new_session=True,
            preexec_fn=_before_exec,  # noqa: PLW1509  (no thread runs yet)
        )
    # Ctrl-C works even below a shell that left it ignored; a polite kill ends the same.
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield Daemon(process, log)
    finally:
        _stop(process)
        for number, handler in before.items():
            signal.signal(number, handler)


def _before_exec() -> None:
    """A shell's `&` leaves SIGINT ignored, and Dagster would inherit that.

    On Linux the child also gets SIGINT when this process is killed outright.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for end in (signal.SIGINT, signal.SIGKILL):
        if _signal_group(process, end):
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                continue
    _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True
