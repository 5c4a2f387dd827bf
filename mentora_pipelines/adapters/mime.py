"""A message as the bytes that a mail server takes.

Here belong headers and encodings. Not here: sending.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from mentora_pipelines.domain.operations.mail_delivery import Message
from mentora_pipelines.errors import MailRefused

BAD_ADDRESS = "address"


def wire_address(address: str) -> str:
    """The address with its domain in ASCII, as servers look it up.

    Raises `MailRefused` when the domain is no name that could be looked up.
    """
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        pass
    raise MailRefused(BAD_ADDRESS)


def needs_smtputf8(address: str) -> bool:
    """Whether only servers with SMTPUTF8 (RFC 6531) can take the address."""
    return not address.isascii()


def to_bytes(message: Message, sender: Address) -> bytes:
    """The message with its headers, line ends as on the wire.

    Raises `MailRefused` for an address that no header can hold.
    """
    recipient = wire_address(message.recipient)
    policy = SMTPUTF8 if needs_smtputf8(recipient) else SMTP
    mail = EmailMessage(policy=policy)
    local, _, domain = recipient.rpartition("@")
    try:
        mail["To"] = Address(username=local, domain=domain)
        mail["From"] = sender
        mail["Subject"] = message.subject
        mail["Date"] = message.written_at
        mail["Message-ID"] = message.message_id
        # RFC 3834: no absence note shall answer this.
        mail["Auto-Submitted"] = "auto-generated"
        # Not every server takes bytes above 127.
        mail.set_content(message.text, cte="quoted-printable")
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
        return mail.as_bytes()
    except (ValueError, UnicodeError, IndexError):
        # The error's text holds the header.
        pass
    raise MailRefused(BAD_ADDRESS)
