"""What is known of a lesson's steps afterwards: lines, figures, facts."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from assets.failures import platform_step
from assets.observation import observed
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.domain.operations.stage_timings import (
    PartTiming,
    SlowWork,
    StageRun,
)
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import Absence, ErrorCode, ProviderAway, TransientError
from tests.fix_commands import Mentora
from tests.fix_runs import Connection, LongLesson, RunLesson, figures

Upload = Callable[[Path], Video]

STAGES = (
    "audio", "transcripts", "captions", "chunks", "embeddings", "published_lessons",
)  # fmt: skip

TIMINGS = """
select stage, part, calls, duration_s, failed, error_code, creator_id
from stage_timings where video_id = %(video_id)s order by recorded_at, part nulls first
"""

SLOW = """
select creator_id, properties from analytics_events
where video_id = %(video_id)s and event_name = 'slow_operation'
order by properties ->> 'operation'
"""


def test_each_step_is_one_line_and_has_its_figures_in_the_ui_and_the_database(
    run_lesson: RunLesson,
    upload: Upload,
    media: Path,
    admin: Connection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else nobody knows where the time of a lesson went."""
    video = upload(media / "tone.mp4")
    result = run_lesson(video, transcriber=LongLesson(3))
    assert result.success

    lines = [
        json.loads(line)
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("{")
    ]
    ended = [line for line in lines if line["event"] == "step done"]
    names = [line["asset"] for line in ended]
    assert [name for name in names if name in STAGES].count("audio") == 1
    assert set(STAGES) < set(names), "and its checks"
    assert len(names) == len(set(names))
    assert {line["run"] for line in ended} == {result.run_id}
    assert {line["video"] for line in ended} == {str(video.id)}

    rows = admin.execute(TIMINGS, {"video_id": video.id}).fetchall()
    wholes = {str(row[0]): row for row in rows if row[1] is None}
    assert set(wholes) == set(names)
    for stage in STAGES:
        told = figures(result, stage)
        assert told["duration_s"] == pytest.approx(wholes[stage][3], abs=0.001)
        assert 0 < float(str(told["database_s"])) <= float(str(told["duration_s"]))
    parts = {(row[0], row[1]) for row in rows}
    assert parts > {
        ("audio", "storage"), ("audio", "decoder"), ("embeddings", "embedding"),
    }  # fmt: skip
    database = [row for row in rows if row[1] == "database"]
    assert {str(row[0]) for row in database} == set(names)
    assert all(int(str(row[2])) > 0 for row in database)


def test_what_a_failing_step_took_is_kept_with_its_reason(
    run_lesson: RunLesson, upload: Upload, media: Path, admin: Connection
) -> None:
    """Else a stage that times out seems not to have run."""
    video = upload(media / "not_media.mp4")
    assert not run_lesson(video).success
    (row,) = [
        row
        for row in admin.execute(TIMINGS, {"video_id": video.id}).fetchall()
        if row[1] is None
    ]
    assert row[0] == "audio"
    assert row[4:6] == (True, "not_media")
    assert float(str(row[3])) > 0


def stage_run(
    video: Video, *parts: PartTiming, code: ErrorCode | None = None, **more: object
) -> StageRun:
    """A try of a stage, as the watch over a step keeps it."""
    slow = [SlowWork(p.part or "audio", p.duration_s) for p in parts if p.calls == 1]
    return StageRun(
        video.creator_id, video.id, "run-1", str(more.get("stage", "audio")), 1,
        code is not None, code, parts, [s for s in slow if s.duration_s > 1],
    )  # fmt: skip


def test_slow_work_is_a_fact_of_its_creator(
    catalogue: PostgresCatalogue, upload: Upload, media: Path, admin: Connection
) -> None:
    """Else analytics knows nothing of slow lessons, or books them on a stranger."""
    video = upload(media / "tone.mp4")
    parts = (PartTiming(None, 1.5, 1), PartTiming("database", 0.2, 3))
    assert catalogue.keep_stage_run(stage_run(video, *parts)) == 0
    ((creator_id, properties),) = admin.execute(SLOW, {"video_id": video.id}).fetchall()
    assert creator_id == video.creator_id
    assert properties == {"operation": "audio", "seconds": 1.5, "run": "run-1"}


def test_refusals_of_a_creator_are_counted_by_their_reason(
    catalogue: PostgresCatalogue, upload: Upload, media: Path, admin: Connection
) -> None:
    """Else a decoder that refuses every file is each time the creator's own fault."""
    video = upload(media / "tone.mp4")
    part = PartTiming(None, 0.1, 1)
    refused = stage_run(video, part, code=ErrorCode.NO_AUDIO)
    assert catalogue.keep_stage_run(refused) == 1
    assert catalogue.keep_stage_run(refused) == 2
    other = stage_run(video, part, code=ErrorCode.TOO_LONG)
    assert catalogue.keep_stage_run(other) == 1
    admin.execute(
        "update stage_timings set recorded_at = now() - interval '2 days'"
        " where video_id = %(id)s",
        {"id": video.id},
    )
    assert catalogue.keep_stage_run(refused) == 1


