"""Who may see what creators sell, and what the shop tells of it."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mentora_pipelines.domain.memberships.memberships import MembershipsOff
from mentora_pipelines.errors import SettingsError
from mentora_pipelines.providers.cache import open_cache
from mentora_pipelines.providers.databases import admin_database, migrated_urls
from mentora_pipelines.settings.memberships import WhopSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.asgi.whop_deliveries import WhopDeliveries
    from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
    from mentora_pipelines.adapters.whop.memberships import WhopMemberships
    from mentora_pipelines.domain.memberships.access import AccessChecks


@contextmanager
def open_membership_rows() -> "Iterator[PostgresMemberships]":
    """Memberships of one creator at a time, and who sells what; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships

    with (
        closing(Database(migrated_urls().app, "mentora-memberships")) as app,
        admin_database("mentora-memberships") as admin,
    ):
        yield PostgresMemberships(app, admin)


@contextmanager
def open_whop() -> "Iterator[WhopMemberships | MembershipsOff]":
    """Who sells memberships, nobody without a key; closed at the end."""
    settings = WhopSettings()
    if settings.api_key is None:
        yield MembershipsOff()
        return
    from mentora_pipelines.adapters.whop.memberships import WhopMemberships

    with closing(WhopMemberships(settings.api_key, settings.base_url)) as whop:
        yield whop


@contextmanager
def open_access_checks() -> "Iterator[AccessChecks]":
    """Decides who may see what creators sell; closed at the end."""
    from mentora_pipelines.domain.memberships.access import AccessChecks

    with open_whop() as desk, open_membership_rows() as rows, open_cache() as cache:
        yield AccessChecks(
            desk,
            rows,
            cache,
            clock=lambda: datetime.now(UTC),
            grace=timedelta(hours=WhopSettings().grace_hours),
        )


@contextmanager
def open_whop_deliveries() -> "Iterator[WhopDeliveries]":
    """The endpoint for Whop's deliveries, for an ASGI application.

    Raises `SettingsError` without WHOP_WEBHOOK_SECRET.
    """
    from mentora_pipelines.adapters.asgi.whop_deliveries import WhopDeliveries
    from mentora_pipelines.adapters.whop.signatures import verified
    from mentora_pipelines.domain.memberships.deliveries import (
        DeliveryOutcome,
        take_delivery,
    )

    secret = WhopSettings().webhook_secret
    if secret is None:
        raise SettingsError("WHOP_WEBHOOK_SECRET is not set: no delivery can be proven")
    with open_membership_rows() as rows, open_cache() as cache:

        def take(body: bytes, headers: Mapping[str, str]) -> DeliveryOutcome:
            delivery = verified(body, headers, secret)
            return take_delivery(delivery.id, delivery.body, rows, cache)

        yield WhopDeliveries(take)
