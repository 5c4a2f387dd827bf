"""Figures as Prometheus reads them: the text format, version 0.0.4.

All are gauges: they are of the last days, and fall when a day leaves that time.
Source: prometheus.io/docs/instrumenting/exposition_formats
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mentora_pipelines.domain.operations.platform_health import PartState
from mentora_pipelines.domain.operations.stage_timings import (
    Percentiles,
    StageFigures,
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One gauge: its samples are the labels and the value."""

    name: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], float]]


def prometheus_text(
    stages: Sequence[StageFigures],
    parts: Sequence[PartState],
    videos: Mapping[str, int],
    *,
    days: int,
) -> str:
    """Stages of lessons, parts of the platform and videos by status, as text.

    `days`: of how many the stages are.
    """
    in_days = f" in the last {days} days"
    metrics = (
        Metric(
            "mentora_stage_seconds",
            f"Seconds that a stage of a lesson, or a part of it, took{in_days}.",
            [s for each in stages for s in _quantiles(each, each.seconds)],
        ),
        Metric(
            "mentora_stage_seconds_spent",
            f"Seconds that all its tries took that succeeded{in_days}.",
            [(_labels(each), each.total_s) for each in stages],
        ),
        Metric(
            "mentora_stage_successes",
            f"Tries of a stage, or of a part of it, that succeeded{in_days}.",
            [(_labels(each), each.runs - each.failures) for each in stages],
        ),
        Metric(
            "mentora_stage_seconds_per_minute",
            f"Seconds that a stage took per minute of video{in_days}.",
            [s for each in stages for s in _quantiles(each, each.per_minute)],
        ),
        Metric(
            "mentora_stage_failures",
            f"Tries of a stage that failed{in_days}.",
            [
                ({"stage": each.stage}, each.failures)
                for each in stages
                if each.part is None
            ],
        ),
        Metric(
            "mentora_part_is_well",
            "Whether a part of the platform counts as well (1) or not (0).",
            [({"part": each.part}, float(not each.is_alarmed)) for each in parts],
        ),
        Metric(
            "mentora_part_value",
            "What was counted of a part of the platform at the last look.",
            [
                ({"part": each.part}, each.value)
                for each in parts
                if each.value is not None
            ],
        ),
        Metric(
            "mentora_videos",
            "Videos by status.",
            [({"status": name}, count) for name, count in sorted(videos.items())],
        ),
    )
    return "".join(_lines(metrics))


def _quantiles(
    figures: StageFigures, percentiles: Percentiles | None
) -> Iterator[tuple[Mapping[str, str], float]]:
    if percentiles is not None:
        for quantile, value in (
            ("0.5", percentiles.p50),
            ("0.95", percentiles.p95),
            ("0.99", percentiles.p99),
        ):
            yield {**_labels(figures), "quantile": quantile}, value


def _labels(figures: StageFigures) -> dict[str, str]:
    return {"stage": figures.stage, "part": figures.part or ""}


def _lines(metrics: Iterable[Metric]) -> Iterator[str]:
    for metric in metrics:
        if metric.samples:
            yield f"# HELP {metric.name} {metric.help}\n"
            yield f"# TYPE {metric.name} gauge\n"
        for labels, value in metric.samples:
            inside = ",".join(f'{name}="{_escaped(v)}"' for name, v in labels.items())
            yield f"{metric.name}{{{inside}}} {value:.9g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
