"""Lessons: across creators, of one creator, and those that lack something."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.lessons import (
    open_catalogue,
    open_lesson_gaps,
    open_lessons,
    open_stranded_videos,
)
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
    from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
    from mentora_pipelines.adapters.postgres.operations.lesson_gaps import LessonGapRows
    from mentora_pipelines.adapters.postgres.operations.stranded_videos import (
        PostgresStrandedVideos,
    )


class CatalogueResource(dg.ConfigurableResource["PostgresCatalogue"]):
    """Videos, generations and search across creators, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PostgresCatalogue]":
        """The store, its connections closed at the end of the run."""
        with open_catalogue() as store:
            yield store


class LessonsResource(dg.ConfigurableResource["PostgresLessons"]):
    """The rows of one creator's lessons, as the app role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PostgresLessons]":
        """The store, its connections closed at the end of the run."""
        with open_lessons() as store:
            yield store


class LessonGapsResource(dg.ConfigurableResource["LessonGapRows"]):
    """Finds what lessons lack, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[LessonGapRows]":
        """The finder, its connections closed at the end of the run."""
        with open_lesson_gaps() as gaps:
            yield gaps


class StrandedVideosResource(dg.ConfigurableResource["PostgresStrandedVideos"]):
    """What the reaper looks after, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PostgresStrandedVideos]":
        """The videos, its connections closed at the end of the tick."""
        with open_stranded_videos() as videos:
            yield videos
