"""The outbox as its consumers and operators see it, as the admin role."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Database, Rows
from mentora_pipelines.adapters.postgres.repository.cursors import cursor_key
from mentora_pipelines.adapters.postgres.repository.repository import Repository
from mentora_pipelines.adapters.postgres.tables.operations import EVENTS, EventRow
from mentora_pipelines.domain.events.outbox import (
    KEEP_CHANGES,
    KEEP_EVENTS,
    Event,
    EventCount,
    EventOutcome,
    EventStatus,
)
from mentora_pipelines.domain.paging import Filter, Page

# The creators take turns: a plan of weight 3 has three events in each round. Without
# it a thousand uploads of one creator would stand before the first of another.
SELECT_DUE = """
select
    id, name, schema_version, deduplication_key, creator_id, payload, attempts,
    replays, created_at
from (
    select
        events.*,
        (row_number() over (
            partition by events.creator_id order by events.created_at, events.id) - 1
        ) / greatest(coalesce(
            (%(weights)s::jsonb ->> (creators.settings ->> 'plan'))::integer, 1), 1)
            as round
    from events
    left join creators on creators.id = events.creator_id
    where events.name = %(name)s
      and events.status = 'pending'
      and events.next_attempt_at <= now()
) as due
order by round, created_at, id
limit %(limit)s
"""

# From name to name along the index: a backlog of known events is not read through.
SELECT_UNKNOWN = """
with recursive names (name) as (
    select min(name) from events where status = 'pending'
    union all
    select (
        select min(events.name) from events
        where events.status = 'pending' and events.name > names.name)
    from names
    where names.name is not null
)
select events.id
from names
join events on events.name = names.name and events.status = 'pending'
where names.name <> all(%(known)s)
  and names.name not like 'change/%%'
limit %(limit)s
"""

FINISH = """
update events
set status = 'done', outcome = %(outcome)s, handled_at = now()
where id = any(%(event_ids)s) and status = 'pending'
"""

RECORD_LAUNCHES = """
update events
set status = 'done', outcome = 'launched', handled_at = now()
from unnest(%(event_ids)s::uuid[], %(replays)s::integer[]) as launched (id, replays)
where events.id = launched.id
  and events.replays = launched.replays
  and events.status = 'pending'
"""

POSTPONE = """
update events set next_attempt_at = %(until)s
where id = %(event_id)s and status = 'pending'
"""

RETRY = """
update events set next_attempt_at = %(until)s, attempts = attempts + 1
where id = %(event_id)s and status = 'pending'
"""

BURY = """
update events
set status = 'dead', dead_reason = %(reason)s, handled_at = now(),
    attempts = attempts + 1
where id = %(event_id)s and status = 'pending'
"""

# The payload's creator: an event of the platform's own may be about any.
SELECT_LAUNCHED = """
select now() - handled_at
from events
where name = %(name)s
  and status = 'done'
  and handled_at > now() - %(period)s
  and outcome = 'launched'
  and (%(creator_id)s::text is null or payload ->> 'creatorId' = %(creator_id)s)
order by handled_at
"""

# What a quiz came to before is no answer while it is written anew.
REPLAY = """
with replayed as (
    update events
    set status = 'pending', outcome = null, dead_reason = null, handled_at = null,
        attempts = 0, next_attempt_at = now(), replays = replays + 1
    where status <> 'pending'
      and (%(event_ids)s::uuid[] is null or id = any(%(event_ids)s))
      and (%(status)s::text is null or status = %(status)s)
      and (%(name)s::text is null or name = %(name)s)
      -- Whoever means it names it: what it deletes may have been uploaded again.
      and (name <> 'video/deleted'
           or %(event_ids)s::uuid[] is not null or %(name)s::text is not null)
      and (%(since)s::timestamptz is null or created_at >= %(since)s)
      -- Nothing follows from these; dead from the beginning, with their reason.
      and name not like 'storage/%%.refused'
    returning id, name, payload
),
forgotten as (
    delete from quiz_requests
    using replayed
    where replayed.name = 'quiz/generation.requested'
      and quiz_requests.id::text = lower(replayed.payload ->> 'quizId')
      and quiz_requests.quiz_id is null
)
select id from replayed
"""

COUNT = """
select name, status, count(*) as events, min(created_at) as oldest
from events
group by name, status
order by name, status
"""

FORGET_EVENTS = """
delete from events where id in (
    select id from events
    where status = 'done'
      and (name < 'change/' or name >= 'change0')
      and handled_at < now() - %(keep)s
    limit %(limit)s)
"""

# Change rows are many. No cached value lives as long as they are kept, so that one that
# was never followed is of no use either.
FORGET_CHANGES = """
delete from events where id in (
    select id from events
    where name >= 'change/' and name < 'change0'
      and created_at < now() - %(keep)s
    limit %(limit)s)
