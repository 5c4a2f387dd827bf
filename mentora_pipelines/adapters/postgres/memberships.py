"""Rows of `memberships` and `membership_answers`, and what creators sell.

One creator's rows as the app role; who sells what, and what is forgotten, as the admin
role.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.events.events import write_event
from mentora_pipelines.domain.events.payloads import MembershipChanged
from mentora_pipelines.domain.identity import membership_id_of
from mentora_pipelines.domain.memberships.last_known import Answer, KnownMembership
from mentora_pipelines.domain.memberships.memberships import (
    Membership,
    Shop,
    parse_shop,
)
from mentora_pipelines.domain.memberships.statuses import (
    DENYING,
    Standing,
    standing_of,
)
from mentora_pipelines.errors import InvalidInput

SELECT_SHOPS = """
select id, settings from creators
where settings -> 'whop' is not null
  and (%(company_id)s::text is null
       or settings -> 'whop' ->> 'companyId' = %(company_id)s)
order by id
"""

SELECT_SETTINGS = "select settings from creators where id = %(creator_id)s"

COUNT_OPEN = """
select count(*) from memberships
where creator_id = %(creator_id)s and closed_at is null and external_id is not null
  and coalesce(company_id, %(company_id)s) = %(company_id)s
  and (%(product_ids)s::text[] is null or product_id = any(%(product_ids)s))
"""

# The later change counts, and of the same change the later telling; what was closed is
# open again only by a telling of after. An unknown word leaves `granted_at`, unless the
# membership went to somebody else.
STORE = """
insert into memberships as stored (
    id, creator_id, external_id, user_id, company_id, product_id, status, valid_until,
    closed_at, synced_at, granted_at, changed_at)
select
    id, %(creator_id)s, external_id, user_id, company_id, product_id, status,
    valid_until, closed_at, told_at, granted_at, changed_at
from unnest(
    %(ids)s::uuid[], %(external_ids)s::text[], %(user_ids)s::text[],
    %(company_ids)s::text[], %(product_ids)s::text[], %(statuses)s::text[],
    %(valid_until)s::timestamptz[], %(closed_at)s::timestamptz[],
    %(told_at)s::timestamptz[], %(granted_at)s::timestamptz[],
    %(changed_at)s::timestamptz[]
) as told (
    id, external_id, user_id, company_id, product_id, status, valid_until, closed_at,
    told_at, granted_at, changed_at)
order by external_id
on conflict (creator_id, external_id) do update
set user_id = excluded.user_id,
    company_id = excluded.company_id,
    product_id = excluded.product_id,
    student_id = case when stored.user_id = excluded.user_id then stored.student_id end,
    status = excluded.status,
    valid_until = excluded.valid_until,
    closed_at = excluded.closed_at,
    synced_at = excluded.synced_at,
    changed_at = excluded.changed_at,
    granted_at = case
        when excluded.granted_at is not null then excluded.granted_at
        when excluded.closed_at is not null then null
        when excluded.status = any(%(denying)s) then null
        when (stored.user_id, stored.company_id, stored.product_id) is distinct from
            (excluded.user_id, excluded.company_id, excluded.product_id) then null
        else stored.granted_at
    end
where (stored.closed_at is null or stored.closed_at < excluded.synced_at)
  and (stored.changed_at is null
       or (stored.changed_at, stored.synced_at)
           < (excluded.changed_at, excluded.synced_at))
"""

SELECT_UNCONFIRMED = """
select external_id from memberships
where creator_id = %(creator_id)s and closed_at is null and external_id is not null
  and synced_at < %(before)s
  and coalesce(company_id, %(company_id)s) = %(company_id)s
  and (%(product_ids)s::text[] is null or product_id = any(%(product_ids)s))
order by synced_at, external_id
limit %(limit)s
"""

CLOSE = """
update memberships set closed_at = %(at)s, granted_at = null
where creator_id = %(creator_id)s and external_id = %(external_id)s
  and closed_at is null and synced_at <= %(at)s
"""

# A clock that is ahead must not make this answer outlive the next one.
REMEMBER = """
insert into membership_answers as stored (
    creator_id, user_id, resource_id, granted, is_staff, answered_at)
select
    %(creator_id)s, %(user_id)s, resource_id, granted, is_staff,
    least(answered_at, now())
from unnest(
    %(resource_ids)s::text[], %(granted)s::boolean[], %(is_staff)s::boolean[],
    %(answered_at)s::timestamptz[]
) as told (resource_id, granted, is_staff, answered_at)
order by resource_id
on conflict (creator_id, user_id, resource_id) do update
set granted = excluded.granted,
    is_staff = excluded.is_staff,
    answered_at = excluded.answered_at
where stored.answered_at <= excluded.answered_at
"""

SELECT_ANSWERS = """
select resource_id, granted, is_staff, answered_at from membership_answers
where creator_id = %(creator_id)s and user_id = %(user_id)s
"""

SELECT_KNOWN = """
select company_id, product_id, status, granted_at, changed_at, closed_at, valid_until
from memberships
where creator_id = %(creator_id)s and user_id = %(user_id)s
"""

# No yes counts for so long; a no still outweighs an older membership.
FORGET_ANSWERS = """
delete from membership_answers as answer
where answered_at < now() - interval '30 days'
  and (granted or not exists (
      select from memberships
      where memberships.creator_id = answer.creator_id
        and memberships.user_id = answer.user_id
        and memberships.closed_at is null))
