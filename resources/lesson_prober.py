"""Asks whether videos can be played."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.content_health import open_lesson_prober
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.http_probe.lessons import WebLessonProber


class LessonProberResource(dg.ConfigurableResource["WebLessonProber"]):
    """Asks whether videos can be played."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[WebLessonProber]":
        """The prober, its threads let go at the end of the run."""
        with open_lesson_prober() as prober:
            yield prober
