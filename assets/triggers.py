"""What surrounds each tick of a trigger: its line, its incident, its monitor.

Here belongs what all triggers have in common. Not here: when anything is started.
"""

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC
from functools import wraps
from time import perf_counter
from typing import ParamSpec, TypeAlias, TypeVar
from uuid import UUID, uuid5

import dagster as dg
from dagster._core.errors import DagsterInvariantViolationError

from assets.tags import MAX_RUNTIME_TAG
from mentora_pipelines.domain.identity import NAMESPACE
from mentora_pipelines.errors import MentoraError
from mentora_pipelines.observability import incidents
from mentora_pipelines.observability.incidents import CheckIn
from mentora_pipelines.observability.logs import log
from mentora_pipelines.observability.scrubbing import told, without_foreign_words

P = ParamSpec("P")
R = TypeVar("R")

Request: TypeAlias = dg.RunRequest | dg.SkipReason
Asked: TypeAlias = Request | Iterator[Request]
Tick: TypeAlias = Callable[..., Asked]

DEFAULT_MAX_RUNTIME_S = 21600
"""As dagster.yaml says for runs that say nothing themselves."""


def watched(tick: Callable[P, R]) -> Callable[P, R]:
    """A sensor whose failures are told: one line each, and an incident at intervals.

    What Dagster stores of a foreign error is its type and place: its words may quote a
    row or a link.
    """

    @wraps(tick)
    def watch(*args: P.args, **kwargs: P.kwargs) -> R:
        return _evaluated(tick.__name__, lambda: tick(*args, **kwargs))

    return watch


def checked_in(tick: Tick) -> Tick:
    """The same for a schedule, whose monitor is told of each tick too.

    A tick that asks for no run ends here; else the sensor `ended_runs` tells how its
    runs have ended.
    """
    signature = inspect.signature(tick)
    takes_context = "context" in signature.parameters

    @wraps(tick)
    def watch(context: dg.ScheduleEvaluationContext, **resources: object) -> Asked:
        given = {"context": context, **resources} if takes_context else resources
        try:
            wanted = _evaluated(tick.__name__, lambda: _drawn(tick(**given)))
        except MentoraError:
            _check_in_tick(context, tick.__name__, "error")
            raise
        asked = _asks_for_runs(wanted)
        _check_in_tick(context, tick.__name__, "in_progress" if asked else "ok")
        # Dagster takes what a generator yields.
        return _each(wanted) if isinstance(wanted, list) else wanted

    if not takes_context:
        # Dagster gives the context to whoever asks for it.
        context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        watch.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[context, *signature.parameters.values()]
        )
    return watch


def check_in_run(
    schedule: dg.ScheduleDefinition,
    tick_time: str,
    status: CheckIn,
    max_runtime_s: int,
    duration_s: float | None,
) -> None:
    """Tell the monitor of a schedule about the tick of `tick_time` (ISO 8601, UTC)."""
    crontab = schedule.cron_schedule
    incidents.check_in(
        schedule.name,
        status,
        check_in_id=_check_in_id(schedule.name, tick_time),
        crontab=crontab if isinstance(crontab, str) else crontab[0],
        timezone=schedule.execution_timezone or "UTC",
        max_runtime_min=max(1, max_runtime_s // 60),
        duration_s=duration_s,
    )


@without_foreign_words()
def _evaluated(name: str, evaluate: Callable[[], R]) -> R:
    started = perf_counter()
    try:
        return evaluate()
    except Exception as error:
        log(
            "error", "tick failed", asset=name, error=told(error),
            duration_s=round(perf_counter() - started, 3),
        )  # fmt: skip
        kind = type(error).__name__
        if incidents.at_intervals(name, kind):
            incidents.capture_exception(
                error, tags={"asset": name}, fingerprint=(name, kind)
            )
        raise


def _check_in_tick(
    context: dg.ScheduleEvaluationContext, name: str, status: CheckIn
) -> None:
    if not incidents.is_on():
        return
    try:
        schedule = context.repository_def.get_schedule_def(name)
        scheduled = context.scheduled_execution_time
    except DagsterInvariantViolationError:
        return  # a tick that somebody tries in the UI has no time of its own
    check_in_run(
        schedule,
        scheduled.astimezone(UTC).isoformat(),
        status,
        _max_runtime_s(schedule),
        None,
    )


def _max_runtime_s(schedule: dg.ScheduleDefinition) -> int:
    tags = getattr(schedule.job, "tags", None) or {}
    return int(tags.get(MAX_RUNTIME_TAG, DEFAULT_MAX_RUNTIME_S))


def _check_in_id(name: str, tick_time: str) -> UUID:
    """The same for a tick and for the runs it asks for."""
    return uuid5(NAMESPACE, f"check-in\n{name}\n{tick_time}")


def _drawn(result: Asked) -> Asked | list[Request]:
    """A generator's requests, so that what it raises is raised here."""
    return list(result) if isinstance(result, Iterator) else result


def _each(requests: list[Request]) -> Iterator[Request]:
    yield from requests


def _asks_for_runs(wanted: Asked | list[Request]) -> bool:
    requests = wanted if isinstance(wanted, list) else [wanted]
    return any(isinstance(each, dg.RunRequest) for each in requests)
