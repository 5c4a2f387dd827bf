"""Rewards of students."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.providers.databases import migrated_urls

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.achievements import AchievementRows


@contextmanager
def open_achievements() -> "Iterator[AchievementRows]":
    """Rewards to give, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.achievements import AchievementRows
    from mentora_pipelines.adapters.postgres.database import Database

    database = Database(migrated_urls().admin, "mentora-achievements")
    try:
        yield AchievementRows(database)
    finally:
        database.close()
