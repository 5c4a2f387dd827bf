"""Web addresses, read in one way only: what could be read in two is refused.

Here belongs the grammar. Not here: whether the host may be asked (`guard`).
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, urljoin

import idna

from mentora_pipelines.adapters.http_probe.addresses import IpAddress

MAX_URL_CHARACTERS = 8192
"""Signed links of S3 have about 1,500."""

DEFAULT_PORTS = {"http": 80, "https": 443}

_URL = re.compile(r"(https?)://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE | re.DOTALL)
_UNCLEAR = re.compile(r"[\x00-\x1f\x7f\\]")
_AUTHORITY = re.compile(
    r"(\[[0-9a-f:.]+\]|[^\[\]:@%\s]+)(?::([0-9]{1,5}))?", re.IGNORECASE
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_SAFE = "!\"$%&'()*+,-./:;=?@[]^_`{|}~"


class UrlRefused(Exception):
    """The address is not asked; the message says why, without the address."""


@dataclass(frozen=True, slots=True)
class WebUrl:
    """An address in its parts; `host` in lower-case ASCII, `target` as it is sent."""

    scheme: str
    host: str
    port: int
    target: str
    literal: IpAddress | None

    @property
    def authority(self) -> str:
        """The host as it stands in an URL and in the header Host."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        if self.port == DEFAULT_PORTS[self.scheme]:
            return host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        """The address, written out."""
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_web_url(text: str) -> WebUrl:
    """The parts of an http or https address; raises `UrlRefused`."""
    if len(text) > MAX_URL_CHARACTERS:
        raise UrlRefused("too long")
    if _UNCLEAR.search(text):
        raise UrlRefused("a character that readers of addresses disagree about")
    parts = _URL.fullmatch(text.strip(" "))
    if parts is None:
        raise UrlRefused("not http or https")
    scheme = parts[1].lower()
    authority = _AUTHORITY.fullmatch(parts[2])
    if authority is None:
        raise UrlRefused("not a plain host")
    host, literal = _host(authority[1])
    port = int(authority[2]) if authority[2] else DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        raise UrlRefused("not a port")
    path = parts[3] if parts[3].startswith("/") else f"/{parts[3]}"
    try:
        target = quote(path, safe=_SAFE)
    except UnicodeEncodeError:
        raise UrlRefused("not Unicode") from None
    return WebUrl(scheme, host, port, target, literal)


def redirected(url: WebUrl, location: str) -> WebUrl:
    """Where a header Location leads from `url`; raises `UrlRefused`."""
    if _UNCLEAR.search(location):
        raise UrlRefused("a character that readers of addresses disagree about")
    try:
        return parse_web_url(urljoin(str(url), location.strip(" ")))
    except ValueError:
        raise UrlRefused("not an address") from None


def _host(text: str) -> tuple[str, IpAddress | None]:
    """The host as it is looked up, and the address if it is one."""
    if text.startswith("["):
        try:
            return (address := IPv6Address(text[1:-1])).compressed, address
        except ValueError:
            raise UrlRefused("not an IPv6 address") from None
    host = text.lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            raise UrlRefused("not a name of a host") from None
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # Browsers read 0x7f.1, 017700000001 and 2130706433 as 127.0.0.1 (WHATWG URL).
        try:
            return host, IPv4Address(host)
        except ValueError:
            raise UrlRefused("an IPv4 address in another form") from None
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise UrlRefused("not a name of a host")
    return host, None


def parsed_address(text: str) -> IpAddress | None:
    """An address as a name server gives it, or None for something else."""
    try:
        return ip_address(text)
    except ValueError:
        return None
