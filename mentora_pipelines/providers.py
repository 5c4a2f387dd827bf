"""Which adapter stands behind each port: settings in, adapter out.

Here belongs the choice, once, for the assets' resources and for the command line.
Not here: Dagster, or what an adapter does. Heavy packages load when they are used.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from mentora_pipelines import migrations
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.media.decoder import PyAvDecoder
from mentora_pipelines.adapters.metric_reports import HtmlMetricReports
from mentora_pipelines.adapters.minilm import MiniLmEmbedder
from mentora_pipelines.domain.operations.health_alerts import AlertRule
from mentora_pipelines.errors import PermanentError
from mentora_pipelines.services import (
    DatabaseUrls,
    database_urls,
    mail_folder,
    redis_urls,
    storage_folder,
)
from mentora_pipelines.settings import (
    EmbedderSettings,
    FlowSettings,
    HealthSettings,
    MailSettings,
    MediaSettings,
    QuizSettings,
    RedisSettings,
    StorageSettings,
    TranscriberSettings,
)

if TYPE_CHECKING:
    from mentora_pipelines.adapters.eml_folder import EmlFolder
    from mentora_pipelines.adapters.extractive_quiz_writer import ExtractiveQuizWriter
    from mentora_pipelines.adapters.http_probe.lessons import WebLessonProber
    from mentora_pipelines.adapters.mail_renderer import JinjaMailRenderer
    from mentora_pipelines.adapters.postgres.achievements import AchievementRows
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
    from mentora_pipelines.adapters.postgres.content_health import ContentHealthRows
    from mentora_pipelines.adapters.postgres.daily_metrics import PostgresMetrics
    from mentora_pipelines.adapters.postgres.email_outbox import EmailOutboxRows
    from mentora_pipelines.adapters.postgres.event_outbox import PostgresEventOutbox
    from mentora_pipelines.adapters.postgres.lesson_gaps import LessonGapRows
    from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
    from mentora_pipelines.adapters.postgres.platform_health import PlatformHealthRows
    from mentora_pipelines.adapters.postgres.stranded_videos import (
        PostgresStrandedVideos,
    )
    from mentora_pipelines.adapters.smtp import SmtpMailer
    from mentora_pipelines.adapters.valkey.async_rate_limiter import (
        AsyncValkeyRateLimiter,
    )
    from mentora_pipelines.adapters.valkey.cache import ValkeyCache
    from mentora_pipelines.adapters.valkey.rate_limiter import ValkeyRateLimiter
    from mentora_pipelines.adapters.whisper.transcriber import WhisperTranscriber
    from mentora_pipelines.domain.caching.cache import Cache
    from mentora_pipelines.domain.caching.embeddings import TextModel

NAME_SERVER_THREADS = 16
"""A look-up holds a thread for up to ten seconds when a name server is away."""


@contextmanager
def open_catalogue() -> "Iterator[PostgresCatalogue]":
    """What crosses creators, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
    from mentora_pipelines.adapters.postgres.database import Database

    url = _migrated_urls().admin
    database = Database(url, "mentora-catalogue")
    try:
        yield PostgresCatalogue(
            database,
            cursor_secret=url,
            auto_generate_quiz=QuizSettings().auto_generate,
        )
    finally:
        database.close()


@contextmanager
def open_event_outbox() -> "Iterator[PostgresEventOutbox]":
    """The queue of events across creators, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.event_outbox import PostgresEventOutbox

    url = _migrated_urls().admin
    database = Database(url, "mentora-events")
    try:
        yield PostgresEventOutbox(
            database, FlowSettings().plan_weights, cursor_secret=url
        )
    finally:
        database.close()


@contextmanager
def open_stranded_videos() -> "Iterator[PostgresStrandedVideos]":
    """What the reaper looks after, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.stranded_videos import (
        PostgresStrandedVideos,
    )

    database = Database(_migrated_urls().admin, "mentora-reaper")
    try:
        yield PostgresStrandedVideos(database)
    finally:
        database.close()


