"""Calls to providers that nobody will answer any more, on the real database."""

import dagster as dg

from mentora_pipelines.domain.spending.usage import Operation, PlannedCall, Unit
from mentora_pipelines.providers.spending import open_spending, open_usage_ledgers
from sensors.unanswered_calls import unanswered_calls
from tests.fix_runs import Connection

LATER = """
update ai_usage set created_at = created_at - interval '61 minutes' where id = %(id)s
"""

STATUS = "select status, cost_usd from ai_usage where id = %(id)s"


def test_a_call_of_a_killed_process_is_given_up_with_what_it_may_have_cost(
    admin: Connection,
) -> None:
    """Else each killed run leaves a call open, and its day's cost never counts."""
    call = PlannedCall(
        "openai",
        "text-embedding-3-small",
        Operation.EMBEDDING,
        Unit.TOKENS,
        10**6,
    )
    with open_usage_ledgers() as ledgers, open_spending() as spending:
        usage_id = ledgers.of(None).reserve(call)
        context = dg.build_sensor_context(resources={"spending": spending})
        young = unanswered_calls(context)
        admin.execute(LATER, {"id": usage_id})
        old = unanswered_calls(context)
    assert isinstance(young, dg.SkipReason)
    assert isinstance(old, dg.SkipReason)
    assert young.skip_message == "0 calls were given up"
    assert old.skip_message == "1 calls were given up"
    ((status, cost),) = admin.execute(STATUS, {"id": usage_id}).fetchall()
    assert (status, float(str(cost))) == ("failed", 0.02)
