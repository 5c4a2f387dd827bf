"""What became of runs, as somebody sees it who outlives them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.tags import WILL_RETRY_TAG
from dagster._utils.tags import get_boolean_tag_value

from assets.cockpit import OPERATIONS, team
from assets.tags import (
    CREATOR_TAG,
    MAX_RUNTIME_TAG,
    PARTITION_TAG,
    SCHEDULE_TAG,
    TICK_TIME_TAG,
    VIDEO_TAG,
)
from assets.triggers import DEFAULT_MAX_RUNTIME_S, check_in_run, watched
from mentora_pipelines.observability import incidents
from mentora_pipelines.observability.logs import log

LOOK_S = 30
"""Seconds between two looks: a monitor hears of an end that much later."""

MAX_RUNS = 200

SETTLED_AFTER = timedelta(seconds=2)
"""Two runs that end at once may be written in the other order."""

ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


@dg.sensor(
    minimum_interval_seconds=LOOK_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Tells the monitors of schedules how their runs ended, and of runs that "
        "were lost."
    ),
    tags=team(OPERATIONS),
)
@watched
def ended_runs(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Tells the monitors of schedules how their runs ended, and of runs that were lost.

    A step tells its own failure. A worker that was killed, or never began, tells
    nothing: its run is found here. The cursor is the time of the last run that was
    seen; at first it is now.
    """
    before = datetime.now(UTC) - SETTLED_AFTER
    if context.cursor is None:
        return dg.SensorResult(skip_reason="begins now", cursor=before.isoformat())
    records = context.instance.get_run_records(
        dg.RunsFilter(
            statuses=ENDED,
            updated_after=datetime.fromisoformat(context.cursor),
            updated_before=before,
        ),
        limit=MAX_RUNS,
        order_by="update_timestamp",
        ascending=True,
    )
    lost = 0
    for record in records:
        _check_in(context, record)
        lost += _tell_lost(context.instance, record)
    last = records[-1].update_timestamp if records else None
    return dg.SensorResult(
        skip_reason=f"{len(records)} runs have ended, {lost} were lost",
        cursor=last.astimezone(UTC).isoformat() if last else context.cursor,
    )


def _check_in(context: dg.SensorEvaluationContext, record: dg.RunRecord) -> None:
    """Tell the monitor when the last run of a tick has ended, and if all succeeded."""
    tags = record.dagster_run.tags
    if not incidents.is_on() or not tags.get(SCHEDULE_TAG, "").strip():
        return
    if TICK_TIME_TAG not in tags:
        return
    repository = context.repository_def
    if repository is None or not repository.has_schedule_def(tags[SCHEDULE_TAG]):
        return
    of_tick = context.instance.get_runs(
        dg.RunsFilter(tags={name: tags[name] for name in (SCHEDULE_TAG, TICK_TIME_TAG)})
    )
    succeeded = all_succeeded(of_tick)
    if succeeded is None:
        return
    check_in_run(
        repository.get_schedule_def(tags[SCHEDULE_TAG]),
        tags[TICK_TIME_TAG],
        "ok" if succeeded else "error",
        int(tags.get(MAX_RUNTIME_TAG, DEFAULT_MAX_RUNTIME_S)),
        _duration_s(record),
    )


def all_succeeded(newest_first: Sequence[dg.DagsterRun]) -> bool | None:
    """Whether all runs of a tick succeeded; None while one of them is on its way.

    Of a run and those that were launched again for it the newest counts.
    """
    newest: dict[str, dg.DagsterRun] = {}
    for run in newest_first:
        newest.setdefault(run.root_run_id or run.run_id, run)
    if any(
        not run.is_finished or get_boolean_tag_value(run.tags.get(WILL_RETRY_TAG))
        for run in newest.values()
    ):
        return None
    return all(run.is_success for run in newest.values())


def _tell_lost(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    """Whether a run failed without a step that failed; then it is told."""
    run = record.dagster_run
    if run.status is not dg.DagsterRunStatus.FAILURE:
        return False
    failures = instance.get_records_for_run(
        run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE, limit=1, ascending=False
    ).records
    reason = None
    for failure in failures:
        event = failure.event_log_entry.dagster_event
        # Whoever reports a run failed need not say why: a command that was killed.
        why = event.event_specific_data if event else None
        reason = why.failure_reason if isinstance(why, JobFailureData) else None
    if reason is RunFailureReason.STEP_FAILURE:
        return False
    told = reason.value.lower() if reason else "unknown"
    log(
        "error", "run lost", run=run.run_id, asset=run.job_name, reason=told,
        video=run.tags.get(PARTITION_TAG), creator=run.tags.get(CREATOR_TAG),
        duration_s=_duration_s(record),
    )  # fmt: skip
    incidents.capture_message(
        f"a run of {run.job_name} ended without a step that failed: {told}",
        tags={
            "run": run.run_id, "asset": run.job_name,
            "video": run.tags.get(VIDEO_TAG),
            "creator_id": run.tags.get(CREATOR_TAG),
        },
        fingerprint=(run.job_name, told),
    )  # fmt: skip
    return True


def _duration_s(record: dg.RunRecord) -> float | None:
    if record.start_time is None or record.end_time is None:
        return None
    return round(record.end_time - record.start_time, 3)
