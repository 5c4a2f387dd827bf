"""Runs of videos on Dagster's instance: found, stopped, reported lost.

Here belongs what triggers need of runs that exist. Not here: which run is wanted.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.tags import GRPC_INFO_TAG

from assets.jobs import VIDEO_TAG
from mentora_pipelines.domain.stranded_videos import RunState, UnfinishedRun

WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
WORKING = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
MAX_RUNS = 1000

SETTLED_AFTER = timedelta(seconds=30)
"""A run that has changed since then may be known to no code server yet."""

ANSWER_TIMEOUT_S = 5
"""A server that is slower is busy, and not gone."""

LOST = "its worker does not answer"


@dataclass(frozen=True)
class VideoRuns:
    """The runs of videos; satisfies `RunCanceller`."""

    instance: dg.DagsterInstance

    def unfinished(self, video_ids: Sequence[UUID]) -> dict[UUID, list[UnfinishedRun]]:
        """What waits or works, by video; every one of `video_ids` is a key."""
        found: dict[UUID, list[UnfinishedRun]] = {each: [] for each in video_ids}
        if not found:
            return found
        now = datetime.now(UTC)
        for record in self.instance.get_run_records(
            dg.RunsFilter(
                tags={VIDEO_TAG: [str(each) for each in video_ids]},
                statuses=WAITING + WORKING,
            ),
            limit=MAX_RUNS,
        ):
            run = record.dagster_run
            state = RunState.QUEUED if run.status in WAITING else RunState.WORKING
            age = now - record.update_timestamp.astimezone(UTC)
            found[UUID(run.tags[VIDEO_TAG])].append(
                UnfinishedRun(run.run_id, state, age)
            )
        return found

    def without_code_server(self) -> list[UnfinishedRun]:
        """What says that it works, and whose code server is gone.

        A launcher that uses none (a cluster's) watches over its workers itself.
        """
        now = datetime.now(UTC)
        gone: dict[str, bool] = {}
        found = []
        for record in self.instance.get_run_records(
            dg.RunsFilter(statuses=WORKING), limit=MAX_RUNS
        ):
            run = record.dagster_run
            server = run.tags.get(GRPC_INFO_TAG)
            age = now - record.update_timestamp.astimezone(UTC)
            if server is None or age < SETTLED_AFTER:
                continue
            if server not in gone:
                gone[server] = _is_gone(server, run.run_id)
            if gone[server]:
                found.append(UnfinishedRun(run.run_id, RunState.WORKING, age))
        return found

    def cancel_runs(self, video_id: UUID) -> int:
        """Stop all that waits or works on a video; how many there were."""
        runs = self.unfinished([video_id])[video_id]
        for run in runs:
            self._stop(run.run_id)
        return len(runs)

    def lose(self, run: UnfinishedRun) -> None:
        """End a run whose worker is dead or hangs, so that the daemon resumes it."""
        self._stop(run.run_id)
        found = self.instance.get_run_by_id(run.run_id)
        if found is None or found.is_finished:
            return
        self.instance.report_run_failed(
            found,
            LOST,
            JobFailureData(
                error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION
            ),
        )
        self.instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)

    def _stop(self, run_id: str) -> None:
        # A worker that cannot be reached ends at its next step: it is fenced off.
        try:
            self.instance.run_coordinator.cancel_run(run_id)
        except Exception as error:  # noqa: BLE001  (the launcher's, of many kinds)
            dg.get_dagster_logger().info(
                "run %s was not reached: %s", run_id, type(error).__name__
            )


def _is_gone(server: str, run_id: str) -> bool:
    """Whether nobody listens where a run's tag says that its code server is."""
    from dagster._grpc.client import DagsterGrpcClient
    from dagster._grpc.types import CanCancelExecutionRequest
    from grpc import RpcError, StatusCode

    address = json.loads(server)
    client = DagsterGrpcClient(
        host=address.get("host"),
        port=address.get("port"),
        socket=address.get("socket"),
        use_ssl=bool(address.get("use_ssl")),
    )
    try:
        client.can_cancel_execution(
            CanCancelExecutionRequest(run_id=run_id), timeout=ANSWER_TIMEOUT_S
        )
    except DagsterUserCodeUnreachableError as error:
        cause = error.__cause__
        return isinstance(cause, RpcError) and cause.code() is StatusCode.UNAVAILABLE
    return False
