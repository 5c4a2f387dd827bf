"""Counts what is limited: uploads, quizzes and the rest."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from mentora_pipelines.domain.rate_limits.limits import RateLimiter
from mentora_pipelines.providers.rate_limits import open_rate_limiter


class RateLimiterResource(dg.ConfigurableResource[RateLimiter]):
    """Counts what is limited: uploads, quizzes and the rest."""

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[RateLimiter]:
        """The adapter, its connections closed at the end of the run."""
        with open_rate_limiter() as limiter:
            yield limiter
