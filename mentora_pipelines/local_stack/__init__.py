"""Embedded Postgres and Valkey for a machine that has neither: attach, or start.

This file is the client. A detached process (`supervisor.py`) owns the servers, so
that they outlive whichever client happened to need them first, and stops them when
the last client is gone. The lease, not this process's good manners, tells it so:
the kernel drops the lease even after `kill -9`.

    client                              supervisor
    share the lease  ───────────────▶   may no longer take it alone
    hold `starting`
      alive? attach.
      else start it  ───────────────▶   starts servers, writes state.json, says so
    release `starting`
    …dies: lease dropped ───────────▶   holds it alone for LINGER_S: removes
                                        state.json, stops the servers
"""

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mentora_pipelines.errors import LocalStackError
from mentora_pipelines.local_stack.layout import (
    POLL_S,
    Layout,
    is_held,
    open_lock,
    open_private,
    read_pids,
    wait_for_lock,
)
from mentora_pipelines.local_stack.probes import postgres_answers, valkey_answers
from mentora_pipelines.local_stack.servers import signal_own

START_TIMEOUT_S = 120
"""The supervisor's own limits are shorter; this one is for a machine so busy that
the supervisor itself hardly runs."""

STOP_TIMEOUT_S = 45
"""Longer than the servers get for a clean stop, twice."""

_leases: dict[Path, int] = {}
"""The lease this process holds per folder. Never closed: death closes it."""

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, repr=False)
class LocalServices:
    """Where the servers of a folder answer; the URLs carry their passwords."""

    database_url: str
    database_admin_url: str
    dagster_postgres_url: str
    redis_url: str
    coordination_redis_url: str

    def __repr__(self) -> str:
        fields = ", ".join(
            f"{name}={re.sub(':[^:@/]*@', ':***@', url)!r}"
            for name, url in vars(self).items()
        )
        return f"LocalServices({fields})"


def ensure_local_stack(folder: Path) -> LocalServices:
    """Attach to the servers of `folder`, or start them.

    They stay up as long as this process lives. A repeat is cheap; it verifies that
    the servers still answer, and starts them again when they died. Addresses and
    passwords outlive a restart unless a port was taken meanwhile.

    Raises LocalStackError when they cannot run here.
    """
    with _one_at_a_time, _os_errors_explained(folder):
        layout = _prepared(folder)
        if layout.root in _leases:
            services = _running_services(layout)
            return services or _attach_or_start(layout)
        lease = open_lock(layout.lease)
        try:
            _share(lease, layout)
            services = _attach_or_start(layout)
        except BaseException:
            os.close(lease)
            raise
        _leases[layout.root] = lease
        return services


def stop_local_stack(folder: Path) -> None:
    """Stop the servers of `folder` now, whoever uses them; the data is kept.

    Returns when they are gone. Raises LocalStackError when they cannot be stopped.
    """
    with _one_at_a_time, _os_errors_explained(folder):
        layout = Layout.below(folder)
        if not layout.root.is_dir():
            return
        with _starting(layout):
            lease = _leases.pop(layout.root, None)
            if lease is not None:
                os.close(lease)
            deadline = time.monotonic() + STOP_TIMEOUT_S
            asked = False
            while is_held(layout.supervisor) or is_held(layout.servers):
                pid = _supervisor_pid(layout)
                if pid and not asked and is_held(layout.supervisor):
                    signal_own([pid], layout.root, signal.SIGTERM)
                    asked = True
                if time.monotonic() > deadline:
                    raise LocalStackError(
                        f"The servers in {layout.root} did not stop within "
                        f"{STOP_TIMEOUT_S} s. End the process {pid} and the processes "
                        f"{read_pids(layout.servers)}."
                    )
                time.sleep(POLL_S)


