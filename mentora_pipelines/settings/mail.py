"""Mail: the server or the folder, the sender, and the application it links to."""

from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Annotated, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from mentora_pipelines.settings.base import Settings
from mentora_pipelines.settings.urls import is_loopback, web_url


def _smtp_url(url: SecretStr) -> SecretStr:
    _parse_smtp(url.get_secret_value())
    return url


def _mail_from(text: str) -> str:
    name, address = parseaddr(text)
    if not (text.isprintable() and address.isascii() and address.find("@") > 0):
        raise ValueError("must be NAME <ADDRESS@DOMAIN>")
    try:
        Address(name, addr_spec=address)
    except (ValueError, IndexError):
        raise ValueError("must be NAME <ADDRESS@DOMAIN>") from None
    return text


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server, and how it is to be spoken to."""

    host: str
    port: int
    implicit_tls: bool
    starttls: bool
    user: str | None
    password: SecretStr | None


def _parse_smtp(url: str) -> SmtpServer:
    """The parts of an SMTP URL; raises `ValueError` without any of them.

    STARTTLS is required unless the host is this machine, or `?starttls=no`.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    wanted = options.pop("starttls", None)
    implicit_tls = parts.scheme == "smtps"
    if (
        parts.scheme not in ("smtp", "smtps")
        or not parts.hostname
        or parts.path not in ("", "/")
        or options
        or parts.fragment
        or wanted not in ((None,) if implicit_tls else (None, "yes", "no"))
    ):
        raise ValueError(
            "must be smtp://USER:PASSWORD@HOST:PORT[?starttls=no] or smtps://…"
        )
    if bool(parts.username) != bool(parts.password):
        raise ValueError("must have both a user and a password, or neither")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user.isascii() and password.isascii()):
        raise ValueError("the user and the password may hold ASCII characters only")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port is not a number up to 65535") from None
    return SmtpServer(
        parts.hostname,
        # 587 submission (RFC 6409), 465 submission over TLS (RFC 8314)
        port or (465 if implicit_tls else 587),
        implicit_tls,
        not implicit_tls
        and (wanted == "yes" or (wanted is None and not is_loopback(parts.hostname))),
        user or None,
        SecretStr(password) if password else None,
    )


class MailSettings(Settings):
    """Who sends mail: `.eml` files in `.mentora/mail` when no server is named."""

    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] | None = Field(
        None, alias="MENTORA_SMTP_URL"
    )
    mail_from: Annotated[str, AfterValidator(_mail_from)] | None = Field(
        None, alias="MENTORA_MAIL_FROM"
    )
    app_url: Annotated[str, AfterValidator(web_url)] | None = Field(
        None, alias="MENTORA_APP_URL"
    )

    @model_validator(mode="after")
    def _a_server_needs_a_sender(self) -> Self:
        if self.smtp_url is not None and self.mail_from is None:
            raise ValueError("MENTORA_SMTP_URL needs MENTORA_MAIL_FROM, the sender")
        return self

    @property
    def server(self) -> SmtpServer | None:
        """The mail server, or None for the folder."""
        url = self.smtp_url
        return None if url is None else _parse_smtp(url.get_secret_value())

    @property
    def sender(self) -> Address:
        """Who the mail is from."""
        name, address = parseaddr(self.mail_from or "Mentora <mentora@localhost>")
        return Address(name, addr_spec=address)
