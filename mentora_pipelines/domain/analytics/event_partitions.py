"""The months of analytics events: made ahead, and put away when they are old.

Here belongs which months are wanted. Not here: tables.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol, runtime_checkable

MONTHS_AHEAD = 3
"""A daemon that stands still for a quarter of a year does not fill the default one."""

MONTHS_BEFORE = 2
"""Facts come late, and clocks are wrong."""


@dataclass(frozen=True, slots=True)
class PartitionChanges:
    """How many months got a partition, and the names of those put away."""

    made: int
    archived: tuple[str, ...]


@runtime_checkable
class EventPartitions(Protocol):
    """The partitions of the events, a month (UTC) each."""

    def make_partitions(self, first_month: date, months: int) -> int:
        """Make those that are missing, with their rows of the default partition."""
        ...

    def archive_partitions(self, keep_from: date) -> list[str]:
        """Put away the months before; whole, readable, never dropped.

        One with facts of a day that was never counted stays until it is.
        """
        ...


def maintain_partitions(
    partitions: EventPartitions, *, now: datetime, retention_months: int | None
) -> PartitionChanges:
    """Make the months around `now`; put away those older than `retention_months`.

    None keeps all. The current month is not counted among the months that are kept.
    """
    today = now.astimezone(UTC).date()
    made = partitions.make_partitions(
        months_later(today, -MONTHS_BEFORE), MONTHS_BEFORE + 1 + MONTHS_AHEAD
    )
    if retention_months is None:
        return PartitionChanges(made, ())
    keep_from = months_later(today, -retention_months)
    return PartitionChanges(made, tuple(partitions.archive_partitions(keep_from)))


def months_later(day: date, months: int) -> date:
    """The first day of the month that is `months` after the one of `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)
