"""A step, as its surroundings see it: one line, its times, and what is an incident.

Here belongs what surrounds the body of any step. Not here: what an error means
(`failures`).
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import dagster as dg
from dagster._core.errors import DagsterInvariantViolationError

from assets.tags import CREATOR_TAG, PARTITION_TAG
from mentora_pipelines.domain.operations.stage_timings import (
    PartTiming,
    SlowWork,
    StageRun,
    StageTimings,
)
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import (
    ErrorCode,
    LessonRefused,
    MentoraError,
    OverBudget,
    PermanentError,
    SetAside,
    TransientError,
)
from mentora_pipelines.observability import incidents
from mentora_pipelines.observability.logs import log
from mentora_pipelines.observability.scrubbing import place_of, told
from mentora_pipelines.observability.timers import (
    SLOW_S,
    PerformanceTimer,
    level_of,
)

MAX_SLOW = 20
"""Slow pieces of work that a step tells of; more are one piece in many parts."""

REPEATED = 2
"""From the second time within a day on, a refused file of a creator is an incident: the
first one is the creator's to mend, the next ones may be our decoder's fault."""

StepContext = (
    dg.AssetExecutionContext | dg.AssetCheckExecutionContext | dg.OpExecutionContext
)


@dataclass
class Step:
    """What is known of a step while it works; `failures` says how it ended."""

    name: str
    run_id: str
    attempt: int
    creator: str | None
    timings: StageTimings | None = None
    video: Video | None = None
    error: BaseException | None = None
    code: ErrorCode | None = None
    is_incident: bool = False
    will_retry: bool = False
    timer: PerformanceTimer = field(default_factory=PerformanceTimer)

    def failed(
        self,
        error: BaseException,
        code: ErrorCode | None = None,
        *,
        is_incident: bool = True,
        will_retry: bool = False,
    ) -> None:
        """Note how it failed; the last note stands."""
        self.error, self.code = error, code
        self.is_incident, self.will_retry = is_incident, will_retry

    @property
    def creator_id(self) -> str | None:
        """Whose lesson it is, if it is one's."""
        return self.creator if self.video is None else str(self.video.creator_id)


@contextmanager
def observed(
    context: StepContext | None, timings: StageTimings | None = None
) -> Iterator[Step]:
    """Watch a step: time it, tell how it ended, in one line, and keep its figures.

    What cannot be told or kept fails no step.
    """
    step = _step_of(context, timings)
    try:
        with (
            incidents.traced(
                "step", step.name, run=step.run_id, asset=step.name,
                creator_id=step.creator, video=_video_of(context),
            ),
            step.timer.measure(step.name),
        ):  # fmt: skip
            yield step
    except BaseException as error:
        if step.error is None:
            step.failed(error, is_incident=False)
        raise
    finally:
        _conclude(step, context)


def tell_failed_check(
    context: dg.AssetCheckExecutionContext | None = None, video: Video | None = None
) -> None:
    """A check found a lesson broken, or what all of them share: somebody must look.

    Nothing was raised. Without `context` the check is the one at work.
    """
    step = _step_of(context or current_context(), None)
    log(
        "error", "check failed", run=step.run_id or None, asset=step.name,
        video=None if video is None else str(video.id),
        creator=None if video is None else str(video.creator_id),
    )  # fmt: skip
    incidents.capture_message(
        f"the check {step.name} failed",
        tags={
            "creator_id": None if video is None else video.creator_id,
            "video": None if video is None else video.id,
            "run": step.run_id, "asset": step.name,
            "error_code": ErrorCode.CHECK_FAILED,
        },
        fingerprint=(step.name, ErrorCode.CHECK_FAILED),
    )  # fmt: skip


def _step_of(context: StepContext | None, timings: StageTimings | None) -> Step:
    if context is None:
        return Step("step", "", 1, None, timings)
    run = context.run
    return Step(
        _name_of(context),
        run.run_id,
        op_of(context).retry_number + 1,
        run.tags.get(CREATOR_TAG),
        timings,
    )


def _video_of(context: StepContext | None) -> str | None:
    """The lesson that a step is about, if its partition is one."""
    tags = {} if context is None else context.run.tags
    try:
        return str(UUID(tags.get(PARTITION_TAG, "")))
    except ValueError:
        return None


def _name_of(context: StepContext) -> str:
    """The asset, or of a check its own name, or the op."""
    op = op_of(context)
    if isinstance(context, dg.AssetCheckExecutionContext) or not op.has_assets_def:
        return op.op.name
    keys = op.assets_def.keys
    return "/".join(next(iter(keys)).path) if len(keys) == 1 else op.op.name


def op_of(context: StepContext) -> dg.OpExecutionContext:
    """The op that computes the asset or the check, or the context's own."""
    if isinstance(context, dg.OpExecutionContext):
        return context
    return context.op_execution_context


