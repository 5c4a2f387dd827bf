"""Following: the rows of memberships become what Whop lists.

A listing that lacks rows proves nothing: it may be empty, cut, or lack a page. So only
what Whop, asked for it alone, does not know is closed; and a listing that lacks more
than is credible closes nobody.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from mentora_pipelines.domain.memberships.memberships import (
    MembershipListing,
    MembershipRows,
    Shop,
)
from mentora_pipelines.errors import MentoraError, TransientError

CREDIBLE_LOSSES = 20
"""Memberships that may be gone at once in any shop."""

CREDIBLE_SHARE = 0.2
"""Of a shop's memberships; more at once is a fault of the listing or of the key."""

MAX_CLOSED = 10_000
"""Of a shop in one round, when its listing is believed: each is asked for alone."""

AWAY_AFTER = 3
"""Shops in a row without an answer: then Whop is away, and the rest is not asked."""


@dataclass
class FollowedShops:
    """What one round came to; `faults` says by creator why a shop was not followed."""

    shops: int = 0
    listed: int = 0
    written: int = 0
    closed: int = 0
    unowned: int = 0
    unlisted: int = 0
    faults: dict[UUID, str] = field(default_factory=dict)
    worth_retrying: bool = False


class _Refused(Exception):
    """The listing is not credible; never leaves this module."""


def follow_shops(
    listing: MembershipListing,
    rows: MembershipRows,
    *,
    clock: Callable[[], datetime],
    believed: Collection[UUID] = (),
) -> FollowedShops:
    """Make the rows of every shop what Whop lists; harmless to repeat.

    A shop that cannot be followed stops no other one; nothing of it is closed.
    `believed` are creators of whom somebody knows that they lost so many members.
    """
    figures = FollowedShops()
    shops, malformed = rows.shops()
    for creator_id in malformed:
        figures.faults[creator_id] = "settings.whop is malformed"
    silent = 0
    for shop in shops:
        if silent >= AWAY_AFTER:
            figures.faults[shop.creator_id] = "not asked: Whop is away"
            continue
        try:
            trusted = shop.creator_id in believed
            _follow(shop, listing, rows, clock, figures, believed=trusted)
            figures.shops += 1
            silent = 0
        except _Refused as refusal:
            figures.faults[shop.creator_id] = str(refusal)
        except TransientError as error:
            figures.faults[shop.creator_id] = str(error)
            figures.worth_retrying = True
            silent += 1
        except MentoraError as error:
            figures.faults[shop.creator_id] = str(error)
    rows.forget_answers()
    return figures


def _follow(
    shop: Shop,
    listing: MembershipListing,
    rows: MembershipRows,
    clock: Callable[[], datetime],
    figures: FollowedShops,
    *,
    believed: bool,
) -> None:
    began = clock()
    before = rows.count_open(shop)
    listed = 0
    for page in listing.pages(shop):
        listed += len(page.memberships)
        figures.unowned += page.unowned
        figures.written += rows.store(shop.creator_id, page.memberships)
    figures.listed += listed
    credible = max(CREDIBLE_LOSSES, int(before * CREDIBLE_SHARE))
    limit = MAX_CLOSED if believed else credible + 1
    missing = rows.unconfirmed(shop, began, limit)
    if missing and not listed and not believed:
        raise _Refused(f"the listing is empty, and {before} memberships are open")
    if len(missing) > credible and not believed:
        raise _Refused(
            f"the listing lacks more than {credible} of {before} open memberships"
        )
    for membership_id in missing:
        asked_at = clock()
        found = listing.find(membership_id)
        if found is None:
            figures.closed += rows.close(shop.creator_id, membership_id, asked_at)
        else:
            figures.unlisted += 1
            rows.store(shop.creator_id, [found])
