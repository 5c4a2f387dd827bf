"""Where uploads, audio and captions lie."""

from collections.abc import Iterator

import dagster as dg

from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.providers.storage import open_storage
from resources.opening import opened


class StorageResource(dg.ConfigurableResource[ObjectStorage]):
    """Where uploads, audio and captions lie."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[ObjectStorage]:
        """The adapter that the settings choose, its connections closed at the end."""
        with open_storage() as storage:
            yield storage
