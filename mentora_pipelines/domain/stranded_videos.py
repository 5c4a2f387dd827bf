"""Stranded videos: what is on its way, and nobody moves it.

Here belongs the reaper's judgement. Not here: how runs are found or ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.leases import run_of
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import ErrorCode

MAX_REQUEUES = 2
"""A video is queued again twice; with the two resumptions of each crashed run (see
dagster.yaml) nine workers may die of it before it is given up."""

LOST_AFTER = timedelta(seconds=30)
"""Past the end of its lease a `processing` video is stranded."""

FORGOTTEN_AFTER = timedelta(minutes=2)
"""A `pending` video whose event is handled, and which no run has taken up."""

STARTING_LIMIT = timedelta(minutes=15)
"""A run that works, holds no lease and says nothing for this long will never do so: a
worker starts within seconds, and one that waits for a pool is known to wait."""

PAGE = 1000
"""Videos of one status looked at in one tick; the next tick goes on after them."""

BATCH = 100
"""Stranded videos of one status judged in one tick: it stays within a second."""


class RunState(StrEnum):
    """How far a run has come, as far as the reaper must know."""

    QUEUED = "queued"
    WAITING = "waiting"
    """It has started, and its step has no place in its pool yet."""
    WORKING = "working"
    CANCELLED = "cancelled"
    """A person has ended it, and nothing was started after it."""


STARTED = (RunState.WAITING, RunState.WORKING)


@dataclass(frozen=True, slots=True)
class VideoRun:
    """A run of a video; `age` since it was last heard of."""

    run_id: str
    state: RunState
    age: timedelta


@dataclass(frozen=True, slots=True)
class Stranded:
    """A video that no lease and no waiting event stands for.

    `owner` is that of the lease that has run out, None if nobody ever had it; the row
    has not changed `since`.
    """

    video: Video
    owner: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class StrandedPage:
    """What one look has found; the next goes on `after` it, None: from the start."""

    found: tuple[Stranded, ...]
    after: UUID | None


class Verdict(StrEnum):
    """What becomes of a stranded video."""

    LEAVE = "leave"
    LOSE_RUNS = "lose runs"
    REQUEUE = "requeue"
    GIVE_UP = "give up"


@runtime_checkable
class StrandedVideos(Protocol):
    """Finds videos that nobody holds, and moves them on."""

    def stranded(self, status: ProcessingStatus, after: UUID | None) -> StrandedPage:
        """The stranded ones of a page of the videos in `status`, by id.

        A `pending` row is stranded once its event is handled, or its bytes were taken
        in before: an upload that nobody has announced yet is not.
        """
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
        """Set `failed`; False, and nothing written, when it has moved, as above."""
        ...


def dead_runs(stranded: Stranded, runs: Sequence[VideoRun]) -> list[VideoRun]:
    """Those of a video's `runs` that will never do anything.

    A run is dead when the lease that ran out is its own, whatever it says it is doing,
    or when it works without any for longer than `STARTING_LIMIT`. One that has just
    started, such as a resumption that waited in the queue, has a dead run's lease
    before it and takes it over with its first step.
    """
    owner = None if stranded.owner is None else run_of(stranded.owner)
    return [
        run
        for run in runs
        if (
            (run.run_id == owner and run.state in STARTED)
            or (run.state is RunState.WORKING and run.age > STARTING_LIMIT)
        )
    ]


def judge(stranded: Stranded, runs: Sequence[VideoRun]) -> Verdict:
    """What to do about a stranded video, given its `runs`.

    A dead run is reported lost, so that its launcher resumes it: first of all, since a
    queued one behind it waits for its place. Any other one will come. A lesson whose
    run a person has ended is not started again by itself: it is `failed` at once. A
    video without any run is queued again, at most `MAX_REQUEUES` times.
    """
    if dead_runs(stranded, runs):
        return Verdict.LOSE_RUNS
    if any(run.state is not RunState.CANCELLED for run in runs):
        return Verdict.LEAVE
    if runs or stranded.video.requeues >= MAX_REQUEUES:
        return Verdict.GIVE_UP
    return Verdict.REQUEUE
