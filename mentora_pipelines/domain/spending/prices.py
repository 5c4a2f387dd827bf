"""Prices: what units of a model cost, as far as anybody knows.

Here belong the port of a table of prices, prices that the operator has set, and how
tables stand in for each other. Not here: the prices of providers (see `adapters/`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.spending.usage import Unit

LOCAL = "local"
"""The provider that stands for this machine: its calls cost nothing."""

OWN_SERVER = "own"
"""The provider that stands for a server of one's own: no published price is its."""

MICRO_DOLLAR = Decimal("0.000001")
"""The smallest amount that is booked. Amounts are rounded up to it, so that a million
small calls are not booked as nothing: the bill may be a dollar a million calls high."""

MILLION = Decimal(1_000_000)
MINUTE_S = Decimal(60)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call costs in US dollars, by which table of prices."""

    usd: Decimal
    price_version: str


@dataclass(frozen=True, slots=True)
class Consumption:
    """What was used up, of which model, when."""

    provider: str
    model: str
    unit: Unit
    input_units: float
    output_units: float
    at: datetime


@runtime_checkable
class PriceTable(Protocol):
    """Knows the prices of some models."""

    def cost(self, used: Consumption) -> Cost | None:
        """The cost, not rounded; None when this table has no price for it."""
        ...


class LocalPrices:
    """Satisfies `PriceTable`: what runs on this machine costs nothing."""

    def cost(self, used: Consumption) -> Cost | None:
        """Zero for this machine, None for everybody else."""
        return Cost(Decimal(0), LOCAL) if used.provider == LOCAL else None


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """US dollars for a million tokens in and out, and for a minute of sound."""

    input_per_million: Decimal | None = None
    output_per_million: Decimal | None = None
    per_minute: Decimal | None = None


class OwnPrices:
    """Satisfies `PriceTable`: prices by `provider/model` that the operator has set."""

    def __init__(self, prices: Mapping[str, ModelPrice], version: str) -> None:
        self._prices = prices
        self._version = version

    def cost(self, used: Consumption) -> Cost | None:
        """The cost; None for a model or a unit without a price."""
        price = self._prices.get(f"{used.provider}/{used.model}")
        if price is None:
            return None
        if used.unit is Unit.SECONDS:
            if price.per_minute is None:
                return None
            usd = price.per_minute * _exact(used.input_units) / MINUTE_S
            return Cost(usd, self._version)
        usd = Decimal(0)
        for units, each in (
            (used.input_units, price.input_per_million),
            (used.output_units, price.output_per_million),
        ):
            if units and each is None:
                return None
            usd += (each or 0) * _exact(units) / MILLION
        return Cost(usd, self._version)


class PriceBook:
    """Satisfies `PriceTable`: the first of several tables that knows a price.

    Its costs are whole micro-dollars, rounded up.
    """

    def __init__(self, tables: Sequence[PriceTable]) -> None:
        self._tables = tables

    def cost(self, used: Consumption) -> Cost | None:
        """The cost, or None when no table knows it."""
        for table in self._tables:
            cost = table.cost(used)
            if cost is not None:
                usd = cost.usd.quantize(MICRO_DOLLAR, ROUND_CEILING)
                return Cost(usd, cost.price_version)
        return None


def _exact(units: float) -> Decimal:
    """As it is written: a float of 0.1 is not billed as 0.1000000000000000055."""
    return Decimal(repr(units))