"""


class PostgresMemberships:
    """Satisfies `MembershipRows`, `AccessLedger` and `DeliveryRows`."""

    def __init__(self, app: Database, admin: Database) -> None:
        self._app = app
        self._admin = admin

    def shops(self) -> tuple[list[Shop], list[UUID]]:
        """What creators sell, and those whose settings about it are malformed."""
        return self._shops(None)

    def shops_of(self, company_id: str) -> list[Shop]:
        """What is sold under a company's id; malformed settings sell nothing."""
        return self._shops(company_id)[0]

    def shop(self, creator_id: UUID) -> Shop | None:
        """What a creator sells; None for nothing. Raises `InvalidInput`."""
        with self._app.transaction(creator_id) as connection:
            row = connection.execute(
                SELECT_SETTINGS, {"creator_id": creator_id}
            ).fetchone()
        return None if row is None else parse_shop(creator_id, row[0])

    def count_open(self, shop: Shop) -> int:
        """How many memberships of a shop are not closed."""
        with self._app.transaction(shop.creator_id) as connection:
            row = connection.execute(COUNT_OPEN, _of(shop)).fetchone()
        return 0 if row is None else int(row[0])

    def store(self, creator_id: UUID, memberships: Sequence[Membership]) -> int:
        """Insert and update, each unless more is known already; rows written."""
        told = _newest_of_each(memberships)
        if not told:
            return 0
        columns: dict[str, Any] = {
            "ids": [membership_id_of(creator_id, one.id) for one in told],
            "external_ids": [one.id for one in told],
            "user_ids": [one.user_id for one in told],
            "company_ids": [one.company_id for one in told],
            "product_ids": [one.product_id for one in told],
            "statuses": [one.status for one in told],
            "valid_until": [one.valid_until for one in told],
            "closed_at": [_closed_at(one) for one in told],
            "told_at": [one.told_at for one in told],
            "granted_at": [
                one.told_at if one.standing is Standing.GRANTS else None for one in told
            ],
            "changed_at": [one.changed_at for one in told],
        }
        fixed = {"creator_id": creator_id, "denying": sorted(DENYING)}
        return self._app.run(
            lambda connection: connection.execute(STORE, columns | fixed).rowcount,
            creator_id,
        )

    def unconfirmed(self, shop: Shop, before: datetime, limit: int) -> list[str]:
        """Ids of open memberships that Whop last told of before a time."""
        with self._app.transaction(shop.creator_id) as connection:
            rows = connection.execute(
                SELECT_UNCONFIRMED, {**_of(shop), "before": before, "limit": limit}
            ).fetchall()
        return [str(external_id) for (external_id,) in rows]

    def close(self, creator_id: UUID, membership_id: str, at: datetime) -> bool:
        """Close a membership that was gone at a time, unless told of since."""
        with self._app.transaction(creator_id) as connection:
            closed = connection.execute(
                CLOSE,
                {"creator_id": creator_id, "external_id": membership_id, "at": at},
            )
            return closed.rowcount > 0

    def remember(
        self, creator_id: UUID, user_id: str, answers: Sequence[Answer]
    ) -> None:
        """Keep answers, each unless a later one is kept."""
        with self._app.transaction(creator_id) as connection:
            connection.execute(
                REMEMBER,
                {
                    "creator_id": creator_id,
                    "user_id": user_id,
                    "resource_ids": [one.resource_id for one in answers],
                    "granted": [one.granted for one in answers],
                    "is_staff": [one.is_staff for one in answers],
                    "answered_at": [one.answered_at for one in answers],
                },
            )

    def known(
        self, creator_id: UUID, user_id: str
    ) -> tuple[list[Answer], list[KnownMembership]]:
        """The kept answers and memberships of a user."""
        who = {"creator_id": creator_id, "user_id": user_id}
        with self._app.transaction(creator_id) as connection:
            with connection.cursor(row_factory=class_row(Answer)) as cursor:
                answers = cursor.execute(SELECT_ANSWERS, who).fetchall()
            with connection.cursor(row_factory=class_row(KnownMembership)) as cursor:
                return answers, cursor.execute(SELECT_KNOWN, who).fetchall()

    def record(self, key: str, changed: MembershipChanged) -> bool:
        """Write the event of this key; False when it is there already."""
        with self._app.transaction(changed.creator_id) as connection:
            return write_event(
                connection,
                changed,
                deduplication_key=key,
                creator_id=changed.creator_id,
            )

    def forget_answers(self) -> int:
        """Delete answers that no decision needs any more; how many."""
        with self._admin.transaction() as connection:
            return connection.execute(FORGET_ANSWERS).rowcount

    def _shops(self, company_id: str | None) -> tuple[list[Shop], list[UUID]]:
        with self._admin.transaction() as connection:
            rows = connection.execute(
                SELECT_SHOPS, {"company_id": company_id}
            ).fetchall()
        shops: list[Shop] = []
        malformed: list[UUID] = []
        for creator_id, settings in rows:
            try:
                shop = parse_shop(creator_id, settings)
            except InvalidInput:
                malformed.append(creator_id)
            else:
                shops += [shop] if shop is not None else []
        return shops, malformed


def _of(shop: Shop) -> dict[str, Any]:
    return {
        "creator_id": shop.creator_id,
        "company_id": shop.company_id,
        "product_ids": list(shop.product_ids) or None,
    }


def _closed_at(one: Membership) -> datetime | None:
    """Set only where the status does not say by itself that it is over."""
    says_so = standing_of(one.status) is Standing.DENIES
    return one.told_at if one.is_over and not says_so else None


def _newest_of_each(memberships: Iterable[Membership]) -> list[Membership]:
    """One telling of each: a listing may repeat a membership that moved meanwhile."""
    newest: dict[str, Membership] = {}
    for one in sorted(memberships, key=lambda told: (told.changed_at, told.told_at)):
        newest[one.id] = one
    return list(newest.values())
