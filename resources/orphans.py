"""Which objects and vectors nobody names, as the admin role."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.storage import open_orphans
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.orphans import OrphanRows


class OrphansResource(dg.ConfigurableResource["OrphanRows"]):
    """Which objects and vectors nobody names, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[OrphanRows]":
        """The ledger, its connections closed at the end of the run."""
        with open_orphans() as ledger:
            yield ledger
