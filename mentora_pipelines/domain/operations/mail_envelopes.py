"""Envelopes: which mails are sent as one message.

Here belongs the rule of digests. Not here: when one is sent (`mail_delivery`).

A server that lost the connection after it took a mail has stored it. Therefore a row
is tied to an envelope when it is claimed, and the envelope to one Message-ID: what may
have been stored is sent again as what it was, and whoever stores it sees the repeat.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from pydantic import JsonValue

from mentora_pipelines.domain.identity import NAMESPACE
from mentora_pipelines.domain.operations.mail import message_id_of

MAX_SINGLES = 3
"""More mails of one kind to one person than this, due together, become one digest."""


@dataclass(frozen=True, slots=True)
class DueMail:
    """A row of the outbox that is due; `attempts` counts those before.

    `envelope_id` is None unless an earlier attempt may have reached a server.
    """

    id: UUID
    template: str
    recipient: str
    variables: Mapping[str, JsonValue]
    message_id: str
    attempts: int
    envelope_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is sent as one message: one row, or a digest of several, oldest first."""

    id: UUID
    message_id: str
    template: str
    recipient: str
    mails: tuple[DueMail, ...]

    @property
    def was_tried(self) -> bool:
        """Whether a server may know its Message-ID already."""
        return self.mails[0].envelope_id is not None

    @property
    def attempts(self) -> int:
        """Attempts before this one, of the row that has the fewest."""
        return min(mail.attempts for mail in self.mails)

    @property
    def written_at(self) -> datetime:
        """When the last of it was written."""
        return max(mail.created_at for mail in self.mails)


def put_into_envelopes(due: Sequence[DueMail]) -> list[Envelope]:
    """What is sent together, in the order of `due`.

    Rows that were in an envelope before are in it again. Of the others, more than
    `MAX_SINGLES` of one kind to one person become a digest, whose name follows from
    the rows in it.
    """
    bundles: dict[tuple[str, ...], list[DueMail]] = defaultdict(list)
    for mail in due:
        if mail.envelope_id is not None:
            bundles["tried", str(mail.envelope_id)].append(mail)
        else:
            bundles["free", mail.template, mail.recipient].append(mail)
    envelopes = []
    for (kind, *_), mails in bundles.items():
        if kind == "free" and len(mails) <= MAX_SINGLES:
            envelopes += [_envelope(mail.id, [mail]) for mail in mails]
        elif mails[0].envelope_id is not None:
            envelopes.append(_envelope(mails[0].envelope_id, mails))
        else:
            envelopes.append(_envelope(digest_id_of(mails), mails))
    return envelopes


def digest_id_of(mails: Sequence[DueMail]) -> UUID:
    """Names the digest of just these rows."""
    return uuid5(NAMESPACE, "\n".join(["digest", *sorted(str(m.id) for m in mails)]))


def _envelope(envelope_id: UUID, mails: Sequence[DueMail]) -> Envelope:
    first = mails[0]
    return Envelope(
        envelope_id,
        first.message_id if envelope_id == first.id else message_id_of(envelope_id),
        first.template,
        first.recipient,
        tuple(sorted(mails, key=lambda mail: (mail.created_at, mail.id))),
    )
