"""The process that owns the servers: starts them, watches them, stops them.

Run as `python -m mentora_pipelines.local_stack.supervisor FOLDER` by a client, which
reads one report from its standard output: `ready`, or why not.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mentora_pipelines.errors import LocalStackError
from mentora_pipelines.local_stack import LocalServices
from mentora_pipelines.local_stack.layout import (
    Layout,
    open_lock,
    read_pids,
    try_lock,
    wait_for_lock,
    write_pids,
    write_private,
)
from mentora_pipelines.local_stack.postgres import (
    ROLES,
    PostgresPasswords,
    create_roles_and_databases,
    start_postgres,
)
from mentora_pipelines.local_stack.servers import (
    STOP_TIMEOUT_S,
    server_account,
    signal_own,
    stop,
)
from mentora_pipelines.local_stack.valkey import (
    CACHE,
    COORDINATION,
    start_valkey,
    valkey_url,
)

LINGER_S = 5
"""How long the servers wait for the next client: two commands typed one after the
other must not pay for a stop and a start."""

WATCH_S = 0.2
"""Pause between two looks at the children and the lease."""

LARGEST_LOG_BYTES = 5 * 1024 * 1024

LEFTOVER_GRACE_S = 5
"""On Linux the servers of a killed supervisor are already stopping by themselves."""


@dataclass
class Credentials:
    """What a stack keeps for ever: passwords, and the ports it prefers."""

    postgres: dict[str, str]
    valkey: dict[str, str]
    ports: dict[str, int] = field(default_factory=dict)

    def scrub(self, text: str) -> str:
        """Return the text without the passwords."""
        for password in (*self.postgres.values(), *self.valkey.values()):
            text = text.replace(password, "***")
        return text


def main() -> None:
    """Own the servers until they are no longer needed."""
    layout = Layout(Path(sys.argv[1]))
    # The client waits for its child only; what lives on is nobody's child, so that
    # no client ever has a dead supervisor to bury.
    if os.fork():
        os._exit(0)
    # Who stops it knows it by its working folder, and no other folder is kept busy.
    os.chdir(layout.root)
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    in_charge = open_lock(layout.supervisor)
    if not wait_for_lock(in_charge, fcntl.LOCK_EX, STOP_TIMEOUT_S):
        _report(f"Another process is already in charge of the servers in {layout.root}")
        return
    write_pids(in_charge, [os.getpid()])
    processes: list[subprocess.Popen[bytes]] = []
    try:
        services = _start_servers(layout, processes)
        write_private(layout.state, json.dumps(asdict(services)))
        _report("ready")
        _watch(layout, processes, in_charge)
    except LocalStackError as error:
        _report(str(error))
    except OSError as error:
        traceback.print_exc()
        _report(
            f"The local servers cannot use the folder {layout.root}: {error}. Give "
            "this user a folder it can write to, on a local disk with free space."
        )
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        layout.state.unlink(missing_ok=True)
        stop(processes)


def _report(sentence: str) -> None:
    """Tell the client, if it still lives, and let go of its pipe."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, sentence.encode())
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _start_servers(
    layout: Layout, processes: list[subprocess.Popen[bytes]]
) -> LocalServices:
    """Start all three.

    `processes` fills as they start, so that a failure half-way leaves nothing that is
    not stopped.
    """
    servers_lock = _sole_user_of_the_data(layout)
    account = server_account(layout.root)
    credentials = _credentials(layout)
    passwords = PostgresPasswords(credentials.postgres)
    ports = dict(credentials.ports)
    try:
        for kind in (CACHE, COORDINATION):
            process, ports[kind.name] = start_valkey(
                kind,
                layout,
                account,
                password=credentials.valkey[kind.name],
                preferred_port=ports.get(kind.name),
                servers_lock=servers_lock,
            )
            processes.append(process)
            write_pids(servers_lock, [process.pid for process in processes])
        process, ports["postgres"] = start_postgres(
            layout, account, passwords, ports.get("postgres"), servers_lock
        )
        processes.append(process)
        write_pids(servers_lock, [process.pid for process in processes])
        create_roles_and_databases(passwords, ports["postgres"])
    except LocalStackError as error:
        raise LocalStackError(credentials.scrub(str(error))) from None
    if ports != credentials.ports:
        credentials.ports = ports
        write_private(layout.credentials, json.dumps(asdict(credentials)))
    return LocalServices(
        database_url=passwords.url("mentora_app", ports["postgres"], "mentora"),
        database_admin_url=passwords.url("mentora_admin", ports["postgres"], "mentora"),
        dagster_postgres_url=passwords.url(
            "mentora_dagster", ports["postgres"], "dagster"
        ),
        redis_url=valkey_url(ports[CACHE.name], credentials.valkey[CACHE.name]),
        coordination_redis_url=valkey_url(
            ports[COORDINATION.name], credentials.valkey[COORDINATION.name]
        ),
    )