def test_the_times_of_a_video_that_is_gone_are_not_kept(
    catalogue: PostgresCatalogue, upload: Upload, media: Path, admin: Connection
) -> None:
    """Else a step of a deleted lesson fails because of its figures."""
    video = upload(media / "tone.mp4")
    admin.execute("delete from videos where id = %(id)s", {"id": video.id})
    catalogue.keep_stage_run(stage_run(video, PartTiming(None, 9.0, 1)))
    assert admin.execute(TIMINGS, {"video_id": video.id}).fetchall() == []


def test_percentiles_are_those_of_the_figures(
    catalogue: PostgresCatalogue,
    mentora: Mentora,
    upload: Upload,
    media: Path,
    admin: Connection,
) -> None:
    """Else somebody tunes the wrong stage."""
    video = upload(media / "tone.mp4")
    admin.execute(
        "update videos set duration_s = 120 where id = %(id)s", {"id": video.id}
    )
    for hundredth in range(1, 101):
        catalogue.keep_stage_run(
            stage_run(video, PartTiming(None, hundredth / 100, 1), stage="measured")
        )
    catalogue.keep_stage_run(
        stage_run(
            video, PartTiming(None, 50.0, 2), code=ErrorCode.INTERNAL, stage="measured"
        )
    )
    (found,) = [
        each
        for each in catalogue.stage_figures(timedelta(days=1))
        if each.stage == "measured"
    ]
    assert (found.runs, found.failures) == (101, 1)
    assert found.seconds is not None
    assert found.seconds.p50 == pytest.approx(0.505)
    assert found.seconds.p95 == pytest.approx(0.9505)
    assert found.seconds.p99 == pytest.approx(0.9901)
    assert found.per_minute is not None
    assert found.per_minute.p50 == pytest.approx(0.2525)
    assert catalogue.stage_seconds(video.id) == {"measured": 1.0}

    shown = mentora("status", "--timings", "--days", "1", "--json").json["timings"]
    (of_stage,) = [each for each in shown if each["stage"] == "measured"]
    assert of_stage["per_minute"]["p99"] == pytest.approx(0.49505)
    assert found.total_s == pytest.approx(50.5), "what failed is not measured"
    told = mentora("status", "--prometheus").output
    assert samples(told)["mentora_stage_successes", "measured", ""] == 100
    assert samples(told)["mentora_stage_seconds", "measured", "0.5"] == (
        pytest.approx(0.505)
    )


def samples(text: str) -> dict[tuple[str, str, str], float]:
    """What Prometheus's own parser reads: of some days, so nothing that only grows."""
    assert {one.type for one in text_string_to_metric_families(text)} == {"gauge"}
    return {
        (
            sample.name,
            sample.labels.get("stage", ""),
            sample.labels.get("quantile", ""),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels.get("part")
    }


def test_what_took_a_second_stands_in_the_line_of_its_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else a slow step is seen, and not what in it was slow."""
    with observed(None) as step:
        now = [step.timer.clock()]
        step.timer.clock = lambda: now[0]
        for part, took_s in (("decoder", 6.0), ("database", 0.5)):
            with step.timer.measure(part):
                now[0] += took_s
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert line["slow"] == {"decoder": 6.0}
    assert line["level"] == "warning"


class BrokenTimings:
    """Satisfies `StageTimings`, and keeps nothing."""

    def __init__(self) -> None:
        self.asked: list[StageRun] = []

    def keep_stage_run(self, run: StageRun) -> int:
        """Fail."""
        self.asked.append(run)
        raise TransientError("the database is away")


def test_who_watches_a_step_fails_none(upload: Upload, media: Path) -> None:
    """Else lessons fail because their times could not be written down."""
    timings = BrokenTimings()
    with observed(None, timings) as step:
        step.video = upload(media / "tone.mp4")
    assert [run.stage for run in timings.asked] == ["step"]


@dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
def ask_a_provider(context: dg.OpExecutionContext) -> None:
    """Meets a provider that is paused at the first try."""
    with platform_step():
        if context.retry_number == 0:
            raise ProviderAway("openai", Absence.PAUSED, wait_s=0.1)


@dg.job(executor_def=dg.in_process_executor)
def asking_job() -> None:
    """Asks it."""
    ask_a_provider()


def test_a_provider_is_asked_again_when_it_says_so(
    instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else the nightly look asks a paused provider three times within seconds."""
    result = asking_job.execute_in_process(instance=instance)
    assert result.success
    (again,) = [
        e for e in result.all_events if e.event_type_value == "STEP_UP_FOR_RETRY"
    ]
    assert again.step_retry_data.seconds_to_wait == 0.1
    told = [
        json.loads(line)["event"]
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("{")
    ]
    assert told == ["step will be tried again", "step done"]
