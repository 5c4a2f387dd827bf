"""The lessons' database, its schema no older than this code."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING

from mentora_pipelines import migrations
from mentora_pipelines.errors import PermanentError
from mentora_pipelines.services import DatabaseUrls, database_urls

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.database import Database


def migrated_urls() -> DatabaseUrls:
    """URLs of a database with our schema.

    The embedded database is brought up to date here; a hosted one never is without
    being asked. Raises `PermanentError` when that is still to be done.
    """
    urls = database_urls()
    _check_schema(urls)
    return urls


@contextmanager
def admin_database(application: str) -> "Iterator[Database]":
    """What crosses creators, its sessions under this name; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database

    with closing(Database(migrated_urls().admin, application)) as database:
        yield database


@cache
def _check_schema(urls: DatabaseUrls) -> None:
    if not migrations.is_behind(migrations.current_revision(urls.admin)):
        return
    if not urls.embedded:
        raise PermanentError(
            "the schema of the database is older than this code: run `mentora migrate`"
        )
    migrations.upgrade(urls.admin)