@contextmanager
def open_lessons() -> "Iterator[PostgresLessons]":
    """The lessons of one creator at a time, as the app role; closed at the end.

    Raises `PermanentError` when that role could see another creator's rows.
    """
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
    from mentora_pipelines.adapters.postgres.tenancy import check_tenancy

    database = Database(_migrated_urls().app, "mentora-lessons")
    try:
        check_tenancy(database)
        lessons = PostgresLessons(database)
        try:
            yield lessons
        finally:
            lessons.close()
    finally:
        database.close()


@contextmanager
def open_email_outbox() -> "Iterator[EmailOutboxRows]":
    """The mails to send, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.email_outbox import EmailOutboxRows

    database = Database(_migrated_urls().admin, "mentora-mail")
    try:
        yield EmailOutboxRows(database)
    finally:
        database.close()


@contextmanager
def open_metrics() -> "Iterator[PostgresMetrics]":
    """Metrics of days and the events beneath, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.daily_metrics import PostgresMetrics
    from mentora_pipelines.adapters.postgres.database import Database

    database = Database(_migrated_urls().admin, "mentora-metrics")
    try:
        yield PostgresMetrics(database)
    finally:
        database.close()


@contextmanager
def open_achievements() -> "Iterator[AchievementRows]":
    """Rewards to give, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.achievements import AchievementRows
    from mentora_pipelines.adapters.postgres.database import Database

    database = Database(_migrated_urls().admin, "mentora-achievements")
    try:
        yield AchievementRows(database)
    finally:
        database.close()


@contextmanager
def open_health_ledger() -> "Iterator[ContentHealthRows]":
    """The history of the health of lessons, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.content_health import ContentHealthRows
    from mentora_pipelines.adapters.postgres.database import Database

    settings = HealthSettings()
    rule = AlertRule(settings.failures, timedelta(hours=settings.hours))
    database = Database(_migrated_urls().admin, "mentora-health")
    try:
        yield ContentHealthRows(database, rule)
    finally:
        database.close()


@contextmanager
def open_lesson_gaps() -> "Iterator[LessonGapRows]":
    """Finds what lessons lack, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.lesson_gaps import LessonGapRows

    database = Database(_migrated_urls().admin, "mentora-gaps")
    try:
        yield LessonGapRows(database)
    finally:
        database.close()


@contextmanager
def open_platform_ledger() -> "Iterator[PlatformHealthRows]":
    """The history of the platform's health, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.platform_health import PlatformHealthRows

    database = Database(_migrated_urls().admin, "mentora-platform")
    try:
        yield PlatformHealthRows(database)
    finally:
        database.close()


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
    threads = ThreadPoolExecutor(NAME_SERVER_THREADS, "name-servers")
    guard = Guard(SystemResolver(threads), trusted=settings.trusted)
    limits = ProbeLimits(settings.timeout_s, settings.concurrency, settings.per_host)
    prober = WebLessonProber(
        HttpProber(guard, limits),
        make_storage(),
        NoLinkRenewer(),
        settings.control_urls,
    )
    try:
        yield prober
    finally:
        prober.close()
        threads.shutdown(wait=False, cancel_futures=True)


@contextmanager
def open_mailer() -> "Iterator[SmtpMailer | EmlFolder]":
    """Hands mail over, to a server or into a folder; closed at the end."""
    mailer = make_mailer()
    try:
        yield mailer
    finally:
        mailer.close()


def make_mailer() -> "SmtpMailer | EmlFolder":
    """Hands mail over; the caller closes it."""
    from mentora_pipelines.adapters.eml_folder import EmlFolder
    from mentora_pipelines.adapters.smtp import SmtpMailer

    settings = MailSettings()
    if settings.server is None:
        return EmlFolder(mail_folder(), settings.sender)
    return SmtpMailer(settings.server, settings.sender)


def make_mail_renderer() -> "JinjaMailRenderer":
    """Fills the templates of mail."""
    from mentora_pipelines.adapters.mail_renderer import JinjaMailRenderer

    return JinjaMailRenderer(MailSettings().app_url)


