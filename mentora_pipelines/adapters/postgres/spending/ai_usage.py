"""Rows of `ai_usage`: each call reserved before it and settled after it.

A creator's calls are booked as the app role, under row-level security; those of the
platform, which no creator sees, as the admin role. A budget is checked and the call
reserved in one transaction that holds the creator's turn, so that of two calls that do
not both fit one is refused. A reserved call counts at its bound until it is settled,
and a hold at what is left of it: the calls that are booked under it use it up.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

from mentora_pipelines.adapters.postgres.database import Connection, Database, Rows
from mentora_pipelines.adapters.postgres.spending.commitments import (
    Step,
    commitments,
    forget_holds,
    release,
    set_aside,
    step_of,
)
from mentora_pipelines.domain.spending.budgets import (
    Budget,
    Spending,
    asked_for,
    refusal,
)
from mentora_pipelines.domain.spending.prices import Consumption, Cost, PriceTable
from mentora_pipelines.domain.spending.usage import PlannedCall, Unit
from mentora_pipelines.errors import MentoraError, OverBudget, SetAside

SELECT_BUDGET = """
select now(), budget.limit_usd, budget.limit_minutes
from (values (%(creator_id)s::uuid)) as payer (creator_id)
left join budgets as budget on budget.creator_id = payer.creator_id
"""

# The app role may not lock a row of `budgets`, which it does not change. Two creators
# whose ids have the same hash wait for each other and no more.
TAKE_TURN = "select pg_advisory_xact_lock(hashtextextended('ai_usage ' || %(id)s, 0))"

INSERT_CALL = """
insert into ai_usage (
    id, creator_id, video_id, provider, model, operation, unit, input_units,
    output_units, cost_usd, price_version)
values (
    %(id)s, %(creator_id)s, %(video_id)s, %(provider)s, %(model)s, %(operation)s,
    %(unit)s, %(input_units)s, %(output_units)s, %(cost_usd)s, %(price_version)s)
"""

# An answer that comes after the call was given up is still the truth about it.
SELECT_CALL = """
select provider, model, unit, created_at
from ai_usage
where id = %(id)s
  and (status = 'reserved' or (status = 'failed' and %(is_answered)s))
for update
"""

BOOK = """
update ai_usage
set status = case when %(is_answered)s then 'settled' else 'failed' end,
    settled_at = now(),
    input_units = %(input_units)s,
    output_units = %(output_units)s,
    cost_usd = %(cost_usd)s,
    price_version = %(price_version)s
