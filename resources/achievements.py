"""Rewards to give, as the admin role."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.achievements import open_achievements
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.operations.achievements import (
        AchievementRows,
    )


class AchievementsResource(dg.ConfigurableResource["AchievementRows"]):
    """Rewards to give, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[AchievementRows]":
        """The ledger, its connections closed at the end of the run."""
        with open_achievements() as ledger:
            yield ledger
