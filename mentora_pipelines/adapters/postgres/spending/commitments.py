"""Commitments: what a creator has used up of a month, and what is set aside.

A reserved call counts at its bound until it is settled. A row of `budget_holds` counts
at what is left of it: the calls that are booked for its video and its operation since
it was made use it up, whatever they come to. Both may come to less.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from psycopg import sql

from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.domain.spending.budgets import Spending, total
from mentora_pipelines.domain.spending.usage import PATIENCE, PlannedCall

# The transaction's time zone is UTC. What was only reserved counts as well.
SELECT_USED = sql.SQL("""
select
    coalesce(sum(cost_usd), 0) as usd,
    coalesce(sum(input_units) filter (
        where operation = 'transcription' and unit = 'seconds'), 0) / 60 as minutes,
    date_trunc('month', now()) as month_start
from ai_usage
where creator_id = %(creator_id)s and created_at >= date_trunc('month', now())
""")

# One statement: a call that is settled between two would count twice, or not at all.
# The hold of a process that died frees the budget as soon as a call that it left open
# is given up.
SELECT_COMMITTED = sql.SQL("""
select 'used', null::uuid, null, usd, minutes from ({used}) as used
union all
select
    'open',
    video_id,
    operation,
    coalesce(sum(cost_usd), 0),
    coalesce(sum(input_units) filter (
        where operation = 'transcription' and unit = 'seconds'), 0) / 60
from ai_usage
where creator_id = %(creator_id)s
  and created_at >= date_trunc('month', now())
  and status = 'reserved'
group by video_id, operation
union all
select
    'held',
    hold.video_id,
    hold.operation,
    greatest(hold.usd - coalesce(sum(call.cost_usd), 0), 0),
    greatest(hold.minutes - coalesce(sum(call.input_units) filter (
        where call.unit = 'seconds'), 0) / 60, 0)
from budget_holds as hold
left join ai_usage as call
    on call.creator_id = hold.creator_id
    and call.video_id = hold.video_id
    and call.operation = hold.operation
    and call.created_at >= hold.held_at
where hold.creator_id = %(creator_id)s
group by hold.id
having greatest(hold.held_at, max(call.created_at)) > now() - %(patience)s
""").format(used=SELECT_USED)

INSERT_HOLD = """
insert into budget_holds (id, creator_id, video_id, operation, usd, minutes)
values (
    %(id)s, %(creator_id)s, %(video_id)s, %(operation)s, %(usd)s, %(minutes)s)
"""

FORGET_HOLD = """
delete from budget_holds where video_id = %(video_id)s and operation = %(operation)s
"""

# Not those that have taken their places.
RELEASE = "delete from budget_holds where id = any(%(ids)s)"


@dataclass(frozen=True, slots=True)
class Step:
    """What a hold is for, and a call belongs to."""

    video_id: UUID | None
    operation: str | None


def step_of(call: PlannedCall) -> Step:
    """The step that makes a call."""
    return Step(call.video_id, call.operation.value)


@dataclass(frozen=True, slots=True)
class Commitments:
    """What is used up, of that what waits for its answer, and what is held beside it.

    `open` and `held` by the step that it is for.
    """

    used: Spending
    open: Mapping[Step, Spending]
    held: Mapping[Step, Spending]

    @property
    def total(self) -> Spending:
        """All that is not free."""
        return self.used + total(self.held.values())

    def beyond(self, asked: Mapping[Step, Spending]) -> Spending:
        """What these steps ask for that they do not hold already."""
        return total(
            spending.beyond(self.held[step]) if step in self.held else spending
            for step, spending in asked.items()
        )

    def without_others(self, steps: Iterable[Step]) -> Spending:
        """What is not free even if the others' open calls and holds come to nothing."""
        steps = set(steps)
        others = total(self.open[step] for step in self.open.keys() - steps)
        own = total(self.held[step] for step in self.held.keys() & steps)
        return self.used - others + own


def commitments(connection: Connection, creator_id: UUID) -> Commitments:
    """Those of a creator in this month."""
    rows = connection.execute(
        SELECT_COMMITTED, {"creator_id": creator_id, "patience": PATIENCE}
    )
    used = Spending()
    by_step: dict[str, dict[Step, Spending]] = {"open": {}, "held": {}}
    for kind, video_id, operation, usd, minutes in rows:
        if kind == "used":
            used = Spending(usd, minutes)
        else:
            by_step[kind][Step(video_id, operation)] = Spending(usd, minutes)
    return Commitments(used, **by_step)


def spending_of_month(
    connection: Connection, creator_id: UUID
) -> tuple[Spending, datetime]:
    """What a creator has used up of this month, and when it began."""
    ((usd, minutes, month_start),) = connection.execute(
        SELECT_USED, {"creator_id": creator_id}
    ).fetchall()
    return Spending(usd, minutes), month_start


def forget_holds(connection: Connection, steps: Iterable[Step]) -> None:
    """End what is held for these steps: they begin anew."""
    for step in steps:
        connection.execute(
            FORGET_HOLD, {"video_id": step.video_id, "operation": step.operation}
        )


def set_aside(
    connection: Connection, creator_id: UUID, asked: Mapping[Step, Spending]
) -> list[UUID]:
    """Hold so much for each step that works on a video; the ids of the holds."""
    hold_ids = []
    for step, spending in asked.items():
        if step.video_id is not None:
            hold_ids.append(uuid4())
            connection.execute(
                INSERT_HOLD,
                {
                    "id": hold_ids[-1],
                    "creator_id": creator_id,
                    "video_id": step.video_id,
                    "operation": step.operation,
                    "usd": spending.usd,
                    "minutes": spending.minutes,
                },
            )
    return hold_ids


def release(connection: Connection, hold_ids: Sequence[UUID]) -> None:
    """End these holds, unless others have taken their places."""
    connection.execute(RELEASE, {"ids": list(hold_ids)})
