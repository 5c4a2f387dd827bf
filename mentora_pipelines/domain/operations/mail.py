"""Mail: one notice to a person, and what makes two of them the same.

Here belong a mail's parts, their checks and its identity. Not here: what a template
takes (`mail_variables`), when a mail is sent (`mail_delivery`) or how it looks.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from uuid import UUID, uuid5

from pydantic import JsonValue

from mentora_pipelines.domain.identity import NAMESPACE, content_hash
from mentora_pipelines.domain.operations.mail_variables import (
    MailTemplate,
    parse_variables,
)
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode, InvalidInput

MESSAGE_ID_DOMAIN = "mentora-pipelines.internal"
"""Right half of our Message-IDs; `.internal` is reserved for names that are private."""

MAX_ADDRESS_CHARACTERS = 254
"""What fits into the path of an SMTP command (RFC 5321, 4.5.3.1.3, less its `<>`)."""

_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f-\x9f]+@[\w.-]+")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to write; made by `new_mail`, which checks every part.

    `creator_id` is None for the platform's own. The same template, subject and
    fingerprint are the same mail, which is sent once.
    """

    creator_id: UUID | None
    template: MailTemplate
    subject_id: str
    recipient: str
    variables: Mapping[str, JsonValue]
    fingerprint: str

    @property
    def id(self) -> UUID:
        """Follows from what makes it this mail."""
        parts = (self.template, self.subject_id, self.fingerprint)
        return uuid5(NAMESPACE, "\n".join(("mail", *parts)))

    @property
    def message_id(self) -> str:
        """The Message-ID of the mail when it is sent alone."""
        return message_id_of(self.id)


@runtime_checkable
class MailWriter(Protocol):
    """Puts mail into the outbox, across creators."""

    def write(self, mail: Mail) -> bool:
        """Whether it is new; the same mail is written once."""
        ...


def new_mail(
    template: str,
    *,
    subject_id: str,
    recipient: str | None,
    variables: Mapping[str, object],
    creator_id: UUID | None,
) -> Mail:
    """The mail about `subject_id`, as the id of a video.

    Two calls with the same arguments are the same mail. Raises `InvalidInput` for a
    template, recipient or variable that cannot be, naming which, without its value.
    """
    if template not in list(MailTemplate):
        raise InvalidInput("there is no such mail template")
    if not subject_id.strip():
        raise InvalidInput("a mail needs what it is about")
    address = checked_address(recipient)
    name = MailTemplate(template)
    stored = parse_variables(name, variables).model_dump(mode="json", by_alias=True)
    payload = json.dumps(
        [str(creator_id), address, stored], sort_keys=True, separators=(",", ":")
    )
    return Mail(creator_id, name, subject_id, address, stored, content_hash(payload))


def failure_mail(video: Video, code: ErrorCode) -> Mail:
    """The one mail about the failure of a video's upload.

    Raises `InvalidInput` when the creator's address cannot be written to.
    """
    return _to_creator(MailTemplate.VIDEO_PROCESSING_FAILED, video, code=code)


def quiz_failure_mail(
    video: Video, code: ErrorCode, requested_as: UUID | None, run_id: UUID
) -> Mail:
    """The one mail about a request for a quiz that came to nothing.

    Asked anew it has another run, and another mail; runs that nobody has asked for have
    one for each upload. Raises `InvalidInput` when the creator's address cannot be
    written to.
    """
    template = MailTemplate.QUIZ_GENERATION_FAILED
    return _to_creator(
        template,
        video,
        code=code,
        requested_as=requested_as,
        run_id=None if requested_as is None else run_id,
    )


def checked_address(recipient: str | None) -> str:
    """The mail address, trimmed; raises `InvalidInput`, which never holds it.

    What stands before the `@` may be of any script (RFC 6531).
    """
    address = (recipient or "").strip()
    if not address:
        raise InvalidInput("a mail needs a recipient")
    if len(address) > MAX_ADDRESS_CHARACTERS or not _ADDRESS.fullmatch(address):
        raise InvalidInput("the recipient is not a mail address")
    return address


def _to_creator(template: MailTemplate, video: Video, **more: object) -> Mail:
    return new_mail(
        template,
        subject_id=str(video.id),
        recipient=video.creator_email,
        variables={
            "video_id": video.id,
            "title": video.title,
            "upload_number": video.upload_number,
            **more,
        },
        creator_id=video.creator_id,
    )


def message_id_of(name: UUID) -> str:
    """The header Message-ID that a mail or a digest keeps at every attempt."""
    return f"<{name}@{MESSAGE_ID_DOMAIN}>"
