"""What events ask for: runs, deletions, and what is parked."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import dagster as dg

from assets.analytics.jobs import daily_metrics_job
from assets.cockpit import LESSONS, team
from assets.jobs import (
    edit_selection,
    lesson_job,
    lesson_tags,
    quiz_job,
    quiz_request_config,
)
from assets.partitions import videos
from assets.runs import VideoRuns
from assets.triggers import watched
from mentora_pipelines.domain.events.consumers import (
    Consumers,
    EventSubjects,
    MembershipWriter,
)
from mentora_pipelines.domain.events.consumption import consume_events
from mentora_pipelines.domain.events.effects import (
    Launch,
    LessonRun,
    MetricsRun,
    QuizRun,
)
from mentora_pipelines.domain.events.outbox import EventOutbox
from mentora_pipelines.domain.lessons.versions import VersionStore
from mentora_pipelines.domain.operations.mail import MailWriter
from mentora_pipelines.settings.flow import FlowSettings

NOTHING_LAUNCHED = "-"

QUIET_S = 5
"""Seconds between two looks: Dagster's own sensor loop is no faster."""


@dg.sensor(
    jobs=[lesson_job, quiz_job, daily_metrics_job],
    minimum_interval_seconds=QUIET_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Gives each due event to its consumer and asks for the runs they want."
    ),
    tags=team(LESSONS),
)
@watched
def due_events(
    context: dg.SensorEvaluationContext,
    outbox: dg.ResourceParam[EventOutbox],
    catalogue: dg.ResourceParam[EventSubjects],
    email_outbox: dg.ResourceParam[MailWriter],
    lessons: dg.ResourceParam[VersionStore],
    *,
    membership_rows: dg.ResourceParam[MembershipWriter],
) -> dg.SensorResult | dg.SkipReason:
    """Gives each due event to its consumer and asks for the runs they want.

    The cursor names the events whose runs this tick asks for. Dagster stores it when
    the runs are recorded, so the next tick knows that they are.
    """
    flow = FlowSettings()
    now = datetime.now(UTC)
    consumers = Consumers(
        outbox=outbox,
        subjects=catalogue,
        runs=VideoRuns(context.instance),
        mail=email_outbox,
        versions=lessons,
        memberships=membership_rows,
        now=now,
        starts_per_minute=flow.starts_per_minute,
    )
    tick = consume_events(
        outbox, consumers.by_name(), launched=_launched(context.cursor), now=now
    )
    for event_id, reason in tick.buried:
        context.log.warning("event %s is parked: %s", event_id, reason)
    launched = _launched(context.cursor)
    cursor = ",".join(f"{event.id}^{event.replays}" for event, _ in tick.launches)
    if not tick.launches and not launched:
        return dg.SkipReason(
            f"{tick.handled} events handled, {tick.retried} to be tried again"
        )
    wanted = [launch for _, launch in tick.launches]
    return dg.SensorResult(
        skip_reason=None if tick.launches else "the runs of the last tick are recorded",
        run_requests=[_run_request(launch, flow.plan_weights) for launch in wanted],
        dynamic_partitions_requests=[videos.build_add_request(_partitions(wanted))],
        # Dagster keeps the old cursor when the new one is empty.
        cursor=cursor or NOTHING_LAUNCHED,
    )


def _launched(cursor: str | None) -> list[tuple[UUID, int]]:
    """Events with the number of their replays."""
    named = (cursor or NOTHING_LAUNCHED).strip(NOTHING_LAUNCHED).split(",")
    pairs = (event.partition("^") for event in named if event)
    return [(UUID(event_id), int(replays)) for event_id, _, replays in pairs]


def _partitions(launches: Iterable[Launch]) -> list[str]:
    return sorted(
        {
            str(launch.video.id)
            for launch in launches
            if isinstance(launch, LessonRun | QuizRun)
        }
    )


def _run_request(launch: Launch, plan_weights: dict[str, int]) -> dg.RunRequest:
    match launch:
        case LessonRun(video, key, from_words):
            return dg.RunRequest(
                job_name=lesson_job.name,
                run_key=key,
                partition_key=str(video.id),
                tags=lesson_tags(video, plan_weights),
                asset_selection=edit_selection() if from_words else None,
            )
        case QuizRun(video, key, wishes, requested_as):
            return dg.RunRequest(
                job_name=quiz_job.name,
                run_key=key,
                partition_key=str(video.id),
                tags=lesson_tags(video, plan_weights),
                run_config=quiz_request_config(wishes, requested_as),
            )
        case MetricsRun(day, key):
            return dg.RunRequest(
                job_name=daily_metrics_job.name,
                run_key=key,
                partition_key=day.isoformat(),
            )
