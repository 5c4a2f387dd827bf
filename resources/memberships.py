"""Who may see what creators sell: as it is kept, and as the shop lists it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.memberships import open_membership_rows, open_whop
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
    from mentora_pipelines.domain.memberships.memberships import MembershipListing


class MembershipRowsResource(dg.ConfigurableResource["PostgresMemberships"]):
    """Memberships as they are kept."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PostgresMemberships]":
        """The rows, their connections closed at the end of the run."""
        with open_membership_rows() as rows:
            yield rows


class MembershipListingResource(dg.ConfigurableResource["MembershipListing"]):
    """Memberships as Whop lists them; off without a key."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[MembershipListing]":
        """The listing, its connections closed at the end of the run."""
        with open_whop() as listing:
            yield listing
