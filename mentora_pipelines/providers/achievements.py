"""Rewards of students."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.providers.databases import admin_database

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.operations.achievements import (
        AchievementRows,
    )


@contextmanager
def open_achievements() -> "Iterator[AchievementRows]":
    """Rewards to give, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.operations.achievements import (
        AchievementRows,
    )

    with admin_database("mentora-achievements") as database:
        yield AchievementRows(database)
