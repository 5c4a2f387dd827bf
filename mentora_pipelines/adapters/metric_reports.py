"""Pages of metrics: pandas shapes what SQL has counted, Jinja fills one template.

Here belong what a page shows of the numbers. Not here: counting, or storing pages. A
page holds no script, loads nothing and names creators by id, never by mail address.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from functools import cached_property
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from mentora_pipelines.adapters.svg_charts import bar_chart, line_chart, shown
from mentora_pipelines.domain.analytics.daily_metrics import Metrics
from mentora_pipelines.domain.analytics.metric_reports import (
    MAX_TOLD,
    NOBODY,
    REPORT_DAYS,
    Reach,
)

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Template

TEMPLATE = Path(__file__).with_name("metric_reports.html")

NAMES = {
    "active_students": "Active students",
    "sessions": "Sessions",
    "watch_minutes": "Minutes watched",
    "lessons_started": "Lessons started",
    "lessons_completed": "Lessons completed",
    "quiz_attempts": "Quiz attempts",
    "quiz_average_score": "Average score",
    "quiz_pass_rate": "Pass rate",
    "chat_messages": "Chat messages",
    "achievements": "Achievements",
    "new_students": "New students",
    "processing_minutes": "Minutes processed",
    "processing_failures": "Failed videos",
    "ai_cost_usd": "AI cost, $",
}
SHARES = ("quiz_average_score", "quiz_pass_rate")
CREATOR_COLUMNS = (
    "active_students", "sessions", "watch_minutes", "lessons_completed",
    "quiz_attempts", "quiz_pass_rate", "chat_messages", "new_students", "ai_cost_usd",
)  # fmt: skip
WEEK_COLUMNS = (
    "active_students", "sessions", "watch_minutes", "lessons_started",
    "lessons_completed", "quiz_attempts", "quiz_pass_rate", "chat_messages",
)  # fmt: skip


class HtmlMetricReports:
    """Satisfies `MetricReports`."""

    @cached_property
    def _template(self) -> "Template":
        from jinja2 import Environment

        environment = Environment(autoescape=True, trim_blocks=True)
        return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))

    def render(
        self,
        day: date,
        history: Sequence[Metrics],
        reach: Mapping[UUID | None, Reach],
    ) -> Iterator[tuple[UUID | None, str]]:
        """A page for each creator of that day, then the platform's (None)."""
        import pandas as pd

        frame = pd.DataFrame([asdict(metrics) for metrics in history])
        if frame.empty:
            return
        frame = frame.astype(dict.fromkeys(NAMES, float))
        creators = frame[frame["creator_id"].notna()]
        today = creators[creators["period_start"] == day].sort_values(
            ["watch_minutes", "active_students"], ascending=False
        )
        # The platform's rows have no creator, which groupby would leave out.
        groups = creators.assign(key=creators["creator_id"].astype(str)).groupby("key")
        platform = frame[frame["creator_id"].isna()]
        counted = pd.DatetimeIndex(pd.to_datetime(platform["period_start"]))
        for creator in today["creator_id"]:
            days = _every_day(groups.get_group(str(creator)), day, counted)
            yield (
                creator,
                self._page(
                    f"Creator {creator}",
                    days,
                    reach.get(creator, NOBODY),
                    today.iloc[:0],
                ),
            )
        if (platform["period_start"] == day).any():
            yield (
                None,
                self._page(
                    "Mentora",
                    _every_day(platform, day, counted),
                    reach.get(None, NOBODY),
                    today,
                ),
            )

    def _page(
        self, subject: str, days: "pd.DataFrame", reach: Reach, creators: "pd.DataFrame"
    ) -> str:
        from markupsafe import Markup

        day = days.index[-1].date()
        labels = [f"{moment:%-d %b}" for moment in days.index]
        charts = [
            {"name": NAMES[name], "svg": Markup(_chart(days[name], labels))}  # noqa: S704  (our own SVG, its labels escaped)
            for name in NAMES
            if days[name].fillna(0).any()
        ]
        week = days.iloc[::-1].head(7)
        return self._template.render(
            subject=subject,
            day=day.isoformat(),
            weekday=f"{day:%A}",
            days=len(days),
            malformed=int(days["malformed_events"].iloc[-1]),
            tiles=[
                *(_tile(name, days[name]) for name in NAMES),
                _plain_tile("Active in 7 days", reach.week),
                _plain_tile(f"Active in {REPORT_DAYS} days", reach.four_weeks),
            ],
            charts=charts,
            creators=_cells(creators.head(MAX_TOLD), "creator_id", CREATOR_COLUMNS),
            creator_columns=["Creator", *(NAMES[name] for name in CREATOR_COLUMNS)],
            more=(
                f" (the first {MAX_TOLD} of {len(creators)})"
                if len(creators) > MAX_TOLD
                else ""
            ),
            week=_cells(
                week.assign(day=[f"{moment:%a %-d %b}" for moment in week.index]),
                "day",
                WEEK_COLUMNS,
            ),
            week_columns=["Day", *(NAMES[name] for name in WEEK_COLUMNS)],
        )


def _every_day(
    rows: "pd.DataFrame", day: date, counted: "pd.DatetimeIndex"
) -> "pd.DataFrame":
    """The rows by day without a hole; a day that was not counted has no numbers.

    On a counted day a creator without a row had no event: all but the shares are 0.
    """
    import pandas as pd

    calendar = pd.date_range(end=pd.Timestamp(day), periods=REPORT_DAYS, freq="D")
    by_day = rows.set_index(pd.to_datetime(rows["period_start"]))
    days = by_day.reindex(calendar)
    amounts = [*(name for name in NAMES if name not in SHARES), "malformed_events"]
    quiet = days.index.isin(counted) & days["days"].isna()
    days.loc[quiet, amounts] = 0.0
    return days


def _chart(numbers: "pd.Series[float]", labels: Sequence[str]) -> str:
    values = [float(value) for value in numbers]
    if numbers.name in SHARES:
        return line_chart(labels, values)
    mean = numbers.rolling(7, min_periods=4).mean()
    return bar_chart(labels, values, [float(value) for value in mean])


def _tile(name: str, numbers: "pd.Series[float]") -> dict[str, str]:
    value, before = float(numbers.iloc[-1]), float(numbers.iloc[-8])
    return {
        "name": NAMES[name],
        "value": _cell(name, value),
        "change": _change(name, value, before),
    }


def _plain_tile(name: str, value: int) -> dict[str, str]:
    return {"name": name, "value": shown(value), "change": "students, each once"}


def _change(name: str, value: float, before: float) -> str:
    if isnan(value) or isnan(before):
        return "no week before"
    if name in SHARES:
        return f"{100 * (value - before):+.0f} points in a week"
    if before == 0:
        return "as a week before" if value == 0 else "none a week before"
    return f"{100 * (value / before - 1):+.0f} % in a week"


def _cells(rows: "pd.DataFrame", first: str, columns: Sequence[str]) -> list[list[str]]:
    return [
        [
            str(row[first]),
            *(_cell(name, float(row[name])) for name in columns),
        ]
        for row in rows[[first, *columns]].to_dict("records")
    ]


def _cell(name: str, value: float) -> str:
    if name in SHARES:
        return "–" if isnan(value) else f"{value:.0%}"
    if name == "ai_cost_usd" and not isnan(value):
        return f"{value:,.2f}"
    return shown(value)
