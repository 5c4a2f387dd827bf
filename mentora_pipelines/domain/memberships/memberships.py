"""Memberships: what a creator sells, who bought it, and where both are asked for.

Here belong the values and the ports. Not here: who may see what (`access`), or how
rows follow Whop (`following`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn, Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.memberships.statuses import Standing, standing_of
from mentora_pipelines.errors import InvalidInput, SettingsError

MAX_PRODUCTS = 10
"""Of one creator: an access check asks for each."""

_USER_ID = re.compile("user_[A-Za-z0-9]{1,64}")
_PRODUCT_ID = re.compile("prod_[A-Za-z0-9]{1,64}")
_COMPANY_ID = re.compile("biz_[A-Za-z0-9]{1,64}")


@dataclass(frozen=True, slots=True)
class Shop:
    """What a creator sells at Whop: some products of a company, or all of them."""

    creator_id: UUID
    company_id: str
    product_ids: tuple[str, ...] = ()

    @property
    def resources(self) -> tuple[str, ...]:
        """What access is asked for: each product, or the company as a whole."""
        return self.product_ids or (self.company_id,)

    def sells(self, product_id: str) -> bool:
        """Whether a membership of this product is one of the creator's."""
        return not self.product_ids or product_id in self.product_ids


@dataclass(frozen=True, slots=True)
class Membership:
    """One membership as Whop told it.

    `valid_until` is where access is known to end, None where no end is known;
    `changed_at` is when it last changed at Whop, and `told_at` when Whop said so: of
    two tellings the later change counts, and of the same change the later telling.
    `is_over` says that it ended whatever its status is called.
    """

    id: str
    user_id: str
    company_id: str
    product_id: str
    status: str
    valid_until: datetime | None
    changed_at: datetime
    told_at: datetime
    is_over: bool = False

    @property
    def standing(self) -> Standing:
        """What it says about access, until `valid_until`."""
        return Standing.DENIES if self.is_over else standing_of(self.status)


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of a listing; `unowned` counts memberships that no user holds."""

    memberships: tuple[Membership, ...]
    unowned: int


@runtime_checkable
class MembershipListing(Protocol):
    """Where memberships are read from."""

    @property
    def off_because(self) -> str | None:
        """Why memberships are off, None when they are on."""
        ...

    def pages(self, shop: Shop) -> Iterator[ListedPage]:
        """All memberships of a shop, page by page.

        Ends only at the end of the listing. Raises `TransientError` when it breaks off,
        repeats itself or is not understood, `PermanentError` when it is refused.
        """
        ...

    def find(self, membership_id: str) -> Membership | None:
        """One membership; None when there is none, or no user holds it.

        Raises as `pages` does.
        """
        ...


@runtime_checkable
class MembershipRows(Protocol):
    """Where memberships are kept: closed when they are gone, never deleted."""

    def shops(self) -> tuple[list[Shop], list[UUID]]:
        """What creators sell, and those whose settings about it are malformed."""
        ...

    def count_open(self, shop: Shop) -> int:
        """How many memberships of a shop are not closed."""
        ...

    def store(self, creator_id: UUID, memberships: Sequence[Membership]) -> int:
        """Insert and update, each unless more is known already; rows written."""
        ...

    def unconfirmed(self, shop: Shop, before: datetime, limit: int) -> list[str]:
        """Ids of open memberships that Whop last told of before a time."""
        ...

    def close(self, creator_id: UUID, membership_id: str, at: datetime) -> bool:
        """Close a membership that was gone at a time, unless told of since."""
        ...

    def forget_answers(self) -> int:
        """Delete answers that no decision needs any more; how many."""
        ...


class MembershipsOff:
    """Satisfies the ports to Whop where it is not used: nothing is asked."""

    off_because = "WHOP_API_KEY is not set"

    def pages(self, shop: Shop) -> NoReturn:
        """Raises `SettingsError`."""
        raise _off(f"the shop {shop.company_id}")

    def find(self, membership_id: str) -> NoReturn:
        """Raises `SettingsError`."""
        raise _off(membership_id)

    def has_access(self, user_id: str, resource_id: str) -> NoReturn:
        """Raises `SettingsError`."""
        raise _off(f"{user_id} and {resource_id}")

    def check(self) -> str:
        """What `mentora doctor` says."""
        return f"off: {self.off_because}"


def _off(subject: str) -> SettingsError:
    because = MembershipsOff.off_because
    return SettingsError(f"memberships are off, {because}: asked about {subject}")


def parse_user_id(text: str) -> str:
    """A user's id at Whop; raises `InvalidInput`.

    Whop also understands user names, and `me`: whoever the key belongs to, who may
    see everything.
    """
    if _USER_ID.fullmatch(text) is None:
        raise InvalidInput("a user is named by an id at Whop, as user_…")
    return text


def parse_shop(creator_id: UUID, settings: Mapping[str, object]) -> Shop | None:
    """What a creator's settings say about Whop; None when they say nothing.

        {"whop": {"companyId": "biz_…", "productIds": ["prod_…"]}}

    Without `productIds` all products of the company count. Raises `InvalidInput`.
    """
    match settings.get("whop"):
        case None:
            return None
        case {"companyId": str(company_id), **rest}:
            match rest.get("productIds"):
                case None | []:
                    products: list[object] = []
                case [*named]:
                    products = named
                case _:
                    raise InvalidInput("settings.whop.productIds is not a list")
        case _:
            raise InvalidInput("settings.whop.companyId is missing")
    if _COMPANY_ID.fullmatch(company_id) is None:
        raise InvalidInput("settings.whop.companyId is not an id, as biz_…")
    product_ids = tuple(dict.fromkeys(map(_product_id, products)))
    if len(product_ids) > MAX_PRODUCTS:
        raise InvalidInput(f"settings.whop.productIds: more than {MAX_PRODUCTS}")
    return Shop(creator_id, company_id, product_ids)


def _product_id(value: object) -> str:
    if not isinstance(value, str) or _PRODUCT_ID.fullmatch(value) is None:
        raise InvalidInput("settings.whop.productIds: one is not an id, as prod_…")
    return value
