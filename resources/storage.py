"""Where uploads, audio and captions lie."""

import dagster as dg

from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.providers.storage import make_storage


class StorageResource(dg.ConfigurableResource[ObjectStorage]):
    """Where uploads, audio and captions lie."""

    def create_resource(self, context: dg.InitResourceContext) -> ObjectStorage:
        """The adapter that the settings choose."""
        return make_storage()
