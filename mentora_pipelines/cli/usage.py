"""`mentora usage` and `mentora budget`: what providers were paid, and what they may."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Annotated
from uuid import UUID

import typer

from mentora_pipelines.cli.output import JsonOption, print_json, print_table
from mentora_pipelines.domain.analytics.daily_metrics import DayRange, parse_days
from mentora_pipelines.domain.spending.bills import BillBy, BillLine
from mentora_pipelines.domain.spending.budgets import Budget, MonthlyBudget
from mentora_pipelines.domain.uploads import parse_creator
from mentora_pipelines.errors import InvalidInput
from mentora_pipelines.providers.lessons import open_catalogue
from mentora_pipelines.providers.spending import open_spending

NO_LIMIT_WORD = "none"

MAX_USD = Decimal(1_000_000)
"""Six digits before the point are what a row holds."""

app = typer.Typer(
    help="What a creator may use up in a month.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

CreatorArgument = Annotated[
    str, typer.Argument(metavar="CREATOR", help="Mail address or id.")
]


def usage(
    *,
    creator: Annotated[
        str | None, typer.Option(help="Only this creator's calls: mail or id.")
    ] = None,
    first: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="First day; this month's first."),
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last day; today.")
    ] = None,
    by: Annotated[BillBy, typer.Option(help="What to sum up by.")] = BillBy.OPERATION,
    json: JsonOption = False,
) -> None:
    """Show what providers were asked for and what it cost, in UTC days."""
    today = datetime.now(UTC).date()
    days = parse_days(
        first or today.replace(day=1).isoformat(),
        last or today.isoformat(),
        now=datetime.now(UTC),
    )
    creator_id = None if creator is None else _creator_id(creator)
    with open_spending() as spending:
        lines = spending.bill(days, by, creator_id)
    if json:
        print_json(_as_json(days, by, lines))
    else:
        _print(days, by, lines)


@app.callback()
def _budget() -> None:
    """What a creator may use up in a month."""


@app.command("set")
def set_budget(
    creator: CreatorArgument,
    usd: Annotated[
        str | None, typer.Option(help="US dollars a month, or none.")
    ] = None,
    minutes: Annotated[
        str | None, typer.Option(help="Minutes of sound heard a month, or none.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Set limits of a month from now on; one that is not named stays."""
    if usd is None and minutes is None:
        raise InvalidInput("name a limit: --usd, --minutes or both")
    creator_id = _creator_id(creator)
    with open_spending() as spending:
        now = spending.monthly(creator_id).budget
        spending.set_budget(
            creator_id,
            Budget(
                now.limit_usd if usd is None else parse_usd(usd),
                now.limit_minutes if minutes is None else parse_minutes(minutes),
            ),
        )
        _show(creator, spending.monthly(creator_id), json=json)


@app.command()
def show(creator: CreatorArgument, json: JsonOption = False) -> None:
    """Show a creator's limits, and what of them is used up this month."""
    creator_id = _creator_id(creator)
    with open_spending() as spending:
        _show(creator, spending.monthly(creator_id), json=json)


def parse_usd(text: str) -> Decimal | None:
    """Dollars, None for `none`; raises `InvalidInput`."""
    if text == NO_LIMIT_WORD:
        return None
    try:
        usd = Decimal(text)
    except InvalidOperation:
        usd = Decimal("nan")
    if not (usd.is_finite() and 0 <= usd < MAX_USD):
        raise InvalidInput(f"--usd: {text!r} is no amount, nor `{NO_LIMIT_WORD}`")
    return usd


def parse_minutes(text: str) -> float | None:
    """Minutes, None for `none`; raises `InvalidInput`."""
    if text == NO_LIMIT_WORD:
        return None
    try:
        minutes = float(text)
    except ValueError:
        minutes = float("nan")
    if not (isfinite(minutes) and minutes >= 0):
        raise InvalidInput(f"--minutes: {text!r} is no number, nor `{NO_LIMIT_WORD}`")
    return minutes


def _creator_id(creator: str) -> UUID:
    with open_catalogue() as catalogue:
        return catalogue.creator_id(parse_creator(creator))


def _as_json(
    days: DayRange, by: BillBy, lines: Sequence[BillLine]
) -> dict[str, object]:
    return {
        "from": days.first.isoformat(),
        "to": days.last.isoformat(),
        "by": by,
        "usage": [{**asdict(line), "cost_usd": float(line.cost_usd)} for line in lines],
        "cost_usd": float(sum((line.cost_usd for line in lines), Decimal(0))),
        "unpriced": sum(line.unpriced for line in lines),
    }


def _print(days: DayRange, by: BillBy, lines: Sequence[BillLine]) -> None:
    print_table(
        f"Calls to providers by {by}, {days.first} to {days.last}",
        [
            by, "calls", "open", "failed", "audio min", "tokens in", "tokens out",
            "cost $", "no price",
        ],
        [
            [
                line.of,
                line.calls,
                line.reserved,
                line.failed,
                line.audio_s / 60,
                round(line.input_tokens),
                round(line.output_tokens),
                str(line.cost_usd),
                line.unpriced,
            ]
            for line in lines
        ],
    )  # fmt: skip


def _show(creator: str, monthly: MonthlyBudget, *, json: bool) -> None:
    budget, used = monthly.budget, monthly.used
    if json:
        print_json(
            {
                "creator_id": monthly.creator_id,
                "month": f"{monthly.month_start:%Y-%m}",
                "limit_usd": None
                if budget.limit_usd is None
                else float(budget.limit_usd),
                "used_usd": float(used.usd),
                "limit_minutes": budget.limit_minutes,
                "used_minutes": used.minutes,
            }
        )
        return
    print_table(
        f"Budget of {creator}, {monthly.month_start:%B %Y} (UTC)",
        ["", "used", "of"],
        [
            ["US dollars", str(used.usd), _limit(budget.limit_usd)],
            [
                "minutes",
                round(used.minutes, 1),
                _limit(budget.limit_minutes),
            ],
        ],
    )


def _limit(limit: Decimal | float | None) -> str:
    return "no limit" if limit is None else f"{limit:.6f}".rstrip("0").rstrip(".")
