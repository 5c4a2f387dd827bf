"""Mail over SMTP, one connection for a batch.

Here belong the conversation with a server and what its replies mean. Not here: what a
message says, or when it is tried again. An error tells a reply's code alone: servers
quote addresses, and smtplib quotes what was sent.
"""

import smtplib
import socket
import ssl
from contextlib import suppress
from email.headerregistry import Address

from mentora_pipelines.adapters.mime import needs_smtputf8, to_bytes, wire_address
from mentora_pipelines.domain.operations.mail_delivery import Message
from mentora_pipelines.errors import (
    MailDeferred,
    MailRefused,
    MentoraError,
    SettingsError,
)
from mentora_pipelines.settings.mail import SmtpServer

TIMEOUT_S = 20.0
"""For the connection and for each reply. RFC 5321 (4.5.3.2) would wait minutes; what
takes longer here is tried again."""

OK = 250
FORWARDED = 251
CLOSING = 421

CONNECTION = "connection"
TLS = "tls"
NO_SMTPUTF8 = "smtputf8"


class SmtpMailer:
    """Satisfies `Mailer`; connects at the first message, closed by `close`.

    `context` is whom to trust, the system's certificates by default.
    """

    def __init__(
        self,
        server: SmtpServer,
        sender: Address,
        *,
        context: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._server = server
        self._sender = sender
        self._context = context
        self._timeout_s = timeout_s
        self._open: smtplib.SMTP | None = None

    def send(self, message: Message) -> None:
        """Hand the message over; raises as `Mailer` says."""
        content = to_bytes(message, self._sender)
        recipient = wire_address(message.recipient)
        was_open = self._open is not None
        fault = self._try(recipient, content)
        if was_open and isinstance(fault, MailDeferred) and _is_idle_end(fault):
            # Servers close a connection after so many mails, or seconds.
            fault = self._try(recipient, content)
        if fault is not None:
            # Outside of any handler, so that no error of smtplib's hangs on it.
            raise fault

    def check(self) -> str:
        """How the server is reached, without sending; raises as `send` does."""
        fault = self._connect()
        self.close()
        if fault is not None:
            raise fault
        server = self._server
        tls = "TLS" if server.implicit_tls or server.starttls else "no TLS"
        login = ", logged in" if server.user else ""
        return f"SMTP at {server.host}:{server.port}, {tls}{login}"

    def close(self) -> None:
        """Say goodbye, if anybody is there."""
        if self._open is not None:
            with suppress(OSError):
                self._open.quit()
            self._drop()

    def _try(self, recipient: str, content: bytes) -> MentoraError | None:
        """None when the server took it."""
        if self._open is None:
            fault = self._connect()
            if fault is not None:
                return fault
        smtp = self._open
        assert smtp is not None  # noqa: S101  (`_connect` sets it or tells a fault)
        try:
            fault = self._address(smtp, recipient)
        except OSError:
            # smtplib's own errors are OSErrors too.
            self._drop()
            return MailDeferred(CONNECTION, is_away=True)
        return self._transfer(smtp, content) if fault is None else fault

    def _address(self, smtp: smtplib.SMTP, recipient: str) -> MentoraError | None:
        options = []
        if needs_smtputf8(recipient):
            if not smtp.has_extn("smtputf8"):
                return MailRefused(NO_SMTPUTF8)
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        code, _ = smtp.mail(self._sender.addr_spec, options)
        if code != OK:
            if code >= 500:
                self._reset(smtp, code)
                return SettingsError(
                    f"MENTORA_MAIL_FROM: the mail server refuses the sender ({code})"
                )
            return self._replied(smtp, code)
        code, _ = smtp.rcpt(recipient)
        return None if code in (OK, FORWARDED) else self._replied(smtp, code)

    def _transfer(self, smtp: smtplib.SMTP, content: bytes) -> MentoraError | None:
        try:
            code, _ = smtp.data(content)
        except smtplib.SMTPDataError as error:
            code = error.smtp_code
        except OSError:
            self._drop()
            return MailDeferred(CONNECTION, is_away=True, in_doubt=True)
        return None if code == OK else self._replied(smtp, code)

    def _replied(self, smtp: smtplib.SMTP, code: int) -> MentoraError:
        """What a reply other than yes means for this message."""
        self._reset(smtp, code)
        named = f"smtp_{code}"
        if code >= 500:
            return MailRefused(named)
        return MailDeferred(named, is_away=code == CLOSING)

    def _reset(self, smtp: smtplib.SMTP, code: int) -> None:
        """Ready for the next message, or disconnected."""
        with suppress(OSError):
            if code != CLOSING and smtp.rset()[0] == OK:
                return
        self._drop()

    def _connect(self) -> MentoraError | None:
        """None when the server is ready to take mail."""
        server = self._server
        try:
            smtp = self._dial()
        except OSError as error:
            return _connection_fault(error)
        try:
            smtp.ehlo_or_helo_if_needed()
            if server.starttls:
                smtp.starttls(context=self._trust())
                smtp.ehlo_or_helo_if_needed()
            if server.user is not None and server.password is not None:
                smtp.login(server.user, server.password.get_secret_value())
        except OSError as error:
            smtp.close()
            return _connection_fault(error)
        self._open = smtp
        return None

    def _dial(self) -> smtplib.SMTP:
        server = self._server
        # smtplib would ask the name service for our own name, and wait for it.
        name = _own_name()
        if server.implicit_tls:
            return smtplib.SMTP_SSL(
                server.host,
                server.port,
                name,
                timeout=self._timeout_s,
                context=self._trust(),
            )
        return smtplib.SMTP(server.host, server.port, name, timeout=self._timeout_s)

    def _trust(self) -> ssl.SSLContext:
        return self._context or ssl.create_default_context()

    def _drop(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _is_idle_end(fault: MailDeferred) -> bool:
    return fault.is_away and not fault.in_doubt


def _own_name() -> str:
    name = socket.gethostname()
    return name if name.isascii() and name.replace("-", "").isalnum() else "localhost"


def _connection_fault(error: OSError) -> MentoraError:
    """What it means that no conversation came about."""
    match error:
        case ssl.SSLCertVerificationError():
            refusal = "its certificate is not trusted, or another host's"
        case smtplib.SMTPNotSupportedError():
            refusal = "it offers no STARTTLS, or no login"
        case smtplib.SMTPResponseException() if error.smtp_code >= 500:
            refusal = f"it refuses us ({error.smtp_code})"
        case smtplib.SMTPResponseException():
            return MailDeferred(f"smtp_{error.smtp_code}", is_away=True)
        case ssl.SSLError():
            return MailDeferred(TLS, is_away=True)
        case smtplib.SMTPException() if type(error) is smtplib.SMTPException:
            refusal = "it knows no way to log in that we know"
        case _:
            return MailDeferred(CONNECTION, is_away=True)
    return SettingsError(f"MENTORA_SMTP_URL, the mail server: {refusal}")
