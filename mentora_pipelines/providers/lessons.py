"""Lessons: across creators, of one creator, and those that lack something."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from mentora_pipelines.providers.databases import migrated_urls
from mentora_pipelines.settings.mail import MailSettings
from mentora_pipelines.settings.quizzes import QuizSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
    from mentora_pipelines.adapters.postgres.lesson_gaps import LessonGapRows
    from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
    from mentora_pipelines.adapters.postgres.stranded_videos import (
        PostgresStrandedVideos,
    )


@contextmanager
def open_catalogue() -> "Iterator[PostgresCatalogue]":
    """What crosses creators, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
    from mentora_pipelines.adapters.postgres.database import Database

    url = migrated_urls().admin
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
def open_stranded_videos() -> "Iterator[PostgresStrandedVideos]":
    """What the reaper looks after, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.stranded_videos import (
        PostgresStrandedVideos,
    )

    database = Database(migrated_urls().admin, "mentora-reaper")
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

    database = Database(migrated_urls().app, "mentora-lessons")
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
def open_lesson_gaps() -> "Iterator[LessonGapRows]":
    """Finds what lessons lack, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.lesson_gaps import LessonGapRows

    database = Database(migrated_urls().admin, "mentora-gaps")
    try:
        yield LessonGapRows(database)
    finally:
        database.close()


def lesson_url(video_id: UUID) -> str | None:
    """Where the web application shows a lesson, if it is known where that is."""
    app_url = MailSettings().app_url
    return None if app_url is None else f"{app_url}/videos/{video_id}"
