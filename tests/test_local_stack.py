"""The embedded servers, real ones, under everything that happens to processes.

Times are never asserted; what must become true is waited for.
"""

import json
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from mentora_pipelines.errors import LocalStackError
from mentora_pipelines.local_stack import (
    LocalServices,
    ensure_local_stack,
    stop_local_stack,
)
from mentora_pipelines.local_stack.layout import Layout, read_pids
from mentora_pipelines.local_stack.servers import Account, command_line, wheel_folder
from tests.processes import processes
from tests.waiting import wait_until

CLIENT = """
import dataclasses, json, pathlib, sys
from mentora_pipelines.local_stack import ensure_local_stack
if sys.argv[2:]:
    print("imported", flush=True)
    sys.stdin.readline()
services = ensure_local_stack(pathlib.Path(sys.argv[1]))
print(json.dumps(dataclasses.asdict(services)), flush=True)
sys.stdin.read()
"""
"""A process that uses the servers until its standard input ends; with a second
argument it waits for a line before it asks for them."""


class Client:
    """Another process that uses the servers of a folder."""

    def __init__(
        self, folder: Path, account: Account | None = None, *, waits: bool = False
    ) -> None:
        command: list[str | Path] = [sys.executable, "-c", CLIENT, folder]
        command += ["waits"] if waits else []
        self._process = subprocess.Popen(
            command_line(command, account, "KILL") if account else command,
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        if waits:
            assert self._process.stdout
            assert self._process.stdout.readline()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def begin(self) -> None:
        """Have one that waits ask for the servers."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def services(self) -> LocalServices:
        """Return what it was given, once it has it."""
        assert self._process.stdout
        return LocalServices(**json.loads(self._process.stdout.readline()))

    def leave(self) -> None:
        """End in good order."""
        self._process.communicate()

    def kill(self) -> None:
        """End without a chance to clean up."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder for a stack of its own, which must leave no process behind."""
    folder = tmp_path / ".mentora"
    yield folder
    stop_local_stack(folder)
    assert processes_of(folder) == []


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One stack for the tests that only look."""
    folder = tmp_path_factory.mktemp("looked at") / ".mentora"
    yield folder
    stop_local_stack(folder)


@pytest.fixture
def services(shared_folder: Path) -> LocalServices:
    """Return the services of that stack."""
    return ensure_local_stack(shared_folder)


def processes_of(folder: Path) -> list[int]:
    """Find every process that works in the folder, or was told its path."""
    place = folder.resolve()
    return [
        process.pid
        for process in processes()
        if process.folder.is_relative_to(place) or f"{place}/servers" in process.command
    ]


def supervisor_of(folder: Path) -> int:
    """Return the supervisor's process id."""
    (pid,) = read_pids(Layout.below(folder).supervisor)
    return pid


def postmaster_of(folder: Path) -> int:
    """Return the process id of Postgres."""
    pid_file = Layout.below(folder).postgres_data / "postmaster.pid"
    return int(pid_file.read_text().split("\n")[0])


def account_of(path: Path) -> Account | None:
    """Return the user whose file it is, or None if that is who we are."""
    owner = path.stat()
    if owner.st_uid == os.geteuid():
        return None
    return Account(owner.st_uid, owner.st_gid)


def write_a_row(services: LocalServices) -> None:
    """Leave something in Postgres and in the coordination server."""
    with psycopg.connect(services.database_admin_url) as connection:
        connection.execute("create table kept (word text)")
        connection.execute("insert into kept values ('here')")
    with redis.Redis.from_url(services.coordination_redis_url) as valkey:
        valkey.set("kept", "here")


def rows(services: LocalServices) -> list[tuple[str]]:
    """Read what `write_a_row` wrote to Postgres."""
    with psycopg.connect(services.database_admin_url) as connection:
        return connection.execute("select word from kept").fetchall()


def test_a_second_call_returns_the_same_addresses(
    shared_folder: Path, services: LocalServices
) -> None:
    """Each caller would start servers of its own."""
    supervisor = supervisor_of(shared_folder)
    assert ensure_local_stack(shared_folder) == services
    assert supervisor_of(shared_folder) == supervisor


def test_two_processes_share_one_stack(
    shared_folder: Path, services: LocalServices
) -> None:
    """Dagster's processes would each work on a database of their own."""
    other = Client(shared_folder)
    assert other.services() == services
    other.leave()
    assert ensure_local_stack(shared_folder) == services


def test_the_owner_of_the_database_can_create_pgvector(
    services: LocalServices,
) -> None:
    """The first migration would fail for want of a superuser."""
    with psycopg.connect(services.database_admin_url) as connection:
        connection.execute("create extension vector")
        row = connection.execute("select '[1,2]'::vector <-> '[1,3]'").fetchone()
    assert row == (1.0,)


def test_the_roles_have_no_more_rights_than_they_need(
    services: LocalServices,
) -> None:
    """Row-level security would be tested by roles that it does not bind."""
    with psycopg.connect(services.database_admin_url) as connection:
        found = connection.execute(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles"
            " where rolname like 'mentora%' order by rolname"
        ).fetchall()
    assert found == [
        ("mentora_admin", False, False, True),
        ("mentora_app", False, False, False),
        ("mentora_dagster", False, False, False),
    ]


def test_the_application_cannot_enter_the_database_of_dagster(
    services: LocalServices,
) -> None:
    """A fault in the web application could rewrite the history of runs."""
    with psycopg.connect(services.dagster_postgres_url) as connection:
        connection.execute("create table own (id int)")
    foreign = services.database_url.removesuffix("/mentora") + "/dagster"
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(foreign)


def test_the_database_speaks_utf8_and_utc_whatever_the_machine_does(
    services: LocalServices,
) -> None:
    """Transcripts would be refused, and days would begin at different hours."""
    with psycopg.connect(services.database_url) as connection:
        found = connection.execute(
            "select current_setting('server_encoding'), current_setting('timezone'),"
            " current_setting('fsync'), upper('é')"
        ).fetchone()
    assert found == ("UTF8", "UTC", "on", "É")


def test_a_wrong_password_is_refused_by_every_server(
    services: LocalServices,
) -> None:
    """Any user of the machine could read the creators' lessons."""
    for url in (
        services.database_url,
        services.database_admin_url,
        services.dagster_postgres_url,
    ):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(re.sub(":[^:@/]*@", ":guess@", url))
    for url in (services.redis_url, services.coordination_redis_url):
        with (
            redis.Redis.from_url(re.sub(":[^:@/]*@", ":guess@", url)) as valkey,
            pytest.raises(redis.AuthenticationError),
        ):
            valkey.ping()


def test_the_cache_forgets_and_the_coordination_does_not(
    services: LocalServices,
) -> None:
    """Locks would vanish under load, or the cache would fill the memory."""

    def setting(url: str, name: str) -> str:
        with redis.Redis.from_url(url, decode_responses=True) as valkey:
            return str(valkey.config_get(name)[name])

    cache, coordination = services.redis_url, services.coordination_redis_url
    assert setting(cache, "maxmemory-policy") == "allkeys-lru"
    assert setting(cache, "maxmemory") == str(256 * 1024 * 1024)
    assert setting(cache, "appendonly") == "no"
    assert setting(coordination, "maxmemory-policy") == "noeviction"
    assert setting(coordination, "appendonly") == "yes"


def test_other_users_of_the_machine_cannot_read_the_passwords(
    shared_folder: Path, services: LocalServices
) -> None:
    """Any user of the machine could read the creators' lessons."""
    layout = Layout.below(shared_folder)
    assert stat.S_IMODE(layout.root.stat().st_mode) == 0o700
    for file in (layout.state, layout.credentials):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secrets = re.findall(":([^:@/]+)@", " ".join(vars(services).values()))
    assert len(secrets) == 5
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text(errors="replace")
        except OSError:
            continue
        assert not any(secret in command for secret in secrets)


def test_printing_the_services_shows_no_password(services: LocalServices) -> None:
    """Passwords would stand in logs and tracebacks."""
    for secret in re.findall(":([^:@/]+)@", " ".join(vars(services).values())):
        assert secret not in repr(services)
    assert "127.0.0.1" in repr(services)


def test_ten_first_starts_at_once_give_one_stack(folder: Path) -> None:
    """Two servers on one data folder destroy it."""
    clients = [Client(folder) for _ in range(10)]
    found = {client.services() for client in clients}
    for client in clients:
        client.leave()
    assert len(found) == 1


def test_the_next_command_finds_the_servers_of_the_last(folder: Path) -> None:
    """Every command would pay for a stop and a start."""
    first = Client(folder)
    first.services()
    supervisor = supervisor_of(folder)
    # The servers linger for seconds, in which a busy machine starts no process.
    second = Client(folder, waits=True)
    first.leave()
    second.begin()
    second.services()
    assert supervisor_of(folder) == supervisor
    second.leave()


def test_killing_the_only_client_stops_the_servers(folder: Path) -> None:
    """Each interrupted command would leave servers running for ever."""
    client = Client(folder)
    client.services()
    assert len(processes_of(folder)) > 4
    client.kill()
    wait_until(lambda: processes_of(folder) == [])
    assert not Layout.below(folder).state.exists()


def test_killing_the_supervisor_stops_the_servers_and_keeps_the_rows(
    folder: Path,
) -> None:
    """Servers without a supervisor are never stopped; lost rows are lost lessons."""
    services = ensure_local_stack(folder)
    write_a_row(services)
    os.kill(supervisor_of(folder), signal.SIGKILL)
    wait_until(lambda: processes_of(folder) == [])
    again = ensure_local_stack(folder)
    assert rows(again) == [("here",)]
    with redis.Redis.from_url(again.coordination_redis_url) as valkey:
        assert valkey.get("kept") == b"here"


def test_killing_postgres_keeps_the_rows_and_the_address(folder: Path) -> None:
    """Lost rows are lost lessons; a new address would leave other processes behind."""
    services = ensure_local_stack(folder)
    write_a_row(services)
    os.kill(postmaster_of(folder), signal.SIGKILL)
    again = ensure_local_stack(folder)
    assert rows(again) == [("here",)]
    assert again == services


def test_a_first_start_killed_half_way_is_done_again(folder: Path) -> None:
    """The folder would be unusable until somebody deletes it."""
    client = Client(folder)
    layout = Layout.below(folder)
    wait_until((layout.root / "postgres.draft").exists)
    os.kill(supervisor_of(folder), signal.SIGKILL)
    client.kill()
    assert ensure_local_stack(folder).database_url


def test_a_pid_file_that_names_a_stranger_does_not_prevent_the_start(
    folder: Path,
) -> None:
    """After a crash and a reboot the database would not start, now and then."""
    ensure_local_stack(folder)
    data = Layout.below(folder).postgres_data
    stranger = Client(folder, account_of(data))
    pid_file = data / "postmaster.pid"
    left_behind = pid_file.read_text().split("\n")
    stop_local_stack(folder)
    try:
        left_behind[0] = str(stranger.pid)
        pid_file.write_text("\n".join(left_behind))
        assert ensure_local_stack(folder)
        assert postmaster_of(folder) != stranger.pid
    finally:
        stranger.kill()


def test_a_port_taken_meanwhile_is_replaced(folder: Path) -> None:
    """The project would not start until somebody finds the other program."""
    old = ensure_local_stack(folder)
    stop_local_stack(folder)
    with socket.socket() as other_program:
        other_program.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other_program.bind(("127.0.0.1", urlsplit(old.database_url).port or 0))
        other_program.listen()
        new = ensure_local_stack(folder)
    assert urlsplit(new.database_url).port != urlsplit(old.database_url).port
    assert new.redis_url == old.redis_url


def test_two_long_folders_with_spaces_run_separate_servers_at_once(
    tmp_path: Path,
) -> None:
    """Two checkouts would write each other's data; many a home has such a path."""
    ways = [tmp_path / f"my project {n} {'é' * 100}" / ("x" * 100) for n in (1, 2)]
    try:
        clients = [Client(way / ".mentora") for way in ways]
        first, second = (client.services() for client in clients)
        assert len(str(ways[0])) > 200
        assert not set(vars(first).values()) & set(vars(second).values())
        write_a_row(first)
        write_a_row(second)
        for client in clients:
            client.leave()
    finally:
        for way in ways:
            stop_local_stack(way / ".mentora")


def test_an_ordinary_user_and_root_below_a_closed_folder_can_both_start(
    tmp_path: Path,
) -> None:
    """Containers work as root, people do not; neither may have to open their home.

    Run by an ordinary user, it covers that user alone.
    """
    accounts: list[Account | None] = [None]
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        accounts.append(Account(nobody.pw_uid, nobody.pw_gid))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for number, account in enumerate(accounts):
        folder = closed / str(number)
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.uid, account.gid)
        client = Client(folder, account)
        try:
            write_a_row(client.services())
            postmaster = Path(f"/proc/{postmaster_of(folder)}")
            assert postmaster.stat().st_uid != 0
            assert Layout.below(folder).state.stat().st_uid == folder.stat().st_uid
        finally:
            client.leave()
            stop_local_stack(folder)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    """The engineer would read a traceback instead of what to move."""
    file = tmp_path / ".mentora"
    file.write_text("")
    with pytest.raises(LocalStackError, match=r"\.mentora is a file"):
        ensure_local_stack(file)


