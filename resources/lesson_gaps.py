"""Finds what lessons lack, as the admin role."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.lessons import open_lesson_gaps
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.lesson_gaps import LessonGapRows


class LessonGapsResource(dg.ConfigurableResource["LessonGapRows"]):
    """Finds what lessons lack, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[LessonGapRows]":
        """The finder, its connections closed at the end of the run."""
        with open_lesson_gaps() as gaps:
            yield gaps
