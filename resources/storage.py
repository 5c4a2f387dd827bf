"""Object storage: the objects, notices and orphans."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.domain.upload_notices import UploadNotices
from mentora_pipelines.providers.storage import (
    open_orphans,
    open_storage,
    open_upload_notices,
)
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.operations.orphans import OrphanRows


class StorageResource(dg.ConfigurableResource[ObjectStorage]):
    """Where uploads, audio and captions lie."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[ObjectStorage]:
        """The adapter that the settings choose, its connections closed at the end."""
        with open_storage() as storage:
            yield storage


class UploadNoticesResource(dg.ConfigurableResource[UploadNotices]):
    """What a bucket tells of its new objects; nothing where no queue is named."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[UploadNotices]:
        """The adapter that the settings choose, its connections closed at the end."""
        with open_upload_notices() as notices:
            yield notices


class OrphansResource(dg.ConfigurableResource["OrphanRows"]):
    """Which objects and vectors nobody names, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[OrphanRows]":
        """The ledger, its connections closed at the end of the run."""
        with open_orphans() as ledger:
            yield ledger
