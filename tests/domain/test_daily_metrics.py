from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mentora_pipelines.domain.analytics.daily_metrics import (
    DayRange,
    parse_days,
    ranges,
    yesterday,
)
from mentora_pipelines.domain.analytics.event_partitions import months_later


def test_days_become_ranges_without_a_gap() -> None:
    """Else a day that is not due is counted, or one that is due is not."""
    first = date(2026, 2, 27)
    days = [first + timedelta(days=n) for n in (3, 0, 1, 2, 5, 5)]
    assert ranges(days) == [
        DayRange(first, date(2026, 3, 2)),
        DayRange(date(2026, 3, 4), date(2026, 3, 4)),
    ]
    assert ranges([]) == []


@pytest.mark.parametrize("hours", [-11, 0, 14])
def test_yesterday_is_in_utc(hours: int) -> None:
    """Else at 02:00 UTC a host in the west counts the day before."""
    moment = datetime(2026, 3, 29, 2, tzinfo=UTC)
    local = moment.astimezone(timezone(timedelta(hours=hours)))
    assert yesterday(local) == date(2026, 3, 28)


def test_thirty_whole_days_are_shown_unless_others_are_named() -> None:
    """Else today, of which half is missing, looks like a fall."""
    now = datetime(2026, 3, 31, 12, tzinfo=UTC)
    assert parse_days(None, None, now=now) == DayRange(
        date(2026, 3, 1), date(2026, 3, 30)
    )
    assert parse_days("2026-01-01", "2026-01-01", now=now).last == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("months", "first"),
    [(-12, date(2025, 1, 1)), (-1, date(2025, 12, 1)), (12, date(2027, 1, 1))],
)
def test_months_are_counted_over_the_year(months: int, first: date) -> None:
    """Else in January the partitions of thirteen months are put away."""
    assert months_later(date(2026, 1, 31), months) == first
