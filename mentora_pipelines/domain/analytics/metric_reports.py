"""What an analyst reads of a day: a page for the platform and one for each creator.

Here belong which pages are written, from which numbers, and where. Not here: HTML.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.analytics.daily_metrics import (
    DAY,
    DayRange,
    Metrics,
    MetricsStore,
)
from mentora_pipelines.domain.analytics.report_shelf import ReportPage, ReportShelf
from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.storage import REPORTS_PREFIX
from mentora_pipelines.errors import NotFound

_CREATOR = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_OF_CREATOR = re.compile(rf"{REPORTS_PREFIX}metrics/[^/]+/({_CREATOR})\.")

REPORT_DAYS = 28
"""Four weeks: every weekday stands in a chart equally often."""

MAX_TOLD = 50
"""Creators whose pages are told beside the platform's; the others' are asked for."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Students who were active in the seven and 28 days that end with a day."""

    week: int
    four_weeks: int


NOBODY = Reach(0, 0)


@runtime_checkable
class MetricsHistory(Protocol):
    """Numbers of many days and creators at once."""

    def history(self, days: DayRange) -> list[Metrics]:
        """Each counted day of each creator and of the platform (None)."""
        ...

    def reach(self, day: date) -> dict[UUID | None, Reach]:
        """Each creator's and the platform's (None)."""
        ...


@runtime_checkable
class MetricsBook(MetricsStore, MetricsHistory, Protocol):
    """Counts days, and tells of many at once."""


@runtime_checkable
class MetricReports(Protocol):
    """Makes pages out of numbers."""

    def render(
        self,
        day: date,
        history: Sequence[Metrics],
        reach: Mapping[UUID | None, Reach],
    ) -> Iterator[tuple[UUID | None, str]]:
        """A page of HTML for each creator of that day, then the platform's (None).

        The creators whose students watched most come first. `history` holds the days
        of the charts, the day itself last. Equal numbers give equal pages.
        """
        ...


@dataclass(frozen=True, slots=True)
class WrittenReports:
    """How many pages were written, the platform's and those of the first creators.

    `platform` is None when it has no numbers.
    """

    pages: int
    platform: ReportPage | None
    creators: Mapping[UUID, ReportPage]


def report_prefix(day: date, creator_id: UUID | None) -> str:
    """What the keys of all pages about the same begin with."""
    return f"{REPORTS_PREFIX}metrics/{day.isoformat()}/{creator_id or 'platform'}."


def report_key(day: date, creator_id: UUID | None, page: str) -> str:
    """Where a page lies: equal numbers are one object, and other ones another."""
    return f"{report_prefix(day, creator_id)}{content_hash(page)}.html"


def creator_of_report(key: str) -> UUID | None:
    """Whose page lies at that key; None for one that is about no creator."""
    found = _OF_CREATOR.match(key)
    return None if found is None else UUID(found[1])


def write_reports(
    day: date,
    *,
    history: MetricsHistory,
    reports: MetricReports,
    shelf: ReportShelf,
) -> WrittenReports:
    """Write the pages of a day, the platform's last: it is there when all are.

    The newest page about the same is the one that counts; one at a time is in memory.
    """
    days = DayRange(day - (REPORT_DAYS - 1) * DAY, day)
    number, platform, creators = 0, None, dict[UUID, ReportPage]()
    for creator_id, page in reports.render(
        day, history.history(days), history.reach(day)
    ):
        written = shelf.put(report_key(day, creator_id, page), page)
        number += 1
        if creator_id is None:
            platform = written
        elif len(creators) < MAX_TOLD:
            creators[creator_id] = written
    return WrittenReports(number, platform, creators)


def newest_report(
    day: date, creator_id: UUID | None, *, shelf: ReportShelf
) -> ReportPage:
    """The page of a day about a creator, or the platform; raises `NotFound`."""
    page = shelf.newest(report_prefix(day, creator_id))
    if page is None:
        raise NotFound(f"no page of {day} is stored for {creator_id or 'the platform'}")
    return page
