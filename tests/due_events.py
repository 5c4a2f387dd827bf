"""The sensor of events as tests use it, and what became of an event."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import dagster as dg

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.events.event_outbox import PostgresEventOutbox
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
from mentora_pipelines.adapters.postgres.operations.email_outbox import EmailOutboxRows
from mentora_pipelines.domain.videos import Video
from sensors.due_events import due_events
from tests.fix_runs import Connection
from tests.stored_lessons import stored_lesson


class Ticks:
    """The sensor, one tick after another with its cursor."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        outbox: PostgresEventOutbox,
        catalogue: object,
        email_outbox: EmailOutboxRows,
        lessons: PostgresLessons,
        membership_rows: PostgresMemberships,
    ) -> None:
        self._instance = instance
        self._resources = {
            "outbox": outbox,
            "catalogue": catalogue,
            "email_outbox": email_outbox,
            "lessons": lessons,
            "membership_rows": membership_rows,
        }
        self.cursor: str | None = None

    def __call__(self, *, keep_cursor: bool = True) -> list[dg.RunRequest]:
        """The runs that one tick asks for."""
        context = dg.build_sensor_context(
            instance=self._instance, cursor=self.cursor, resources=self._resources
        )
        found = due_events(context)
        if isinstance(found, dg.SkipReason):
            return []
        assert isinstance(found, dg.SensorResult)
        # As Dagster does: an empty cursor leaves the old one.
        if keep_cursor and found.cursor:
            self.cursor = found.cursor
        return list(found.run_requests or [])


Tell = Callable[..., UUID]


def fate(admin: Connection, event_id: UUID) -> tuple[Any, ...]:
    """What became of an event: status, outcome or reason, attempts."""
    row = admin.execute(
        "select status, coalesce(outcome, dead_reason), attempts from events"
        " where id = %s",
        [event_id],
    ).fetchone()
    assert row is not None
    return row


def statuses(admin: Connection, name: str) -> list[object]:
    """The status of each event of a name."""
    return [
        status
        for (status,) in admin.execute(
            "select status from events where name = %s order by created_at, id", [name]
        )
    ]


def published(catalogue: PostgresCatalogue, lessons: PostgresLessons) -> Video:
    """A lesson that readers see, without a quiz."""
    video = stored_lesson(catalogue, lessons)[0]
    assert lessons.publish(video)
    return catalogue.video(video.id)
