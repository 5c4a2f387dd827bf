"""The rows of one creator's lessons, as the app role."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.lessons import open_lessons
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.lessons import PostgresLessons


class LessonsResource(dg.ConfigurableResource["PostgresLessons"]):
    """The rows of one creator's lessons, as the app role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PostgresLessons]":
        """The store, its connections closed at the end of the run."""
        with open_lessons() as store:
            yield store
