"""The metrics of days (UTC): which days are to be counted, and what a count gives.

Here belong the shape of the numbers, the days that are due and the ports. Not here:
how facts are counted (SQL, in the migrations) or what analysts read (`metric_reports`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.errors import InvalidInput

FIRST_DAY = date(2025, 1, 1)
"""No day before it can be counted: Mentora had no students then."""

DAY = timedelta(days=1)


class Period(StrEnum):
    """What metrics are told by; a week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Metrics:
    """The numbers of a creator, or of the platform (None), in a day, week or month.

    `days` is how many days were counted; students are counted once a period. A score
    and a rate lie between 0 and 1 and are None without an attempt.
    """

    period_start: date
    creator_id: UUID | None
    days: int
    active_students: int
    sessions: int
    watch_minutes: float
    lessons_started: int
    lessons_completed: int
    quiz_attempts: int
    quiz_average_score: float | None
    quiz_pass_rate: float | None
    chat_messages: int
    achievements: int
    new_students: int
    processing_minutes: float
    processing_failures: int
    ai_cost_usd: Decimal
    malformed_events: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """What a count of a day wrote: rows of creators and the platform's.

    `facts_archived`: the facts are put away, so nothing was counted and the rows stay.
    """

    day: date
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    facts_archived: bool = False

    @property
    def rows(self) -> int:
        """Rows of the day after the count."""
        return self.inserted + self.updated + self.unchanged

    @property
    def written(self) -> int:
        """Rows that are not what they were."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True, slots=True)
class Difference:
    """A number of a day that is not what its facts say."""

    creator_id: UUID | None
    metric: str
    stored: Decimal | None
    counted: Decimal | None


@dataclass(frozen=True, slots=True)
class DayRange:
    """Days without a gap, both ends included."""

    first: date
    last: date


@runtime_checkable
class MetricsCalendar(Protocol):
    """Knows which days are not counted, or not any more."""

    def due_days(self, *, first: date, last: date, look_back: date) -> list[date]:
        """The days to count between `first` and `last`, in order.

        `last` and those after the first fact if they were never counted, those from
        `look_back` on also if they have other facts or costs than when they were; none
        whose facts were put away.
        """
        ...

    def is_counted(self, day: date) -> bool:
        """Whether the day has its metrics."""
        ...


@runtime_checkable
class MetricsStore(MetricsCalendar, Protocol):
    """Counts days and gives back what was counted.

    Every method raises `TransientError` when the store does not answer.
    """

    def aggregate(self, day: date) -> DayCount:
        """Count the facts of a day and replace its rows; equal rows are not written."""
        ...

    def metrics(
        self, days: DayRange, period: Period, creator_id: UUID | None
    ) -> list[Metrics]:
        """The metrics of each period, oldest first; None: the platform's."""
        ...

    def differences(self, day: date) -> list[Difference]:
        """Numbers that other statements over the facts do not confirm."""
        ...

    def impossible_values(self, day: date) -> list[str]:
        """What cannot be of the stored numbers, each as `creator: rule`."""
        ...


def unconfirmed(
    metrics: MetricsStore, day: date, *, look_back: date
) -> list[Difference]:
    """The numbers of a day that its facts do not confirm.

    None of a day from `look_back` on that has other facts than when it was counted:
    what a slow transaction wrote before the count and committed after it is no fault
    of the count, and the next look back counts the day again, with its pages.
    """
    found = metrics.differences(day)
    if found and metrics.due_days(first=day, last=day, look_back=look_back):
        return []
    return found


def yesterday(now: datetime) -> date:
    """The last whole day in UTC, wherever the host is."""
    return now.astimezone(UTC).date() - DAY


def look_back_from(now: datetime, look_back_days: int) -> date:
    """The first of the last `look_back_days` whole days."""
    return max(FIRST_DAY, yesterday(now) - (look_back_days - 1) * DAY)


def due_ranges(
    calendar: MetricsCalendar, *, now: datetime, look_back_days: int
) -> list[DayRange]:
    """The days to count now, as ranges without a gap.

    However long nobody looked, every day since the first fact that has no metrics is
    found; changed facts are looked for in the last `look_back_days` whole days.
    """
    last = yesterday(now)
    look_back = look_back_from(now, look_back_days)
    return ranges(calendar.due_days(first=FIRST_DAY, last=last, look_back=look_back))


def ranges(days: Iterable[date]) -> list[DayRange]:
    """The days as ranges without a gap, in order."""
    ordered = sorted(set(days))
    if not ordered:
        return []
    gaps = [
        (before, after) for before, after in pairwise(ordered) if after - before > DAY
    ]
    firsts = [ordered[0], *(after for _, after in gaps)]
    lasts = [*(before for before, _ in gaps), ordered[-1]]
    return [DayRange(first, last) for first, last in zip(firsts, lasts, strict=True)]


def parse_days(first: str | None, last: str | None, *, now: datetime) -> DayRange:
    """The days between two dates, by default the thirty whole days before `now`.

    Raises `InvalidInput` for what is no date and for an end before its beginning.
    """
    end = yesterday(now) if last is None else _parse_day(last)
    begin = end - 29 * DAY if first is None else _parse_day(first)
    if begin > end:
        raise InvalidInput(f"{begin} is after {end}")
    return DayRange(begin, end)


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not a date like 2026-11-30") from None
