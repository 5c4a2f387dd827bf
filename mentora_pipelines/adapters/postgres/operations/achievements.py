"""Rewards given for events, once per student and achievement.

One transaction per event: what it grants and that it is done are one fact. The change
row that the cache follows is written by the trigger on `students`.
"""

from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.domain.events.outbox import EventOutcome
from mentora_pipelines.domain.events.payloads import AchievementUnlocked
from mentora_pipelines.domain.identity import student_achievement_id_of
from mentora_pipelines.domain.operations.achievements import (
    MAX_ATTEMPTS,
    DeadReason,
    Verdict,
    delay_s,
    parse_unlocked,
)

HAS_DUE = """
select exists (
    select from events
    where status = 'pending' and next_attempt_at <= now() and name = %(name)s)
"""

SELECT_DUE = """
select id from events
where status = 'pending' and next_attempt_at <= now() and name = %(name)s
order by next_attempt_at, id
limit %(limit)s
"""

LOCK_EVENT = """
select creator_id, payload, attempts from events
where id = %(event_id)s and name = %(name)s
  and status = 'pending' and next_attempt_at <= now()
for update skip locked
"""

# Held till the end: a student who is deleted meanwhile would break the foreign key.
LOCK_STUDENT = """
select creator_id from students where id = %(student_id)s for no key update
"""

LOCK_ACHIEVEMENT = """
select creator_id from achievements where id = %(achievement_id)s for key share
"""

# One statement, so that there is never a reward without its points.
REWARD = """
with reward as (
    insert into student_achievements (
        id, creator_id, student_id, achievement_id, xp_earned)
    values (
        %(id)s, %(creator_id)s, %(student_id)s, %(achievement_id)s, %(xp_earned)s)
    on conflict (student_id, achievement_id) do nothing
    returning student_id, xp_earned
)
update students
set xp = students.xp + reward.xp_earned
from reward
where students.id = reward.student_id
"""

MARK_DONE = """
update events
set status = 'done', outcome = %(outcome)s, handled_at = now(),
    attempts = attempts + 1
where id = %(event_id)s
"""

MARK_DEAD = """
update events
set status = 'dead',
    handled_at = now(),
    attempts = attempts + 1,
    dead_reason = %(reason)s
where id = %(event_id)s and status = 'pending'
"""

POSTPONE = """
update events
set attempts = attempts + 1,
    next_attempt_at = now() + make_interval(secs => %(delay_s)s)
where id = %(event_id)s
"""


class _Refusal(Exception):
    """Ends the transaction's work with the reason; never leaves this module."""

    def __init__(self, reason: DeadReason) -> None:
        super().__init__(reason)
        self.reason = reason


class AchievementRows(Rows):
    """Satisfies `AchievementLedger`, as the admin role."""

    def has_due(self) -> bool:
        """Whether an event is due."""
        with self._database.transaction() as connection:
            row = connection.execute(
                HAS_DUE, {"name": AchievementUnlocked.name}
            ).fetchone()
        return row is not None and bool(row[0])

    def due(self, limit: int) -> list[UUID]:
        """Ids of at most `limit` due events, oldest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                SELECT_DUE, {"name": AchievementUnlocked.name, "limit": limit}
            ).fetchall()
        return [event_id for (event_id,) in rows]

    def grant(self, event_id: UUID) -> Verdict:
        """Grant what an event says and mark it done, or give it up with a reason."""
        with self._database.transaction() as connection:
            event = _lock_event(connection, event_id)
            if event is None:
                return Verdict.GONE
            try:
                is_new = _reward(connection, event)
            except _Refusal as refusal:
                _mark_dead(connection, event_id, refusal.reason)
                return Verdict.DEAD
            outcome = EventOutcome.HANDLED if is_new else EventOutcome.NOTHING_TO_DO
            connection.execute(
                MARK_DONE, {"event_id": event_id, "outcome": outcome.value}
            )
        return Verdict.GRANTED if is_new else Verdict.REPEATED

    def give_up(self, event_id: UUID, reason: DeadReason) -> None:
        """Mark an event dead."""
        with self._database.transaction() as connection:
            _mark_dead(connection, event_id, reason)

    def postpone(self, event_id: UUID) -> Verdict:
        """Try an event again later, or give it up after `MAX_ATTEMPTS`."""
        with self._database.transaction() as connection:
            event = _lock_event(connection, event_id)
            if event is None:
                return Verdict.GONE
            attempts = event["attempts"] + 1
            if attempts >= MAX_ATTEMPTS:
                _mark_dead(connection, event_id, DeadReason.TRIED_TOO_OFTEN)
                return Verdict.DEAD
            connection.execute(
                POSTPONE, {"event_id": event_id, "delay_s": delay_s(attempts)}
            )
        return Verdict.LATER


def _lock_event(connection: Connection, event_id: UUID) -> dict[str, Any] | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            LOCK_EVENT, {"event_id": event_id, "name": AchievementUnlocked.name}
        ).fetchone()


def _reward(connection: Connection, event: dict[str, Any]) -> bool:
    """Whether the reward is new; raises `_Refusal` before anything is written."""
    unlocked = parse_unlocked(event["payload"])
    if unlocked is None:
        raise _Refusal(DeadReason.MALFORMED)
    rewarded = connection.execute(
        REWARD,
        {
            "id": student_achievement_id_of(
                unlocked.student_id, unlocked.achievement_id
            ),
            "creator_id": _creator_of(connection, unlocked, event["creator_id"]),
            "student_id": unlocked.student_id,
            "achievement_id": unlocked.achievement_id,
            "xp_earned": unlocked.xp_earned,
        },
    )
    return rewarded.rowcount == 1


def _creator_of(
    connection: Connection, unlocked: AchievementUnlocked, creator_id: UUID | None
) -> UUID:
    """The creator of both; `creator_id` is the event's, which may have none."""
    student = connection.execute(
        LOCK_STUDENT, {"student_id": unlocked.student_id}
    ).fetchone()
    if student is None:
        raise _Refusal(DeadReason.UNKNOWN_STUDENT)
    achievement = connection.execute(
        LOCK_ACHIEVEMENT, {"achievement_id": unlocked.achievement_id}
    ).fetchone()
    if achievement is None:
        raise _Refusal(DeadReason.UNKNOWN_ACHIEVEMENT)
    owner: UUID = student[0]
    if achievement[0] != owner or creator_id not in (None, owner):
        raise _Refusal(DeadReason.WRONG_CREATOR)
    return owner


def _mark_dead(connection: Connection, event_id: UUID, reason: DeadReason) -> None:
    connection.execute(MARK_DEAD, {"event_id": event_id, "reason": reason.value})
