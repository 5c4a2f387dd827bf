"""Statuses: which of Whop's words for a membership give access.

Closed lists: a word that stands in neither gives nothing, and takes nothing away that
was there before, because nobody here knows what it means.
"""

from enum import StrEnum

GRANTING = frozenset({"active", "trialing", "past_due", "completed", "canceling"})
"""`past_due` is Whop's grace after a failed payment, `completed` a purchase that was
paid once, `canceling` one that ends with its period (whop-sdk 2.6, `Membership`)."""

DENYING = frozenset({"canceled", "expired", "unresolved", "drafted"})


class Standing(StrEnum):
    """What a status says about access."""

    GRANTS = "grants"
    DENIES = "denies"
    UNKNOWN = "unknown"


def standing_of(status: str) -> Standing:
    """What a word of Whop's says; a word that is not listed is `UNKNOWN`."""
    if status in GRANTING:
        return Standing.GRANTS
    return Standing.DENIES if status in DENYING else Standing.UNKNOWN
