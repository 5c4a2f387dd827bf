"""What a bucket tells of its new objects."""

from collections.abc import Iterator

import dagster as dg

from mentora_pipelines.domain.upload_notices import UploadNotices
from mentora_pipelines.providers.storage import open_upload_notices
from resources.opening import opened


class UploadNoticesResource(dg.ConfigurableResource[UploadNotices]):
    """What a bucket tells of its new objects; nothing where no queue is named."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[UploadNotices]:
        """The adapter that the settings choose, its connections closed at the end."""
        with open_upload_notices() as notices:
            yield notices
