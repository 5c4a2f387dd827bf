"""Great Expectations over whole tables: each check is a look at one of them.

Here belong which tables the looks are about and how a finding is told. Not here: what
is expected, or the library, which is loaded when a check runs and not before.
"""

from datetime import UTC, date, datetime

import dagster as dg

from assets.analytics.daily_metrics import daily_metrics
from assets.analytics.partitions import days
from assets.analytics.report_pages import page_metadata
from assets.failures import RETRY_POLICY, platform_step
from assets.observation import tell_failed_check
from assets.tables import (
    analytics_events_table,
    chunk_embeddings_table,
    quiz_questions_table,
    transcripts_table,
    video_chunks_table,
)
from assets.tags import run_limits
from mentora_pipelines.domain.analytics.daily_metrics import DayRange
from mentora_pipelines.domain.analytics.report_shelf import ReportShelf
from mentora_pipelines.domain.analytics.table_quality import (
    Finding,
    QualityTable,
    Severity,
    TableQuality,
    TableValidator,
    look_at_table,
    new_rows,
)


@dg.asset_check(asset=daily_metrics, partitions_def=days, retry_policy=RETRY_POLICY)
def a_day_is_like_others(
    context: dg.AssetCheckExecutionContext,
    table_validator: dg.ResourceParam[TableValidator],
    report_shelf: dg.ResourceParam[ReportShelf],
) -> dg.AssetCheckResult:
    """Else a client that sends nothing, or everything twice, shows in no number."""
    counted = sorted(
        map(date.fromisoformat, context.op_execution_context.partition_keys)
    )
    of_run = DayRange(counted[0], counted[-1])
    return _look(QualityTable.DAILY_METRICS, of_run, table_validator, report_shelf)


def _nightly_look(
    sentence: str, spec: dg.AssetSpec, table: QualityTable, damage: str
) -> dg.AssetChecksDefinition:
    """The check of a table's new rows and of a slice of the rest."""

    @dg.asset_check(
        asset=spec.key, name=sentence, description=damage, retry_policy=RETRY_POLICY
    )
    def look(
        table_validator: dg.ResourceParam[TableValidator],
        report_shelf: dg.ResourceParam[ReportShelf],
    ) -> dg.AssetCheckResult:
        of_days = new_rows(datetime.now(UTC).date())
        return _look(table, of_days, table_validator, report_shelf)

    return look


analytics_events_are_sound = _nightly_look(
    "analytics_events_are_sound",
    analytics_events_table,
    QualityTable.ANALYTICS_EVENTS,
    "Else facts are sent in a form that no metric counts.",
)
published_transcripts_are_sound = _nightly_look(
    "published_transcripts_are_sound",
    transcripts_table,
    QualityTable.TRANSCRIPTS,
    "Else words and text drift apart in rows that no run touches any more.",
)
video_chunks_are_sound = _nightly_look(
    "video_chunks_are_sound",
    video_chunks_table,
    QualityTable.VIDEO_CHUNKS,
    "Else the web application shows a lesson with a hole, or cites what is no part.",
)
chunk_embeddings_are_sound = _nightly_look(
    "chunk_embeddings_are_sound",
    chunk_embeddings_table,
    QualityTable.CHUNK_EMBEDDINGS,
    "Else a model that answers every text alike makes search a lottery.",
)
stored_quizzes_are_sound = _nightly_look(
    "stored_quizzes_are_sound",
    quiz_questions_table,
    QualityTable.QUIZZES,
    "Else students are asked for what the lesson does not say any more.",
)

table_quality_job = dg.define_asset_job(
    "table_quality_job",
    # One run, so that the library is loaded once for all of them.
    selection=dg.AssetSelection.checks(
        analytics_events_are_sound,
        published_transcripts_are_sound,
        video_chunks_are_sound,
        chunk_embeddings_are_sound,
        stored_quizzes_are_sound,
    ),
    # Nobody waits for it.
    tags=run_limits(3600, priority=-10),
    description="What is new in each table, and a slice of the rest, is looked at.",
)


def _look(
    table: QualityTable,
    of_days: DayRange,
    validator: TableValidator,
    shelf: ReportShelf,
) -> dg.AssetCheckResult:
    with platform_step():
        found, page = look_at_table(table, of_days, validator=validator, shelf=shelf)
        failed = found.failed
        if failed and found.severity is Severity.ERROR:
            tell_failed_check()
    return dg.AssetCheckResult(
        passed=not failed,
        severity=dg.AssetCheckSeverity[found.severity.value],
        description="; ".join(f"not met: {finding.expectation}" for finding in failed),
        metadata={
            "rows": found.rows,
            "lessons left out": found.left_out,
            "expectations": len(found.findings),
            "not met": len(failed),
            "findings": dg.MetadataValue.md(_as_table(found)),
            "report": page_metadata(page),
        },
    )


def _as_table(found: TableQuality) -> str:
    """The findings as Markdown, what is not met first."""
    ordered = sorted(found.findings, key=lambda finding: finding.holds)
    lines = [
        "| expectation | severity | rows | not met | as |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_as_line, ordered)])


def _as_line(finding: Finding) -> str:
    mark = "" if finding.holds else "**"
    return (
        f"| {mark}{finding.expectation}{mark} | {finding.severity} | {finding.rows} "
        f"| {finding.broken} | {', '.join(finding.examples)} |"
    )
