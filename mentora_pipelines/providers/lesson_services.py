"""All that the run of a lesson asks, in one."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from mentora_pipelines.domain.spending.usage import UsageLedgers
from mentora_pipelines.errors import SettingsError
from mentora_pipelines.providers.cache import open_cache
from mentora_pipelines.providers.lessons import open_catalogue
from mentora_pipelines.providers.media import make_decoder
from mentora_pipelines.providers.models import (
    embedder_of,
    make_cached_embedder,
    make_transcriber,
)
from mentora_pipelines.providers.quizzes import make_quiz_writer
from mentora_pipelines.providers.storage import make_storage

if TYPE_CHECKING:
    from mentora_pipelines.domain.caching.embeddings import TextModel
    from mentora_pipelines.domain.spending.plans import LessonServices


@contextmanager
def open_lesson_services(ledgers: UsageLedgers) -> "Iterator[LessonServices]":
    """Whom the run of a lesson asks; closed at the end."""
    from mentora_pipelines.domain.spending.plans import LessonServices

    with open_cache() as cache:
        yield LessonServices(
            storage=make_storage(),
            decoder=make_decoder(),
            transcriber=make_transcriber(ledgers),
            embedder=make_cached_embedder(cache, ledgers),
            quiz_writer=make_quiz_writer(ledgers),
            next_embedders=_next_embedders(ledgers),
        )


def _next_embedders(ledgers: UsageLedgers) -> "list[TextModel]":
    """Those of models whose vectors are being made, as far as they can be made here."""
    with open_catalogue() as catalogue:
        models = catalogue.building_models()
    embedders = []
    for model in models:
        # A lesson does not wait for such a model either.
        with suppress(SettingsError):
            embedders.append(embedder_of(model, ledgers))
    return embedders
