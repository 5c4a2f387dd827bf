"""The conversation with a mail server, and what its replies mean."""

import re
import ssl
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import trustme

from mentora_pipelines.adapters.smtp import SmtpMailer
from mentora_pipelines.domain.operations.mail_delivery import Message
from mentora_pipelines.errors import (
    MailDeferred,
    MailRefused,
    MentoraError,
    SettingsError,
)
from tests.fix_mail import CUT, PASSWORD, MailServer, run_mail_server, tls_of
from tests.ports import free_port

LOGIN = f"ada%40mail:{quote(PASSWORD, safe='')}@"


def message(number: int = 1, recipient: str = "eve@tests.example") -> Message:
    """A message to Eve."""
    return Message(
        f"<{number}@tests>",
        recipient,
        datetime(2026, 11, 1, tzinfo=UTC),
        "Größe",
        "Grüße\n.\nEnde",
        "<p>Grüße</p>",
    )


def told(error: MentoraError) -> str:
    """All that a log or Sentry could show of an error."""
    assert error.__context__ is None
    return "".join(traceback.format_exception(error)) + repr(vars(error))


def test_messages_go_over_one_connection_as_they_were_written(
    mailer: SmtpMailer, mail_server: MailServer
) -> None:
    """Else a batch pays a handshake a mail, or creators read broken letters."""
    for number in range(3):
        mailer.send(message(number))
    assert mail_server.connections == 1
    assert len(mail_server.stored) == 3
    stored = mail_server.stored[0]
    assert (stored["Subject"], stored["To"]) == ("Größe", "eve@tests.example")
    assert stored["From"] == "Mentora <mentora@tests.example>"
    assert stored["Auto-Submitted"] == "auto-generated"
    assert stored["Date"].datetime == datetime(2026, 11, 1, tzinfo=UTC)
    text = stored.get_body(("plain",))
    html = stored.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == ["Grüße", ".", "Ende"]
    assert html.get_content().strip() == "<p>Grüße</p>"


@pytest.mark.parametrize("step", ["sender", "recipient", "data"])
def test_a_reply_of_451_asks_for_another_attempt(
    mailer: SmtpMailer, mail_server: MailServer, step: str
) -> None:
    """Else a server that is busy for a minute costs the creator the notice."""
    getattr(mail_server, f"{step}_replies").append("451 eve@tests.example: later")
    with pytest.raises(MailDeferred) as deferred:
        mailer.send(message())
    assert (deferred.value.code, deferred.value.in_doubt) == ("smtp_451", False)
    assert not deferred.value.is_away
    assert "eve" not in told(deferred.value)
    mailer.send(message())
    assert len(mail_server.stored) == 1


@pytest.mark.parametrize("step", ["recipient", "data"])
def test_a_reply_of_550_refuses_this_mail_and_no_other(
    mailer: SmtpMailer, mail_server: MailServer, step: str
) -> None:
    """Else a mailbox that is gone is written to for days, or stops everybody's mail."""
    getattr(mail_server, f"{step}_replies").append("550 eve@tests.example unknown")
    with pytest.raises(MailRefused) as refused:
        mailer.send(message())
    assert refused.value.code == "smtp_550"
    assert "eve" not in told(refused.value)
    mailer.send(message(2))
    assert mail_server.distinct == {"<2@tests>"}
    assert mail_server.connections == 1


def test_a_refused_sender_is_a_fault_of_the_settings(
    mailer: SmtpMailer, mail_server: MailServer
) -> None:
    """Else one wrong variable marks every creator's mail as refused for good."""
    mail_server.sender_replies.append("553 mentora@tests.example is not yours")
    with pytest.raises(SettingsError, match=r"MENTORA_MAIL_FROM.*553") as wrong:
        mailer.send(message())
    assert "tests.example" not in told(wrong.value)


def test_a_connection_cut_after_the_data_is_in_doubt(
    mailer: SmtpMailer, mail_server: MailServer
) -> None:
    """Else the mail is put into another digest, and the creator reads it twice."""
    mail_server.data_replies.append(CUT)
    with pytest.raises(MailDeferred) as deferred:
        mailer.send(message())
    assert deferred.value.in_doubt
    mailer.send(message())
    assert len(mail_server.stored) == 2
    assert mail_server.distinct == {"<1@tests>"}


def test_a_server_that_closed_meanwhile_is_called_again(
    mailer_for: Callable[..., SmtpMailer],
) -> None:
    """Else each hundredth mail of a batch waits a minute for nothing."""
    port = free_port()
    mailer = mailer_for(f"smtp://127.0.0.1:{port}")
    with run_mail_server(port):
        mailer.send(message(1))
    with run_mail_server(port) as reopened:
        mailer.send(message(2))
        mailer.close()
    assert reopened.distinct == {"<2@tests>"}


