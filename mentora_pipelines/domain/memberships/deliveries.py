"""Deliveries: what Whop sends when a membership changes, turned into an event.

Here belong what a delivery says and whom it concerns. Not here: whether it is Whop's
(its signature, in the adapter), or what the event sets off (`domain/events/consumers`).
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from pydantic import (
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)

from mentora_pipelines.domain.caching.cache import CacheInvalidator
from mentora_pipelines.domain.caching.invalidation import on_membership_change
from mentora_pipelines.domain.events.payloads import MembershipChanged
from mentora_pipelines.domain.memberships.memberships import Shop, parse_user_id
from mentora_pipelines.errors import InvalidInput, TransientError

ENDED = "membership.deactivated"

FOLLOWED = frozenset(
    {
        "membership.activated",
        ENDED,
        "membership.updated",
        "membership.cancel_at_period_end_changed",
    }
)
"""The deliveries that say what a membership is; others are none of ours."""


class _Fields(BaseModel):
    """What is read of a membership, in the payload's older shape and the newer one."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: str = Field(min_length=1, max_length=200)
    user_id: str | None = Field(
        None, validation_alias=AliasChoices("user_id", AliasPath("user", "id"))
    )
    product_id: str = Field(
        min_length=1,
        max_length=200,
        validation_alias=AliasChoices("product_id", AliasPath("product", "id")),
    )
    company_id: str | None = Field(
        None,
        validation_alias=AliasChoices(
            AliasPath("account", "id"), AliasPath("company", "id")
        ),
    )
    status: str = Field(min_length=1, max_length=200)
    updated_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    period_end: AwareDatetime | None = Field(
        None,
        validation_alias=AliasChoices("current_period_end", "renewal_period_end"),
    )
    cancel_at_period_end: bool = False


class _Delivery(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    type: str
    timestamp: AwareDatetime
    company_id: str | None = Field(
        None, validation_alias=AliasChoices("account_id", "company_id")
    )
    data: _Fields


class DeliveryOutcome(StrEnum):
    """What became of a delivery."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    IGNORED = "ignored"


@runtime_checkable
class DeliveryRows(Protocol):
    """Where deliveries become events."""

    def shops_of(self, company_id: str) -> list[Shop]:
        """What is sold under a company's id."""
        ...

    def record(self, key: str, changed: MembershipChanged) -> bool:
        """Write the event of this key; False when it is there already."""
        ...


def take_delivery(
    delivery_id: str,
    body: Mapping[str, object],
    rows: DeliveryRows,
    cache: CacheInvalidator,
) -> DeliveryOutcome:
    """Turn a delivery into an event for each creator who sells its product, once.

    What is cached about its user is forgotten. A delivery of another kind, company or
    product, or about a membership that no user holds, is ignored. Raises `InvalidInput`
    for one that is not understood and `TransientError` when it must be sent again.
    """
    if body.get("type") not in FOLLOWED:
        return DeliveryOutcome.IGNORED
    try:
        told = _Delivery.model_validate(body)
    except ValidationError as error:
        # Places without values: a delivery holds names and mail addresses.
        places = {".".join(map(str, fault["loc"])) for fault in error.errors()}
        raise InvalidInput(f"delivery: {', '.join(sorted(places))}") from None
    company_id = told.company_id or told.data.company_id
    if company_id is None:
        raise InvalidInput("delivery: company_id")
    product_id = told.data.product_id
    shops = [shop for shop in rows.shops_of(company_id) if shop.sells(product_id)]
    if not shops or told.data.user_id is None:
        return DeliveryOutcome.IGNORED
    user_id = parse_user_id(told.data.user_id)
    is_new = False
    for shop in shops:
        # One for each seller, whose settings may say the same as another's.
        key = f"{delivery_id}:{shop.creator_id}"
        is_new |= rows.record(key, _changed(told, shop, user_id))
        with suppress(TransientError):  # the change of the row tells it again
            on_membership_change(cache, shop.creator_id, user_id)
    return DeliveryOutcome.RECORDED if is_new else DeliveryOutcome.REPEATED


def _changed(told: _Delivery, shop: Shop, user_id: str) -> MembershipChanged:
    return MembershipChanged(
        creator_id=shop.creator_id,
        membership_id=told.data.id,
        user_id=user_id,
        company_id=shop.company_id,
        product_id=told.data.product_id,
        status=told.data.status,
        is_over=told.type == ENDED,
        valid_until=known_end(
            told.data.status,
            told.data.expires_at,
            told.data.period_end,
            cancels=told.data.cancel_at_period_end,
        ),
        changed_at=min(told.data.updated_at, told.timestamp),
        told_at=told.timestamp,
    )


def known_end(
    status: str,
    expires_at: datetime | None,
    period_end: datetime | None,
    *,
    cancels: bool,
) -> datetime | None:
    """Where access is known to end; a period that is renewed is no end."""
    ends = [expires_at] if expires_at is not None else []
    if period_end is not None and (cancels or status == "canceling"):
        ends.append(period_end)
    return min(ends, default=None)
