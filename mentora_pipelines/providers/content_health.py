"""The health of lessons: its history, and who looks at their videos."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from mentora_pipelines.domain.operations.health_alerts import AlertRule
from mentora_pipelines.providers.databases import admin_database
from mentora_pipelines.providers.storage import make_links, make_storage
from mentora_pipelines.settings.content_health import HealthSettings
from mentora_pipelines.settings.storage import StorageSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.http_probe.lessons import WebLessonProber
    from mentora_pipelines.adapters.postgres.operations.content_health import (
        ContentHealthRows,
    )


@contextmanager
def open_health_ledger() -> "Iterator[ContentHealthRows]":
    """The history of the health of lessons, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.operations.content_health import (
        ContentHealthRows,
    )

    settings = HealthSettings()
    rule = AlertRule(settings.failures, timedelta(hours=settings.hours))
    with admin_database("mentora-health") as database:
        yield ContentHealthRows(
            database, rule, retention_months=settings.retention_months
        )


@contextmanager
def open_lesson_prober() -> "Iterator[WebLessonProber]":
    """Asks whether videos can be played; its threads are let go at the end."""
    from concurrent.futures import ThreadPoolExecutor

    from mentora_pipelines.adapters.http_probe.guard import Guard, SystemResolver
    from mentora_pipelines.adapters.http_probe.lessons import (
        NoLinkRenewer,
        WebLessonProber,
    )
    from mentora_pipelines.adapters.http_probe.prober import HttpProber, ProbeLimits

    settings = HealthSettings()
    # A look-up holds its thread for ten seconds when a name server is away.
    threads = ThreadPoolExecutor(settings.concurrency, "name-servers")
    guard = Guard(SystemResolver(threads), trusted=settings.trusted)
    limits = ProbeLimits(settings.timeout_s, settings.concurrency, settings.per_host)
    prober = WebLessonProber(
        HttpProber(guard, limits),
        make_storage(),
        make_links() if StorageSettings().is_bucket else NoLinkRenewer(),
        settings.control_urls,
    )
    try:
        yield prober
    finally:
        prober.close()
        threads.shutdown(wait=False, cancel_futures=True)
