"""Generations of vectors with the models and the golden set that judge them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import dagster as dg

from mentora_pipelines.domain.generations import (
    GenerationStore,
    SearchUpkeep,
    UpkeepFigures,
    tend_generations,
)
from mentora_pipelines.domain.spending.usage import UsageLedgers
from mentora_pipelines.providers.models import embedder_of
from mentora_pipelines.providers.search import make_judge, open_generations
from mentora_pipelines.providers.spending import open_usage_ledgers


@dataclass(frozen=True, slots=True)
class _Upkeep:
    store: GenerationStore
    ledgers: UsageLedgers

    def tend(self) -> UpkeepFigures:
        return tend_generations(
            store=self.store,
            embedder_of=partial(embedder_of, ledgers=self.ledgers),
            judge=make_judge(self.ledgers),
        )


class SearchUpkeepResource(dg.ConfigurableResource[SearchUpkeep]):
    """Generations of vectors with the models and the golden set that judge them."""

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[SearchUpkeep]:
        """As the admin role; connections closed at the end."""
        with open_generations() as store, open_usage_ledgers() as ledgers:
            yield _Upkeep(store, ledgers)
