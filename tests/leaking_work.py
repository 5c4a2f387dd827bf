"""Work that fails with secrets in its errors, in a process of its own.

Dagster captures its runs here, as it does everywhere. Run as
`python -m tests.leaking_work VIDEO… MARKERS`; the markers come as an argument, since
Dagster and Sentry show lines of source code.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn
from uuid import UUID, uuid4

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._utils.error import serializable_error_info_from_exc_info

from assets.jobs import lesson_tags
from assets.observation import REPEATED, observed
from assets.tags import CREATOR_TAG, PARTITION_TAG, SCHEDULE_TAG, TICK_TIME_TAG
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.operations.platform_health import Reading
from mentora_pipelines.domain.operations.stage_timings import StageRun
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import (
    ErrorCode,
    LessonRefused,
    OverBudget,
    TransientError,
)
from mentora_pipelines.observability import incidents
from mentora_pipelines.observability.logs import log
from mentora_pipelines.probes import probe
from mentora_pipelines.providers.lessons import open_catalogue
from resources.opening import opened
from schedules.daily_metrics import daily_metrics_schedule
from schedules.event_retention import event_retention_schedule
from sensors.ended_runs import SETTLED_AFTER, ended_runs
from sensors.new_uploads import new_uploads
from tests.fix_runs import CountingEmbedder, LongLesson, execute

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Leak:
    """Raises the markers, whatever is asked of it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def raise_it(self) -> NoReturn:
        """What a driver or an SDK would say, with another one's words before it."""
        secret = self._text  # a local variable, as a real one would have
        try:
            raise ValueError(secret)  # noqa: TRY301  (the chain is what is tried)
        except ValueError as error:
            raise KeyError(f"while sending {secret}") from error

    def list(self, *_: object, **__: object) -> NoReturn:
        """Satisfies `ObjectStorage` as far as the sensor asks."""
        self.raise_it()

    def due_days(self, **_: object) -> NoReturn:
        """Satisfies `MetricsCalendar` as far as the schedule asks."""
        self.raise_it()

    def readings(self) -> NoReturn:
        """Satisfies `PlatformProbes`."""
        self.raise_it()


class OnePart:
    """Satisfies `PlatformProbes`: a part whose driver says too much."""

    def __init__(self, leak: Leak) -> None:
        self._leak = leak

    def readings(self) -> list[Reading]:
        """What the doctor makes of it."""
        return [probe("cache", self._leak.raise_it)]


class ClosedDoor(dg.ConfigurableResource[object]):
    """A resource that cannot be opened; the one below leaks."""

    @opened
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[object]:
        """Nothing: its driver says too much first."""
        del context
        yield LEAKS[0].raise_it()


LEAKS: list[Leak] = []
"""Of this process; what a resource is made of is shown to everybody."""


class NothingCounted:
    """Satisfies `MetricsCalendar` as far as the check of yesterday asks."""

    def is_counted(self, day: object) -> bool:
        """No day is."""
        del day
        return False


class MetBefore:
    """Satisfies `StageTimings`: a creator met the same so often within the day."""

    def __init__(self, times: int) -> None:
        self._times = times

    def keep_stage_run(self, run: StageRun) -> int:
        """Keep nothing."""
        del run
        return self._times


class LeakingEmbedder(CountingEmbedder):
    """A model whose service says too much; it comes back after `times` if it can."""

    def __init__(self, leak: Leak, *, transient: bool) -> None:
        super().__init__()
        self._leak = leak
        self._transient = transient

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """The real vectors, after the first call if the fault is transient."""
        self.calls += 1
        if self.calls > 1:
            return super().embed(texts)
        if not self._transient:
            self._leak.raise_it()
        try:
            self._leak.raise_it()
        except KeyError as error:
            raise TransientError("the embedder does not answer") from error


def main() -> None:
    """Fail in every way that there is."""
    broken, flaky, refused, text = sys.argv[1:]
    leak = Leak(text)
    LEAKS.append(leak)
    incidents.FLUSH_S = 60  # on a busy machine, too, all of it is heard
    incidents.start("command")
    with dg.DagsterInstance.from_config(".") as instance, open_catalogue() as videos:
        started = datetime.now(UTC)
        _refuse(videos.video(UUID(refused)))
        _run_platform_jobs(instance, leak)
        _lose(instance, videos.video(UUID(broken)))
        settled = datetime.now(UTC) + SETTLED_AFTER
        for video_id, transient in ((broken, False), (flaky, True)):
            execute(
                instance,
                videos.video(UUID(video_id)),
                {
                    "transcriber": LongLesson(3),
                    "embedder": LeakingEmbedder(leak, transient=transient),
                },
                {CREATOR_TAG: str(videos.video(UUID(video_id)).creator_id)},
            )
        for _ in range(2):
            execute(instance, videos.video(UUID(refused)), {})
        _tick_triggers(instance, leak, started, settled)
    log("info", "told by hand", detail=text.partition("\n")[0], transcript=text)


