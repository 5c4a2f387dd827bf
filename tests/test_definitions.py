"""What Dagster is told: complete, explained, and cheap to load."""

import importlib
import json
import pkgutil
import subprocess
import sys

import dagster as dg
import pytest

import assets
import schedules
import sensors
from assets.analytics.jobs import (
    daily_metrics_job,
    event_partitions_job,
    metrics_freshness_job,
)
from assets.analytics.table_quality import table_quality_job
from assets.jobs import lesson_job, quiz_job
from assets.lessons.quiz_statistics import quiz_statistics_job
from assets.operations.achievements import unlock_achievements_job
from assets.operations.content_health import (
    content_health_job,
    suspect_lessons_job,
)
from assets.operations.email_delivery import deliver_email_job
from assets.operations.event_retention import event_retention_job
from assets.operations.memberships import memberships_job
from assets.operations.orphaned_objects import orphaned_objects_job
from assets.operations.platform_health import platform_health_job
from assets.search.search_index import search_index_job
from mentora_pipelines.definitions import defs
from mentora_pipelines.settings.environment import child_environment
from tests.fix_services import PROJECT

HEAVY = (
    "alembic", "anthropic", "av", "boto3", "botocore", "ctranslate2", "faster_whisper",
    "great_expectations", "numpy", "onnx", "onnxruntime", "openai", "pandas", "psycopg",
    "psycopg2", "redis", "rich", "sentry_sdk", "sqlalchemy", "structlog", "tokenizers",
    "typer", "whop_sdk", "wordfreq",
)  # fmt: skip

LOAD = """
import json, sys
from mentora_pipelines.definitions import defs
json.dump([len(list(defs.assets)), sorted(sys.modules)], sys.stdout)
"""


def test_definitions_load_without_any_setting_and_without_a_heavy_package() -> None:
    """Else every run pays seconds of imports, or fails before it can say why."""
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    count, modules = json.loads(loaded.stdout)
    assert count == 17
    assert [name for name in HEAVY if name in modules] == []


def test_dagsters_own_tool_accepts_the_workspace() -> None:
    """Else the daemon and the UI start without our code."""
    validated = subprocess.run(
        [
            sys.executable, "-m", "dagster", "definitions", "validate",
            "-w", "workspace.yaml",
        ],
        cwd=PROJECT,
        # No instance of the developer's own is asked or changed.
        env=child_environment(DAGSTER_DISABLE_TELEMETRY="1", DAGSTER_HOME=""),
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert validated.returncode == 0, validated.stderr
    assert "Validation successful for code location mentora" in (
        validated.stdout + validated.stderr
    )


def found_in_modules(
    package: str, path: list[str], kinds: tuple[type, ...]
) -> set[int]:
    """Ids of the objects of `kinds` that stand in any module of a package."""
    found = {}
    for module in pkgutil.walk_packages(path, f"{package}."):
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, kinds):
                found[id(thing)] = thing
    return set(found)


def test_every_asset_and_check_that_is_written_is_wired() -> None:
    """Else a product that was written, reviewed and tested is never made."""
    written = found_in_modules(
        "assets", list(assets.__path__), (dg.AssetsDefinition, dg.AssetSpec)
    )
    wired = {id(a) for a in (*(defs.assets or []), *(defs.asset_checks or []))}
    assert len(wired) == 33
    assert written == wired


def test_every_sensor_schedule_and_job_that_is_written_is_wired() -> None:
    """Else nothing ever starts the work."""
    triggers = found_in_modules(
        "sensors", list(sensors.__path__), (dg.SensorDefinition,)
    ) | found_in_modules(
        "schedules", list(schedules.__path__), (dg.ScheduleDefinition,)
    )
    assert triggers == {id(t) for t in (*(defs.sensors or []), *(defs.schedules or []))}
    assert list(defs.jobs or []) == [
        lesson_job,
        quiz_job,
        search_index_job,
        quiz_statistics_job,
        deliver_email_job,
        unlock_achievements_job,
        event_retention_job,
        orphaned_objects_job,
        content_health_job,
        suspect_lessons_job,
        memberships_job,
        daily_metrics_job,
        metrics_freshness_job,
        event_partitions_job,
        table_quality_job,
        platform_health_job,
    ]


SPECS: list[dg.AssetSpec] = sorted(
    defs.resolve_all_asset_specs(), key=lambda spec: spec.key
)
"""In one order: each process of a test run collects the same tests."""


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key.to_user_string())
def test_an_asset_says_what_it_is(spec: dg.AssetSpec) -> None:
    """Else an operator looks at a graph of bare names."""
    assert spec.description
    assert spec.description.endswith(".")
    assert spec.group_name in {
        "lessons", "search", "operations", "analytics", "tables",
    }  # fmt: skip
    assert spec.kinds
    # What is kept for the platform as a whole has no parts.
    whole = str(spec.key.path[-1]) in {"memberships", "platform_health", "search_index"}
    whole |= spec.group_name == "tables"
    assert (spec.partitions_def is None) is whole


def test_the_order_of_the_steps_is_the_order_of_a_lesson() -> None:
    """Else a step reads what was not made yet, or readers see a half-made lesson."""
    graph = defs.resolve_asset_graph()
    parents = {
        key.to_user_string(): {
            parent.to_user_string() for parent in graph.get(key).parent_keys
        }
        for key in graph.get_all_asset_keys()
    }
    assert parents == {
        "audio": set(),
        "transcripts": {"audio"},
        "captions": {"transcripts"},
        "chunks": {"transcripts"},
        "embeddings": {"chunks"},
        "published_lessons": {"captions", "embeddings"},
        "quizzes": {"published_lessons"},
        "search_index": set(),
        "content_health": set(),
        "memberships": set(),
        "daily_metrics": set(),
        "platform_health": set(),
        "tables/transcripts": {"transcripts"},
        "tables/video_chunks": {"published_lessons"},
        "tables/chunk_embeddings": {"embeddings"},
        "tables/quiz_questions": {"quizzes"},
        "tables/analytics_events": set(),
    }


CHECKS_OF_WHAT_A_RUN_HAS_READ = {
    "yesterdays_metrics_exist",
    "every_part_is_well",
    "the_index_finds_the_nearest",
    "what_is_built_can_be_searched",
}


def test_no_asset_brings_a_look_at_a_whole_table() -> None:
    """Else making a thousand lessons again in the UI is a thousand looks at all."""
    graph = defs.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        of_parts = graph.get(key).partitions_def is not None
        for check in graph.get_check_keys_for_assets({key}):
            if check.name not in CHECKS_OF_WHAT_A_RUN_HAS_READ:
                assert of_parts, check
                assert graph.get(check).partitions_def is not None, check
    tables = {key for key in graph.get_all_asset_keys() if len(key.path) > 1}
    assert not tables & graph.materializable_asset_keys
    assert len(graph.get_check_keys_for_assets(tables)) == 6


def test_names_follow_the_rules_of_the_house() -> None:
    """Else a job hides behind the asset of its name."""
    names = {spec.key.path[-1] for spec in defs.resolve_all_asset_specs()}
    jobs = {job.name for job in defs.jobs or []}
    assert all(name.endswith("_job") for name in jobs)
    assert not names & jobs
    assert defs.executor is dg.in_process_executor
