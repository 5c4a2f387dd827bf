"""What was last known about a user's access, for when Whop does not say.

A pure decision over stored facts. It grants nothing that Whop had not granted, and
nothing for longer than a bounded time after Whop last said so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mentora_pipelines.domain.memberships.statuses import Standing, standing_of


@dataclass(frozen=True, slots=True)
class Answer:
    """What Whop's access check said about a user and a product (or a company).

    `is_staff`: the access is the team's, and not a membership's.
    """

    resource_id: str
    granted: bool
    is_staff: bool
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class KnownMembership:
    """A stored membership; `granted_at` is when Whop last told of it as giving access.

    It stays while the status is a word that we do not know, and is None once Whop said
    a word that denies. `company_id` is None until Whop told of it.
    """

    company_id: str | None
    product_id: str
    status: str
    granted_at: datetime | None
    changed_at: datetime | None
    closed_at: datetime | None
    valid_until: datetime | None

    def gives_access(self, now: datetime) -> bool:
        """Whether access is all that is known of it."""
        return (
            self.granted_at is not None
            and self.closed_at is None
            and (self.valid_until is None or now < self.valid_until)
        )

    def ended_at(self, now: datetime) -> datetime | None:
        """When it ended; None when it did not, or nobody knows."""
        if self.closed_at is not None:
            return self.closed_at
        if standing_of(self.status) is Standing.DENIES:
            return self.changed_at
        if self.valid_until is not None and self.valid_until <= now:
            return self.valid_until
        return None


def last_yes(
    answer: Answer | None,
    memberships: Sequence[KnownMembership],
    *,
    now: datetime,
    grace: timedelta,
) -> datetime | None:
    """When Whop last granted what still counts as granted; None: no access.

    `answer` and `memberships` are about one user and one product. The latest word
    counts: a no of the access check is outweighed only by a membership that changed
    after it, a yes is ended by one that ended after it.
    """
    granting = [
        (one.granted_at, one.changed_at)
        for one in memberships
        if one.granted_at is not None and one.gives_access(now)
    ]
    if answer is None:
        times = [told for told, _ in granting]
    elif not answer.granted:
        times = [
            told
            for told, changed in granting
            if changed is not None and changed > answer.answered_at
        ]
    else:
        times = [told for told, _ in granting]
        ends = [one.ended_at(now) for one in memberships]
        ended = any(end is not None and end > answer.answered_at for end in ends)
        if times or answer.is_staff or not ended:
            times.append(answer.answered_at)
    newest = max(times, default=None)
    return newest if newest is not None and now - newest <= grace else None