def current_context() -> StepContext | None:
    """That of the asset, of the check or of the op: only an asset shows figures."""
    for kind in (
        dg.AssetExecutionContext, dg.AssetCheckExecutionContext, dg.OpExecutionContext,
    ):  # fmt: skip
        with suppress(DagsterInvariantViolationError):
            return kind.get()
    return None


def _conclude(step: Step, context: StepContext | None) -> None:
    try:
        parts = _parts(step)
        refusals = _keep(step, parts)
        _show(step, context, parts)
        _tell(step, parts, refusals)
    except Exception as error:  # noqa: BLE001  (a step is not failed by its watcher)
        log("warning", "step not observed", asset=step.name, error=told(error))


def _parts(step: Step) -> list[PartTiming]:
    """The step, then what was timed inside, summed by label and the longest first."""
    found: dict[str | None, list[float]] = {}
    for each in step.timer.measurements:
        found.setdefault(" > ".join(each.path[1:]) or None, []).append(each.duration_s)
    parts = [PartTiming(part, sum(took), len(took)) for part, took in found.items()]
    return sorted(parts, key=lambda each: (each.part is not None, -each.duration_s))


def _slow(step: Step) -> list[SlowWork]:
    slow = [
        SlowWork(" > ".join(each.path), each.duration_s)
        for each in step.timer.measurements
        if each.duration_s > SLOW_S
    ]
    return sorted(slow, key=lambda each: -each.duration_s)[:MAX_SLOW]


def _keep(step: Step, parts: list[PartTiming]) -> int:
    """Keep the figures; how often the creator has met this error within a day."""
    if step.video is None or step.timings is None:
        return 0
    run = StageRun(
        step.video.creator_id,
        step.video.id,
        step.run_id,
        step.name,
        step.attempt,
        step.error is not None,
        step.code,
        parts,
        _slow(step),
    )
    try:
        return step.timings.keep_stage_run(run)
    except MentoraError as error:
        log("warning", "timings not kept", asset=step.name, error=told(error))
        return 0


def _show(step: Step, context: StepContext | None, parts: list[PartTiming]) -> None:
    """Numbers in an asset's metadata are plotted by the UI."""
    if step.error is not None or not isinstance(context, dg.AssetExecutionContext):
        return
    if not context.op_execution_context.has_assets_def:
        return  # Dagster gives an op that names no context the one of an asset
    figures = {
        f"{part.part or 'duration'}_s".replace(" > ", "_").replace(" ", "_"): (
            dg.MetadataValue.float(round(part.duration_s, 3))
        )
        for part in parts
    }
    keys = context.partition_keys if context.has_partition_key else [None]
    for key in keys if len(keys) == 1 else []:
        context.add_asset_metadata(figures, partition_key=key)


def _tell(step: Step, parts: list[PartTiming], refusals: int) -> None:
    error = step.error
    duration_s = parts[0].duration_s if parts else 0.0
    slow = {
        part.part: round(part.duration_s, 3)
        for part in parts
        if part.part is not None and part.duration_s > SLOW_S
    }
    # A lesson that is found broken is our fault, whatever its file is.
    refused = (
        isinstance(error, LessonRefused) and error.code is not ErrorCode.CHECK_FAILED
    )
    facts = {
        "run": step.run_id or None,
        "video": None if step.video is None else str(step.video.id),
        "creator": step.creator_id,
        "asset": step.name,
        "duration_s": round(duration_s, 3),
        "attempt": step.attempt if step.attempt > 1 else None,
        "slow": slow or None,
    }
    if error is None:
        level = "warning" if level_of(duration_s) == "warning" else "info"
        log(level, "step done", **facts)
        return
    if step.will_retry:
        event, level = "step will be tried again", "warning"
    elif not isinstance(error, Exception):
        event, level = "step stopped", "warning"
    else:
        event, level = "step failed", "warning" if refused else "error"
    log(level, event, **facts, error_code=step.code, error=_sentence(error))
    if step.will_retry or not step.is_incident or not isinstance(error, Exception):
        return
    if isinstance(error, (OverBudget, SetAside)) or (refused and refusals < REPEATED):
        return
    incidents.capture_exception(
        error,
        creator_id=step.creator_id,
        tags={
            "video": facts["video"], "run": facts["run"], "asset": step.name,
            "error_code": step.code,
        },
        extra={"attempt": step.attempt, "duration_s": duration_s, "times": refusals},
        fingerprint=(step.name, step.code or type(error).__name__),
        level="warning" if refused else "error",
    )  # fmt: skip


def _sentence(error: BaseException) -> str:
    if isinstance(error, dg.Failure):
        # Made by this project out of what may be told.
        return error.description or ""
    if isinstance(error, TransientError | PermanentError):
        return told(error)
    return place_of(error) if isinstance(error, Exception) else type(error).__name__
