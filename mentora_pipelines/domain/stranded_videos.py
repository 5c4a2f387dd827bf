"""Stranded videos: what is on its way, and nobody moves it.

Here belongs the reaper's judgement. Not here: how runs are found or ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import ErrorCode

MAX_REQUEUES = 2
"""A video is queued again twice; with the two resumptions of each crashed run (see
dagster.yaml) nine workers may die of it before it is given up."""

LOST_AFTER = timedelta(seconds=30)
"""Past the end of its lease a `processing` video is stranded."""

FORGOTTEN_AFTER = timedelta(minutes=2)
"""A `pending` video whose event is handled, and which no run has taken up."""

STARTING_LIMIT = timedelta(minutes=5)
"""A run that works this long and holds no lease will never do so."""

BATCH = 100


class RunState(StrEnum):
    """How far a run has come, as far as the reaper must know."""

    QUEUED = "queued"
    WORKING = "working"


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run that says that it waits or works; `age` since it was last heard of."""

    run_id: str
    state: RunState
    age: timedelta


class Verdict(StrEnum):
    """What becomes of a stranded video."""

    LEAVE = "leave"
    LOSE_RUNS = "lose runs"
    REQUEUE = "requeue"
    GIVE_UP = "give up"


@runtime_checkable
class StrandedVideos(Protocol):
    """Finds videos that nobody holds, and moves them on."""

    def stranded(self) -> list[Video]:
        """Videos on their way that no lease and no waiting event stands for."""
        ...

    def held_by(self, run_ids: Sequence[str]) -> set[str]:
        """Those of the runs that hold a video just now."""
        ...

    def requeue(self, video: Video) -> bool:
        """Back to `pending` with an event of its own; fences off its last owner.

        False, and nothing written, when the video has moved since it was read.
        """
        ...

    def give_up(self, video: Video, code: ErrorCode) -> bool:
        """Set `failed`; False when the video has moved since it was read."""
        ...


def judge(video: Video, runs: Sequence[UnfinishedRun]) -> Verdict:
    """What to do about a stranded `video`, given its unfinished `runs`.

    A run that works without a lease is dead, or hangs past its limit: it is reported
    lost, so that its launcher resumes it; what is queued behind it would wait in vain.
    One that is queued alone will come. A video without any is queued again, at most
    `MAX_REQUEUES` times.
    """
    working = [run for run in runs if run.state is RunState.WORKING]
    if working:
        dead = video.processing_status is ProcessingStatus.PROCESSING or all(
            run.age > STARTING_LIMIT for run in working
        )
        return Verdict.LOSE_RUNS if dead else Verdict.LEAVE
    if runs:
        return Verdict.LEAVE
    return Verdict.REQUEUE if video.requeues < MAX_REQUEUES else Verdict.GIVE_UP