@contextmanager
def open_rate_limiter() -> "Iterator[ValkeyRateLimiter]":
    """Counts what is limited, for code that may wait; closed at the end."""
    from mentora_pipelines.adapters.valkey.connection import ValkeyServer
    from mentora_pipelines.adapters.valkey.rate_limiter import ValkeyRateLimiter

    server = ValkeyServer(redis_urls().coordination, "mentora-limits")
    try:
        yield ValkeyRateLimiter(server, prefix=RedisSettings().prefix)
    finally:
        server.close()


def make_async_rate_limiter() -> "AsyncValkeyRateLimiter":
    """Counts what is limited, for one event loop; whoever makes it closes it."""
    from mentora_pipelines.adapters.valkey.async_connection import AsyncValkeyServer
    from mentora_pipelines.adapters.valkey.async_rate_limiter import (
        AsyncValkeyRateLimiter,
    )

    server = AsyncValkeyServer(redis_urls().coordination, "mentora-limits")
    return AsyncValkeyRateLimiter(server, prefix=RedisSettings().prefix)


def make_metric_reports() -> HtmlMetricReports:
    """Makes pages of metrics, which link to where the object storage is."""
    url = StorageSettings().url
    return HtmlMetricReports(storage_folder().as_uri() if url is None else url)


def make_storage() -> FolderStorage:
    """Where uploads, audio and captions lie."""
    return FolderStorage(storage_folder())


def make_decoder() -> PyAvDecoder:
    """Gets the sound out of uploads, within the limits of the settings."""
    settings = MediaSettings()
    return PyAvDecoder(
        max_bytes=settings.max_bytes,
        max_duration_s=settings.max_duration_s,
        memory_bytes=settings.decoder_memory_bytes,
        language=TranscriberSettings().language,
    )


def make_transcriber() -> "WhisperTranscriber":
    """Turns speech into words; its model loads at first use."""
    from mentora_pipelines.adapters.whisper.transcriber import WhisperTranscriber

    settings = TranscriberSettings()
    return WhisperTranscriber(
        settings.whisper_model,
        device=settings.whisper_device,
        language=settings.language,
    )


def make_embedder() -> MiniLmEmbedder:
    """Turns texts into vectors; its model loads at first use."""
    EmbedderSettings()
    return MiniLmEmbedder()


def make_cached_embedder(cache: "Cache") -> "TextModel":
    """The same behind a cache: a text that was embedded once is not asked for."""
    from mentora_pipelines.domain.caching.embeddings import CachedEmbedder

    return CachedEmbedder(make_embedder(), cache)


@contextmanager
def open_cache() -> "Iterator[ValkeyCache]":
    """The cache and its invalidation; closed at the end.

    Nothing is asked here: a server that is away is met, and borne, at first use.
    """
    from mentora_pipelines.adapters.valkey.cache import ValkeyCache
    from mentora_pipelines.adapters.valkey.connection import ValkeyServer

    urls = redis_urls()
    with (
        closing(ValkeyServer(urls.cache, "mentora-cache")) as values,
        closing(ValkeyServer(urls.coordination, "mentora-cache-index")) as index,
        closing(ValkeyCache(values, index, RedisSettings().prefix)) as cache,
    ):
        yield cache


def make_quiz_writer() -> "ExtractiveQuizWriter":
    """Proposes questions about a lesson."""
    from mentora_pipelines.adapters.extractive_quiz_writer import ExtractiveQuizWriter

    QuizSettings()
    return ExtractiveQuizWriter()


def _migrated_urls() -> DatabaseUrls:
    """URLs of a database with our schema.

    The embedded database is brought up to date here; a hosted one never is without
    being asked. Raises `PermanentError` when that is still to be done.
    """
    urls = database_urls()
    _check_schema(urls)
    return urls


@cache
def _check_schema(urls: DatabaseUrls) -> None:
    if not migrations.is_behind(migrations.current_revision(urls.admin)):
        return
    if not urls.embedded:
        raise PermanentError(
            "the schema of the database is older than this code: run `mentora migrate`"
        )
    migrations.upgrade(urls.admin)
