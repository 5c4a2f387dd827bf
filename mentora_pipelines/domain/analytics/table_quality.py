"""The quality of tables: what must be true of rows that were let in one by one.

Here belong the tables that are looked at, what a look finds, and where its page lies.
Not here: the expectations themselves (`adapters/table_quality`), the checks that stop
one lesson before readers see it (`published_lessons`), or those that confirm one day's
numbers against its facts (`daily_metrics`).
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.analytics.daily_metrics import DAY, DayRange
from mentora_pipelines.domain.analytics.report_shelf import ReportPage, ReportShelf
from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.storage import REPORTS_PREFIX

SLICES = 32
"""A night looks at what is new and at a slice of the rest: each row once in so many
days, and a night costs the same however old the platform is."""

MAX_LESSONS = 2_000
"""Lessons of one look: parsing a transcript takes milliseconds. Of more than that, as a
slice of 64,000 has, each look takes other ones, as by lot, and tells how many it left
out."""


class QualityTable(StrEnum):
    """What is looked at; `VIDEO_CHUNKS` is the view that the web application reads."""

    DAILY_METRICS = "daily_metrics"
    TRANSCRIPTS = "transcripts"
    VIDEO_CHUNKS = "video_chunks"
    CHUNK_EMBEDDINGS = "chunk_embeddings"
    QUIZZES = "quizzes"
    ANALYTICS_EVENTS = "analytics_events"


class Severity(StrEnum):
    """ERROR: a reader is shown something false. WARN: somebody should look."""

    ERROR = "ERROR"
    WARN = "WARN"


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one expectation.

    `rows` is how many it was tried on, `broken` how many did not meet it; a share of
    them may be allowed. `examples` are keys of a few of those, never their values.
    """

    expectation: str
    severity: Severity
    holds: bool
    rows: int
    broken: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableQuality:
    """What a look at one table found, and its page of HTML.

    `left_out` is how many lessons it had no room for.
    """

    table: QualityTable
    days: DayRange
    findings: tuple[Finding, ...]
    page: str
    left_out: int = 0

    @property
    def rows(self) -> int:
        """How many rows were looked at."""
        return max((finding.rows for finding in self.findings), default=0)

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The expectations that are not met."""
        return tuple(finding for finding in self.findings if not finding.holds)

    @property
    def severity(self) -> Severity:
        """The worst of what failed; WARN when nothing did."""
        if any(finding.severity is Severity.ERROR for finding in self.failed):
            return Severity.ERROR
        return Severity.WARN


@runtime_checkable
class TableValidator(Protocol):
    """Tries the expectations of a table on its rows."""

    def validate(self, table: QualityTable, days: DayRange) -> TableQuality:
        """What is found in the rows of `days`, and of the slice of its last one.

        Nothing is written, and rows stay where they are: the server counts. Raises
        `TransientError` when it does not answer.
        """
        ...


def quality_prefix(table: QualityTable, day: date) -> str:
    """What the keys of all pages about the same look begin with."""
    return f"{REPORTS_PREFIX}quality/{day.isoformat()}/{table.value}."


def quality_key(table: QualityTable, day: date, page: str) -> str:
    """Where the page of a look lies: one that finds something else is another page."""
    return f"{quality_prefix(table, day)}{content_hash(page)}.html"


def slice_of(day: date) -> int:
    """Which of the `SLICES` is looked at on a day."""
    return day.toordinal() % SLICES


def new_rows(today: date) -> DayRange:
    """The days whose rows a nightly look takes as new: today's and yesterday's."""
    return DayRange(today - DAY, today)


def look_at_table(
    table: QualityTable,
    days: DayRange,
    *,
    validator: TableValidator,
    shelf: ReportShelf,
) -> tuple[TableQuality, ReportPage]:
    """What a look found, and its page, stored."""
    found = validator.validate(table, days)
    return found, shelf.put(quality_key(table, days.last, found.page), found.page)
