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

from assets.jobs import LESSON_ASSETS, quiz_job
from assets.tags import ENDED_TAG, PARTITION_TAG
from mentora_pipelines.domain.stranded_videos import RunState, Stranded, VideoRun

QUEUED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
STARTED = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
UNFINISHED = [*QUEUED, *STARTED]
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

    def of_stranded(self, found: Sequence[Stranded]) -> dict[UUID, list[VideoRun]]:
        """The runs that make lessons of them, by video; each of `found` is a key.

        Those that wait or work; where none does, the newest one if a person has ended
        it after the video has moved for the last time.
        """
        runs: dict[UUID, list[VideoRun]] = {each.video.id: [] for each in found}
        unfinished = self._lesson_runs(list(runs), statuses=UNFINISHED)
        in_line = self._waiting_for_a_pool() if unfinished else frozenset()
        for record in unfinished:
            runs[_video_of(record)].append(self._unfinished(record, in_line))
        left = {each.video.id: each.since for each in found if not runs[each.video.id]}
        oldest = min(left.values(), default=None)
        newest = {
            _video_of(record): record
            for record in reversed(self._lesson_runs(list(left), updated_after=oldest))
        }
        for video_id, record in newest.items():
            run = record.dagster_run
            age = _age(record)
            if (
                run.status is dg.DagsterRunStatus.CANCELED
                and run.tags.get(ENDED_TAG) != run.run_id
                and datetime.now(UTC) - age > left[video_id]
            ):
                runs[video_id] = [VideoRun(run.run_id, RunState.CANCELLED, age)]
        return runs

    def without_code_server(self) -> list[VideoRun]:
        """What says that it works, and whose code server is gone.

        A launcher that uses none (a cluster's) watches over its workers itself.
        """
        gone: dict[str, bool] = {}
        found = []
        for record in self.instance.get_run_records(
            dg.RunsFilter(statuses=STARTED), limit=MAX_RUNS
        ):
            run = record.dagster_run
            server = run.tags.get(GRPC_INFO_TAG)
            age = _age(record)
            if server is None or age < SETTLED_AFTER:
                continue
            if server not in gone:
                gone[server] = _is_gone(server, run.run_id)
            if gone[server]:
                found.append(VideoRun(run.run_id, RunState.WORKING, age))
        return found

    def cancel_runs(self, video_id: UUID) -> int:
        """Stop all that waits or works on a video; how many there were."""
        records = self._records([video_id], statuses=UNFINISHED)
        for record in records:
            self._stop(record.dagster_run.run_id)
        return len(records)

    def lose(self, run: VideoRun) -> None:
        """End a run whose worker is dead or hangs, so that the daemon resumes it.

        One that a person wants to end is ended, and not resumed.
        """
        found = self.instance.get_run_by_id(run.run_id)
        if found is None or found.is_finished:
            return
        if (
            found.status is dg.DagsterRunStatus.CANCELING
            and found.tags.get(ENDED_TAG) != run.run_id
        ):
            self.instance.report_run_canceled(found, LOST)
        else:
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
        self.instance.add_run_tags(run_id, {ENDED_TAG: run_id})
        # A worker that cannot be reached ends at its next step: it is fenced off.
        try:
            self.instance.run_coordinator.cancel_run(run_id)
        except Exception as error:  # noqa: BLE001  (the launcher's, of many kinds)
            dg.get_dagster_logger().info(
                "run %s was not reached: %s", run_id, type(error).__name__
            )

    def _unfinished(self, record: dg.RunRecord, in_line: frozenset[str]) -> VideoRun:
        run = record.dagster_run
        if run.status in QUEUED:
            return VideoRun(run.run_id, RunState.QUEUED, _age(record))
        if run.run_id in in_line:
            return VideoRun(run.run_id, RunState.WAITING, _age(record))
        # Its first step may have begun a moment ago, after hours in line.
        events = self.instance.get_records_for_run(
            run.run_id, limit=1, ascending=False
        ).records
        age = _age(record)
        if events:
            heard = datetime.fromtimestamp(events[0].timestamp, UTC)
            age = min(age, datetime.now(UTC) - heard)
        return VideoRun(run.run_id, RunState.WORKING, age)

    def _waiting_for_a_pool(self) -> frozenset[str]:
        """The runs a step of which has no place in its pool yet."""
        log = self.instance.event_log_storage
        pools = log.get_concurrency_infos(sorted(log.get_concurrency_keys()))
        return frozenset(
            run_id for pool in pools.values() for run_id in pool.pending_run_ids
        )

    def _lesson_runs(
        self,
        video_ids: Sequence[UUID],
        *,
        statuses: Sequence[dg.DagsterRunStatus] = (),
        updated_after: datetime | None = None,
    ) -> list[dg.RunRecord]:
        return [
            record
            for record in self._records(video_ids, statuses, updated_after)
            if _makes_lesson(record.dagster_run)
        ]

    def _records(
        self,
        video_ids: Sequence[UUID],
        statuses: Sequence[dg.DagsterRunStatus] = (),
        updated_after: datetime | None = None,
    ) -> list[dg.RunRecord]:
        """The runs of videos, the newest first."""
        if not video_ids:
            return []
        return list(
            self.instance.get_run_records(
                dg.RunsFilter(
                    tags={PARTITION_TAG: [str(each) for each in video_ids]},
                    statuses=statuses,
                    updated_after=updated_after,
                ),
                limit=MAX_RUNS,
            )
        )


def _video_of(record: dg.RunRecord) -> UUID:
    return UUID(record.dagster_run.tags[PARTITION_TAG])


def _age(record: dg.RunRecord) -> timedelta:
    return datetime.now(UTC) - record.update_timestamp.astimezone(UTC)


def _makes_lesson(run: dg.DagsterRun) -> bool:
    """Whether a step of the run holds the lease: that of a quiz reads only."""
    if run.asset_selection is None:
        return run.job_name != quiz_job.name
    return any(key.to_user_string() in LESSON_ASSETS for key in run.asset_selection)


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