where id = %(id)s
"""


class PostgresUsageLedger(Rows):
    """Satisfies `UsageLedger` for one creator, or for the platform."""

    def __init__(
        self, database: Database, creator_id: UUID | None, prices: PriceTable
    ) -> None:
        super().__init__(database)
        self._creator_id = creator_id
        self._prices = prices

    def reserve(self, call: PlannedCall) -> UUID:
        """Book a call at its bound; `OverBudget` or `SetAside` when it does not fit."""
        usage_id = uuid4()
        with self._database.transaction(self._creator_id) as connection:
            now, budget = self._budget(connection)
            cost = self._cost(call, now)
            asked = {step_of(call): asked_for(call, cost)}
            self._refuse(connection, budget, asked, in_turn=True)
            connection.execute(
                INSERT_CALL,
                {
                    "id": usage_id,
                    "creator_id": self._creator_id,
                    "video_id": call.video_id,
                    "provider": call.provider,
                    "model": call.model,
                    "operation": call.operation.value,
                    "unit": call.unit.value,
                    "input_units": call.input_units,
                    "output_units": call.output_units,
                    **_priced(cost),
                },
            )
        return usage_id

    def settle(self, usage_id: UUID, input_units: float, output_units: float) -> None:
        """Book what an answered call has used up; again changes nothing."""
        self._book(usage_id, input_units, output_units, is_answered=True)

    def fail(
        self, usage_id: UUID, input_units: float = 0.0, output_units: float = 0.0
    ) -> None:
        """Book that a call came to nothing; one that is booked already stays."""
        self._book(usage_id, input_units, output_units, is_answered=False)

    def check(self, calls: Sequence[PlannedCall]) -> None:
        """Raise `OverBudget` or `SetAside` when these do not fit together."""
        with self._database.transaction(self._creator_id) as connection:
            now, budget = self._budget(connection)
            asked = self._asked(calls, now)
            self._refuse(connection, budget, asked, in_turn=False)

    @contextmanager
    def hold(self, calls: Sequence[PlannedCall]) -> Iterator[None]:
        """While it lasts, what these take is set aside for their video and operation.

        Raises `OverBudget` or `SetAside` when they do not fit together.
        """
        hold_ids = self._set_aside(calls)
        try:
            yield
        finally:
            self._release(hold_ids)

    def _budget(self, connection: Connection) -> tuple[datetime, Budget]:
        ((now, limit_usd, limit_minutes),) = connection.execute(
            SELECT_BUDGET, {"creator_id": self._creator_id}
        ).fetchall()
        return now, Budget(limit_usd, limit_minutes)

    def _set_aside(self, calls: Sequence[PlannedCall]) -> list[UUID]:
        """The ids of the holds; none where nothing limits the payer."""
        with self._database.transaction(self._creator_id) as connection:
            now, budget = self._budget(connection)
            if self._creator_id is None or not budget.limits:
                return []
            asked = self._asked(calls, now)
            self._take_turn(connection)
            forget_holds(connection, asked)
            self._refuse(connection, budget, asked, in_turn=False)
            return set_aside(connection, self._creator_id, asked)

    def _release(self, hold_ids: Sequence[UUID]) -> None:
        # One that cannot be ended runs out by itself.
        with suppress(MentoraError):
            if hold_ids:
                with self._database.transaction(self._creator_id) as connection:
                    release(connection, hold_ids)

    def _asked(
        self, calls: Sequence[PlannedCall], now: datetime
    ) -> dict[Step, Spending]:
        asked: dict[Step, Spending] = {}
        for call in calls:
            spending = asked_for(call, self._cost(call, now))
            asked[step_of(call)] = asked.get(step_of(call), Spending()) + spending
        return asked

    def _take_turn(self, connection: Connection) -> None:
        connection.execute(TAKE_TURN, {"id": str(self._creator_id)})

    def _refuse(
        self,
        connection: Connection,
        budget: Budget,
        asked: Mapping[Step, Spending],
        *,
        in_turn: bool,
    ) -> None:
        """Raise unless what is asked for beyond the holds fits.

        `SetAside` where it would, if others took less than they hold or asked for.
        """
        if self._creator_id is None or not budget.limits:
            return
        if in_turn:
            self._take_turn(connection)
        # A statement of its own: it sees what was committed while this one waited.
        known = commitments(connection, self._creator_id)
        beyond = known.beyond(asked)
        reason = refusal(budget, known.without_others(asked), beyond)
        if reason is not None:
            raise OverBudget(reason)
        reason = refusal(budget, known.total, beyond)
        if reason is not None:
            raise SetAside(f"{reason}: other steps hold a part of it")

    def _book(
        self,
        usage_id: UUID,
        input_units: float,
        output_units: float,
        *,
        is_answered: bool,
    ) -> None:
        with self._database.transaction(self._creator_id) as connection:
            row = connection.execute(
                SELECT_CALL, {"id": usage_id, "is_answered": is_answered}
            ).fetchone()
            if row is None:
                return
            provider, model, unit, created_at = row
            cost = self._prices.cost(
                Consumption(
                    provider, model, Unit(unit), input_units, output_units, created_at
                )
            )
            connection.execute(
                BOOK,
                {
                    "id": usage_id,
                    "is_answered": is_answered,
                    "input_units": input_units,
                    "output_units": output_units,
                    **_priced(cost),
                },
            )

    def _cost(self, call: PlannedCall, now: datetime) -> Cost | None:
        return self._prices.cost(
            Consumption(
                call.provider,
                call.model,
                call.unit,
                call.input_units,
                call.output_units,
                now,
            )
        )


class PostgresUsageLedgers:
    """Satisfies `UsageLedgers`: creators' as the app role, the platform's as admin."""

    def __init__(self, app: Database, admin: Database, prices: PriceTable) -> None:
        self._app = app
        self._admin = admin
        self._prices = prices

    def of(self, creator_id: UUID | None) -> PostgresUsageLedger:
        """The ledger of a creator; that of the platform for None."""
        database = self._admin if creator_id is None else self._app
        return PostgresUsageLedger(database, creator_id, self._prices)


def _priced(cost: Cost | None) -> dict[str, Decimal | str | None]:
    if cost is None:
        return {"cost_usd": None, "price_version": None}
    return {"cost_usd": cost.usd, "price_version": cost.price_version}
