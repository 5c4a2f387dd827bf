"""Delivery of mail: what is tried, what is tried again, and when.

Here belong one batch, the back-off, and the ports. Not here: what is put together
(`mail_envelopes`), how a mail looks, or how a server is spoken to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.operations.mail_envelopes import Envelope
from mentora_pipelines.errors import (
    MailDeferred,
    MailRefused,
    PermanentError,
    SettingsError,
)

GATHER_S = 600
"""After a mail, further ones of its kind to the same person wait this long, so that
what fails within minutes is told together; the first one goes at once."""

BATCH_ROWS = 200
"""Rows claimed by a run: at a slow server's second each, still within its time."""

BUDGET_S = 240.0
"""A run starts no further mail after this."""

VISIBILITY_S = 900
"""How long a claimed row is hidden from other runs: the budget, and a last mail whose
server answers each of its commands at the last moment."""

MAX_MISSES = 2
"""So often in a row the server may be away before the rest of the batch waits."""

FIRST_DELAY_S = 60
MAX_DELAY_S = 6 * 3600
MAX_ATTEMPTS = 17
"""1, 2, 4 … 256 minutes, then every 6 hours: 50.5 hours. RFC 5321 (4.5.4.1) asks a
sender for 4 to 5 days; a notice about a lesson is stale after two."""


MISCONFIGURED = "misconfigured"
MALFORMED = "malformed"
INTERRUPTED = "interrupted"
"""Codes of `email_outbox.error_code`, beside those of the mailer."""


class DeliveryStatus(StrEnum):
    """What became of an envelope."""

    SENT = "sent"
    LATER = "later"
    FAILED = "failed"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered mail."""

    message_id: str
    recipient: str
    written_at: datetime
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome for one envelope; `delay_s` until it is due again."""

    envelope: Envelope
    status: DeliveryStatus
    error_code: str | None = None
    delay_s: int = 0
    in_doubt: bool = False

    @property
    def keeps_envelope(self) -> bool:
        """Whether its rows were, or can only be, sent as this envelope."""
        is_over = self.status in (DeliveryStatus.SENT, DeliveryStatus.FAILED)
        return is_over or self.in_doubt or self.envelope.was_tried


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """What a run did: `messages` handed over, and rows by what became of them."""

    messages: int
    sent: int
    later: int
    failed: int
    untried: int


@runtime_checkable
class EmailOutbox(Protocol):
    """The mails to send, across creators."""

    def has_due(self) -> bool:
        """Whether a mail is due."""
        ...

    def claim(self, limit: int) -> list[Envelope]:
        """About `limit` due rows, hidden from every other run for `VISIBILITY_S`.

        A digest is never torn.
        """
        ...

    def record(self, delivery: Delivery) -> None:
        """Store an outcome; nothing of rows that another run has claimed since."""
        ...


@runtime_checkable
class MailRenderer(Protocol):
    """Fills templates."""

    def render(self, envelope: Envelope) -> Message:
        """The message; raises `PermanentError` when the variables do not fit."""
        ...


@runtime_checkable
class Mailer(Protocol):
    """Hands messages over."""

    def send(self, message: Message) -> None:
        """Hand it over.

        Raises `MailRefused` (this message, for good), `MailDeferred` (try again) or
        `SettingsError` (no message will pass until somebody acts).
        """
        ...


def delay_s(attempts: int) -> int:
    """Seconds to wait after the `attempts`-th attempt (from 1) has failed."""
    return int(min(FIRST_DELAY_S * 2 ** (attempts - 1), MAX_DELAY_S))


def deliver_due(
    outbox: EmailOutbox,
    renderer: MailRenderer,
    mailer: Mailer,
    *,
    monotonic: Callable[[], float],
) -> DeliveryFigures:
    """Send one batch of what is due.

    One mail's fault is recorded and stops no other. Raises `SettingsError`, after
    everything is recorded, when the mail server turns away all that we send.
    """
    deadline = monotonic() + BUDGET_S
    rows: dict[DeliveryStatus, int] = dict.fromkeys(DeliveryStatus, 0)
    messages = misses = 0
    hopeless: SettingsError | None = None
    away: MailDeferred | None = None
    for envelope in outbox.claim(BATCH_ROWS):
        if hopeless is not None:
            delivery = _again(envelope, MISCONFIGURED)
        elif away is not None and misses >= MAX_MISSES:
            delivery = _again(envelope, away.code)
        elif monotonic() > deadline:
            delivery = Delivery(envelope, DeliveryStatus.UNTRIED)
        else:
            try:
                delivery = _deliver(envelope, renderer, mailer)
                misses = 0
            except MailDeferred as error:
                delivery = _again(envelope, error.code, in_doubt=error.in_doubt)
                misses = misses + 1 if error.is_away else 0
                away = error
            except SettingsError as error:
                delivery = _again(envelope, MISCONFIGURED)
                hopeless = error
        outbox.record(delivery)
        rows[delivery.status] += len(envelope.mails)
        messages += delivery.status is DeliveryStatus.SENT
    if hopeless is not None:
        raise hopeless
    return DeliveryFigures(
        messages,
        rows[DeliveryStatus.SENT],
        rows[DeliveryStatus.LATER],
        rows[DeliveryStatus.FAILED],
        rows[DeliveryStatus.UNTRIED],
    )


def _deliver(envelope: Envelope, renderer: MailRenderer, mailer: Mailer) -> Delivery:
    if envelope.attempts >= MAX_ATTEMPTS:
        # Each attempt ended its run before there was an outcome to record.
        return Delivery(envelope, DeliveryStatus.FAILED, INTERRUPTED)
    try:
        message = renderer.render(envelope)
    except PermanentError:
        return Delivery(envelope, DeliveryStatus.FAILED, MALFORMED)
    try:
        mailer.send(message)
    except MailRefused as error:
        return Delivery(envelope, DeliveryStatus.FAILED, error.code)
    return Delivery(envelope, DeliveryStatus.SENT)


def _again(envelope: Envelope, code: str, *, in_doubt: bool = False) -> Delivery:
    """Later, unless that was the last attempt."""
    attempts = envelope.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        return Delivery(envelope, DeliveryStatus.FAILED, code)
    return Delivery(
        envelope, DeliveryStatus.LATER, code, delay_s(attempts), in_doubt=in_doubt
    )
