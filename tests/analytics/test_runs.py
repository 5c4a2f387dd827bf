"""The metrics as Dagster makes them: runs, schedules, checks, on a real instance."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest

from assets.analytics.checks import yesterdays_metrics_exist
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.metric_reports import HtmlMetricReports
from mentora_pipelines.adapters.postgres.analytics.daily_metrics import PostgresMetrics
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.analytics.daily_metrics import DayRange, yesterday
from mentora_pipelines.domain.analytics.metric_reports import report_prefix
from mentora_pipelines.domain.analytics.report_shelf import ReportShelf
from mentora_pipelines.domain.analytics.table_quality import QualityTable, TableQuality
from schedules.daily_metrics import daily_metrics_schedule
from tests.analytics.conftest import Facts

RANGE = {
    "dagster/asset_partition_range_start": "2026-03-01",
    "dagster/asset_partition_range_end": "2026-03-03",
}


class TrustingValidator:
    """Satisfies `TableValidator`: finds nothing, without loading a library for it."""

    def validate(self, table: QualityTable, days: DayRange) -> TableQuality:
        """Nothing."""
        return TableQuality(table, days, (), "<p>nothing found</p>")


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    """A storage that no other test uses."""
    return FolderStorage(tmp_path)


@pytest.fixture
def wired(metrics: PostgresMetrics, storage: FolderStorage) -> dg.Definitions:
    """The definitions over this test's database and storage."""
    return dg.Definitions(
        assets=defs.assets,
        asset_checks=defs.asset_checks,
        jobs=defs.jobs,
        executor=defs.executor,
        resources={
            **(defs.resources or {}),
            "metrics": metrics,
            "metric_reports": HtmlMetricReports(),
            "report_shelf": ReportShelf(storage, "https://storage.example/mentora"),
            "table_validator": TrustingValidator(),
        },
    )


@pytest.fixture
def ephemeral() -> Iterator[dg.DagsterInstance]:
    """An instance that forgets."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    """Which checks passed."""
    return {
        check.check_name: check.passed for check in result.get_asset_check_evaluations()
    }


def test_a_backfill_over_a_range_is_one_run_with_the_numbers_of_each_day(
    facts: Facts,
    wired: dg.Definitions,
    ephemeral: dg.DagsterInstance,
    storage: FolderStorage,
) -> None:
    """Else a year's backfill is 365 processes, or the UI plots one number for all."""
    creator = facts.creator()
    for day in (1, 2, 2, 3, 3, 3):
        at = f"2026-03-0{day}T12:00:00Z"
        facts.add("lesson_watched", at, creator, uuid4(), seconds=60)
    result = wired.resolve_job_def("daily_metrics_job").execute_in_process(
        instance=ephemeral, tags=RANGE
    )
    assert result.success
    assert ephemeral.get_runs_count() == 1
    told = {
        str(made.partition): {
            name: value.value for name, value in made.metadata.items()
        }
        for made in result.asset_materializations_for_node("daily_metrics")
    }
    assert sorted(told) == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert [told[day]["active_students"] for day in sorted(told)] == [1, 2, 3]
    assert told["2026-03-02"]["watch_minutes"] == 2
    (page,) = storage.list(report_prefix(date(2026, 3, 2), None), limit=9)
    link = f"https://storage.example/mentora/{page.key}"
    assert told["2026-03-02"]["report"] == link
    (own,) = storage.list(report_prefix(date(2026, 3, 2), creator), limit=9)
    link = f"https://storage.example/mentora/{own.key}"
    creators = str(told["2026-03-02"]["creators_reports"])
    assert f"| {creator} | [page]({link}) |" in creators
    assert checks(result) == {
        "counts_equal_the_events": True,
        "no_value_is_impossible": True,
        "a_day_is_like_others": True,
    }
    for day in (1, 2, 3):
        for of in (None, creator):
            assert storage.list(report_prefix(date(2026, 3, day), of), limit=9)


def test_one_day_again_writes_the_same_pages(
    facts: Facts,
    wired: dg.Definitions,
    ephemeral: dg.DagsterInstance,
    storage: FolderStorage,
    metrics: PostgresMetrics,
) -> None:
    """Else a link that an analyst sent shows another page tomorrow."""
    ada, bob, day = facts.creator(), facts.creator(), date(2026, 3, 2)
    metrics.aggregate(date(2026, 3, 1))
    facts.add("lesson_watched", "2026-03-02T12:00Z", ada, uuid4(), seconds=7 * 60)
    facts.add("lesson_watched", "2026-03-02T12:00Z", bob, uuid4(), seconds=4321 * 6)
    facts.add("lesson_watched", "2026-03-02T12:00Z", bob, uuid4(), seconds="many")
    pages = []
    for _ in range(2):
        result = wired.resolve_job_def("daily_metrics_job").execute_in_process(
            instance=ephemeral, partition_key=day.isoformat()
        )
        assert result.success
        pages.append({of: read(storage, day, of) for of in (ada, bob, None)})
    assert pages[0] == pages[1]
    platform, adas = pages[0][None], pages[0][ada]
    for page in pages[0].values():
        for outside in ("<script", "src=", "href=", "url(", "@import", "@tests"):
            assert outside not in page
        assert page.count("<svg") >= 2
    assert "439.1" in platform
    assert str(ada) in platform
    assert str(bob) in platform
    assert "1 event of this day" in platform
    assert str(bob) not in adas
    assert "432.1" not in adas
    assert "impossible" not in adas
    assert "1 Mar: 0</title>" in adas, "counted, and nothing happened"
    assert "28 Feb: " not in adas, "not counted"


