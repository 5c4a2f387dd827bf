"""A real mail server in this process, with the faults of real ones; an outbox."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.operations.email_outbox import (
    EmailOutboxRows,
    write_mail,
)
from mentora_pipelines.adapters.smtp import SmtpMailer
from mentora_pipelines.domain.operations.mail import Mail, new_mail
from mentora_pipelines.services import DatabaseUrls
from mentora_pipelines.settings.mail import MailSettings
from tests.ports import free_port

SENDER = Address("Mentora", addr_spec="mentora@tests.example")

CUT = "cut"
"""Stands for a reply: the mail is stored, and the connection is gone."""

PASSWORD = "hunter2 @/:%"  # noqa: S105  (of no account)
"""With all that a URL must encode."""


@dataclass
class MailServer:
    """What an SMTP server was given, and what it answers next, else yes."""

    port: int
    stored: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    sender_replies: deque[str] = field(default_factory=deque)
    recipient_replies: deque[str] = field(default_factory=deque)
    data_replies: deque[str] = field(default_factory=deque)
    logins: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def distinct(self) -> set[str]:
        """The Message-IDs that a mailbox would show: a repeat is the same mail."""
        return {str(message["Message-ID"]) for message in self.stored}

    async def handle_EHLO(  # noqa: N802  (aiosmtpd's name)
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Count the greeting."""
        assert server
        assert envelope
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_MAIL(  # noqa: N802  (aiosmtpd's name)
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Answer to the sender."""
        assert server
        assert session
        if self.sender_replies:
            return self.sender_replies.popleft()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name)
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Answer to a recipient."""
        assert server
        assert session
        assert options == []
        if self.recipient_replies:
            return self.recipient_replies.popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Store the message, unless the next reply is a refusal."""
        assert session
        reply = self.data_replies.popleft() if self.data_replies else "250 OK"
        if reply == CUT or reply.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.stored.append(message_from_bytes(content, policy=policy.default))
            self.recipients += envelope.rcpt_tos
        if reply == CUT:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return reply

    def authenticate(
        self,
        _server: SMTP,
        _session: Session,
        _envelope: Envelope,
        _mechanism: str,
        login: object,
    ) -> AuthResult:
        """Let the one password in."""
        assert isinstance(login, LoginPassword)
        self.logins.append(login.login)
        return AuthResult(success=login.password == PASSWORD.encode(), handled=False)


@contextmanager
def run_mail_server(
    port: int | None = None,
    *,
    starttls: ssl.SSLContext | None = None,
    implicit_tls: ssl.SSLContext | None = None,
    asks_for_login: bool = False,
    smtputf8: bool = True,
) -> Iterator[MailServer]:
    """A server on this machine, with or without TLS."""
    server = MailServer(port or free_port())
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=server.port,
        authenticator=server.authenticate,
        ssl_context=implicit_tls,
        tls_context=starttls,
        require_starttls=asks_for_login,
        auth_required=asks_for_login,
        enable_SMTPUTF8=smtputf8,
        ready_timeout=60,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A server without TLS."""
    with run_mail_server() as server:
        yield server


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who signs the certificates of the tests."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    """Trusts that authority, and checks names."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def tls_of(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """The context of a server that is called `name`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def mailer_for(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., SmtpMailer]]:
    """The adapter for a URL, as the settings read it; closed at the end."""
    opened = []

    def make(url: str, context: ssl.SSLContext | None = None) -> SmtpMailer:
        monkeypatch.setenv("MENTORA_SMTP_URL", url)
        monkeypatch.setenv("MENTORA_MAIL_FROM", str(SENDER))
        settings = MailSettings()
        assert settings.server is not None
        mailer = SmtpMailer(
            settings.server, settings.sender, context=context, timeout_s=30
        )
        opened.append(mailer)
        return mailer

    yield make
    for mailer in opened:
        mailer.close()


@pytest.fixture
def mailer(
    mail_server: MailServer, mailer_for: Callable[..., SmtpMailer]
) -> SmtpMailer:
    """The adapter for the server without TLS."""
    return mailer_for(f"smtp://127.0.0.1:{mail_server.port}")


@dataclass(frozen=True)
class Outbox:
    """The outbox that only this test writes to."""

    database: Database
    rows: EmailOutboxRows
    admin: psycopg.Connection[tuple[Any, ...]]

    def write(self, mail: Mail) -> bool:
        """Write a mail; whether it was new."""
        with self.database.transaction() as connection:
            return write_mail(connection, mail)

    def fail_videos(self, count: int, recipient: str = "ada@tests.example") -> None:
        """Write the mails about as many failed videos."""
        for number in range(count):
            self.write(failed_video(f"Lesson {number}", recipient))

    def wait(self) -> None:
        """Pretend that a day went by."""
        self.admin.execute(
            "update email_outbox set next_attempt_at = next_attempt_at - interval "
            "'1 day', sent_at = sent_at - interval '1 day'"
        )

    def states(self) -> list[tuple[str, int, str | None]]:
        """Status, attempts and code of every row, in the order they were written."""
        rows = self.admin.execute(
            "select status, attempts, error_code from email_outbox "
            "order by created_at, id"
        )
        return [(status, attempts, code) for status, attempts, code in rows]


def failed_video(title: str, recipient: str = "ada@tests.example") -> Mail:
    """The mail about a video that nobody else has."""
    video_id = uuid4()
    return new_mail(
        "video-processing-failed",
        subject_id=str(video_id),
        recipient=recipient,
        variables={"videoId": str(video_id), "title": title, "code": "no_audio"},
        creator_id=None,
    )


@pytest.fixture
def outbox(urls: DatabaseUrls) -> Iterator[Outbox]:
    """An empty outbox in the real database."""
    database = Database(urls.admin, "mentora-tests")
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("delete from email_outbox")
        yield Outbox(database, EmailOutboxRows(database), admin)
        admin.execute("delete from email_outbox")
    database.close()
