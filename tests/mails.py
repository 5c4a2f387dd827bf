"""Mails for tests, without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mentora_pipelines.domain.operations.mail import message_id_of
from mentora_pipelines.domain.operations.mail_envelopes import DueMail, Envelope
from mentora_pipelines.domain.operations.mail_variables import MailTemplate
from mentora_pipelines.errors import ErrorCode

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def due_mail(
    number: int,
    *,
    template: str = "video-processing-failed",
    recipient: str = "ada@tests.example",
    variables: dict[str, Any] | None = None,
    attempts: int = 0,
    envelope_id: UUID | None = None,
) -> DueMail:
    """A due row, the `number`-th that was written."""
    name = UUID(int=1000 + number)
    return DueMail(
        name,
        template,
        recipient,
        variables or failure(number, f"Lesson {number}", ErrorCode.NO_AUDIO),
        message_id_of(name),
        attempts,
        envelope_id,
        BEGIN + timedelta(seconds=number),
    )


def failure(number: int, title: str, code: ErrorCode) -> dict[str, Any]:
    """The stored variables about one failed video."""
    return {"videoId": str(UUID(int=number)), "title": title, "code": code.value}


def health(*lessons: tuple[int, str, str]) -> dict[str, Any]:
    """The stored variables about the health of lessons."""
    return {
        "lessons": [
            {"videoId": str(UUID(int=number)), "title": title, "outcome": outcome}
            for number, title, outcome in lessons
        ]
    }


def sealed(template: MailTemplate, *variables: dict[str, Any]) -> Envelope:
    """An envelope with a mail of each of `variables`."""
    mails = tuple(
        due_mail(number, template=template, variables=each)
        for number, each in enumerate(variables)
    )
    first = mails[0]
    return Envelope(first.id, first.message_id, template, first.recipient, mails)
