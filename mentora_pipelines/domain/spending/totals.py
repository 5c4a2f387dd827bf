"""Totals: planned calls added up, in units and in money.

Here belongs the sum. Not here: which calls are planned (`plans`), or what was paid
(`bills`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mentora_pipelines.domain.spending.prices import Consumption, PriceTable
from mentora_pipelines.domain.spending.usage import PlannedCall, Unit


@dataclass(frozen=True, slots=True)
class Total:
    """Calls added up; `cost_usd` leaves out the `unpriced` ones.

    `requests` is None with sound among them: how many windows it is cut into depends on
    its silences.
    """

    requests: int | None = 0
    audio_s: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0


def total_of(calls: Sequence[PlannedCall], prices: PriceTable, at: datetime) -> Total:
    """All calls together, at the prices of that day."""
    seconds = [call for call in calls if call.unit is Unit.SECONDS]
    tokens = [call for call in calls if call.unit is Unit.TOKENS]
    costs = [
        prices.cost(
            Consumption(
                call.provider,
                call.model,
                call.unit,
                call.input_units,
                call.output_units,
                at,
            )
        )
        for call in calls
    ]
    return Total(
        requests=None if seconds else len(tokens),
        audio_s=sum(call.input_units for call in seconds),
        input_tokens=sum(call.input_units for call in tokens),
        output_tokens=sum(call.output_units for call in tokens),
        cost_usd=sum((cost.usd for cost in costs if cost is not None), Decimal(0)),
        unpriced=costs.count(None),
    )
