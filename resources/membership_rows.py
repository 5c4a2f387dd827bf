"""Memberships as they are kept."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.memberships import open_membership_rows
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships


class MembershipRowsResource(dg.ConfigurableResource["PostgresMemberships"]):
    """Memberships as they are kept."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PostgresMemberships]":
        """The rows, their connections closed at the end of the run."""
        with open_membership_rows() as rows:
            yield rows
