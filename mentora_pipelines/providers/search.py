"""The index that is searched: generations of vectors, and how good they are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mentora_pipelines.domain.spending.usage import UsageLedgers
from mentora_pipelines.errors import SettingsError
from mentora_pipelines.providers.cache import open_cache
from mentora_pipelines.providers.databases import admin_database
from mentora_pipelines.providers.models import embedder_of, make_embedders
from mentora_pipelines.providers.spending import open_usage_ledgers

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.search.generation_builds import (
        GenerationBuildRows,
    )
    from mentora_pipelines.adapters.postgres.search.golden_rows import GoldenIndex
    from mentora_pipelines.domain.caching.cache import Cache
    from mentora_pipelines.domain.caching.embeddings import TextModel
    from mentora_pipelines.domain.generations.swapping import Judge
    from mentora_pipelines.domain.generations.upkeep import SearchUpkeep, UpkeepFigures
    from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
    from mentora_pipelines.domain.search_quality import GoldenLesson, SearchFigures


@contextmanager
def open_generations() -> "Iterator[GenerationBuildRows]":
    """Every generation of vectors, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.search.generation_builds import (
        GenerationBuildRows,
    )

    with admin_database("mentora-generations") as database:
        yield GenerationBuildRows(database)


@contextmanager
def open_search_upkeep() -> "Iterator[SearchUpkeep]":
    """Generations with their models and their judge; closed at the end."""
    with (
        open_generations() as store,
        open_usage_ledgers() as ledgers,
        open_cache() as cache,
    ):
        yield _SearchUpkeep(store, ledgers, cache)


@dataclass(frozen=True, slots=True)
class _SearchUpkeep:
    store: "GenerationBuildRows"
    ledgers: UsageLedgers
    cache: "Cache"

    def tend(self) -> "UpkeepFigures":
        from mentora_pipelines.domain.generations.upkeep import tend_generations

        return tend_generations(
            store=self.store,
            # A crash between an answer and its vectors costs nothing.
            embedders=make_embedders(self.ledgers, self.cache),
            judge=make_judge(self.ledgers),
        )


def make_judge(ledgers: UsageLedgers) -> "Judge":
    """What a model makes of the golden set; the platform pays for its texts, once."""
    from mentora_pipelines.adapters.golden_set.lessons import golden_lessons
    from mentora_pipelines.domain.caching.embeddings import CachedEmbedder
    from mentora_pipelines.domain.search_quality import embed_questions, judge_model

    def judge(model: "EmbeddingModel") -> "SearchFigures | None":
        try:
            asked = embedder_of(model, ledgers)
        except SettingsError:
            return None
        lessons = golden_lessons()
        with open_cache() as cache:
            embedder = CachedEmbedder(asked, cache)
            # Before the transaction in which the index lies.
            questions = embed_questions(lessons, embedder)
            with open_golden_index(lessons, embedder) as index:
                return judge_model(
                    lessons, index, questions, creator_id=index.creator_id
                )

    return judge


@contextmanager
def open_golden_index(
    lessons: "Sequence[GoldenLesson]", embedder: "TextModel"
) -> "Iterator[GoldenIndex]":
    """The golden set in the database, as the admin role; rolled back at the end."""
    from mentora_pipelines.adapters.postgres.search.golden_rows import golden_index

    with (
        admin_database("mentora-eval") as database,
        golden_index(database, lessons, embedder) as index,
    ):
        yield index
