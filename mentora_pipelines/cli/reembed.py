"""`mentora reembed`, `mentora generations`: another embedding model, and back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from mentora_pipelines.cli.output import (
    JsonOption,
    print_json,
    print_table,
    progress,
    say,
)
from mentora_pipelines.domain.caching.embeddings import CachedEmbedder
from mentora_pipelines.domain.generations.building import build_generation
from mentora_pipelines.domain.generations.generations import (
    Generation,
    GenerationStatus,
    GenerationStore,
    active_generation,
    generation_now,
    generation_of_name,
    retired_generation,
)
from mentora_pipelines.domain.generations.swapping import (
    GateFigures,
    drop_generation,
    return_to_generation,
    swap_generation,
)
from mentora_pipelines.errors import InvalidInput
from mentora_pipelines.providers.cache import open_cache
from mentora_pipelines.providers.models import (
    embedder_of,
    make_set_embedder,
    make_text_model,
)
from mentora_pipelines.providers.search import make_judge, open_generations
from mentora_pipelines.providers.spending import open_usage_ledgers


def reembed(
    model: Annotated[
        str | None,
        typer.Option(help="The model; the one that MENTORA_EMBEDDER names by default."),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Search the vectors of before again.")
    ] = False,
    drop: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL[:DIMENSIONS]", help="Delete vectors that are not searched."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make the vectors of another model beside those searched, measure, and swap.

    Broken off, it goes on where it was. `mentora plan --reembed MODEL` says the cost.
    """
    if (model is not None) + rollback + (drop is not None) > 1:
        raise InvalidInput("say --model, --rollback or --drop, one of them")
    with (
        open_generations() as store,
        open_usage_ledgers() as ledgers,
        open_cache() as cache,
    ):
        if drop is not None:
            drop_generation(generation_of_name(store.generations(), drop), store)
            _print(store, json=json)
            return
        if rollback:
            generation = retired_generation(store.generations())
            paid = embedder_of(generation.model, ledgers)
        else:
            paid = (
                make_set_embedder(ledgers)
                if model is None
                else make_text_model(model, ledgers)
            )
            generation = store.begin_generation(paid.model)
        # A crash between an answer and its vectors costs nothing.
        embedder = CachedEmbedder(paid, cache)
        figures = None
        if generation.status is GenerationStatus.ACTIVE:
            say(f"{generation.model.model} is searched already")
        else:
            with store.turn(generation):
                with _progress() as on_video:
                    built = build_generation(
                        generation.id, embedder=embedder, store=store, on_video=on_video
                    )
                say(f"{built.embedded} texts of {built.videos} lessons embedded")
                generation = generation_now(generation.id, store)
                if rollback:
                    return_to_generation(generation, embedder=embedder, store=store)
                else:
                    figures = swap_generation(
                        generation,
                        embedder=embedder,
                        store=store,
                        judge=make_judge(ledgers),
                    )
        _print(store, figures, json=json)


def generations(json: JsonOption = False) -> None:
    """Show the embedding models whose vectors are stored."""
    with open_generations() as store:
        _print(store, json=json)


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Counts the texts that are embedded, on a terminal."""
    with progress("{task.description}: {task.completed:.0f} texts") as shown:
        task = shown.add_task("embedding", total=None)
        yield lambda texts: shown.advance(task, texts)


def _print(
    store: GenerationStore, figures: GateFigures | None = None, *, json: bool
) -> None:
    known = store.generations()
    if json:
        active = active_generation(known)
        print_json(
            {
                "active": None if active is None else active.model.model,
                "generations": [_as_json(generation) for generation in known],
            }
        )
        return
    if figures is not None and figures.mrr is not None:
        say(
            f"golden set: MRR {figures.mrr:.3f}"
            + (
                ""
                if figures.active_mrr is None
                else f", before {figures.active_mrr:.3f}"
            )
        )
    print_table(
        "Vectors",
        ["model", "dimensions", "status", "vectors", "index", "recall@10", "MRR"],
        [
            [
                f"{g.model.provider}/{g.model.model}",
                g.model.dimensions,
                g.status,
                g.vectors,
                "yes" if g.is_indexed else "no",
                g.recall,
                g.golden_mrr,
            ]
            for g in known
        ],
    )


def _as_json(generation: Generation) -> dict[str, object]:
    return {
        "id": generation.id,
        "provider": generation.model.provider,
        "model": generation.model.model,
        "dimensions": generation.model.dimensions,
        "status": generation.status,
        "vectors": generation.vectors,
        "indexed": generation.is_indexed,
        "recall_at_10": generation.recall,
        "golden_mrr": generation.golden_mrr,
        "activated_at": generation.activated_at,
    }
