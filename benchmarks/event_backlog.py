"""A tick of the event sensor over a backlog: it stays bounded.

`python -m benchmarks.event_backlog [EVENTS]` (10,000 by default): pending uploads of
100 creators and as many events that nobody may handle yet. Prints, for a backlog of a
hundredth of that and of the whole, the median of the ticks, the memory that one takes
at most, and how many events it read; beside it a consumer that reads all that is due.
"""

import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from benchmarks.scratch_database import ScratchDatabase, scratch_database
from mentora_pipelines.adapters.postgres.events.event_outbox import PostgresEventOutbox
from mentora_pipelines.domain.events.consumers import Consumers
from mentora_pipelines.domain.events.consumption import consume_events
from mentora_pipelines.domain.events.outbox import Event
from mentora_pipelines.domain.events.payloads import parse_payload
from mentora_pipelines.domain.memberships.memberships import Membership
from mentora_pipelines.domain.operations.mail import Mail

TICKS = 15
CREATORS = 100
STARTS_PER_MINUTE = 5

FILL = """
insert into creators (id, email)
select gen_random_uuid(), number || '@tests.example'
from generate_series(1, %(creators)s) as number;
insert into videos (id, creator_id, title, storage_key, upload_etag)
select gen_random_uuid(), creator.id, 'A lesson', 'uploads/' || number, '1'
from generate_series(1, %(events)s) as number
join (select id, row_number() over () as place from creators) as creator
    on creator.place = number %% %(creators)s + 1;
delete from events;
insert into events (id, name, schema_version, deduplication_key, creator_id, payload)
select gen_random_uuid(), 'video/upload.completed', 1, video.id::text, creator_id,
    jsonb_build_object(
        'videoId', video.id, 'creatorId', creator_id, 'videoUrl', storage_key)
from videos as video;
insert into events (
    id, name, schema_version, deduplication_key, payload, next_attempt_at)
select gen_random_uuid(), 'email/send', 1, number::text, '{}', now() + interval '1 day'
from generate_series(1, %(events)s) as number;
"""

ALL_DUE = """
select id, name, schema_version, deduplication_key, creator_id, payload, attempts,
    replays, created_at
from events where status = 'pending' and next_attempt_at <= now()
order by created_at
"""


class NoMail:
    """Satisfies `MailWriter`: none is asked for here."""

    def write(self, mail: Mail) -> bool:
        """Never reached."""
        raise NotImplementedError(mail.id)


class NoMemberships:
    """Satisfies `MembershipWriter`: none is told of here."""

    def store(self, creator_id: UUID, memberships: Sequence[Membership]) -> int:
        """Never reached."""
        raise NotImplementedError(creator_id, len(memberships))


class NoRuns:
    """Satisfies `RunCanceller`: nothing is deleted here."""

    def cancel_runs(self, video_id: UUID) -> int:
        """None."""
        assert video_id
        return 0


def fill(database: ScratchDatabase, events: int) -> None:
    """Make the backlog anew."""
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("truncate creators, events cascade")
        for statement in FILL.split(";\n"):
            connection.execute(
                statement.encode(), {"creators": CREATORS, "events": events}
            )
        connection.execute("vacuum analyze")


def ours(database: ScratchDatabase) -> int:
    """One tick, nothing launched; how many runs it asked for."""
    now = datetime.now(UTC)
    outbox = PostgresEventOutbox(database.admin, {}, database.admin_url)
    consumers = Consumers(
        outbox,
        database.catalogue,
        NoRuns(),
        NoMail(),
        database.lessons,
        NoMemberships(),
        now,
        STARTS_PER_MINUTE,
    )
    tick = consume_events(outbox, consumers.by_name(), launched=[], now=now)
    return len(tick.launches)


def naive(database: ScratchDatabase) -> int:
    """Read and parse all that is due; how many events that were."""
    with (
        database.admin.transaction() as connection,
        connection.cursor(row_factory=class_row(Event)) as cursor,
    ):
        events = cursor.execute(ALL_DUE).fetchall()
    return len([parse_payload(e.name, e.schema_version, e.payload) for e in events])


def measure(tick: Callable[[ScratchDatabase], int], database: ScratchDatabase) -> str:
    """Median milliseconds, the most memory, and what came of it."""
    elapsed = []
    found = 0
    for _ in range(TICKS):
        started = time.perf_counter()
        found = tick(database)
        elapsed.append((time.perf_counter() - started) * 1000)
    tracemalloc.start()
    tick(database)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return f"{statistics.median(elapsed):7.1f} ms {most / 1e6:6.2f} MB {found:6}"


def main(events: int) -> None:
    """Print the figures of a small and of the whole backlog."""
    with (
        tempfile.TemporaryDirectory() as folder,
        scratch_database(Path(folder) / "server") as database,
    ):
        print("pending: a tick, its memory, runs wanted; all read, memory, events")
        for backlog in (events // 100, events):
            fill(database, backlog)
            print(
                f"  {backlog:6} {measure(ours, database)}; {measure(naive, database)}"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
