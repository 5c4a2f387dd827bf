"""What the reaper looks after, as the admin role."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.lessons import open_stranded_videos
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.stranded_videos import (
        PostgresStrandedVideos,
    )


class StrandedVideosResource(dg.ConfigurableResource["PostgresStrandedVideos"]):
    """What the reaper looks after, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PostgresStrandedVideos]":
        """The videos, its connections closed at the end of the tick."""
        with open_stranded_videos() as videos:
            yield videos
