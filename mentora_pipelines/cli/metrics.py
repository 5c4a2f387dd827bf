"""`mentora metrics`: the numbers of days, weeks or months, and the pages of a day."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from mentora_pipelines.cli.output import (
    JsonOption,
    print_json,
    print_table,
    print_text,
)
from mentora_pipelines.domain.analytics.daily_metrics import (
    Metrics,
    Period,
    parse_days,
)
from mentora_pipelines.domain.analytics.metric_reports import newest_report
from mentora_pipelines.domain.uploads import parse_creator
from mentora_pipelines.errors import InvalidInput
from mentora_pipelines.providers.analytics import make_report_shelf, open_metrics
from mentora_pipelines.providers.lessons import open_catalogue
from mentora_pipelines.providers.storage import address_of


def metrics(
    *,
    first: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="First day; 30 days by default."),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option("--to", metavar="DATE", help="Last day; yesterday by default."),
    ] = None,
    by: Annotated[Period, typer.Option(help="What to sum up by.")] = Period.DAY,
    creator: Annotated[
        str | None,
        typer.Option(help="This creator's instead of the platform's: mail or id."),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    report: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Where the page of this day lies, instead."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show what students did, by day, week (from Monday) or month, in UTC."""
    if csv and json:
        raise InvalidInput("--csv and --json are two answers: ask for one")
    if report is not None:
        if first or last or csv:
            raise InvalidInput("--report is one page of one day")
        _show_report(report, creator, as_json=json)
        return
    days = parse_days(first, last, now=datetime.now(UTC))
    with open_metrics() as store:
        found = store.metrics(days, by, _creator_id(creator))
    if json:
        print_json({"metrics": [_as_json(row) for row in found]})
    elif csv:
        print_text(_as_csv(found))
    else:
        _print(f"Metrics by {by}, {days.first} to {days.last}", found)


def _show_report(report: str, creator: str | None, *, as_json: bool) -> None:
    day = parse_days(report, report, now=datetime.now(UTC)).first
    page = newest_report(day, _creator_id(creator), shelf=make_report_shelf())
    address = page.url or address_of(page.key)
    if as_json:
        print_json({"key": page.key, "address": address})
    else:
        print_text(address)


def _creator_id(creator: str | None) -> UUID | None:
    if creator is None:
        return None
    with open_catalogue() as catalogue:
        return catalogue.creator_id(parse_creator(creator))


def _as_json(row: Metrics) -> dict[str, object]:
    return {
        **asdict(row),
        "period_start": row.period_start.isoformat(),
        "ai_cost_usd": float(row.ai_cost_usd),
    }


def _as_csv(rows: Sequence[Metrics]) -> str:
    """A line for each period, its names above; a number that is missing is empty."""
    import pandas as pd

    frame = pd.DataFrame([asdict(row) for row in rows], columns=Metrics.__slots__)
    return str(frame.to_csv(index=False, lineterminator="\n"))


def _print(title: str, rows: Sequence[Metrics]) -> None:
    print_table(
        title,
        [
            "from", "days", "active", "sessions", "minutes", "started", "completed",
            "quizzes", "score %", "passed %", "chat", "awards", "new", "processed min",
            "failed", "AI $",
        ],
        [
            [
                row.period_start.isoformat(),
                row.days,
                row.active_students,
                row.sessions,
                round(row.watch_minutes),
                row.lessons_started,
                row.lessons_completed,
                row.quiz_attempts,
                _percent(row.quiz_average_score),
                _percent(row.quiz_pass_rate),
                row.chat_messages,
                row.achievements,
                row.new_students,
                round(row.processing_minutes),
                row.processing_failures,
                float(row.ai_cost_usd),
            ]
            for row in rows
        ],
    )  # fmt: skip


def _percent(share: float | None) -> int | None:
    return None if share is None else round(100 * share)
