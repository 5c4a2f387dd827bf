"""A home in which Dagster's real daemon works, and whose processes are killed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql

from mentora_pipelines.domain.identity import video_id_of
from mentora_pipelines.local_stack import ensure_local_stack
from mentora_pipelines.settings.environment import child_environment
from tests.fix_commands import MENTORA, processes_of
from tests.fix_lessons import SAMPLES
from tests.ports import free_port
from tests.processes import processes
from tests.sightings import Connection, Sightings, duplicates

POLL_S = 0.05
PATIENCE_S = 420.0
"""A worker that is gone is noticed after seconds, a lease runs out after ninety."""

FIRST_PID = re.compile(r"\(pid: (\d+)\)")

UNENDED = """
select count(*) from videos where processing_status not in ('completed', 'failed')
"""

STEP_STARTED = """
select run_id from event_logs
where dagster_event_type = 'STEP_START' and step_key = %(step)s
order by id desc limit 1
"""

ENGINE_EVENTS = """
select event from event_logs
where run_id = %(run_id)s and dagster_event_type = 'ENGINE_EVENT'
"""

WAITS_FOR = """
select from pg_locks join pg_class on pg_class.oid = pg_locks.relation
where relname = %(table)s and not granted
"""

RUNS_OF = """
select runs.pipeline_name, runs.status, count(*)
from runs join run_tags using (run_id)
where run_tags.key = 'mentora/video' and run_tags.value = %(video_id)s
group by 1, 2 order by 1, 2
"""


@dataclass
class LiveHome:
    """One home; `daemon` is running between `start` and `kill_daemon`."""

    folder: Path
    admin: Connection
    dagster: Connection
    variables: dict[str, str]
    daemon: subprocess.Popen[bytes] | None = None
    seen: Sightings = field(default_factory=Sightings)

    def start(self, **variables: str) -> None:
        """Start the daemon, as a machine that boots would."""
        self._start(
            (sys.executable, "-m", "dagster._daemon", "run", "-w", "workspace.yaml"),
            variables,
        )

    def start_dev(self) -> None:
        """Start `mentora dev`, which takes in the sample lessons first."""
        (self.folder / "samples").symlink_to(SAMPLES)
        port = free_port()
        self._start((str(MENTORA), "dev", "--port", str(port)), {})

    def _start(self, command: tuple[str, ...], variables: dict[str, str]) -> None:
        with (self.folder / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(
                command,
                cwd=self.folder,
                env=child_environment(**self.variables, **variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill_daemon(self) -> None:
        """End the daemon and all that it has started, at once."""
        self.kill_only_daemon()
        # One that is starting another one is gone at the second look.
        while pids := self.pids(""):
            self.kill(*pids)

    def kill_only_daemon(self) -> None:
        """End the daemon alone: its code server and its workers live on."""
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon.wait()
            self.daemon = None

    def kill(self, *pids: int) -> None:
        """End processes of this home, and no other one, at once."""
        for pid in pids:
            if pid not in self.pids(""):
                continue  # it has ended by itself
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def pids(self, words: str) -> list[int]:
        """Processes in this home whose command line holds `words`, but the servers."""
        return [
            process.pid
            for process in processes()
            if process.folder == self.folder
            and process.pid != os.getpid()
            and str(self.folder / ".mentora" / "servers") not in process.command
            and "local_stack" not in process.command
            and words in process.command
        ]

    def drop(self, file: Path, name: str, creator: str = "ada@soak.example") -> UUID:
        """Upload a file, whole at once; the id that its video gets."""
        key = f"uploads/2026-11-01/{creator}/{name}"
        target = self.folder / ".mentora/storage" / key
        target.parent.mkdir(parents=True, exist_ok=True)
        hidden = target.with_name(f".{name}")
        shutil.copy(file, hidden)
        hidden.rename(target)
        return video_id_of(key)

    def wait(
        self, happened: Callable[[], object], patience_s: float = PATIENCE_S
    ) -> None:
        """Return when it has happened."""
        deadline = time.monotonic() + patience_s
        while not happened():
            assert time.monotonic() < deadline, self.told()
            time.sleep(POLL_S)

    def ended(self, videos: int) -> bool:
        """Whether there are so many videos and each has ended; notes what works."""
        self.seen.look(self.dagster)
        return self.count("videos") == videos and self._number(UNENDED) == 0

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return self._number(
            sql.SQL("select count(*) from {}").format(sql.Identifier(table))
        )

    def step_runs(self, step: str) -> str | None:
        """The last run in which a step has started, if one has."""
        row = self.dagster.execute(STEP_STARTED, {"step": step}).fetchone()
        return None if row is None else str(row[0])

    def worker_in(self, step: str) -> int:
        """The process that works on the run that came to `step` last."""
        for (event,) in self.dagster.execute(
            ENGINE_EVENTS, {"run_id": self.step_runs(step)}
        ):
            found = FIRST_PID.search(str(event))
            if found:
                return int(found[1])
        raise AssertionError(f"no process is known that works on {step}")

    @contextmanager
    def stopped_at(self, table: str) -> Iterator[None]:
        """Let whoever writes to `table` wait; at the end it is let go.

        The body begins at once; `wait_for_writer` says when somebody has come.
        """
        with psycopg.connect(self.admin.info.dsn, password=self._password) as lock:
            lock.execute(
                sql.SQL("lock table {} in share mode").format(sql.Identifier(table))
            )
            yield
            lock.rollback()

    def wait_for_writer(self, table: str) -> None:
        """Return when somebody waits for the lock of `stopped_at`."""
        self.wait(lambda: self.admin.execute(WAITS_FOR, {"table": table}).rowcount)

    @property
    def _password(self) -> str:
        return self.admin.info.password

    def statuses(self) -> dict[str, int]:
        """How many videos ended how."""
        rows = self.admin.execute(
            "select processing_status, count(*) from videos group by 1"
        )
        return {str(status): int(str(count)) for status, count in rows}

    def runs_of(self, video_id: UUID) -> list[tuple[object, ...]]:
        """How many runs of which job a video had, by status."""
        return self.dagster.execute(RUNS_OF, {"video_id": str(video_id)}).fetchall()

    def newest_upload(self) -> int:
        """The greatest number that an upload has got."""
        return self._number("select coalesce(max(upload_number), 0) from videos")

    def published(self) -> int:
        """How often a version of a lesson was shown to readers."""
        return self._number(
            "select count(*) from events where name = 'video/transcription.completed'"
        )

    def duplicates(self) -> list[object]:
        """What was made twice, or in part."""
        return duplicates(self.admin)

    def told(self) -> str:
        """What to look at when a scenario fails."""
        log = (self.folder / "daemon.log").read_text(errors="replace")
        return f"{self.statuses()} in {self.folder}\n{log[-3000:]}"

    def _number(self, statement: str | sql.Composed) -> int:
        query = statement.encode() if isinstance(statement, str) else statement
        row = self.admin.execute(query).fetchone()
        return 0 if row is None else int(str(row[0]))


@contextmanager
def opened_home(folder: Path, variables: dict[str, str]) -> Iterator[LiveHome]:
    """A home whose servers run; all that works in it is killed at the end."""
    services = ensure_local_stack(folder / ".mentora")
    with (
        psycopg.connect(services.database_admin_url, autocommit=True) as admin,
        psycopg.connect(services.dagster_postgres_url, autocommit=True) as dagster,
    ):
        home = LiveHome(folder, admin, dagster, variables)
        try:
            yield home
        finally:
            home.kill_daemon()
    assert processes_of(folder) == []
