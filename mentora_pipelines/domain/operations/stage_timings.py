"""How long the stages of lessons took: what is kept of a step, and what it adds up to.

Here belong the figures and their port. Not here: the clock (`observability.timers`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class PartTiming:
    """What one part of a stage took in all its calls; `part` None: the stage."""

    part: str | None
    duration_s: float
    calls: int


@dataclass(frozen=True, slots=True)
class SlowWork:
    """One piece of work that took more than a second."""

    operation: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class StageRun:
    """One try of a stage for one video; the first of `parts` is the stage itself."""

    creator_id: UUID
    video_id: UUID
    run_id: str
    stage: str
    attempt: int
    failed: bool
    error_code: ErrorCode | None
    parts: Sequence[PartTiming]
    slow: Sequence[SlowWork]


@runtime_checkable
class StageTimings(Protocol):
    """Keeps what stages took."""

    def keep_stage_run(self, run: StageRun) -> int:
        """Keep it, and a fact `slow_operation` for each slow piece of work.

        Gives how often the creator's lessons have failed for its code within a day,
        this time included. A video that was deleted since keeps nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Half, 95 and 99 of a hundred took no longer than this."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class StageFigures:
    """A stage, or a part of one, over some days; in seconds.

    `per_minute` is per minute of video, None where no length is known. Failed tries are
    counted and not measured.
    """

    stage: str
    part: str | None
    runs: int
    failures: int
    total_s: float
    seconds: Percentiles | None
    per_minute: Percentiles | None
