"""The history of probes: which lessons come next, and who is to be told.

How a lesson stands is read from the rows of `content_health_checks`; nothing else is
kept, so that nothing can contradict them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

from psycopg import sql
from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Connection, Database, Rows
from mentora_pipelines.adapters.postgres.operations.email_outbox import write_mail
from mentora_pipelines.domain.operations.content_health import (
    FAILING,
    HealthCheck,
    HealthOutcome,
    LessonAddress,
)
from mentora_pipelines.domain.operations.health_alerts import (
    AlertRule,
    HealthRecord,
    health_mail,
    news_of,
)
from mentora_pipelines.domain.operations.health_looks import LookScope, ToldCreators
from mentora_pipelines.errors import InvalidInput

RECHECK_AFTER = timedelta(hours=12)
"""The weekly look ends half an hour or hours before the daily one: two probes in one
night are one."""

OVERDUE_AFTER = timedelta(days=8)
"""A lesson that no weekly look has seen for longer is a suspect too."""

TELLING = 0x6865616C7468
"""Advisory lock of the look that tells creators: "health" in ASCII."""

LAST_CHECK = sql.SQL("""
left join lateral (
    select outcome, look_id, checked_at from content_health_checks
    where video_id = video.id
    order by checked_at desc, id desc
    limit 1
) as last on true
""")

TO_PROBE = sql.SQL("""
from videos as video
{last_check}
where video.processing_status = 'completed'
  and last.look_id is distinct from %(look_id)s
  and (
      %(is_weekly)s
      or (last.outcome = any(%(suspicious)s) and last.checked_at < now() - %(recheck)s)
      or coalesce(last.checked_at, video.processed_at, video.created_at)
          < now() - %(overdue)s)
""").format(last_check=LAST_CHECK)

COUNT_LESSONS = sql.SQL("select count(*) {to_probe}").format(to_probe=TO_PROBE)

SELECT_PAGE = sql.SQL("""
select
    video.id as video_id, video.creator_id, video.video_url, video.storage_key,
    last.outcome as last_outcome,
    (select email from creators where id = video.creator_id) as creator_email
{to_probe}
  and (%(after)s::uuid is null or video.id > %(after)s)
order by video.id
limit %(limit)s
""").format(to_probe=TO_PROBE)

SELECT_WITNESSES = sql.SQL("""
select
    video_id, creator_id, video_url, storage_key, last_outcome,
    (select email from creators where id = by_host.creator_id) as creator_email
from (
    select distinct on (host)
        video.id as video_id, video.creator_id, video.video_url, video.storage_key,
        last.outcome as last_outcome,
        lower(substring(video.video_url from '^https?://([^/?#]+)')) as host
    from videos as video
    {last_check}
    where video.processing_status = 'completed'
      and video.video_url ~* '^https?://'
      and last.outcome = 'ok'
    order by host, last.checked_at desc
) as by_host
limit %(limit)s
""").format(last_check=LAST_CHECK)

INSERT_CHECKS = """
insert into content_health_checks (
    id, creator_id, video_id, look_id, outcome, http_status, latency_ms, detail)
select seen.*
from unnest(
    %(ids)s::uuid[], %(creator_ids)s::uuid[], %(video_ids)s::uuid[],
    array_fill(%(look_id)s::uuid, array[cardinality(%(ids)s::uuid[])]),
    %(outcomes)s::text[], %(statuses)s::integer[], %(latencies)s::float8[],
    %(details)s::text[]
) as seen (id, creator_id, video_id, look_id, outcome, http_status, latency_ms, detail)
-- A lesson that was deleted since it was probed has no history.
join videos on videos.id = seen.video_id and videos.creator_id = seen.creator_id
"""

# `counts`: the last probe that says something of the lesson; `told`: the last one that
# its creator was written to about; `streak`: failures since it was last seen well.
RECORDS = sql.SQL("""
from videos as video
cross join lateral (
    select id, outcome from content_health_checks
    where video_id = video.id and outcome <> all(%(saying_nothing)s)
    order by checked_at desc, id desc
    limit 1
) as counts
left join lateral (
    select outcome from content_health_checks
    where video_id = video.id and told
    order by checked_at desc, id desc
    limit 1
) as told on true
cross join lateral (
    select count(*) as failures, min(checked_at) as first_at, max(checked_at) as last_at
    from content_health_checks
    where video_id = video.id
      and outcome = any(%(failing)s)
      and checked_at > coalesce(
          (
              select max(well.checked_at) from content_health_checks as well
              where well.video_id = video.id and well.outcome = 'ok'),
          '-infinity')
) as streak
where video.processing_status = 'completed'
  and case when coalesce(told.outcome <> 'ok', false)
      then counts.outcome = 'ok'
      else counts.outcome <> 'ok' and streak.failures >= %(failures)s
  end
