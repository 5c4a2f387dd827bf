"""The reaper: no video is on its way for ever."""

import dagster as dg

from assets.runs import VideoRuns
from mentora_pipelines.domain.stranded_videos import (
    RunState,
    StrandedVideos,
    Verdict,
    judge,
)
from mentora_pipelines.errors import ErrorCode

LOOK_S = 20
"""Seconds between two looks; a lease runs out after ninety."""


@dg.sensor(
    minimum_interval_seconds=LOOK_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def stranded_videos(
    context: dg.SensorEvaluationContext,
    stranded: dg.ResourceParam[StrandedVideos],
) -> dg.SkipReason:
    """Queues again, or fails at last, what outlived its lease and its limit."""
    found = stranded.stranded()
    runs = VideoRuns(context.instance)
    unfinished = runs.unfinished([video.id for video in found])
    moved = 0
    for video in found:
        verdict = judge(video, unfinished[video.id])
        match verdict:
            case Verdict.LEAVE:
                continue
            case Verdict.LOSE_RUNS:
                for run in unfinished[video.id]:
                    if run.state is RunState.WORKING:
                        runs.lose(run)
            case Verdict.REQUEUE:
                stranded.requeue(video)
            case Verdict.GIVE_UP:
                stranded.give_up(video, ErrorCode.INTERNAL)
        context.log.warning("video %s is stranded: %s", video.id, verdict)
        moved += 1
    return dg.SkipReason(f"{moved} of {len(found)} stranded videos moved on")
