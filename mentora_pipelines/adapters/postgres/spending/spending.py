"""Budgets, the bill, and calls that nobody answered: across creators, as admin."""

from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from psycopg import sql
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.adapters.postgres.quizzes.paid_answers import ANSWER_GOOD_FOR
from mentora_pipelines.adapters.postgres.spending.commitments import spending_of_month
from mentora_pipelines.domain.analytics.daily_metrics import DAY, DayRange
from mentora_pipelines.domain.spending.bills import BillBy, BillLine
from mentora_pipelines.domain.spending.budgets import Budget, MonthlyBudget
from mentora_pipelines.errors import NotFound

SELECT_BUDGET = """
select creators.id, budgets.limit_usd, budgets.limit_minutes
from creators
left join budgets on budgets.creator_id = creators.id
where creators.id = %(creator_id)s
"""

UPSERT_BUDGET = """
insert into budgets (creator_id, limit_usd, limit_minutes)
values (%(creator_id)s, %(limit_usd)s, %(limit_minutes)s)
on conflict (creator_id) do update
set limit_usd = excluded.limit_usd, limit_minutes = excluded.limit_minutes
"""

GIVE_UP = """
update ai_usage set status = 'failed', settled_at = now()
where status = 'reserved' and created_at < now() - %(patience)s
"""

# No run lasts so long; long before, it counts no more (see `commitments`).
FORGET_HOLDS = "delete from budget_holds where held_at < now() - interval '1 day'"

# About quizzes that were never finished, or finished just before a crash.
FORGET_ANSWERS = sql.SQL(
    "delete from paid_answers where created_at < now() - {good_for}"
).format(good_for=ANSWER_GOOD_FOR)

# The transaction's time zone is UTC.
GROUPS: dict[BillBy, LiteralString] = {
    BillBy.OPERATION: "call.operation",
    BillBy.MODEL: "call.provider || '/' || call.model",
    BillBy.CREATOR: "creator.email",
    BillBy.VIDEO: "call.video_id::text",
    BillBy.DAY: "to_char(call.created_at, 'YYYY-MM-DD')",
    BillBy.MONTH: "to_char(call.created_at, 'YYYY-MM')",
}

SELECT_BILL: LiteralString = """
select
    {of} as of,
    count(*) as calls,
    count(*) filter (where call.status = 'reserved') as reserved,
    count(*) filter (where call.status = 'failed') as failed,
    coalesce(sum(call.input_units) filter (where call.unit = 'seconds'), 0) as audio_s,
    coalesce(sum(call.input_units) filter (where call.unit = 'tokens'), 0)
        as input_tokens,
    coalesce(sum(call.output_units) filter (where call.unit = 'tokens'), 0)
        as output_tokens,
    coalesce(sum(call.cost_usd), 0) as cost_usd,
    count(*) filter (where call.cost_usd is null) as unpriced
from ai_usage as call
left join creators as creator on creator.id = call.creator_id
where call.created_at >= %(starts)s and call.created_at < %(ends)s
  and (%(creator_id)s::uuid is null or call.creator_id = %(creator_id)s)
group by 1
order by 1 nulls first
"""


class SpendingRows(Rows):
    """Satisfies `Budgets`, `Bills` and `UnansweredCalls`, as the admin role."""

    def monthly(self, creator_id: UUID) -> MonthlyBudget:
        """A creator's budget of this month; raises `NotFound`."""
        with self._database.transaction() as connection:
            row = connection.execute(
                SELECT_BUDGET, {"creator_id": creator_id}
            ).fetchone()
            if row is None:
                raise NotFound(f"there is no creator {creator_id}")
            used, month_start = spending_of_month(connection, creator_id)
        _, limit_usd, limit_minutes = row
        return MonthlyBudget(
            creator_id, Budget(limit_usd, limit_minutes), used, month_start
        )

    def set_budget(self, creator_id: UUID, budget: Budget) -> None:
        """Set both limits from now on; raises `NotFound`."""
        with self._database.transaction() as connection:
            try:
                connection.execute(
                    UPSERT_BUDGET,
                    {
                        "creator_id": creator_id,
                        "limit_usd": budget.limit_usd,
                        "limit_minutes": budget.limit_minutes,
                    },
                )
            except ForeignKeyViolation:
                raise NotFound(f"there is no creator {creator_id}") from None

    def bill(
        self, days: DayRange, by: BillBy, creator_id: UUID | None
    ) -> list[BillLine]:
        """The lines for those UTC days in the order of `of`; None: of everybody."""
        statement = sql.SQL(SELECT_BILL).format(of=sql.SQL(GROUPS[by]))
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(BillLine)) as cursor,
        ):
            return cursor.execute(
                statement,
                {
                    "starts": days.first,
                    "ends": days.last + DAY,
                    "creator_id": creator_id,
                },
            ).fetchall()

    def give_up(self, patience: timedelta) -> int:
        """Book calls reserved longer ago than `patience` as failed, at their bound."""
        with self._database.transaction() as connection:
            connection.execute(FORGET_HOLDS)
            connection.execute(FORGET_ANSWERS)
            return connection.execute(GIVE_UP, {"patience": patience}).rowcount