def test_a_server_that_is_down_is_away(mailer_for: Callable[..., SmtpMailer]) -> None:
    """Else a batch waits for it once per mail."""
    with pytest.raises(MailDeferred) as deferred:
        mailer_for(f"smtp://127.0.0.1:{free_port()}").send(message())
    assert deferred.value.is_away
    assert not deferred.value.in_doubt


def test_starttls_and_login_before_the_first_mail(
    mailer_for: Callable[..., SmtpMailer],
    authority: trustme.CA,
    trust: ssl.SSLContext,
) -> None:
    """Else a password with an odd letter never works, or travels in the clear."""
    tls = tls_of(authority, "localhost")
    with run_mail_server(starttls=tls, asks_for_login=True) as server:
        url = f"smtp://{LOGIN}localhost:{server.port}?starttls=yes"
        mailer = mailer_for(url, trust)
        assert mailer.check() == f"SMTP at localhost:{server.port}, TLS, logged in"
        mailer.send(message())
        mailer.close()
        assert server.logins == [b"ada@mail"] * 2
        assert len(server.stored) == 1


def test_implicit_tls(
    mailer_for: Callable[..., SmtpMailer],
    authority: trustme.CA,
    trust: ssl.SSLContext,
) -> None:
    """Else port 465, which most providers offer, cannot be used."""
    with run_mail_server(implicit_tls=tls_of(authority, "127.0.0.1")) as server:
        mailer = mailer_for(f"smtps://127.0.0.1:{server.port}", trust)
        mailer.send(message())
        mailer.close()
        assert len(server.stored) == 1


@pytest.mark.parametrize(
    ("certified", "is_trusted"), [("elsewhere.example", True), ("localhost", False)]
)
def test_a_wrong_certificate_is_refused(
    mailer_for: Callable[..., SmtpMailer],
    authority: trustme.CA,
    trust: ssl.SSLContext,
    certified: str,
    is_trusted: bool,
) -> None:
    """Else whoever stands between reads the mail and the password."""
    with run_mail_server(starttls=tls_of(authority, certified)) as server:
        url = f"smtp://{LOGIN}localhost:{server.port}?starttls=yes"
        mailer = mailer_for(url, trust if is_trusted else None)
        with pytest.raises(SettingsError, match="certificate") as refused:
            mailer.send(message())
        assert (server.logins, server.stored) == ([], [])
    assert "hunter2" not in told(refused.value)


def test_a_server_without_tls_gets_neither_password_nor_mail(
    mailer_for: Callable[..., SmtpMailer], mail_server: MailServer
) -> None:
    """Else taking STARTTLS out of a greeting is enough to read the password."""
    url = f"smtp://{LOGIN}127.0.0.1:{mail_server.port}?starttls=yes"
    with pytest.raises(SettingsError, match="STARTTLS") as refused:
        mailer_for(url).send(message())
    assert (mail_server.logins, mail_server.stored) == ([], [])
    assert "hunter2" not in told(refused.value)


def test_a_wrong_password_is_a_fault_of_the_settings_and_is_not_told(
    mailer_for: Callable[..., SmtpMailer],
    authority: trustme.CA,
    trust: ssl.SSLContext,
) -> None:
    """Else the password is in the log, or its change loses a day's mail."""
    with run_mail_server(starttls=tls_of(authority, "localhost")) as server:
        url = f"smtp://grace:hunter3@localhost:{server.port}?starttls=yes"
        with pytest.raises(SettingsError, match="535") as refused:
            mailer_for(url, trust).send(message())
        assert server.stored == []
    assert not re.search("hunter|grace", told(refused.value))


def test_an_address_of_another_script_needs_a_server_that_takes_it(
    mailer_for: Callable[..., SmtpMailer], mail_server: MailServer
) -> None:
    """Else a creator's own name is turned into question marks, or stops the batch."""
    mailer = mailer_for(f"smtp://127.0.0.1:{mail_server.port}")
    mailer.send(message(1, "eve@bücher.example"))
    mailer.send(message(2, "zoë@tests.example"))
    assert mail_server.recipients == ["eve@xn--bcher-kva.example", "zoë@tests.example"]
    assert mail_server.stored[1]["To"] == "zoë@tests.example"
    with run_mail_server(smtputf8=False) as server:
        mailer = mailer_for(f"smtp://127.0.0.1:{server.port}")
        with pytest.raises(MailRefused, match="smtputf8"):
            mailer.send(message(2, "zoë@tests.example"))
        mailer.send(message(3))
        mailer.close()
        assert server.recipients == ["eve@tests.example"]
