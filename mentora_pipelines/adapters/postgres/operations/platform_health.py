"""The history of looks at the platform, and what is counted. As the admin role."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString
from uuid import UUID, uuid4

from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.adapters.postgres.operations.email_outbox import write_mail
from mentora_pipelines.adapters.postgres.operations.stage_timings import StageTimingRows
from mentora_pipelines.domain.operations.platform_health import (
    HealthRule,
    PartState,
    Reading,
    judge,
    platform_mail,
)

LOOKING = 0x6C6F6F6B
"""Advisory lock of the look that is recorded: "look" in ASCII."""

KEPT_FOR = timedelta(days=30)

# An upload waits since its newest event: a file that is replaced begins anew.
COUNT = """
with waiting as (
    select greatest(videos.created_at, (
        select max(events.created_at) from events
        where events.name = 'video/upload.completed'
          and events.payload ->> 'videoId' = videos.id::text)) as since
    from videos
    where processing_status = 'pending'
),
spent as (
    select
        budgets.creator_id,
        greatest(
            sum(ai_usage.cost_usd) / nullif(budgets.limit_usd, 0),
            sum(ai_usage.input_units) filter (
                where operation = 'transcription' and unit = 'seconds')
                / 60 / nullif(budgets.limit_minutes, 0)) as share
    from budgets
    join ai_usage
        on ai_usage.creator_id = budgets.creator_id
        and ai_usage.created_at >= date_trunc('month', now(), 'UTC')
    group by budgets.creator_id, budgets.limit_usd, budgets.limit_minutes
)
select
    (select count(*) from waiting) as waiting,
    (
        select coalesce(extract(epoch from now() - min(since)), 0)::float8 from waiting
    ) as oldest_s,
    (
        select count(*) from events
        where status = 'dead' and handled_at > now() - interval '30 days'
          -- A file of a wrong name is its uploader's affair, and stays known for good.
          and name not like 'storage/%%.refused'
    ) as dead_events,
    (
        select count(*) from email_outbox
        where status = 'failed' and created_at > now() - interval '30 days'
    ) as dead_mails,
    (select coalesce(max(share), 0)::float8 from spent) as budget_share,
    (select count(*) from spent where share > %(max_budget_share)s) as over_budget
"""

LAST_STATES = """
with newest as (
    select
        part, is_well, is_alarmed, streak, told, detail, latency_ms, value, threshold
    from platform_health_checks
    where look_id = (
        select look_id from platform_health_checks
        order by checked_at desc, id desc
        limit 1)
)
select newest.*, case when is_alarmed then (
    select min(later.value)
    from platform_health_checks as later
    where later.part = newest.part
      and later.checked_at >= (
          select max(checked_at) from platform_health_checks as notice
          where notice.part = newest.part and notice.told)
    ) end as known_value
from newest
order by part
"""

STATES_OF_LOOK = """
select part, is_well, is_alarmed, streak, told, detail, latency_ms, value, threshold
from platform_health_checks
where look_id = %(look_id)s
order by id
"""

INSERT = """
insert into platform_health_checks (
    id, look_id, part, is_well, latency_ms, value, threshold, detail, streak,
    is_alarmed, told)
values (
    %(id)s, %(look_id)s, %(part)s, %(is_well)s, %(latency_ms)s, %(value)s,
    %(threshold)s, %(detail)s, %(streak)s, %(is_alarmed)s, %(told)s)
"""

TAKE_TURN = "select pg_advisory_xact_lock(%(turn)s)"

# What an operator was told last stays: more than that is told anew.
FORGET = """
delete from platform_health_checks as old
where checked_at < now() - %(keep)s
  and (not told or exists (
      select from platform_health_checks as later
      where later.part = old.part and later.told
        and later.checked_at > old.checked_at))
"""

COUNT_VIDEOS = "select processing_status, count(*) from videos group by 1"


@dataclass(frozen=True, slots=True)
class _Counts:
    """What is counted at a look."""

    waiting: int
    oldest_s: float
    dead_events: int
    dead_mails: int
    budget_share: float
    over_budget: int


class PlatformHealthRows(StageTimingRows):
    """Satisfies `PlatformLedger`, as the admin role."""

    def counted(self, rule: HealthRule) -> list[Reading]:
        """Waiting uploads, their age, dead letters and budgets."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(_Counts)) as cursor,
        ):
            (now,) = cursor.execute(
                COUNT, {"max_budget_share": rule.max_budget_share}
            ).fetchall()
        minutes = now.oldest_s / 60
        return [
            Reading(
                "waiting uploads",
                f"{now.waiting} videos wait for a run",
                value=now.waiting,
                threshold=rule.max_waiting,
            ),
            Reading(
                "oldest waiting upload",
                f"the oldest one has waited for {minutes:.0f} minutes",
                value=round(minutes, 1),
                threshold=rule.max_oldest_minutes,
            ),
            Reading(
                "dead letters",
                f"{now.dead_events} events and {now.dead_mails} mails were given up",
                value=now.dead_events + now.dead_mails,
                threshold=rule.max_dead_letters,
                grows=True,
            ),
            Reading(
                "budget",
                f"{now.over_budget} creators have used up more than "
                f"{rule.max_budget_share:.0%} of their month, at most "
                f"{now.budget_share:.0%}",
                value=now.over_budget,
                threshold=0,
                grows=True,
            ),
        ]

    def record(
        self, look_id: UUID, readings: Sequence[Reading], rule: HealthRule
    ) -> list[PartState]:
        """Judge, keep and tell, in one transaction; a look is kept once."""
        with self._database.transaction() as connection:
            # Two looks at once would both be the one that changes a part.
            connection.execute(TAKE_TURN, {"turn": LOOKING})
            known = _states(connection, STATES_OF_LOOK, look_id)
            if known:
                return known
            before = {s.part: s for s in _states(connection, LAST_STATES, look_id)}
            states = [
                judge(reading, before.get(reading.part), rule) for reading in readings
            ]
            with connection.cursor() as cursor:
                cursor.executemany(
                    INSERT, [_as_row(look_id, state) for state in states]
                )
            mail = platform_mail(look_id, states, rule)
            if mail is not None:
                write_mail(connection, mail)
        return states

    def states(self) -> list[PartState]:
        """How each part stood at the last look."""
        with self._database.transaction() as connection:
            return _states(connection, LAST_STATES, None)

    def video_counts(self) -> dict[str, int]:
        """How many videos there are, by status."""
        with self._database.transaction() as connection:
            rows = connection.execute(COUNT_VIDEOS).fetchall()
        return {str(status): int(count) for status, count in rows}

    def forget(self) -> int:
        """Delete looks, and times of stages, of long ago; how many rows there were."""
        with self._database.transaction() as connection:
            gone = connection.execute(FORGET, {"keep": KEPT_FOR}).rowcount
        return gone + self.forget_stage_timings()


def _states(
    connection: Connection, statement: LiteralString, look_id: UUID | None
) -> list[PartState]:
    with connection.cursor(row_factory=class_row(PartState)) as cursor:
        return cursor.execute(statement, {"look_id": look_id}).fetchall()


def _as_row(look_id: UUID, state: PartState) -> dict[str, object]:
    return {
        "id": uuid4(),
        "look_id": look_id,
        "part": state.part,
        "is_well": state.is_well,
        "latency_ms": state.latency_ms,
        "value": state.value,
        "threshold": state.threshold,
        "detail": state.detail,
        "streak": state.streak,
        "is_alarmed": state.is_alarmed,
        "told": state.told,
    }