"""

FORGET_AT_ONCE = 5_000
"""Rows of one transaction: it ends long before the limit of a statement."""

MAX_REASON = 500


class PostgresEventOutbox(Rows):
    """Satisfies `EventOutbox` and `HandledEvents`.

    `plan_weights` says how many events of a creator of that plan are taken in a round;
    `cursor_secret` signs the cursors of its pages, see `cursors`.
    """

    def __init__(
        self, database: Database, plan_weights: Mapping[str, int], cursor_secret: str
    ) -> None:
        super().__init__(database)
        self._plan_weights = dict(plan_weights)
        self._cursor_secret = cursor_secret

    def due_events(self, name: str, limit: int) -> list[Event]:
        """Pending events of a name whose time has come, in turn; at most `limit`."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(Event)) as cursor,
        ):
            return cursor.execute(
                SELECT_DUE,
                {"name": name, "limit": limit, "weights": Jsonb(self._plan_weights)},
            ).fetchall()

    def unknown_events(self, known: Sequence[str], limit: int) -> list[UUID]:
        """Pending events whose name nobody knows, at most `limit`."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                SELECT_UNKNOWN, {"known": list(known), "limit": limit}
            ).fetchall()
        return [row[0] for row in rows]

    def finish(self, event_ids: Sequence[UUID], outcome: EventOutcome) -> None:
        """Mark pending events as done."""
        with self._database.transaction() as connection:
            connection.execute(
                FINISH, {"event_ids": list(event_ids), "outcome": outcome.value}
            )

    def record_launches(self, launches: Sequence[tuple[UUID, int]]) -> None:
        """Mark events as launched, each unless it was replayed since (its count)."""
        with self._database.transaction() as connection:
            connection.execute(
                RECORD_LAUNCHES,
                {
                    "event_ids": [event_id for event_id, _ in launches],
                    "replays": [replays for _, replays in launches],
                },
            )

    def postpone(self, event_id: UUID, until: datetime) -> None:
        """Let an event wait; this is no failed attempt."""
        with self._database.transaction() as connection:
            connection.execute(POSTPONE, {"event_id": event_id, "until": until})

    def retry(self, event_id: UUID, until: datetime) -> None:
        """Let an event wait after a failed attempt."""
        with self._database.transaction() as connection:
            connection.execute(RETRY, {"event_id": event_id, "until": until})

    def bury(self, event_id: UUID, reason: str) -> None:
        """Park an event as dead until somebody replays it."""
        with self._database.transaction() as connection:
            connection.execute(
                BURY, {"event_id": event_id, "reason": reason[:MAX_REASON]}
            )

    def launched_within(
        self, name: str, period: timedelta, creator_id: UUID | None = None
    ) -> list[timedelta]:
        """How long ago events of a name started runs in the last `period`."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                SELECT_LAUNCHED,
                {
                    "name": name,
                    "period": period,
                    "creator_id": None if creator_id is None else str(creator_id),
                },
            ).fetchall()
        return [row[0] for row in rows]

    def event_page(
        self,
        *,
        name: str | None,
        status: EventStatus | None,
        limit: int,
        cursor: str | None,
    ) -> Page[EventRow]:
        """A page of the events of a name and a status (None: of all), newest first.

        Raises `InvalidInput` for a limit or a cursor that cannot be.
        """
        filters = []
        if name is not None:
            filters.append(Filter("name", name))
        if status is not None:
            filters.append(Filter("status", status.value))
        return Repository(self._database, EVENTS, cursor_key(self._cursor_secret)).list(
            filters,
            creator_id=None,
            order_by="created_at",
            descending=True,
            limit=limit,
            cursor=cursor,
        )

    def counts(self) -> list[EventCount]:
        """How many events of each name there are in each status."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(EventCount)) as cursor,
        ):
            return cursor.execute(COUNT).fetchall()

    def replay(
        self,
        *,
        event_ids: Sequence[UUID] | None = None,
        status: EventStatus | None = None,
        name: str | None = None,
        since: datetime | None = None,
    ) -> int:
        """Make handled events pending again, all that match; how many they were."""
        with self._database.transaction() as connection:
            return connection.execute(
                REPLAY,
                {
                    "event_ids": None if event_ids is None else list(event_ids),
                    "status": None if status is None else status.value,
                    "name": name,
                    "since": since,
                },
            ).rowcount

    def forget(self) -> int:
        """Delete what was handled long ago; how many events that were."""
        return self._forget(FORGET_CHANGES, KEEP_CHANGES) + self._forget(
            FORGET_EVENTS, KEEP_EVENTS
        )

    def _forget(self, statement: LiteralString, keep: timedelta) -> int:
        forgotten = 0
        while True:
            with self._database.transaction() as connection:
                deleted = connection.execute(
                    statement, {"keep": keep, "limit": FORGET_AT_ONCE}
                ).rowcount
            forgotten += deleted
            if deleted < FORGET_AT_ONCE:
                return forgotten
