"""The lessons' database, its schema no older than this code."""

from functools import cache

from mentora_pipelines import migrations
from mentora_pipelines.errors import PermanentError
from mentora_pipelines.services import DatabaseUrls, database_urls


def migrated_urls() -> DatabaseUrls:
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
