"""Rows of `email_outbox`: written with their cause, claimed, and recorded.

A claim is a short transaction that counts the attempt and moves the row's time
forward; no transaction is open while a mail server is spoken to. The count is the
fence: what another run has claimed since is not recorded by the first.
"""

from collections.abc import Sequence

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.domain.operations.mail import Mail
from mentora_pipelines.domain.operations.mail_delivery import (
    GATHER_S,
    VISIBILITY_S,
    Delivery,
    DeliveryStatus,
)
from mentora_pipelines.domain.operations.mail_envelopes import (
    DueMail,
    Envelope,
    put_into_envelopes,
)

CLAIM_TURN = 0x6D61696C
"""Advisory lock of the run that is claiming: "mail" in ASCII."""

INSERT_MAIL = """
insert into email_outbox (
    id, creator_id, template, subject_id, recipient, variables, payload_fingerprint,
    message_id)
values (
    %(id)s, %(creator_id)s, %(template)s, %(subject_id)s, %(recipient)s, %(variables)s,
    %(fingerprint)s, %(message_id)s)
on conflict do nothing
"""

IS_DUE = sql.SQL("""
mail.status = 'pending'
and mail.next_attempt_at <= now()
and (
    mail.envelope_id is not null
    or not exists (
        select from email_outbox as earlier
        where earlier.status = 'sent'
          and earlier.recipient = mail.recipient
          and earlier.template = mail.template
          and earlier.sent_at > now() - make_interval(secs => %(gather_s)s)))
""")

HAS_DUE = sql.SQL("""
select exists (select from email_outbox as mail where {is_due})
""").format(is_due=IS_DUE)

# Two that claim at once would each take half of what belongs into one digest.
TAKE_TURN = "select pg_advisory_xact_lock(%(turn)s)"

SELECT_DUE = sql.SQL("""
with oldest as (
    select mail.id, mail.envelope_id
    from email_outbox as mail
    where {is_due}
    order by mail.next_attempt_at, mail.id
    limit %(limit)s
)
select
    id, template, recipient, variables, message_id, attempts, envelope_id, created_at
from email_outbox
where status = 'pending'
  and (
      id in (select id from oldest)
      or envelope_id in (select envelope_id from oldest))
order by next_attempt_at, id
for update skip locked
""").format(is_due=IS_DUE)

CLAIM = """
update email_outbox as mail
set attempts = mail.attempts + 1,
    next_attempt_at = now() + make_interval(secs => %(visibility_s)s),
    envelope_id = claimed.envelope_id
from unnest(%(ids)s::uuid[], %(envelope_ids)s::uuid[]) as claimed (id, envelope_id)
where mail.id = claimed.id
"""

RECORD = """
update email_outbox as mail
set status = %(status)s,
    sent_at = case when %(status)s = 'sent' then now() end,
    error_code = case when %(untried)s then mail.error_code else %(error_code)s end,
    attempts = mail.attempts - %(untried)s::integer,
    next_attempt_at = now() + make_interval(secs => %(delay_s)s),
    envelope_id = case when %(keeps_envelope)s then mail.envelope_id end
from unnest(%(ids)s::uuid[], %(attempts)s::integer[]) as own (id, attempts)
where mail.id = own.id and mail.attempts = own.attempts and mail.status = 'pending'
"""

STATUS = {
    DeliveryStatus.SENT: "sent",
    DeliveryStatus.FAILED: "failed",
    DeliveryStatus.LATER: "pending",
    DeliveryStatus.UNTRIED: "pending",
}


def write_mail(connection: Connection, mail: Mail) -> bool:
    """Whether it is new; the same mail is written once.

    Called in the transaction of the mail's cause, as the app role (the transaction's
    creator must then be the mail's) or the admin role.
    """
    written = connection.execute(
        INSERT_MAIL,
        {
            "id": mail.id,
            "creator_id": mail.creator_id,
            "template": mail.template.value,
            "subject_id": mail.subject_id,
            "recipient": mail.recipient,
            "variables": Jsonb(mail.variables),
            "fingerprint": mail.fingerprint,
            "message_id": mail.message_id,
        },
    )
    return written.rowcount == 1


class EmailOutboxRows(Rows):
    """Satisfies `EmailOutbox` and `MailWriter`, as the admin role."""

    def write(self, mail: Mail) -> bool:
        """Whether it is new; the same mail is written once."""
        with self._database.transaction() as connection:
            return write_mail(connection, mail)

    def has_due(self) -> bool:
        """Whether a mail is due."""
        with self._database.transaction() as connection:
            row = connection.execute(HAS_DUE, {"gather_s": GATHER_S}).fetchone()
        return row is not None and bool(row[0])

    def claim(self, limit: int) -> list[Envelope]:
        """About `limit` due rows, hidden from every other run for a while."""
        with self._database.transaction() as connection:
            connection.execute(TAKE_TURN, {"turn": CLAIM_TURN})
            with connection.cursor(row_factory=class_row(DueMail)) as cursor:
                due = cursor.execute(
                    SELECT_DUE, {"gather_s": GATHER_S, "limit": limit}
                ).fetchall()
            envelopes = put_into_envelopes(due)
            _hide(connection, envelopes)
        return envelopes

    def record(self, delivery: Delivery) -> None:
        """Store an outcome; nothing of rows that another run has claimed since."""
        mails = delivery.envelope.mails
        with self._database.transaction() as connection:
            connection.execute(
                RECORD,
                {
                    "status": STATUS[delivery.status],
                    "untried": delivery.status is DeliveryStatus.UNTRIED,
                    "ids": [mail.id for mail in mails],
                    "attempts": [mail.attempts + 1 for mail in mails],
                    "error_code": delivery.error_code,
                    "delay_s": delivery.delay_s,
                    "keeps_envelope": delivery.keeps_envelope,
                },
            )


def _hide(connection: Connection, envelopes: Sequence[Envelope]) -> None:
    pairs = [
        (mail.id, envelope.id) for envelope in envelopes for mail in envelope.mails
    ]
    connection.execute(
        CLAIM,
        {
            "ids": [mail_id for mail_id, _ in pairs],
            "envelope_ids": [envelope_id for _, envelope_id in pairs],
            "visibility_s": VISIBILITY_S,
        },
    )
