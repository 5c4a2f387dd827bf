"""What a bucket tells of its new objects."""

import dagster as dg

from mentora_pipelines.domain.upload_notices import UploadNotices
from mentora_pipelines.providers.storage import make_upload_notices


class UploadNoticesResource(dg.ConfigurableResource[UploadNotices]):
    """What a bucket tells of its new objects; nothing where no queue is named."""

    def create_resource(self, context: dg.InitResourceContext) -> UploadNotices:
        """The adapter that the settings choose."""
        return make_upload_notices()
