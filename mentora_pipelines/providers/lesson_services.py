"""All that the run of a lesson asks, in one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.domain.spending.usage import UsageLedgers
from mentora_pipelines.providers.cache import open_cache
from mentora_pipelines.providers.media import make_decoder
from mentora_pipelines.providers.models import make_cached_embedder, make_transcriber
from mentora_pipelines.providers.quizzes import make_quiz_writer
from mentora_pipelines.providers.storage import make_storage

if TYPE_CHECKING:
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
        )
