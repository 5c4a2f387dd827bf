"""Lessons: across creators, of one creator, and those that lack something."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from mentora_pipelines.domain.videos import lesson_page
from mentora_pipelines.providers.databases import admin_database, migrated_urls
from mentora_pipelines.settings.mail import MailSettings
from mentora_pipelines.settings.quizzes import QuizSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
    from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
    from mentora_pipelines.adapters.postgres.operations.lesson_gaps import LessonGapRows
    from mentora_pipelines.adapters.postgres.operations.stranded_videos import (
        PostgresStrandedVideos,
    )


@contextmanager
def open_catalogue() -> "Iterator[PostgresCatalogue]":
    """What crosses creators, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue

    with admin_database("mentora-catalogue") as database:
        yield PostgresCatalogue(
            database,
            cursor_secret=migrated_urls().admin,
            auto_generate_quiz=QuizSettings().auto_generate,
        )


@contextmanager
def open_stranded_videos() -> "Iterator[PostgresStrandedVideos]":
    """What the reaper looks after, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.operations.stranded_videos import (
        PostgresStrandedVideos,
    )

    with admin_database("mentora-reaper") as database:
        yield PostgresStrandedVideos(database)


@contextmanager
def open_lessons() -> "Iterator[PostgresLessons]":
    """The lessons of one creator at a time, as the app role; closed at the end.

    Raises `PermanentError` when that role could see another creator's rows.
    """
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
    from mentora_pipelines.adapters.postgres.tenancy import check_tenancy

    with closing(Database(migrated_urls().app, "mentora-lessons")) as database:
        check_tenancy(database)
        with closing(PostgresLessons(database)) as lessons:
            yield lessons


@contextmanager
def open_lesson_gaps() -> "Iterator[LessonGapRows]":
    """Finds what lessons lack, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.operations.lesson_gaps import LessonGapRows

    with admin_database("mentora-gaps") as database:
        yield LessonGapRows(database)


def lesson_url(video_id: UUID) -> str | None:
    """Where the web application shows a lesson, if it is known where that is."""
    app_url = MailSettings().app_url
    return None if app_url is None else lesson_page(app_url, video_id)
