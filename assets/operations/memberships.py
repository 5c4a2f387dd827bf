"""Memberships follow Whop."""

from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

import dagster as dg
from pydantic import Field

from assets.cockpit import OPERATIONS, table_metadata
from assets.failures import platform_step
from assets.tags import run_limits
from mentora_pipelines.domain.memberships.following import FollowedShops, follow_shops
from mentora_pipelines.domain.memberships.memberships import (
    MembershipListing,
    MembershipRows,
)
from mentora_pipelines.errors import InvalidInput

Figures: TypeAlias = dict[str, int | str | dict[str, str]]


class FollowedMemberships(dg.Config):
    """`believed`: creators whose listing counts though it lacks incredibly many."""

    believed: list[str] = Field(default_factory=list)


@dg.asset(
    group_name="operations",
    owners=[OPERATIONS],
    metadata=table_metadata("memberships"),
    kinds={"postgres"},
    retry_policy=dg.RetryPolicy(
        max_retries=2,
        delay=30,
        backoff=dg.Backoff.EXPONENTIAL,
        jitter=dg.Jitter.PLUS_MINUS,
    ),
)
def memberships(
    config: FollowedMemberships,
    membership_listing: dg.ResourceParam[MembershipListing],
    membership_rows: dg.ResourceParam[MembershipRows],
) -> dg.MaterializeResult[None]:
    """Who bought what from which creator, as Whop lists it; ended ones are closed.

    Off without a key. A shop that could not be followed makes the run fail after all
    others were followed, and closes nobody. Of a creator who is `believed`, what Whop
    does not know any more is closed however much it is.
    """
    if membership_listing.off_because is not None:
        off = f"off: {membership_listing.off_because}"
        return dg.MaterializeResult(metadata={"memberships": off})
    with platform_step():
        followed = follow_shops(
            membership_listing,
            membership_rows,
            clock=lambda: datetime.now(UTC),
            believed={_creator_id(text) for text in config.believed},
        )
        if followed.faults:
            raise dg.Failure(
                description=f"{len(followed.faults)} shops were not followed",
                metadata=_figures(followed),
                allow_retries=followed.worth_retrying,
            )
    return dg.MaterializeResult(metadata=_figures(followed))


memberships_job = dg.define_asset_job(
    "memberships_job",
    selection=["memberships"],
    # The next hour's run begins anew.
    tags=run_limits(3000),
    description="Each hour the memberships of all creators follow Whop.",
)


def _creator_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput("believed: a creator is named by id") from None


def _figures(followed: FollowedShops) -> Figures:
    figures: Figures = {
        "shops": followed.shops,
        "listed": followed.listed,
        "written": followed.written,
        "closed": followed.closed,
        "not listed, but there": followed.unlisted,
        "without a user": followed.unowned,
        "not followed": len(followed.faults),
    }
    if followed.faults:
        figures["faults by creator"] = {
            str(creator_id): fault for creator_id, fault in followed.faults.items()
        }
    return figures
