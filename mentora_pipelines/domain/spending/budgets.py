"""Budgets: what a creator may use up in a calendar month, in UTC.

Here belong the limits and the rule when a call fits into them. Not here: where they
are kept, or how two calls are kept from passing at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.spending.prices import Cost
from mentora_pipelines.domain.spending.usage import Operation, PlannedCall, Unit

SLACK_MINUTES = 1 / 60
"""A lesson is heard in windows whose lengths are rounded: a second is not held against
it, or a lesson that fits exactly would be refused at its last window."""

SLACK_USD = Decimal("0.0001")
"""What the windows of a lesson may cost more than was set aside for the whole: the
price of each is rounded up to a millionth."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a month; None: no limit.

    `limit_minutes` counts the sound that was given to any transcriber, that of this
    machine too, with the share of what is heard again after a crash or a new upload.
    """

    limit_usd: Decimal | None = None
    limit_minutes: float | None = None

    @property
    def limits(self) -> bool:
        """Whether anything is limited."""
        return self.limit_usd is not None or self.limit_minutes is not None


@dataclass(frozen=True, slots=True)
class Spending:
    """Used up, or asked for: known dollars and minutes of sound."""

    usd: Decimal = Decimal(0)
    minutes: float = 0.0

    def __add__(self, other: "Spending") -> "Spending":
        return Spending(self.usd + other.usd, self.minutes + other.minutes)

    def __sub__(self, other: "Spending") -> "Spending":
        return Spending(self.usd - other.usd, self.minutes - other.minutes)

    def beyond(self, held: "Spending") -> "Spending":
        """What of it is more than what is left of its step's hold, if anything is."""
        usd = self.usd - held.usd
        return Spending(
            usd if usd > SLACK_USD else Decimal(0),
            max(self.minutes - held.minutes, 0.0),
        )


@dataclass(frozen=True, slots=True)
class MonthlyBudget:
    """A creator's limits, and what is used up since `month_start`."""

    creator_id: UUID
    budget: Budget
    used: Spending
    month_start: datetime


@runtime_checkable
class Budgets(Protocol):
    """Keeps the budgets; takes the admin role."""

    def monthly(self, creator_id: UUID) -> MonthlyBudget:
        """A creator's budget of this month; raises `NotFound`."""
        ...

    def set_budget(self, creator_id: UUID, budget: Budget) -> None:
        """Set both limits from now on; raises `NotFound`."""
        ...


def asked_for(call: PlannedCall, cost: Cost | None) -> Spending:
    """What a call takes of a budget. A price that is not known takes no dollars."""
    heard = call.operation is Operation.TRANSCRIPTION and call.unit is Unit.SECONDS
    return Spending(
        Decimal(0) if cost is None else cost.usd,
        call.input_units / 60 if heard else 0.0,
    )


def total(parts: Iterable[Spending]) -> Spending:
    """All of it together."""
    return sum(parts, Spending())


def refusal(budget: Budget, used: Spending, asked: Spending) -> str | None:
    """Why `asked` does not fit, or None when it does.

    What takes nothing of a limit is not refused for it, be it used up or not.
    """
    if budget.limit_usd is not None and asked.usd > 0:
        left = budget.limit_usd - used.usd
        if asked.usd > left:
            return (
                f"${asked.usd} asked for, ${max(left, Decimal(0))} left of "
                f"${budget.limit_usd} a month"
            )
    if budget.limit_minutes is not None and asked.minutes > 0:
        left_minutes = budget.limit_minutes - used.minutes
        if asked.minutes > left_minutes + SLACK_MINUTES:
            return (
                f"{asked.minutes:.1f} minutes asked for, {max(left_minutes, 0):.1f} "
                f"left of {budget.limit_minutes:g} a month"
            )
    return None
