"""A look at ten thousand lessons on good, slow, broken and hostile hosts.

`python -m benchmarks.content_health [LESSONS]` (10,000 by default): lessons in a real
database, spread over 100 hosts that servers in a process of their own play. Prints how
long the look took, the memory that it added, the connections that the servers saw at
once, and the outcomes.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import psycopg

from benchmarks.scratch_database import scratch_database
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.http_probe.addresses import is_public
from mentora_pipelines.adapters.http_probe.guard import Guard
from mentora_pipelines.adapters.http_probe.lessons import NoLinkRenewer, WebLessonProber
from mentora_pipelines.adapters.http_probe.prober import HttpProber, ProbeLimits
from mentora_pipelines.adapters.postgres.operations.content_health import (
    ContentHealthRows,
)
from mentora_pipelines.domain.operations.health_alerts import AlertRule
from mentora_pipelines.domain.operations.health_looks import LookScope, look

ADDRESS = "127.0.0.2"
HOSTS = 100
LIMITS = ProbeLimits(timeout_s=2.0)

# Out of a hundred hosts: what each does.
KINDS = ["well"] * 84 + ["slow"] * 4 + ["head"] * 4 + ["gone"] * 2 + ["cut"] * 2
KINDS += ["hang", "big", "inside", "throttle"]

FILL = """
with made as (
    insert into videos (id, creator_id, title, storage_key, upload_etag, video_url)
    select gen_random_uuid(), %(creator_id)s, 'Lesson ' || number, 'uploads/' || number,
        '1', %(scheme)s || number %% %(hosts)s || '.example:' || %(port)s || '/'
            || number || '.mp4'
    from generate_series(1, %(lessons)s) as number
    returning id, creator_id
)
insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments)
select id, id, creator_id, 's', 'f', 'recognised', 'en', 2, 2, 'Plants grow.', '[]'
from made
"""
COMPLETE = """
update videos set processing_status = 'completed', published_transcript_id = id
"""


class LocalNames:
    """Satisfies `Resolver`: every host is here; `inside` is where none may look."""

    async def addresses(self, host: str) -> Sequence[str]:
        """One address."""
        kind = KINDS[int(host.removeprefix("host").split(".")[0]) % len(KINDS)]
        return ["127.0.0.1" if kind == "inside" else ADDRESS]


class Servers:
    """All hosts, told apart by the header Host."""

    def __init__(self) -> None:
        self.at_once = self.most = self.requests = 0

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer until the connection is closed."""
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.at_once -= 1
            writer.transport.abort()

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        asked = await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        number = asked.split(b"Host: host")[1].split(b".")[0]
        kind = KINDS[int(number) % len(KINDS)]
        is_head = asked.startswith(b"HEAD")
        answer = b"HTTP/1.1 206 OK\r\nContent-Type: video/mp4\r\nContent-Length: 2\r\n"
        body = b"" if is_head else b"ab"
        match kind:
            case "slow":
                await asyncio.sleep(0.1)
            case "hang":
                # Nothing more comes; it ends when the other side gives up.
                await reader.read()
                return False
            case "cut":
                return False
            case "gone":
                answer, body = b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n", b""
            case "throttle":
                answer = (
                    b"HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nContent-Length: 0\r\n"
                )
                body = b""
            case "head" if is_head:
                answer = b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n"
            case "big" if not is_head:
                answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n"
                body = b"a" * 1_000_000
        writer.write(answer + b"\r\n" + body)
        await writer.drain()
        return True


async def run_servers() -> None:
    """Serve until the other side closes the pipe; then print what was seen."""
    servers = Servers()
    server = await asyncio.start_server(servers.serve, ADDRESS, 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps([servers.most, servers.requests]), flush=True)
    server.close()


def memory_mb() -> float:
    """The most that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(lessons: int) -> None:
    """Print the figures of one look."""
    with (
        tempfile.TemporaryDirectory() as folder,
        scratch_database(Path(folder) / "server") as database,
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.content_health", "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as servers,
    ):
        assert servers.stdout is not None
        assert servers.stdin is not None
        port = int(servers.stdout.readline())
        creator_id = uuid4()
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            connection.execute(
                "insert into creators (id, email) values (%s, 'a@tests.example')",
                [creator_id],
            )
            values = {
                "creator_id": creator_id,
                "scheme": "http://host",
                "hosts": HOSTS,
                "port": port,
                "lessons": lessons,
            }
            connection.execute(FILL, values)
            connection.execute(COMPLETE)
            connection.execute("vacuum analyze")
        guard = Guard(
            LocalNames(),
            admits=lambda address: address == ip_address(ADDRESS) or is_public(address),
            ports=frozenset((port,)),
        )
        prober = WebLessonProber(
            HttpProber(guard, LIMITS), FolderStorage(Path(folder)), NoLinkRenewer()
        )
        ledger = ContentHealthRows(database.admin, AlertRule())
        before_mb = memory_mb()
        cpu_s = time.process_time()
        started = time.perf_counter()
        figures = look(LookScope.ALL, uuid4(), ledger, prober)
        elapsed_s = time.perf_counter() - started
        cpu_s = time.process_time() - cpu_s
        prober.close()
        servers.stdin.close()
        most, requests = json.loads(servers.stdout.readline())
        print(f"{figures.lessons} lessons in {elapsed_s:.1f} s ({cpu_s:.1f} s of CPU)")
        print(f"memory: {memory_mb() - before_mb:.0f} MB more than {before_mb:.0f} MB")
        print(f"connections at once: {most}; requests: {requests}")
        outcomes = sorted(figures.outcomes.items())
        print(", ".join(f"{outcome} {count}" for outcome, count in outcomes))


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(run_servers())
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