def read(storage: FolderStorage, day: date, of: object) -> str:
    """A page."""
    prefix = report_prefix(day, of)  # type: ignore[arg-type]  # a UUID or None
    (page,) = storage.list(prefix, limit=9)
    with storage.open(page.key) as stream:
        return stream.read().decode()


def test_a_number_that_the_events_do_not_confirm_is_found(
    facts: Facts, wired: dg.Definitions, ephemeral: dg.DagsterInstance
) -> None:
    """Else a fault in the count, or a hand in the table, is believed."""
    creator = facts.creator()
    facts.add("session_started", "2026-03-02T12:00:00Z", creator, uuid4())
    job = wired.resolve_job_def("daily_metrics_job")
    job.execute_in_process(instance=ephemeral, partition_key="2026-03-02")
    planted = "update daily_metrics set sessions = 99, quiz_pass_rate = 0.5 "
    facts.connection.execute(planted + "where creator_id is not null")
    result = job.execute_in_process(
        instance=ephemeral,
        partition_key="2026-03-02",
        op_selection=[
            "daily_metrics_counts_equal_the_events",
            "daily_metrics_no_value_is_impossible",
        ],
    )
    assert checks(result) == {
        "counts_equal_the_events": False,
        "no_value_is_impossible": False,
    }
    told = str([check.metadata for check in result.get_asset_check_evaluations()])
    assert f"2026-03-02, {creator}: sessions is 99, the events say 1" in told
    assert "a score or rate without an attempt" in told


def requests(metrics: PostgresMetrics) -> list[dg.RunRequest]:
    """What a tick of the nightly schedule asks for."""
    context = dg.build_schedule_context(
        resources={"metrics": metrics}, repository_def=defs.get_repository_def()
    )
    return list(daily_metrics_schedule.evaluate_tick(context).run_requests or [])


def test_the_nightly_tick_asks_for_every_day_that_is_due(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else a daemon that slept for a week leaves a hole in every chart."""
    last = yesterday(datetime.now(UTC))
    creator = facts.creator()
    for days_ago in range(9):
        day = last - timedelta(days=days_ago)
        facts.add("session_started", f"{day}T12:00:00Z", creator, uuid4())
        if days_ago in (0, 8):
            metrics.aggregate(day)
    (missed,) = requests(metrics)
    assert missed.tags["dagster/asset_partition_range_start"] == str(
        last - timedelta(days=7)
    )
    assert missed.tags["dagster/asset_partition_range_end"] == str(
        last - timedelta(days=1)
    )
    # Ticks that Dagster makes up for come at once: they ask for the same run.
    assert [again.run_key for again in requests(metrics)] == [missed.run_key]

    for days_ago in range(9):
        metrics.aggregate(last - timedelta(days=days_ago))
    assert requests(metrics) == []
    late = last - timedelta(days=3)
    facts.add("session_started", f"{late}T12:00:00Z", creator, uuid4())
    (request,) = requests(metrics)
    assert request.partition_key == str(late)
    assert daily_metrics_schedule.cron_schedule == "0 2 * * *"
    assert daily_metrics_schedule.execution_timezone == "UTC"


def test_a_night_without_metrics_is_told(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else somebody notices at the end of the month."""
    assert facts.rows() == {}
    missing = yesterdays_metrics_exist(metrics)
    assert isinstance(missing, dg.AssetCheckResult)
    assert not missing.passed
    metrics.aggregate(yesterday(datetime.now(UTC)))
    there = yesterdays_metrics_exist(metrics)
    assert isinstance(there, dg.AssetCheckResult)
    assert there.passed


@pytest.mark.parametrize("job", ["metrics_freshness_job", "event_partitions_job"])
def test_the_other_nightly_jobs_run(
    facts: Facts, wired: dg.Definitions, ephemeral: dg.DagsterInstance, job: str
) -> None:
    """Else what watches over the metrics is the first thing to break."""
    assert facts.rows() == {}
    result = wired.resolve_job_def(job).execute_in_process(instance=ephemeral)
    assert result.success
