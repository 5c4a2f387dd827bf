"""What the reaper decides, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mentora_pipelines.domain.stranded_videos import (
    MAX_REQUEUES,
    STARTING_LIMIT,
    RunState,
    Stranded,
    Verdict,
    VideoRun,
    dead_runs,
    judge,
)
from mentora_pipelines.domain.videos import ProcessingStatus
from tests.fakes import PENDING_VIDEO

STRANDED = Stranded(
    replace(PENDING_VIDEO, processing_status=ProcessingStatus.PROCESSING),
    "dead:dead",
    datetime(2026, 11, 1, tzinfo=UTC),
)
JUST_NOW = timedelta(seconds=1)
LATE = STARTING_LIMIT + JUST_NOW

QUEUED = VideoRun("next", RunState.QUEUED, LATE)
IN_LINE = VideoRun("next", RunState.WAITING, LATE)
STARTING = VideoRun("next", RunState.WORKING, JUST_NOW)
HANGING = VideoRun("next", RunState.WORKING, LATE)
DEAD = VideoRun("dead", RunState.WORKING, JUST_NOW)
DEAD_IN_LINE = VideoRun("dead", RunState.WAITING, JUST_NOW)
CANCELLED = VideoRun("next", RunState.CANCELLED, JUST_NOW)


@pytest.mark.parametrize("run", [QUEUED, IN_LINE, STARTING])
def test_a_run_that_will_come_is_waited_for(run: VideoRun) -> None:
    """Else a resumption is killed before its first step, again and again."""
    assert judge(STRANDED, [run]) is Verdict.LEAVE


@pytest.mark.parametrize("dead", [DEAD, DEAD_IN_LINE, HANGING])
def test_a_dead_run_is_lost_whoever_waits_behind_it(dead: VideoRun) -> None:
    """Else the next run waits for hours for the place of one that is dead."""
    runs = [replace(QUEUED, run_id="behind"), dead]
    assert judge(STRANDED, runs) is Verdict.LOSE_RUNS
    assert dead_runs(STRANDED, runs) == [dead], "the one behind it is left alone"


def test_a_run_is_dead_by_its_own_lease_and_not_by_that_of_its_chain() -> None:
    """Else a resumption dies of the lease that the crashed run has left behind."""
    resumption = VideoRun("second", RunState.WORKING, JUST_NOW)
    assert judge(replace(STRANDED, owner="second:first"), [resumption]) is Verdict.LEAVE
    assert dead_runs(replace(STRANDED, owner="first:second"), [resumption])
    assert not dead_runs(replace(STRANDED, owner=None), [resumption])


def test_what_a_person_has_ended_is_not_started_again() -> None:
    """Else whoever cancels a run in the UI has to do it three times."""
    assert judge(STRANDED, [CANCELLED]) is Verdict.GIVE_UP


@pytest.mark.parametrize(
    ("requeues", "verdict"),
    [(0, Verdict.REQUEUE), (MAX_REQUEUES, Verdict.GIVE_UP)],
)
def test_a_video_without_runs_is_queued_again_and_given_up_at_last(
    requeues: int, verdict: Verdict
) -> None:
    """Else it is on its way for ever, or tried for ever."""
    video = replace(STRANDED.video, requeues=requeues)
    assert judge(replace(STRANDED, video=video), []) is verdict
