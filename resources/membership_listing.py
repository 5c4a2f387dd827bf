"""Memberships as Whop lists them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.memberships import open_whop
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.domain.memberships.memberships import MembershipListing


class MembershipListingResource(dg.ConfigurableResource["MembershipListing"]):
    """Memberships as Whop lists them; off without a key."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[MembershipListing]":
        """The listing, its connections closed at the end of the run."""
        with open_whop() as listing:
            yield listing
