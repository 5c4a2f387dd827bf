"""What is asked of Whop: the access of a user, a shop's memberships, or one of them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from mentora_pipelines.adapters.whop.calls import (
    NOBODY_WAITS,
    PAUSE_S,
    PERSON_WAITS,
    Patience,
    WhopCalls,
)
from mentora_pipelines.domain.memberships.deliveries import known_end
from mentora_pipelines.domain.memberships.last_known import Answer
from mentora_pipelines.domain.memberships.memberships import (
    ListedPage,
    Membership,
    Shop,
    parse_user_id,
)
from mentora_pipelines.errors import InvalidInput, NotFound, TransientError

if TYPE_CHECKING:
    from whop_sdk.memberships.types.list_memberships_response import (
        ListMembershipsResponse,
    )
    from whop_sdk.types.membership import Membership as WhopMembership

PAGE_SIZE = 100

MAX_PAGES = 10_000
"""A million memberships of one company: a listing that goes on is none."""

STAFF = "admin"
HAVING = frozenset({"customer", STAFF})
"""The access levels that come with access (whop-sdk 2.6, `AccessLevel`)."""


class WhopMemberships:
    """Satisfies `AccessDesk` and `MembershipListing`; closed by `close`."""

    off_because: str | None = None

    def __init__(
        self,
        api_key: SecretStr,
        base_url: str,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        access_patience: Patience = PERSON_WAITS,
        listing_patience: Patience = NOBODY_WAITS,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._host = urlsplit(base_url).netloc
        self._calls = WhopCalls(api_key, base_url, pause_s=pause_s)
        self._clock = clock
        self._access_patience = access_patience
        self._listing_patience = listing_patience

    def has_access(self, user_id: str, resource_id: str) -> Answer:
        """What Whop says of a user and a product or company.

        Raises `MentoraError` for anything but a clear yes or no: an access level that
        is not known, or that contradicts the answer, is neither.
        """
        user_id = parse_user_id(user_id)
        asked_at = self._clock()
        told = self._calls.ask(
            lambda whop, options: whop.users.check_access(
                user_id, resource_id, request_options=options
            ),
            self._access_patience,
        )
        level = told.access_level
        if told.has_access != (isinstance(level, str) and level in HAVING):
            raise TransientError("Whop: an access level that is not known")
        return Answer(
            resource_id,
            granted=told.has_access,
            is_staff=told.has_access and level == STAFF,
            answered_at=asked_at,
        )

    def pages(self, shop: Shop) -> Iterator[ListedPage]:
        """All memberships of a shop; ends only where Whop says that it ends."""
        cursor: str | None = None
        seen: set[str | None] = {None}
        for _ in range(MAX_PAGES):
            told_at = self._clock()
            page = self._page(shop, cursor)
            yield _listed(page.data, shop, told_at)
            if not page.page_info.has_next_page:
                return
            cursor = page.page_info.end_cursor
            if not cursor or not page.data:
                raise TransientError("Whop: a listing that breaks off")
            if cursor in seen:
                raise TransientError("Whop: a listing that repeats itself")
            seen.add(cursor)
        raise TransientError("Whop: a listing without an end")

    def find(self, membership_id: str) -> Membership | None:
        """One membership; None when there is none, or no user holds it."""
        told_at = self._clock()
        try:
            found = self._calls.ask(
                lambda whop, options: whop.memberships.retrieve(
                    membership_id, request_options=options
                ),
                self._listing_patience,
            )
        except NotFound:
            return None
        if found.id != membership_id:
            raise TransientError("Whop: another membership than the one asked for")
        return _membership(found, told_at)

    def check(self) -> str:
        """How Whop is reached; raises `MentoraError`."""
        self._calls.ask(
            lambda whop, options: (
                whop.memberships.list(first=1, request_options=options).response
            ),
            self._access_patience,
        )
        return f"Whop at {self._host}, the key is accepted"

    def close(self) -> None:
        """Close every connection."""
        self._calls.close()

    def _page(self, shop: Shop, cursor: str | None) -> "ListMembershipsResponse":
        # Not the SDK's own paging: it takes an empty page for the end, and follows
        # one cursor for ever.
        page: ListMembershipsResponse = self._calls.ask(
            lambda whop, options: (
                whop.memberships.list(
                    account_id=shop.company_id,
                    product_ids=list(shop.product_ids) or None,
                    order="created_at",
                    direction="asc",
                    first=PAGE_SIZE,
                    after=cursor,
                    request_options=options,
                ).response
            ),
            self._listing_patience,
        )
        return page


def _listed(found: "list[WhopMembership]", shop: Shop, told_at: datetime) -> ListedPage:
    """The shop's own: a filter that Whop ignored must not make strangers members."""
    own = [
        one
        for one in found
        if one.account.id == shop.company_id and shop.sells(one.product_id)
    ]
    owned = [_membership(one, told_at) for one in own]
    memberships = tuple(one for one in owned if one is not None)
    return ListedPage(memberships, unowned=len(owned) - len(memberships))


def _membership(one: "WhopMembership", told_at: datetime) -> Membership | None:
    """None for one that no user holds; raises `TransientError` for a malformed one."""
    if one.user_id is None:
        return None
    status = one.status
    ids = (one.id, one.account.id, one.product_id)
    if not (isinstance(status, str) and status and all(ids)):
        raise TransientError("Whop: a membership that is not understood")
    try:
        user_id = parse_user_id(one.user_id)
    except InvalidInput:
        raise TransientError("Whop: a membership that is not understood") from None
    end = known_end(
        status,
        _time(one.expires_at),
        _time(one.current_period_end),
        cancels=one.cancel_at_period_end,
    )
    changed_at = _time(one.updated_at)
    if changed_at is None:
        raise TransientError("Whop: a membership that is not understood")
    return Membership(
        one.id,
        user_id,
        one.account.id,
        one.product_id,
        status,
        end,
        min(changed_at, told_at),
        told_at,
    )


def _time(text: str | None) -> datetime | None:
    """An ISO 8601 time with its zone."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise TransientError("Whop: a time that is not understood")
    return time
