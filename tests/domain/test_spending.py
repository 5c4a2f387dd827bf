"""What calls cost, and what fits into a budget."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from mentora_pipelines.adapters.price_table import GenaiPrices
from mentora_pipelines.domain.spending.budgets import (
    Budget,
    Spending,
    asked_for,
    refusal,
)
from mentora_pipelines.domain.spending.prices import (
    LOCAL,
    Consumption,
    Cost,
    LocalPrices,
    ModelPrice,
    OwnPrices,
    PriceBook,
)
from mentora_pipelines.domain.spending.usage import Operation, PlannedCall, Unit

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
TOKENS = Consumption("openai", "text-embedding-3-small", Unit.TOKENS, 1000, 0, JUNE)
SOUND = Consumption("openai", "whisper-1", Unit.SECONDS, 90, 0, JUNE)


@pytest.mark.parametrize(
    ("used", "usd"),
    [
        (TOKENS, "0.00002"),
        (SOUND, "0.009"),
        (replace(TOKENS, input_units=0), "0"),
        (
            Consumption("anthropic", "claude-sonnet-4-5", Unit.TOKENS, 2000, 500, JUNE),
            "0.0135",
        ),
    ],
)
def test_a_published_price_is_known_offline_with_its_version(
    used: Consumption, usd: str
) -> None:
    """Else the ledger holds units, and nobody knows the bill before it comes."""
    prices = GenaiPrices()
    cost = prices.cost(used)
    assert cost == Cost(Decimal(usd), prices.version)
    assert prices.version.startswith("genai-prices ")


@pytest.mark.parametrize(
    "used",
    [
        replace(TOKENS, model="text-embedding-9-vast"),
        replace(TOKENS, provider="openai-compatible"),
        replace(TOKENS, unit=Unit.SECONDS),
        replace(TOKENS, output_units=1),
        replace(SOUND, unit=Unit.TOKENS),
        replace(SOUND, provider="gpu-in-the-cellar"),
    ],
)
def test_a_price_that_nobody_has_published_is_unknown_and_not_zero(
    used: Consumption,
) -> None:
    """Else a model without a price looks free, and passes every budget unseen."""
    assert GenaiPrices().cost(used) is None


def test_a_new_price_does_not_change_what_was_paid_before_it() -> None:
    """Else last month's bill grows after it was paid."""
    before = Consumption("openai", "o3", Unit.TOKENS, 10**6, 0, JUNE.replace(year=2025))
    old = GenaiPrices().cost(before)
    new = GenaiPrices().cost(replace(before, at=JUNE))
    assert old is not None
    assert new is not None
    assert old.usd == 10
    assert new.usd == 2


def test_own_prices_come_before_published_ones() -> None:
    """Else a contract, or a server of one's own, is booked at the list price."""
    own = OwnPrices({"openai/whisper-1": ModelPrice(per_minute=Decimal(2))}, "own 1")
    book = PriceBook((LocalPrices(), own, GenaiPrices()))
    assert book.cost(SOUND) == Cost(Decimal(3), "own 1")
    assert book.cost(replace(SOUND, provider=LOCAL)) == Cost(Decimal(0), LOCAL)
    known = book.cost(TOKENS)
    assert known is not None
    assert known.price_version.startswith("genai-prices ")
    # Only a price of tokens is set: what it costs by the minute is not known.
    half = OwnPrices({"x/y": ModelPrice(input_per_million=Decimal(1))}, "own 2")
    spoken = replace(SOUND, provider="x", model="y")
    assert half.cost(spoken) is None
    assert half.cost(replace(spoken, unit=Unit.TOKENS)) == Cost(
        Decimal("0.00009"), "own 2"
    )


def test_a_small_call_is_never_booked_as_nothing() -> None:
    """Else a million searches cost nothing in the ledger and dollars on the bill."""
    cost = PriceBook((GenaiPrices(),)).cost(replace(TOKENS, input_units=3))
    assert cost is not None
    assert cost.usd == Decimal("0.000001")


HEARD = PlannedCall(LOCAL, "tiny.en", Operation.TRANSCRIPTION, Unit.SECONDS, 600)


def test_minutes_are_counted_whoever_listens_and_dollars_where_known() -> None:
    """Else a creator's minutes are unlimited as soon as they cost no money."""
    assert asked_for(HEARD, Cost(Decimal(0), LOCAL)) == Spending(Decimal(0), 10.0)
    assert asked_for(replace(HEARD, provider="x"), None) == Spending(Decimal(0), 10.0)
    read = replace(HEARD, operation=Operation.EMBEDDING, unit=Unit.TOKENS)
    assert asked_for(read, Cost(Decimal(1), "t")) == Spending(Decimal(1), 0.0)


@pytest.mark.parametrize(
    ("used", "asked", "fits"),
    [
        (Spending(Decimal(4)), Spending(Decimal(1)), True),
        (Spending(Decimal(4)), Spending(Decimal("1.000001")), False),
        (Spending(minutes=50), Spending(minutes=10), True),
        (Spending(minutes=50), Spending(minutes=10 + 1e-9), True),
        (Spending(minutes=50), Spending(minutes=10.1), False),
        # Used up, by a lower limit than before: what is free goes on.
        (Spending(Decimal(9)), Spending(minutes=1), True),
        (Spending(minutes=99), Spending(Decimal(1)), True),
        (Spending(Decimal(9)), Spending(Decimal("0.000001")), False),
    ],
)
def test_what_fits_exactly_passes_and_no_more(
    used: Spending, asked: Spending, fits: bool
) -> None:
    """Else a lesson is refused that was paid for, or one passes that was not."""
    budget = Budget(Decimal(5), 60)
    assert (refusal(budget, used, asked) is None) == fits


@pytest.mark.parametrize(
    ("held", "asked", "beyond"),
    [
        (Spending(Decimal(1), 10), Spending(Decimal("0.4"), 4), Spending()),
        (Spending(Decimal(1), 10), Spending(Decimal("1.00001"), 10), Spending()),
        (
            Spending(Decimal(1)),
            Spending(Decimal("1.5"), 4),
            Spending(Decimal("0.5"), 4),
        ),
        (Spending(), Spending(Decimal("0.00001")), Spending()),
    ],
)
def test_what_is_set_aside_is_not_asked_of_the_budget_again(
    held: Spending, asked: Spending, beyond: Spending
) -> None:
    """Else a lesson is refused for want of what it holds, or of rounded cents."""
    assert asked.beyond(held) == beyond


def test_a_limit_of_nothing_lets_nothing_pass_and_none_lets_all() -> None:
    """Else nobody can be stopped, or everybody is."""
    lots = Spending(Decimal(10**6), 10**6)
    assert refusal(Budget(), Spending(), lots) is None
    assert refusal(Budget(limit_usd=Decimal(0)), Spending(), lots) is not None
    assert refusal(Budget(limit_minutes=0), Spending(), lots) is not None
