"""Runs that have ended, as somebody sees them who outlives them; real instance."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import dagster as dg
import psycopg
import pytest
from dagster._core.events import JobFailureData, RunFailureReason

from mentora_pipelines.definitions import defs
from mentora_pipelines.services import dagster_postgres_url
from sensors.ended_runs import all_succeeded, ended_runs

ENDED_BEFORE = """
update runs set update_timestamp = now() at time zone 'UTC' - %(age)s
where run_id = %(run_id)s
"""

Run = Callable[..., dg.DagsterRun]


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Run:
    """A run of a tick: one that succeeded, or that failed for a reason."""

    def make(
        tick: str,
        reason: RunFailureReason | None = None,
        again: dg.DagsterRun | None = None,
        age: timedelta = timedelta(minutes=1),
        is_said: bool = True,
    ) -> dg.DagsterRun:
        status = dg.DagsterRunStatus
        made = instance.create_run_for_job(
            defs.resolve_job_def("event_retention_job"),
            run_id=str(uuid4()),
            status=status.STARTED if reason else status.SUCCESS,
            tags={"tick": tick},
            parent_run_id=again.run_id if again else None,
            root_run_id=again.run_id if again else None,
        )
        if reason:
            failed = JobFailureData(None, failure_reason=reason)
            instance.report_run_failed(
                made, job_failure_data=failed if is_said else None
            )
        with psycopg.connect(dagster_postgres_url(), autocommit=True) as dagster:
            dagster.execute(ENDED_BEFORE, {"run_id": made.run_id, "age": age})
        return made

    return make


def test_a_run_that_crashed_and_was_run_again_has_succeeded(
    instance: dg.DagsterInstance, run: Run
) -> None:
    """Else a monitor alarms each time that a lost worker's run was saved."""
    tick = str(uuid4())

    def succeeded() -> bool | None:
        return all_succeeded(instance.get_runs(dg.RunsFilter(tags={"tick": tick})))

    crashed = run(tick, RunFailureReason.RUN_EXCEPTION)
    assert succeeded() is None, "it will be run again"
    run(tick, again=crashed)
    assert succeeded() is True
    run(tick, RunFailureReason.STEP_FAILURE)
    assert succeeded() is False


def test_a_run_is_told_once_that_no_step_could_tell(
    instance: dg.DagsterInstance, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a killed worker is noticed by the creator whose lesson never comes."""
    begun = datetime.now(UTC)
    lost = run("", RunFailureReason.RUN_EXCEPTION)
    run("", RunFailureReason.STEP_FAILURE)
    of_a_killed_command = run("", RunFailureReason.RUN_EXCEPTION, is_said=False)
    ahead = run("", RunFailureReason.RUN_EXCEPTION, age=timedelta(hours=-1))
    cursor = (begun - timedelta(minutes=5)).isoformat()
    told: list[str] = []
    for _ in range(2):
        context = dg.build_sensor_context(
            instance, cursor=cursor, repository_def=defs.get_repository_def()
        )
        result = ended_runs(context)
        assert isinstance(result, dg.SensorResult)
        assert result.cursor is not None
        cursor = result.cursor
        said = capsys.readouterr().err.splitlines()
        lines = [json.loads(one) for one in said if one.startswith("{")]
        told += [line["run"] for line in lines if line["event"] == "run lost"]
    assert told.count(lost.run_id) == told.count(of_a_killed_command.run_id) == 1
    assert ahead.run_id not in told, "one that ended before it may not be there yet"
