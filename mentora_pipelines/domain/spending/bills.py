"""Bills: what the calls of some days came to, summed up by one thing or another.

Here belong the shape of a line and its port. Not here: how a call is booked (`usage`).
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.analytics.daily_metrics import DayRange


class BillBy(StrEnum):
    """What a bill has one line for each of."""

    OPERATION = "operation"
    MODEL = "model"
    CREATOR = "creator"
    VIDEO = "video"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class BillLine:
    """Calls that have one thing in common, and what they used up.

    `of` is an operation, a `provider/model`, a mail address, the id of a video or a
    date; None is the platform, or no video. `calls` counts them all: those `reserved`
    have no answer yet and are counted at their bound, as are those among the `failed`
    that were never answered. `unpriced` calls have no known price and stand in
    `cost_usd` with nothing.
    """

    of: str | None
    calls: int
    reserved: int
    failed: int
    audio_s: float
    input_tokens: float
    output_tokens: float
    cost_usd: Decimal
    unpriced: int


@runtime_checkable
class Bills(Protocol):
    """Reads the ledger across creators; takes the admin role."""

    def bill(
        self, days: DayRange, by: BillBy, creator_id: UUID | None
    ) -> list[BillLine]:
        """The lines for those UTC days in the order of `of`; None: of everybody."""
        ...
