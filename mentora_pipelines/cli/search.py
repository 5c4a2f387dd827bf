"""`mentora search`: the moments that answer a question."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from mentora_pipelines.cli.output import JsonOption, print_json, print_table, say
from mentora_pipelines.domain.caching.videos import video_metadata
from mentora_pipelines.domain.lessons.times import clock
from mentora_pipelines.domain.search import (
    SearchHit,
    SearchMode,
    SearchPlan,
    SearchScope,
    moment_url,
    search_lessons,
    search_request,
)
from mentora_pipelines.domain.uploads import parse_creator
from mentora_pipelines.errors import NotFound
from mentora_pipelines.providers.cache import open_cache
from mentora_pipelines.providers.lessons import open_catalogue
from mentora_pipelines.providers.models import make_cached_embedder, make_reranker
from mentora_pipelines.providers.spending import open_usage_ledgers
from mentora_pipelines.settings.mail import MailSettings


def search(  # noqa: PLR0917  (typer calls it by name)
    query: Annotated[
        str,
        typer.Argument(
            help='What a student would ask; "these words" must be said, -this must not.'
        ),
    ],
    video: Annotated[UUID | None, typer.Option(help="Only in this video.")] = None,
    creator: Annotated[
        str | None, typer.Option(help="Only this creator's lessons: mail or id.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Most hits wanted.")] = 5,
    mode: Annotated[
        SearchMode, typer.Option(help="By meaning (vector), by words (text), or both.")
    ] = SearchMode.HYBRID,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also say how it was searched, and why.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Find the moments of published lessons that answer a question."""
    with (
        open_catalogue() as catalogue,
        open_cache() as cache,
        open_usage_ledgers() as ledgers,
    ):
        if video is not None and not video_metadata(
            video, catalogue=catalogue, cache=cache
        ):
            raise NotFound(f"there is no video {video}")
        scope = SearchScope(
            creator_id=(
                None
                if creator is None
                else catalogue.creator_id(parse_creator(creator))
            ),
            video_id=video,
        )
        embedder = make_cached_embedder(cache, ledgers)
        hits = search_lessons(
            query,
            index=catalogue,
            embedder=embedder,
            scope=scope,
            limit=limit,
            mode=mode,
            reranker=make_reranker(embedder),
        )
        plan = None
        if explain:
            plan = catalogue.search_plan(
                search_request(query, embedder=embedder, scope=scope, mode=mode)
            )
    app_url = MailSettings().app_url
    if json:
        answer: dict[str, object] = {"hits": [_as_json(hit, app_url) for hit in hits]}
        if plan is not None:
            answer["plan"] = asdict(plan)
        print_json(answer)
        return
    if plan is not None:
        _explain(plan)
    links = [] if app_url is None else ["link"]
    print_table(
        f"Moments for “{query}”",
        [
            "score",
            "sentences",
            "meaning",
            "words",
            "lesson",
            "from",
            "to",
            "text",
            *links,
        ],
        [
            [
                hit.score,
                hit.sentence_similarity,
                hit.similarity,
                hit.text_share,
                hit.title,
                clock(hit.start_s),
                clock(hit.end_s),
                hit.text,
                *(moment_url(app_url, hit) for _ in links),
            ]
            for hit in hits
        ],
    )


def _as_json(hit: SearchHit, app_url: str | None) -> dict[str, object]:
    return {**asdict(hit), "link": moment_url(app_url, hit)}


def _explain(plan: SearchPlan) -> None:
    say(f"plan {plan.name}: {plan.reason}")
    for step in plan.steps:
        say(f"  {step}")