def _prepared(folder: Path) -> Layout:
    """Return the folder's layout, with a private folder to put it in."""
    if folder.exists() and not folder.is_dir():
        raise LocalStackError(
            f"{folder} is a file, and the local servers need a folder there. Move the "
            "file away or name another folder."
        )
    layout = Layout.below(folder)
    layout.root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.root.mkdir(mode=0o700, exist_ok=True)
    if layout.root.stat().st_mode & 0o077:
        layout.root.chmod(0o700)
    return layout


def _share(lease: int, layout: Layout) -> None:
    """Share the lease, before looking at anything.

    From here on the supervisor cannot decide to stop. If it has decided, it holds
    the lease until it is gone.
    """
    if not wait_for_lock(lease, fcntl.LOCK_SH, STOP_TIMEOUT_S):
        raise LocalStackError(
            f"The servers in {layout.root} have been stopping for {STOP_TIMEOUT_S} s. "
            f"End the process {_supervisor_pid(layout)} and try again."
        )


def _attach_or_start(layout: Layout) -> LocalServices:
    """Return the services; the caller shares the lease."""
    with _starting(layout):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            services = _running_services(layout)
            if services:
                return services
            if is_held(layout.supervisor):
                # It is starting for a client that was killed, or stopping because
                # a server died: either way it will not stay like this.
                time.sleep(POLL_S)
            else:
                _start_supervisor(layout)
    raise LocalStackError(
        f"The servers in {layout.root} are running but have not answered for "
        f"{START_TIMEOUT_S} s. Look at the logs there, end the process "
        f"{_supervisor_pid(layout)} and try again."
    )


def _running_services(layout: Layout) -> LocalServices | None:
    """Return the services, if somebody is in charge of them and they answer."""
    if not is_held(layout.supervisor):
        return None
    try:
        services = LocalServices(**json.loads(layout.state.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    answer = (
        postgres_answers(services.database_url)
        and _valkey_answers_at(services.redis_url)
        and _valkey_answers_at(services.coordination_redis_url)
    )
    return services if answer else None


def _valkey_answers_at(url: str) -> bool:
    address = urlsplit(url)
    return valkey_answers(address.port or 0, address.password or "")


def _start_supervisor(layout: Layout) -> None:
    """Start the supervisor and wait for its word; raises LocalStackError with it."""
    log = layout.log("supervisor")
    descriptor = open_private(log, os.O_WRONLY | os.O_TRUNC | os.O_APPEND)
    try:
        # Its standard output reaches its end when it has reported and closed it.
        report = subprocess.run(
            [
                sys.executable,
                "-m",
                "mentora_pipelines.local_stack.supervisor",
                str(layout.root),
            ],
            # `-m` finds the package through the working folder.
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=descriptor,
            start_new_session=True,
            timeout=START_TIMEOUT_S,
            check=False,
        ).stdout.decode()
    except subprocess.TimeoutExpired:
        raise LocalStackError(
            f"The servers in {layout.root} did not start within {START_TIMEOUT_S} s. "
            "Look at the logs there."
        ) from None
    finally:
        os.close(descriptor)
    if report == "ready":
        return
    raise LocalStackError(
        report
        or f"The supervisor of the local servers ended without a word; see {log}:\n"
        + log.read_text(encoding="utf-8", errors="replace")
    )


@contextlib.contextmanager
def _starting(layout: Layout) -> Iterator[None]:
    """One process at a time attaches, starts or stops."""
    lock = open_lock(layout.starting)
    try:
        if not wait_for_lock(lock, fcntl.LOCK_EX, START_TIMEOUT_S):
            raise LocalStackError(
                f"Another process has been starting the servers in {layout.root} for "
                f"{START_TIMEOUT_S} s. End it and try again."
            )
        yield
    finally:
        os.close(lock)


def _supervisor_pid(layout: Layout) -> int | None:
    return next(iter(read_pids(layout.supervisor)), None)


@contextlib.contextmanager
def _os_errors_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalStackError(
            f"The local servers cannot use the folder {folder}: {error}. Give this "
            "user a folder it can write to, on a local disk with free space."
        ) from error