def _sole_user_of_the_data(layout: Layout) -> int:
    """Take the servers' lock, once no server of an earlier supervisor is left.

    Where no death signal exists (macOS) such a server lives on, unwatched; it is
    stopped here rather than adopted, since only a parent learns of its child's end.
    """
    lock = open_lock(layout.servers)
    if wait_for_lock(lock, fcntl.LOCK_EX, LEFTOVER_GRACE_S):
        return lock
    for number, patience_s in (
        (signal.SIGINT, STOP_TIMEOUT_S),
        (signal.SIGKILL, LEFTOVER_GRACE_S),
    ):
        signal_own(read_pids(layout.servers), layout.root, number)
        if wait_for_lock(lock, fcntl.LOCK_EX, patience_s):
            return lock
    raise LocalStackError(
        f"Servers that an earlier start left behind still use {layout.root}, and did "
        f"not stop. End the processes {read_pids(layout.servers)} and try again."
    )


def _credentials(layout: Layout) -> Credentials:
    """Those of the folder; made, and on disk, before anything is locked with them."""
    try:
        text = layout.credentials.read_text(encoding="utf-8")
    except FileNotFoundError:
        if layout.postgres_data.exists():
            raise LocalStackError(
                f"{layout.credentials} is missing, and with it the passwords of the "
                f"data in {layout.postgres_data}. Put the file back, or move the data "
                "away to start empty."
            ) from None
        # Hexadecimal needs no quoting in a URL, in SQL or in a server's settings.
        credentials = Credentials(
            postgres={role: secrets.token_hex(24) for role in ("postgres", *ROLES)},
            valkey={kind.name: secrets.token_hex(24) for kind in (CACHE, COORDINATION)},
        )
        write_private(layout.credentials, json.dumps(asdict(credentials)))
        return credentials
    try:
        return Credentials(**json.loads(text))
    except (ValueError, TypeError):
        raise LocalStackError(
            f"{layout.credentials} is damaged. Restore it from a copy, or move "
            f"{layout.root} away to start empty."
        ) from None


def _watch(
    layout: Layout, processes: list[subprocess.Popen[bytes]], in_charge: int
) -> None:
    """Return when a server died, the folder was deleted, or no client is left.

    In the last case the lease is held, so that no new client attaches meanwhile.
    """
    lease = open_lock(layout.lease)
    idle_since: float | None = None
    while all(process.poll() is None for process in processes):
        if not _still_there(layout.supervisor, in_charge):
            return
        if not try_lock(lease, fcntl.LOCK_EX):
            idle_since = None
        elif idle_since is None:
            idle_since = time.monotonic()
            fcntl.flock(lease, fcntl.LOCK_UN)
        elif time.monotonic() - idle_since < LINGER_S:
            fcntl.flock(lease, fcntl.LOCK_UN)
        else:
            return
        for log in layout.root.glob("*.log"):
            _bound(log)
        time.sleep(WATCH_S)


def _still_there(path: Path, descriptor: int) -> bool:
    """Whether the path still leads to the file we hold open."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _bound(log: Path) -> None:
    """Keep one old log.

    The servers append to an open file, so it is emptied in place; what they write in
    between is lost, which a log can bear.
    """
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LARGEST_LOG_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


if __name__ == "__main__":
    main()
