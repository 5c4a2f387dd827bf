"""Turns speech into timed words."""

from collections.abc import Iterator

import dagster as dg

from mentora_pipelines.domain.lessons.recognition import Transcriber
from mentora_pipelines.providers.models import make_transcriber
from mentora_pipelines.providers.spending import open_usage_ledgers
from resources.opening import opened


class TranscriberResource(dg.ConfigurableResource[Transcriber]):
    """Turns speech into timed words."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[Transcriber]:
        """The adapter that the settings choose, and the ledger that it books to."""
        with open_usage_ledgers() as ledgers:
            yield make_transcriber(ledgers)