def test_a_folder_that_cannot_be_written_is_named() -> None:
    """The engineer would read a traceback instead of which folder to change.

    Nobody, root included, can make a folder in the root of /proc.
    """
    with pytest.raises(LocalStackError, match="cannot use the folder /proc/mentora"):
        ensure_local_stack(Path("/proc/mentora"))


def test_data_of_another_postgres_is_refused_and_left_alone(folder: Path) -> None:
    """An upgrade of the wheel would look like a crash, or worse, start empty."""
    ensure_local_stack(folder)
    stop_local_stack(folder)
    version = Layout.below(folder).postgres_data / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(LocalStackError, match=r"written by Postgres 17, and Postgres"):
        ensure_local_stack(folder)
    assert version.read_text() == "17\n"


def test_a_server_that_cannot_start_says_why_without_its_passwords(
    folder: Path,
) -> None:
    """The engineer would see a time-out; the bug report would carry passwords."""
    services = ensure_local_stack(folder)
    stop_local_stack(folder)
    layout = Layout.below(folder)
    (layout.postgres_data / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(LocalStackError, match="no_such_setting") as refused:
        ensure_local_stack(folder)
    for secret in re.findall(":([^:@/]+)@", " ".join(vars(services).values())):
        assert secret not in str(refused.value)


def test_lost_passwords_are_reported_and_the_data_is_left_alone(
    folder: Path,
) -> None:
    """New passwords would not open the old data, and nobody would know why."""
    ensure_local_stack(folder)
    stop_local_stack(folder)
    layout = Layout.below(folder)
    layout.credentials.unlink()
    with pytest.raises(LocalStackError, match=r"credentials\.json is missing"):
        ensure_local_stack(folder)
    assert (layout.postgres_data / "PG_VERSION").exists()


def test_a_missing_wheel_is_named() -> None:
    """The engineer would read an attribute error of None."""
    with pytest.raises(LocalStackError, match="'no_such_wheel'"):
        wheel_folder("no_such_wheel")


def test_stopping_what_never_ran_does_nothing(tmp_path: Path) -> None:
    """A clean-up would fail, or create what it was to remove."""
    stop_local_stack(tmp_path / "never")
    assert list(tmp_path.iterdir()) == []
