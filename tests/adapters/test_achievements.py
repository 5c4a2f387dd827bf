"""Rewards for events, in the real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.operations.achievements import AchievementRows
from mentora_pipelines.domain.events.payloads import MAX_XP, AchievementUnlocked
from mentora_pipelines.domain.operations.achievements import (
    BATCH_EVENTS,
    MAX_ATTEMPTS,
    DeadReason,
    UnlockFigures,
    unlock_due,
)
from mentora_pipelines.errors import PermanentError, TransientError
from mentora_pipelines.services import DatabaseUrls

INSERT_CREATOR = "insert into creators (id, email) values (%s, %s)"
INSERT_STUDENT = (
    "insert into students (id, creator_id, email) values (%s, %s, 'e@x.io')"
)
INSERT_ACHIEVEMENT = """
insert into achievements (id, creator_id, code, title, description, xp)
values (%s, %s, %s, 'First', 'Begin.', 10)
"""
INSERT_EVENT = """
insert into events (id, name, schema_version, deduplication_key, creator_id, payload)
values (%s, %s, 1, %s, %s, %s)
"""


@dataclass(frozen=True)
class School:
    """A creator with a student and an achievement, whom no other test uses."""

    admin: psycopg.Connection[tuple[Any, ...]]
    creator_id: UUID
    student_id: UUID
    achievement_id: UUID

    def payload(self, **changes: object) -> dict[str, object]:
        """What the web application says, but for `changes`."""
        return {
            "studentId": str(self.student_id),
            "achievementId": str(self.achievement_id),
            "xpEarned": 10,
            **changes,
        }

    def happens(self, payload: object, creator_id: UUID | None = None) -> UUID:
        """Write an event with a deduplication key of its own."""
        event_id = uuid4()
        self.admin.execute(
            INSERT_EVENT,
            [
                event_id,
                AchievementUnlocked.name,
                str(event_id),
                creator_id or self.creator_id,
                Jsonb(payload),
            ],
        )
        return event_id

    @property
    def xp(self) -> int:
        """The student's points."""
        row = self.admin.execute(
            "select xp from students where id = %s", [self.student_id]
        ).fetchone()
        assert row is not None
        return int(row[0])

    @property
    def rewards(self) -> list[tuple[UUID, int]]:
        """What the student was given."""
        return [
            (achievement_id, xp)
            for achievement_id, xp in self.admin.execute(
                "select achievement_id, xp_earned from student_achievements "
                "where student_id = %s",
                [self.student_id],
            )
        ]

    def state(self, event_id: UUID) -> tuple[str, int, str | None]:
        """Status, attempts and reason of an event."""
        row = self.admin.execute(
            "select status, attempts, dead_reason from events where id = %s", [event_id]
        ).fetchone()
        assert row is not None
        return row[0], row[1], row[2]


def open_school(admin: psycopg.Connection[tuple[Any, ...]]) -> School:
    """A new one."""
    school = School(admin, uuid4(), uuid4(), uuid4())
    admin.execute(INSERT_CREATOR, [school.creator_id, f"{school.creator_id}@x.io"])
    admin.execute(INSERT_STUDENT, [school.student_id, school.creator_id])
    admin.execute(
        INSERT_ACHIEVEMENT, [school.achievement_id, school.creator_id, "first"]
    )
    return school


@pytest.fixture
def school(urls: DatabaseUrls) -> Iterator[School]:
    """A school, while no other event waits."""
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("delete from events where name = %s", [AchievementUnlocked.name])
        yield open_school(admin)
        admin.execute("delete from events where name = %s", [AchievementUnlocked.name])


@pytest.fixture
def ledger(urls: DatabaseUrls) -> Iterator[AchievementRows]:
    """The ledger, as the admin role."""
    database = Database(urls.admin, "mentora-tests")
    yield AchievementRows(database)
    database.close()


def test_an_achievement_is_granted_once_however_often_it_is_told(
    school: School, ledger: AchievementRows
) -> None:
    """Else points are multiplied by retries, replays and other deduplication keys."""
    events = [school.happens(school.payload(), None) for _ in range(3)]
    assert ledger.has_due()
    assert unlock_due(ledger) == UnlockFigures(1, 2, 0, 0, 0)
    late = school.happens(school.payload(xpEarned=99, extra="more"))
    assert unlock_due(ledger) == UnlockFigures(0, 1, 0, 0, 0)
    assert not ledger.has_due()
    assert school.rewards == [(school.achievement_id, 10)]
    assert school.xp == 10
    for event in (*events, late):
        assert school.state(event) == ("done", 1, None)


