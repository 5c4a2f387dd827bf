"""Alerts of health: which creator is told what, and when.

Here belong the rule and the mail. Not here: what a probe means (`content_health`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from mentora_pipelines.domain.operations.content_health import FAILING, HealthOutcome
from mentora_pipelines.domain.operations.mail import Mail, new_mail
from mentora_pipelines.domain.operations.mail_variables import (
    MAX_HEALTH_LINES,
    MailTemplate,
)


@dataclass(frozen=True, slots=True)
class AlertRule:
    """So many failed probes in a row, over at least so long, are told."""

    failures: int = 3
    over: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """How a lesson stands by its history.

    `outcome` and `check_id` are of the last probe that counts; `failures` are those
    since the lesson was last seen well, the first and the last of them at these times.
    `is_alerted`: its creator was told that it fails, and not yet that it is mended.
    """

    video_id: UUID
    title: str
    check_id: UUID
    outcome: HealthOutcome
    failures: int
    first_failed_at: datetime | None
    last_failed_at: datetime | None
    is_alerted: bool


def is_news(record: HealthRecord, rule: AlertRule) -> bool:
    """Whether the creator is to be told of the lesson's last outcome."""
    if record.is_alerted:
        return record.outcome is HealthOutcome.OK
    return (
        record.outcome in FAILING
        and record.failures >= rule.failures
        and record.first_failed_at is not None
        and record.last_failed_at is not None
        and record.last_failed_at - record.first_failed_at >= rule.over
    )


def news_of(records: Sequence[HealthRecord], rule: AlertRule) -> list[HealthRecord]:
    """What goes into one digest; the rest of a very long one waits for the next."""
    return [record for record in records if is_news(record, rule)][:MAX_HEALTH_LINES]


def health_mail(
    news: Sequence[HealthRecord],
    *,
    look_id: UUID,
    creator_id: UUID,
    recipient: str | None,
) -> Mail:
    """The one digest of a look for a creator.

    Raises `InvalidInput` when the creator's address cannot be written to.
    """
    return new_mail(
        MailTemplate.VIDEO_HEALTH_ALERT,
        # The same lesson may fail in the same way again, after it was mended.
        subject_id=f"{look_id}/{creator_id}",
        recipient=recipient,
        variables={
            "lessons": [
                {
                    "video_id": record.video_id,
                    "title": record.title,
                    "outcome": record.outcome.value,
                }
                for record in news
            ]
        },
        creator_id=creator_id,
    )
