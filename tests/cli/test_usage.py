"""What the command says of money."""

from decimal import Decimal
from uuid import uuid4

import pytest

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.cli.usage import parse_minutes, parse_usd
from mentora_pipelines.domain.spending.usage import Operation, PlannedCall, Unit
from mentora_pipelines.errors import InvalidInput
from mentora_pipelines.providers.spending import open_usage_ledgers
from tests.fix_commands import Mentora
from tests.stored_lessons import register

EMBEDDING = PlannedCall(
    "openai", "text-embedding-3-small", Operation.EMBEDDING, Unit.TOKENS, 10**6
)


def test_a_budget_is_set_and_what_is_used_up_of_it_is_shown(
    mentora: Mentora, catalogue: PostgresCatalogue
) -> None:
    """Else nobody can limit a creator, or see why one was refused."""
    creator = f"{uuid4()}@tests.example"
    video = register(catalogue, creator)
    answer = mentora("budget", "set", creator, "--usd", "5", "--minutes", "0", "--json")
    assert answer.code == 0
    with open_usage_ledgers() as ledgers:
        ledger = ledgers.of(video.creator_id)
        ledger.settle(ledger.reserve(EMBEDDING), 500_000, 0)
        ledger.reserve(EMBEDDING)
    # What is not named stays.
    lifted = mentora("budget", "set", creator, "--minutes", "none", "--json").json
    assert lifted.pop("month")
    assert lifted == {
        "creator_id": str(video.creator_id), "limit_usd": 5, "used_usd": 0.03,
        "limit_minutes": None, "used_minutes": 0,
    }  # fmt: skip
    assert mentora("budget", "set", creator).code == 2

    bill = mentora("usage", "--creator", creator, "--by", "model", "--json").json
    assert bill["cost_usd"] == 0.03
    assert bill["usage"] == [
        {
            "of": "openai/text-embedding-3-small", "calls": 2, "reserved": 1,
            "failed": 0, "audio_s": 0, "input_tokens": 1_500_000, "output_tokens": 0,
            "cost_usd": 0.03, "unpriced": 0,
        }
    ]  # fmt: skip


def test_a_limit_is_an_amount_or_none() -> None:
    """Else a typing error lifts a limit."""
    assert parse_usd("2.50") == Decimal("2.5")
    assert parse_minutes("90") == 90
    assert parse_usd("none") is None
    assert parse_minutes("none") is None
    for text in ("", "-1", "nan", "inf", "5$", "1e9"):
        with pytest.raises(InvalidInput):
            parse_usd(text)
    for text in ("", "-1", "nan", "inf", "1:30"):
        with pytest.raises(InvalidInput):
            parse_minutes(text)