def test_the_cache_is_told_about_the_student(
    school: School, ledger: AchievementRows
) -> None:
    """Else the student looks at yesterday's points for a quarter of an hour."""
    school.happens(school.payload())
    unlock_due(ledger)
    changes = school.admin.execute(
        "select payload from events where name = 'change/students' "
        "and creator_id = %s and payload ->> 'operation' = 'update'",
        [school.creator_id],
    ).fetchall()
    assert [(each["id"], each["changed"]) for (each,) in changes] == [
        (str(school.student_id), ["xp"])
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"studentId": str(UUID(int=1))}, DeadReason.UNKNOWN_STUDENT),
        ({"achievementId": str(UUID(int=2))}, DeadReason.UNKNOWN_ACHIEVEMENT),
        ({"studentId": "nobody"}, DeadReason.MALFORMED),
        ({"studentId": None}, DeadReason.MALFORMED),
        ({"xpEarned": -1}, DeadReason.MALFORMED),
        ({"xpEarned": MAX_XP + 1}, DeadReason.MALFORMED),
        ({"xpEarned": 10**30}, DeadReason.MALFORMED),
        ({"xpEarned": 1.5}, DeadReason.MALFORMED),
        ({"xpEarned": "10"}, DeadReason.MALFORMED),
        ({"xpEarned": True}, DeadReason.MALFORMED),
    ],
    ids=str,
)
def test_what_can_never_be_granted_is_dead_and_blocks_nobody(
    school: School,
    ledger: AchievementRows,
    changes: dict[str, object],
    reason: DeadReason,
) -> None:
    """Else one wrong event stops every student's rewards, or vanishes."""
    wrong = school.happens(school.payload(**changes))
    right = school.happens(school.payload())
    assert unlock_due(ledger) == UnlockFigures(1, 0, 1, 0, 0)
    assert school.state(wrong) == ("dead", 1, reason.value)
    assert school.state(right) == ("done", 1, None)
    assert school.xp == 10


@pytest.mark.parametrize("payload", [[], "text", 5, {}], ids=str)
def test_a_payload_that_is_no_object_is_dead(
    school: School, ledger: AchievementRows, payload: object
) -> None:
    """Else it ends every run at the same place."""
    event = school.happens(payload)
    assert unlock_due(ledger) == UnlockFigures(0, 0, 1, 0, 0)
    assert school.state(event) == ("dead", 1, DeadReason.MALFORMED.value)


def test_nobody_is_rewarded_by_another_creator(
    school: School, ledger: AchievementRows
) -> None:
    """Else one creator's event gives another's students points."""
    other = open_school(school.admin)
    foreign = other.payload(achievementId=str(school.achievement_id))
    events = [
        school.happens(school.payload(), other.creator_id),
        school.happens(foreign, other.creator_id),
        school.happens(foreign, school.creator_id),
    ]
    assert unlock_due(ledger) == UnlockFigures(0, 0, 3, 0, 0)
    dead = ("dead", 1, DeadReason.WRONG_CREATOR.value)
    assert [school.state(event) for event in events] == [dead] * 3
    assert (school.xp, other.xp) == (0, 0)


def test_points_that_cannot_be_stored_are_refused_with_their_reward(
    school: School, ledger: AchievementRows
) -> None:
    """Else a reward stands without its points."""
    school.admin.execute(
        "update students set xp = 2147483640 where id = %s", [school.student_id]
    )
    event = school.happens(school.payload())
    assert unlock_due(ledger) == UnlockFigures(0, 0, 1, 0, 0)
    assert school.state(event) == ("dead", 1, DeadReason.REFUSED.value)
    assert school.rewards == []


def test_two_drains_at_once_grant_once(school: School, ledger: AchievementRows) -> None:
    """Else two workers that meet double the points, or lock each other out."""
    for _ in range(30):
        school.happens(school.payload())
    together = Barrier(3)

    def drain(_: int) -> UnlockFigures:
        together.wait()
        return unlock_due(ledger)

    with ThreadPoolExecutor() as pool:
        figures = list(pool.map(drain, range(3)))
    assert sum(each.granted for each in figures) == 1
    assert sum(each.repeated for each in figures) == 29
    assert sum(each.dead + each.later for each in figures) == 0
    assert school.xp == 10


class Troubled(AchievementRows):
    """The ledger, which the database fails at one event."""

    def __init__(self, database: Database, event_id: UUID, fault: Exception) -> None:
        super().__init__(database)
        self._event_id = event_id
        self._fault = fault

    def grant(self, event_id: UUID) -> Any:  # noqa: ANN401  (as the one above it)
        """What the ledger says, unless it is that event."""
        if event_id == self._event_id:
            raise self._fault
        return super().grant(event_id)


def test_an_event_that_the_database_fails_at_waits_and_is_given_up_at_last(
    school: School, urls: DatabaseUrls
) -> None:
    """Else a row that somebody holds stops all rewards, or is tried for ever."""
    stuck = school.happens(school.payload())
    right = school.happens(school.payload())
    database = Database(urls.admin, "mentora-tests")
    ledger = Troubled(database, stuck, TransientError("lock not had"))
    assert unlock_due(ledger) == UnlockFigures(1, 0, 0, 1, 0)
    assert school.state(right) == ("done", 1, None)
    assert school.state(stuck) == ("pending", 1, None)
    assert not ledger.has_due(), "not before its time"
    for _ in range(MAX_ATTEMPTS - 1):
        school.admin.execute(
            "update events set next_attempt_at = now() where id = %s", [stuck]
        )
        unlock_due(ledger)
    reason = DeadReason.TRIED_TOO_OFTEN.value
    assert school.state(stuck) == ("dead", MAX_ATTEMPTS, reason)
    refused = school.happens(school.payload())
    assert unlock_due(
        Troubled(database, refused, PermanentError("refused"))
    ) == UnlockFigures(0, 0, 1, 0, 0)
    database.close()


def test_a_batch_is_bounded(school: School, ledger: AchievementRows) -> None:
    """Else a flood of events is one run without an end."""
    school.admin.execute(
        "insert into events (id, name, schema_version, deduplication_key, payload) "
        "select gen_random_uuid(), %s, 1, n::text, '{}' from generate_series(1, %s) n",
        [AchievementUnlocked.name, BATCH_EVENTS + 5],
    )
    assert len(ledger.due(BATCH_EVENTS)) == BATCH_EVENTS
