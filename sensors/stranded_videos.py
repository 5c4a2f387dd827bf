"""The reaper: no video is on its way for ever."""

import json
from uuid import UUID

import dagster as dg

from assets.cockpit import LESSONS, team
from assets.runs import VideoRuns
from assets.triggers import watched
from mentora_pipelines.domain.stranded_videos import (
    Stranded,
    StrandedVideos,
    Verdict,
    dead_runs,
    judge,
)
from mentora_pipelines.domain.videos import ProcessingStatus
from mentora_pipelines.errors import ErrorCode
from mentora_pipelines.observability import incidents

LOOK_S = 20
"""Seconds between two looks; a lease runs out after ninety."""


@dg.sensor(
    minimum_interval_seconds=LOOK_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Queues again, or fails at last, what outlived its lease and its limit."
    ),
    tags=team(LESSONS),
)
@watched
def stranded_videos(
    context: dg.SensorEvaluationContext,
    stranded: dg.ResourceParam[StrandedVideos],
) -> dg.SensorResult:
    """Queues again, or fails at last, what outlived its lease and its limit.

    A lesson whose run a person has ended in the UI is not started again by itself: it
    is `failed`, until somebody starts a run or replays its event. The cursor names
    where the page of each status ended: a tick looks at one page of each.
    """
    places = json.loads(context.cursor or "{}")
    found: list[Stranded] = []
    for status in (ProcessingStatus.PROCESSING, ProcessingStatus.PENDING):
        place = places.pop(status, None)
        page = stranded.stranded(status, None if place is None else UUID(place))
        found += page.found
        if page.after is not None:
            places[status] = str(page.after)
    runs = VideoRuns(context.instance)
    runs_of = runs.of_stranded(found)
    moved = 0
    for each in found:
        video = each.video
        verdict = judge(each, runs_of[video.id])
        match verdict:
            case Verdict.LEAVE:
                continue
            case Verdict.LOSE_RUNS:
                for run in dead_runs(each, runs_of[video.id]):
                    runs.lose(run)
            case Verdict.REQUEUE:
                stranded.requeue(video)
            case Verdict.GIVE_UP:
                stranded.give_up(video, ErrorCode.INTERNAL)
                incidents.capture_message(
                    "a video was given up: its runs were lost too often",
                    tags={"video": video.id, "creator_id": video.creator_id},
                    fingerprint=("stranded_videos", "given up"),
                )
        context.log.warning("video %s is stranded: %s", video.id, verdict)
        moved += 1
    return dg.SensorResult(
        skip_reason=f"{moved} of {len(found)} stranded videos moved on",
        cursor=json.dumps(places),
    )
