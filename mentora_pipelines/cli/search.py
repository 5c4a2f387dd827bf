"""`mentora search`: the moments that answer a question."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from mentora_pipelines.cli.output import JsonOption, clock, print_json, print_table
from mentora_pipelines.domain.caching.videos import video_metadata
from mentora_pipelines.domain.search import SearchScope, search_lessons
from mentora_pipelines.domain.uploads import parse_creator
from mentora_pipelines.errors import NotFound
from mentora_pipelines.providers import (
    make_cached_embedder,
    open_cache,
    open_catalogue,
    open_usage_ledgers,
)


def search(
    query: Annotated[str, typer.Argument(help="What a student would ask.")],
    video: Annotated[UUID | None, typer.Option(help="Only in this video.")] = None,
    creator: Annotated[
        str | None, typer.Option(help="Only this creator's lessons: mail or id.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Most hits wanted.")] = 5,
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
        hits = search_lessons(
            query,
            index=catalogue,
            embedder=make_cached_embedder(cache, ledgers),
            scope=scope,
            limit=limit,
        )
    if json:
        print_json({"hits": [asdict(hit) for hit in hits]})
        return
    print_table(
        f"Moments for “{query}”",
        ["score", "lesson", "from", "to", "text"],
        [
            [hit.score, hit.title, clock(hit.start_s), clock(hit.end_s), hit.text]
            for hit in hits
        ],
    )
