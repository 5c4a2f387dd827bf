"""The reaper of runs: none is on its way for ever."""

import dagster as dg

from assets.cockpit import OPERATIONS, team
from assets.runs import VideoRuns
from assets.triggers import watched
from mentora_pipelines.domain.stranded_videos import StrandedVideos

LOOK_S = 20
"""Seconds between two looks: as often as the other reaper looks."""


@dg.sensor(
    minimum_interval_seconds=LOOK_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Reports runs whose code server is gone, so that the daemon resumes them."
    ),
    tags=team(OPERATIONS),
)
@watched
def lost_runs(
    context: dg.SensorEvaluationContext,
    stranded: dg.ResourceParam[StrandedVideos],
) -> dg.SkipReason:
    """Reports runs whose code server is gone, so that the daemon resumes them.

    Nobody else notices that a worker has died together with its code server, and the
    run keeps its places in the queue and the pools. One that still holds the lease of
    its video is left alone: its worker has outlived the server. Of any other kind a
    second run beside a living one does no harm.
    """
    runs = VideoRuns(context.instance)
    lost = runs.without_code_server()
    held = stranded.held_by([run.run_id for run in lost])
    for run in lost:
        if run.run_id not in held:
            runs.lose(run)
            context.log.warning("run %s is lost: its code server is gone", run.run_id)
    return dg.SkipReason(f"{len(lost)} runs have no code server, {len(held)} work on")
