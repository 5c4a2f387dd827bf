"""A home in which Dagster's real daemon works, and whose processes are killed."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from mentora_pipelines.local_stack import ensure_local_stack, stop_local_stack
from mentora_pipelines.providers import open_catalogue
from mentora_pipelines.settings import child_environment
from tests.fix_commands import MENTORA, processes_of
from tests.fix_lessons import SAMPLES
from tests.fix_services import OURS, make_home

Connection = psycopg.Connection[tuple[object, ...]]

POLL_S = 0.02
PATIENCE_S = 420.0
"""A worker that is gone is noticed after seconds, a lease runs out after ninety."""

UNENDED = """
select count(*) from videos where processing_status not in ('completed', 'failed')
"""

WORKING_RUNS = """
select count(*) from runs where status in ('STARTED', 'STARTING')
"""

STEP_STARTED = """
select run_id from event_logs
where dagster_event_type = 'STEP_START' and step_key = %(step)s
order by id limit 1
"""

WORKER_PIDS = """
select event from event_logs
where run_id = %(run_id)s and dagster_event_type = 'ENGINE_EVENT'
"""

# What no fault may leave behind.
DUPLICATES = """
select 'chunks' from transcript_chunks
group by transcript_id, text_hash, start_timestamp
having count(*) > 1
union all
select 'vectors' from chunk_embeddings group by video_id, text_hash having count(*) > 1
union all
select 'quizzes' from quizzes group by transcript_id having count(*) > 1
union all
select 'mail' from email_outbox group by subject_id having count(*) > 1
union all
select 'gaps' from videos
join transcript_chunks as chunk on chunk.transcript_id = videos.published_transcript_id
group by videos.id having count(*) <> max(chunk.chunk_index) + 1
"""


@dataclass
class LiveHome:
    """One home; `daemon` is running between `start` and `kill_daemon`."""

    folder: Path
    admin: Connection
    dagster: Connection
    variables: dict[str, str]
    daemon: subprocess.Popen[bytes] | None = None
    most_runs: int = field(default=0, init=False)

    def start(self) -> None:
        """Start the daemon, as a machine that boots would."""
        self._start(
            sys.executable, "-m", "dagster._daemon", "run", "-w", "workspace.yaml"
        )

    def start_dev(self) -> None:
        """Start `mentora dev`, which takes in the sample lessons first."""
        (self.folder / "samples").symlink_to(SAMPLES)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._start(str(MENTORA), "dev", "--port", str(port))

    def _start(self, *command: str) -> None:
        log = (self.folder / "daemon.log").open("ab")
        self.daemon = subprocess.Popen(
            command,
            cwd=self.folder,
            env=child_environment(**self.variables),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()

    def kill_daemon(self) -> None:
        """End the daemon and all that it has started, at once."""
        assert self.daemon is not None
        os.killpg(self.daemon.pid, signal.SIGKILL)
        self.daemon.wait()
        for pid in self.pids(""):
            _kill(pid)

    def kill_only_daemon(self) -> None:
        """End the daemon alone: its code server and its workers live on."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()

    def pids(self, words: str) -> list[int]:
        """Processes in this home whose command line holds `words`."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                place = (process / "cwd").readlink()
                command = (process / "cmdline").read_text(errors="replace")
            except OSError:
                continue
            servers = str(self.folder / ".mentora" / "servers")
            if (
                place == self.folder
                and servers not in command
                and "local_stack" not in command
                and words in command.replace("\0", " ")
            ):
                found.append(int(process.name))
        return found

    def drop(self, file: Path, name: str, creator: str = "ada@soak.example") -> None:
        """Upload a file, whole at once."""
        target = self.folder / ".mentora/storage/uploads/2026-11-01" / creator / name
        target.parent.mkdir(parents=True, exist_ok=True)
        hidden = target.with_name(f".{name}")
        shutil.copy(file, hidden)
        hidden.rename(target)

    def wait(
        self, happened: Callable[[], object], patience_s: float = PATIENCE_S
    ) -> None:
        """Return when it has happened; notes how many runs worked at once."""
        deadline = time.monotonic() + patience_s
        while not happened():
            assert time.monotonic() < deadline, self.told()
            self.most_runs = max(
                self.most_runs, self._count(self.dagster, WORKING_RUNS)
            )
            time.sleep(POLL_S)

    def ended(self, videos: int) -> bool:
        """Whether there are so many videos and each has ended."""
        (known,) = self.admin.execute("select count(*) from videos").fetchone() or (0,)
        return known == videos and self._count(self.admin, UNENDED) == 0

    def step_runs(self, step: str) -> str | None:
        """The run in which a step has started, if one has."""
        row = self.dagster.execute(STEP_STARTED, {"step": step}).fetchone()
        return None if row is None else str(row[0])

    def worker_of(self, run_id: str) -> int | None:
        """The process that works on a run."""
        for (event,) in self.dagster.execute(WORKER_PIDS, {"run_id": run_id}):
            found = re.search(r"\(pid: (\d+)\)", str(event))
            if found:
                return int(found[1])
        return None

    def kill_worker_in(self, step: str) -> None:
        """Kill the worker of the first run that comes to `step`."""
        self.wait(lambda: self.step_runs(step))
        run_id = self.step_runs(step)
        assert run_id is not None
        pid = self.worker_of(run_id)
        assert pid is not None, f"no process is known of run {run_id}"
        _kill(pid)

    def statuses(self) -> dict[str, int]:
        """How many videos ended how."""
        rows = self.admin.execute(
            "select processing_status, count(*) from videos group by 1"
        )
        return {str(status): int(str(count)) for status, count in rows}

    def duplicates(self) -> list[object]:
        """What was made twice, or in part."""
        return [what for (what,) in self.admin.execute(DUPLICATES)]

    def told(self) -> str:
        """What to look at when a scenario fails."""
        log = (self.folder / "daemon.log").read_text(errors="replace")
        return f"{self.statuses()} in {self.folder}\n{log[-3000:]}"

    @staticmethod
    def _count(connection: Connection, statement: str) -> int:
        row = connection.execute(statement.encode()).fetchone()
        return 0 if row is None else int(str(row[0]))


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.fixture
def live_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveHome]:
    """A home without a daemon yet; all that works in it is killed at the end."""
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    folder = make_home(tmp_path / "home")
    variables = {
        "DAGSTER_HOME": str(folder),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "MENTORA_STARTS_PER_MINUTE": "1000",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    services = ensure_local_stack(folder / ".mentora")
    # Both bring their tables up to date.
    with open_catalogue(), chdir(folder), dg.DagsterInstance.from_config(str(folder)):
        pass
    with (
        psycopg.connect(services.database_admin_url, autocommit=True) as admin,
        psycopg.connect(services.dagster_postgres_url, autocommit=True) as dagster,
    ):
        home = LiveHome(folder, admin, dagster, variables)
        yield home
        if home.daemon is not None and home.daemon.poll() is None:
            home.kill_daemon()
        for pid in home.pids(""):
            _kill(pid)
    assert processes_of(folder) == []
    stop_local_stack(folder / ".mentora")
