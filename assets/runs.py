"""Runs of videos on Dagster's instance: found, stopped, reported lost.

Here belongs what triggers need of runs that exist. Not here: which run is wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason

from assets.jobs import VIDEO_TAG
from mentora_pipelines.domain.stranded_videos import RunState, UnfinishedRun

WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
WORKING = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
MAX_RUNS = 1000

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
