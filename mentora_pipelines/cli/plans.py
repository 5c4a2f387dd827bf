"""`mentora plan`: what processing would ask of providers, before it is asked."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.cli.output import (
    JsonOption,
    print_json,
    print_table,
    print_text,
    say,
)
from mentora_pipelines.domain.events.payloads import MAX_QUESTIONS
from mentora_pipelines.domain.paging import MAX_LIMIT
from mentora_pipelines.domain.quizzes.quizzes import DEFAULT_QUESTION_COUNT
from mentora_pipelines.domain.spending.plans import (
    LessonPlan,
    Stage,
    plan_lesson,
    plan_reembedding,
)
from mentora_pipelines.domain.spending.prices import PriceTable
from mentora_pipelines.domain.spending.totals import Total, total_of
from mentora_pipelines.domain.spending.usage import PlannedCall, UsageLedgers
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import InvalidInput, OverBudget, SetAside
from mentora_pipelines.providers.lesson_services import open_lesson_services
from mentora_pipelines.providers.lessons import open_catalogue, open_lessons
from mentora_pipelines.providers.models import make_text_model
from mentora_pipelines.providers.spending import make_price_table, open_usage_ledgers

TOLD_EACH = 100
"""Videos between two lines of progress."""


def plan(
    *,
    videos: Annotated[
        list[UUID] | None, typer.Argument(metavar="[VIDEO…]", help="Ids of videos.")
    ] = None,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Every video; what is finished is free.")
    ] = False,
    reembed: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Vectors of another model for the chunks of every finished lesson.",
        ),
    ] = None,
    questions: Annotated[
        int, typer.Option(min=1, max=MAX_QUESTIONS, help="Questions of a quiz.")
    ] = DEFAULT_QUESTION_COUNT,
    json: JsonOption = False,
) -> None:
    """Say what processing would take, and cost, before anything is spent."""
    if sum((bool(videos), backfill, reembed is not None)) != 1:
        raise InvalidInput("name videos, or say --backfill, or --reembed MODEL")
    with ExitStack() as stack:
        catalogue = stack.enter_context(open_catalogue())
        lessons = stack.enter_context(open_lessons())
        ledgers = stack.enter_context(open_usage_ledgers())
        chosen = (
            (catalogue.video(video_id) for video_id in videos)
            if videos
            else _every_video(catalogue)
        )
        if reembed is None:
            services = stack.enter_context(open_lesson_services(ledgers))
            plans = [
                plan_lesson(video, questions, services=services, store=lessons)
                for video in _counted(chosen)
            ]
        else:
            model = make_text_model(reembed, ledgers)
            plans = [
                plan_reembedding(video, embedder=model, store=lessons)
                for video in _counted(chosen)
                if video.staged_transcript_id or video.published_transcript_id
            ]
        answer = _Answer(
            plans, make_price_table(), datetime.now(UTC), _over_budget(plans, ledgers)
        )
    if json:
        print_json(answer.as_json())
    else:
        answer.print(each=len(plans) <= TOLD_EACH)


@dataclass(frozen=True)
class _Answer:
    """Plans and their prices, as they are told."""

    plans: Sequence[LessonPlan]
    prices: PriceTable
    now: datetime
    over_budget: dict[str, str]

    def as_json(self) -> dict[str, object]:
        """One object: the lessons with their stages, and all of them together."""
        return {
            "plans": [
                {
                    "video_id": plan.video.id,
                    "title": plan.video.title,
                    "refused": plan.refused,
                    "stages": [self._stage(stage) for stage in plan.stages],
                    **_plain(self._total(plan.calls)),
                }
                for plan in self.plans
            ],
            "total": _plain(self._total(self._calls)),
            "over_budget": self.over_budget,
        }

    def print(self, *, each: bool) -> None:
        """A line for each stage of each lesson, or of all lessons together."""
        plans = self.plans if each else ()
        rows = [
            self._row(plan.video.title, stage, stage.calls)
            for plan in plans
            for stage in plan.stages
            if stage.calls
        ]
        for operation in dict.fromkeys(
            (s.operation, s.basis) for p in self.plans for s in p.stages if s.calls
        ):
            stages = [
                stage
                for plan in self.plans
                for stage in plan.stages
                if (stage.operation, stage.basis) == operation
            ]
            calls = [call for stage in stages for call in stage.calls]
            rows.append(self._row(f"all {len(self.plans)}", stages[0], calls))
        print_table(
            "What would be asked of providers",
            [
                "lesson", "stage", "requests", "audio min", "tokens in", "tokens out",
                "cost $", "no price", "basis", "models",
            ],
            rows,
        )  # fmt: skip
        for plan in self.plans:
            if plan.refused is not None:
                print_text(
                    f"{plan.video.title}: cannot become a lesson: {plan.refused}"
                )
        for creator, reason in self.over_budget.items():
            print_text(f"over the budget of {creator}: {reason}")

    def _row(
        self, title: str, stage: Stage, calls: Sequence[PlannedCall]
    ) -> list[object]:
        total = self._total(calls)
        return [
            title,
            stage.operation,
            "" if total.requests is None else total.requests,
            total.audio_s / 60,
            round(total.input_tokens),
            round(total.output_tokens),
            str(total.cost_usd),
            total.unpriced,
            stage.basis.replace("_", " "),
            ", ".join(_models(calls)),
        ]

    def _stage(self, stage: Stage) -> dict[str, object]:
        return {
            "stage": stage.operation,
            "basis": stage.basis,
            "models": _models(stage.calls),
            **_plain(self._total(stage.calls)),
        }

    def _total(self, calls: Sequence[PlannedCall]) -> Total:
        return total_of(calls, self.prices, self.now)

    @property
    def _calls(self) -> list[PlannedCall]:
        return [call for plan in self.plans for call in plan.calls]


def _models(calls: Sequence[PlannedCall]) -> list[str]:
    return sorted({f"{call.provider}/{call.model}" for call in calls})


def _plain(total: Total) -> dict[str, object]:
    return {**asdict(total), "cost_usd": float(total.cost_usd)}


def _over_budget(plans: Sequence[LessonPlan], ledgers: UsageLedgers) -> dict[str, str]:
    """Why a creator cannot afford all of it, by mail address, for those who cannot."""
    calls: dict[tuple[UUID, str], list[PlannedCall]] = {}
    for plan in plans:
        creator = plan.video.creator_id, plan.video.creator_email
        # What a run of the video holds already is for these.
        calls.setdefault(creator, []).extend(
            replace(call, video_id=plan.video.id) for call in plan.calls
        )
    reasons = {}
    for (creator_id, email), asked in calls.items():
        try:
            ledgers.of(creator_id).check(asked)
        except OverBudget as error:
            reasons[email] = error.detail
        except SetAside as error:
            reasons[email] = str(error)
    return reasons


def _every_video(catalogue: PostgresCatalogue) -> Iterator[Video]:
    cursor: str | None = None
    while True:
        page = catalogue.video_page(creator_id=None, limit=MAX_LIMIT, cursor=cursor)
        yield from page.rows
        cursor = page.next_cursor
        if cursor is None:
            return


def _counted(videos: Iterator[Video]) -> Iterator[Video]:
    for number, video in enumerate(videos, 1):
        yield video
        if number % TOLD_EACH == 0:
            say(f"{number} videos planned")
