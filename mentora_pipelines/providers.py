"""Which adapter stands behind each port: settings in, adapter out.

Here belongs the choice, once, for the assets' resources and for the command line.
Not here: Dagster, or what an adapter does. Heavy packages load when they are used.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from mentora_pipelines import migrations
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.media import PyAvDecoder
from mentora_pipelines.adapters.metric_reports import HtmlMetricReports
from mentora_pipelines.adapters.minilm import MiniLmEmbedder
from mentora_pipelines.errors import PermanentError
from mentora_pipelines.services import DatabaseUrls, database_urls, storage_folder
from mentora_pipelines.settings import (
    EmbedderSettings,
    MediaSettings,
    QuizSettings,
    StorageSettings,
    TranscriberSettings,
)

if TYPE_CHECKING:
    from mentora_pipelines.adapters.extractive_quiz_writer import ExtractiveQuizWriter
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
    from mentora_pipelines.adapters.postgres.daily_metrics import PostgresMetrics
    from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
    from mentora_pipelines.adapters.whisper import WhisperTranscriber


@contextmanager
def open_catalogue() -> "Iterator[PostgresCatalogue]":
    """What crosses creators, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
    from mentora_pipelines.adapters.postgres.database import Database

    url = _migrated_urls().admin
    database = Database(url, "mentora-catalogue")
    try:
        yield PostgresCatalogue(database, cursor_secret=url)
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
        yield PostgresLessons(database)
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
        max_bytes=settings.max_bytes, max_duration_s=settings.max_duration_s
    )


def make_transcriber() -> "WhisperTranscriber":
    """Turns speech into words; its model loads at first use."""
    from mentora_pipelines.adapters.whisper import WhisperTranscriber

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