""")

SELECT_CREATORS = sql.SQL("""
select distinct video.creator_id {records} order by 1
""").format(records=RECORDS)

SELECT_RECORDS = sql.SQL("""
select
    video.id as video_id,
    video.title,
    counts.id as check_id,
    counts.outcome,
    streak.failures,
    streak.first_at as first_failed_at,
    streak.last_at as last_failed_at,
    coalesce(told.outcome <> 'ok', false) as is_alerted
{records}
  and video.creator_id = %(creator_id)s
order by video.title, video.id
""").format(records=RECORDS)

SELECT_ADDRESS = "select email from creators where id = %(creator_id)s"

MARK_TOLD = """
update content_health_checks set told = true where id = any(%(check_ids)s)
"""

TAKE_TURN = "select pg_advisory_xact_lock(%(turn)s)"

# A lesson stands as its last probe, and the last one that says something, say; its
# creator knows what the last one says that was told.
FORGET = """
delete from content_health_checks
where id in (
    select old.id
    from content_health_checks as old
    cross join lateral (
        select
            count(*) > 0 as is_there,
            coalesce(bool_or(told), false) as is_told,
            coalesce(bool_or(outcome <> all(%(saying_nothing)s)), false) as says_much
        from content_health_checks
        where video_id = old.video_id
          and (checked_at, id) > (old.checked_at, old.id)
    ) as later
    where old.checked_at < now() - make_interval(months => %(months)s)
      and later.is_there
      and (later.is_told or not old.told)
      and (later.says_much or old.outcome = any(%(saying_nothing)s))
    limit %(limit)s)
