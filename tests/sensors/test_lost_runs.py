"""The reaper of runs: on the real instance, over real leases."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import dagster as dg
import psycopg
import pytest
from dagster._core.storage.tags import GRPC_INFO_TAG

from assets.jobs import quiz_job
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.operations.stranded_videos import (
    PostgresStrandedVideos,
)
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.leases import owner_of
from mentora_pipelines.services import dagster_postgres_url
from sensors.lost_runs import lost_runs
from tests.stored_lessons import register

TIME_PASSES = """
update runs set update_timestamp = update_timestamp - interval '1 minute'
where run_id = %(run_id)s
"""

StartRun = Callable[..., dg.DagsterRun]


@pytest.fixture
def stranded(own_database: Database) -> PostgresStrandedVideos:
    """Who knows which run holds a video."""
    return PostgresStrandedVideos(own_database)


@pytest.fixture
def start_run(instance: dg.DagsterInstance, tmp_path: Path) -> StartRun:
    """A run that works since a minute, launched by a code server that is gone."""

    def start(*, on_a_cluster: bool = False) -> dg.DagsterRun:
        gone = {"host": "localhost", "socket": str(tmp_path / "gone")}
        run = instance.create_run_for_job(
            defs.resolve_job_def(quiz_job.name),
            run_id=str(uuid4()),
            status=dg.DagsterRunStatus.STARTED,
            tags={} if on_a_cluster else {GRPC_INFO_TAG: json.dumps(gone)},
        )
        with psycopg.connect(dagster_postgres_url(), autocommit=True) as dagster:
            dagster.execute(TIME_PASSES, {"run_id": run.run_id})
        return run

    return start


def look(
    instance: dg.DagsterInstance, stranded: PostgresStrandedVideos, run: dg.DagsterRun
) -> dg.DagsterRun:
    """The run after one tick of the reaper."""
    context = dg.build_sensor_context(
        instance=instance, resources={"stranded": stranded}
    )
    assert isinstance(lost_runs(context), dg.SkipReason)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def test_a_run_without_a_code_server_is_reported_so_that_the_daemon_resumes_it(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    start_run: StartRun,
) -> None:
    """Else it is STARTED for ever, and no other run of its video ever begins."""
    run = look(instance, stranded, start_run())
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert run.tags["dagster/failure_reason"] == "UNEXPECTED_TERMINATION"


def test_a_worker_that_outlived_its_code_server_is_left_alone(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    start_run: StartRun,
) -> None:
    """Else hours of recognition are thrown away when the code is deployed anew."""
    run = start_run()
    video = register(own_catalogue, "outlives@tests.example")
    assert own_lessons.hold(video, owner_of(run.run_id, None)) is not None
    assert look(instance, stranded, run).status is dg.DagsterRunStatus.STARTED
    instance.report_run_failed(run)


def test_a_run_of_another_launcher_is_left_alone(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    start_run: StartRun,
) -> None:
    """Else every run on a cluster is given up while it works."""
    run = start_run(on_a_cluster=True)
    assert look(instance, stranded, run).status is dg.DagsterRunStatus.STARTED
    instance.report_run_failed(run)
