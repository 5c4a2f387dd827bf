"""`mentora status --timings` and `--prometheus`: what stages took."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from mentora_pipelines.adapters.prometheus_text import prometheus_text
from mentora_pipelines.cli.output import print_json, print_table, print_text
from mentora_pipelines.domain.operations.stage_timings import (
    Percentiles,
    StageFigures,
)
from mentora_pipelines.providers.platform_health import open_platform_ledger


def show_timings(days: int, *, json: bool) -> None:
    """Percentiles of each stage of lessons, and per minute of video."""
    with open_platform_ledger() as ledger:
        figures = ledger.stage_figures(timedelta(days=days))
    if json:
        print_json({"days": days, "timings": [asdict(each) for each in figures]})
    else:
        _print(f"Seconds per stage, the last {days} days", figures)


def show_prometheus(days: int) -> None:
    """The same and the state of the platform, for a file that Prometheus reads."""
    with open_platform_ledger() as ledger:
        text = prometheus_text(
            ledger.stage_figures(timedelta(days=days)),
            ledger.states(),
            ledger.video_counts(),
            days=days,
        )
    print_text(text)


def _print(title: str, figures: Sequence[StageFigures]) -> None:
    print_table(
        title,
        [
            "stage", "runs", "failed", "p50", "p95", "p99",
            "p50/min", "p95/min", "p99/min", "all",
        ],
        [
            [
                each.stage if each.part is None else f"  · {each.part}",
                each.runs,
                each.failures,
                *_cells(each.seconds),
                *_cells(each.per_minute),
                f"{each.total_s:.1f}",
            ]
            for each in figures
        ],
    )  # fmt: skip


def _cells(percentiles: Percentiles | None) -> list[object]:
    if percentiles is None:
        return [None, None, None]
    return [f"{p:.3f}" for p in (percentiles.p50, percentiles.p95, percentiles.p99)]