"""

FORGET_ROWS = 10_000
"""Rows a statement: seconds, of the minute that one has."""

SAYING_NOTHING = [HealthOutcome.OURS.value, HealthOutcome.BLOCKED.value]


@dataclass(frozen=True, slots=True)
class _AddressRow:
    """A lesson as the statements above give it."""

    video_id: UUID
    creator_id: UUID
    video_url: str | None
    storage_key: str
    last_outcome: str | None
    creator_email: str

    def parsed(self) -> LessonAddress:
        """The lesson."""
        outcome = self.last_outcome
        return LessonAddress(
            self.video_id,
            self.creator_id,
            self.video_url,
            self.storage_key,
            None if outcome is None else HealthOutcome(outcome),
            self.creator_email,
        )


class ContentHealthRows(Rows):
    """Satisfies `HealthLedger`, as the admin role."""

    def __init__(
        self, database: Database, rule: AlertRule, *, retention_months: int = 12
    ) -> None:
        super().__init__(database)
        self._rule = rule
        self._retention_months = retention_months

    def count(self, scope: LookScope, look_id: UUID) -> int:
        """How many lessons the look has still to probe."""
        with self._database.transaction() as connection:
            row = connection.execute(
                COUNT_LESSONS, _scope_parameters(scope, look_id)
            ).fetchone()
        return 0 if row is None else int(row[0])

    def page(
        self, scope: LookScope, look_id: UUID, after: UUID | None, limit: int
    ) -> list[LessonAddress]:
        """The next lessons to probe, by id above `after`; none that the look has."""
        parameters = {
            **_scope_parameters(scope, look_id),
            "after": after,
            "limit": limit,
        }
        with self._database.transaction() as connection:
            return _addresses(connection, SELECT_PAGE, parameters)

    def witnesses(self, limit: int) -> list[LessonAddress]:
        """Lessons on the web that were well when last probed, each of another host."""
        with self._database.transaction() as connection:
            return _addresses(connection, SELECT_WITNESSES, {"limit": limit})

    def record(self, look_id: UUID, checks: Sequence[HealthCheck]) -> None:
        """Add to the history."""
        sightings = [check.sighting for check in checks]
        parameters = {
            "look_id": look_id,
            "ids": [uuid4() for _ in checks],
            "creator_ids": [check.lesson.creator_id for check in checks],
            "video_ids": [check.lesson.video_id for check in checks],
            "outcomes": [check.outcome.value for check in checks],
            "statuses": [seen.status for seen in sightings],
            "latencies": [seen.latency_ms for seen in sightings],
            "details": [seen.detail for seen in sightings],
        }
        with self._database.transaction() as connection:
            connection.execute(INSERT_CHECKS, parameters)

    def tell_creators(self, look_id: UUID) -> ToldCreators:
        """Write one digest for each creator who has news, and that it was told."""
        with self._database.transaction() as connection:
            creator_ids = connection.execute(
                SELECT_CREATORS, self._rule_parameters()
            ).fetchall()
        digests = alerts = recoveries = unreachable = 0
        for (creator_id,) in creator_ids:
            with self._database.transaction() as connection:
                # Two looks at once would both find that nobody was told.
                connection.execute(TAKE_TURN, {"turn": TELLING})
                news = self._tell(connection, look_id, creator_id)
            unreachable += news is None
            digests += bool(news)
            recoveries += sum(record.is_alerted for record in news or ())
            alerts += sum(not record.is_alerted for record in news or ())
        return ToldCreators(digests, alerts, recoveries, unreachable)

    def forget(self) -> int:
        """Delete what is older than it is kept; returns how much."""
        parameters = {
            "months": self._retention_months,
            "saying_nothing": SAYING_NOTHING,
            "limit": FORGET_ROWS,
        }
        forgotten = 0
        while True:
            with self._database.transaction() as connection:
                deleted = connection.execute(FORGET, parameters).rowcount
            forgotten += deleted
            if deleted < FORGET_ROWS:
                return forgotten

    def _tell(
        self, connection: Connection, look_id: UUID, creator_id: UUID
    ) -> list[HealthRecord] | None:
        """What the creator was told, or None for one who cannot be written to."""
        with connection.cursor(row_factory=class_row(HealthRecord)) as cursor:
            rows = cursor.execute(
                SELECT_RECORDS, {**self._rule_parameters(), "creator_id": creator_id}
            ).fetchall()
        records = [replace(row, outcome=HealthOutcome(row.outcome)) for row in rows]
        news = news_of(records, self._rule)
        if not news:
            return []
        row = connection.execute(SELECT_ADDRESS, {"creator_id": creator_id}).fetchone()
        try:
            mail = health_mail(
                news,
                look_id=look_id,
                creator_id=creator_id,
                recipient=None if row is None else str(row[0]),
            )
        except InvalidInput:
            return None
        write_mail(connection, mail)
        connection.execute(
            MARK_TOLD, {"check_ids": [record.check_id for record in news]}
        )
        return news

    def _rule_parameters(self) -> dict[str, object]:
        return {
            "saying_nothing": SAYING_NOTHING,
            "failing": [outcome.value for outcome in FAILING],
            "failures": self._rule.failures,
        }


def _scope_parameters(scope: LookScope, look_id: UUID) -> dict[str, object]:
    suspicious = [*FAILING, HealthOutcome.OURS]
    return {
        "look_id": look_id,
        "is_weekly": scope is LookScope.ALL,
        "suspicious": [outcome.value for outcome in suspicious],
        "recheck": RECHECK_AFTER,
        "overdue": OVERDUE_AFTER,
    }


def _addresses(
    connection: Connection, statement: sql.Composed, parameters: dict[str, object]
) -> list[LessonAddress]:
    with connection.cursor(row_factory=class_row(_AddressRow)) as cursor:
        rows = cursor.execute(statement, parameters).fetchall()
    return [row.parsed() for row in rows]