def _refuse(video: Video) -> None:
    """As a step does that publishes, and as one does for which no budget is left."""
    for error, times in (
        (LessonRefused(ErrorCode.CHECK_FAILED, "a hole"), 1),
        (OverBudget("nothing left"), REPEATED),
    ):
        with suppress(LessonRefused), observed(None, MetBefore(times)) as step:
            step.name, step.run_id, step.video = "watched", "by hand", video
            step.failed(error, error.code)
            raise error


def _lose(instance: dg.DagsterInstance, video: Video) -> None:
    """A run whose worker is killed before its first step."""
    run = instance.create_run_for_job(
        defs.resolve_job_def("lesson_job"),
        run_id=str(uuid4()),
        tags={**lesson_tags(video), PARTITION_TAG: str(video.id)},
    )
    began = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, run.job_name)
    instance.report_dagster_event(began, run.run_id)
    reason = RunFailureReason.RUN_EXCEPTION
    instance.report_run_failed(
        run, job_failure_data=JobFailureData(None, failure_reason=reason)
    )


def _run_platform_jobs(instance: dg.DagsterInstance, leak: Leak) -> None:
    scheduled = {
        SCHEDULE_TAG: "event_retention_schedule",
        TICK_TIME_TAG: "2026-11-22T04:30:00+00:00",
    }
    for job, resources, tags in (
        ("event_retention_job", {}, scheduled),
        ("platform_health_job", {"platform_probes": leak}, {}),
        ("platform_health_job", {"platform_probes": OnePart(leak)}, {}),
        ("platform_health_job", {"platform_probes": ClosedDoor()}, {}),
        ("metrics_freshness_job", {"metrics": NothingCounted()}, {}),
        ("deliver_email_job", {}, {}),
    ):
        wired = dg.Definitions(
            assets=defs.assets,
            asset_checks=defs.asset_checks,
            jobs=defs.jobs,
            executor=defs.executor,
            resources={**(defs.resources or {}), **resources},
        )
        wired.resolve_job_def(job).execute_in_process(
            instance=instance, raise_on_error=False, tags=tags
        )


def _tick_triggers(
    instance: dg.DagsterInstance, leak: Leak, started: datetime, settled: datetime
) -> None:
    """Say what Dagster would store of ticks that fail; and let monitors be told."""
    repository = defs.get_repository_def()
    sensor_context = dg.build_sensor_context(
        instance, resources={"storage": leak, "catalogue": leak}
    )
    closed_context = dg.build_sensor_context(
        instance, resources={"storage": leak, "catalogue": ClosedDoor()}
    )
    tick = dg.build_schedule_context(
        instance,
        scheduled_execution_time=datetime(2026, 11, 22, 2, 0, tzinfo=UTC),
        repository_def=repository,
        resources={"metrics": leak},
    )
    for evaluate in (
        lambda: new_uploads.evaluate_tick(sensor_context),
        lambda: new_uploads.evaluate_tick(closed_context),
        lambda: daily_metrics_schedule.evaluate_tick(tick),
    ):
        try:
            evaluate()
        except Exception:  # noqa: BLE001  (as Dagster takes whatever it is)
            error = serializable_error_info_from_exc_info(sys.exc_info())
            sys.stdout.write(json.dumps({"tick": error.to_string()}) + "\n")
    event_retention_schedule.evaluate_tick(
        dg.build_schedule_context(
            instance,
            scheduled_execution_time=datetime(2026, 11, 22, 4, 30, tzinfo=UTC),
            repository_def=repository,
        )
    )
    time.sleep(max(0.0, (settled - datetime.now(UTC)).total_seconds()))
    ended_runs.evaluate_tick(
        dg.build_sensor_context(
            instance, cursor=started.isoformat(), repository_def=repository
        )
    )


if __name__ == "__main__":
    main()
