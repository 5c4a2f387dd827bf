"""What must not be told: secrets, mail addresses, signed links.

Here belong patterns. They are the second net: the first is that only what is known to
be harmless is told at all (`place_of`, `sentry_events`), since no pattern knows a
sentence of a transcript.
"""

import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from mentora_pipelines.errors import MentoraError
from mentora_pipelines.settings.secret_values import secret_values

HIDDEN = "[hidden]"

MAX_TEXT = 2000
"""Characters of one text that are told; more is never a sentence of ours."""

MAX_DEPTH = 6

SECRET_NAME = re.compile(
    r"(?i)pass(word|wd|phrase)?$|secret|token|api[-_]?key|authorization|cookie|signature"
    r"|credential|e-?mail|^to$|recipient|transcript|prompt|^text$|^body$|^dsn$"
)
"""Names whose values are hidden, whatever they are."""

_PATTERNS = (
    # The user and the password of an address: postgresql://ada:…@host
    # It may have a slash or an @; what follows a port is a path.
    (
        re.compile(r"(?<=://)[^\s\"'<>/@:]*:(?!\d{1,5}/)[^\s\"'<>]*@"),
        f"{HIDDEN}@",
    ),
    (re.compile(r"(?<=://)[^\s/@]+@"), f"{HIDDEN}@"),
    # All that follows the path of an address: signatures, tokens, keys.
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s?#\"'<>]*)[?#][^\s\"'<>]*"), r"\1?…"),
    (re.compile(r"(?i)\b(bearer|basic|digest)\s+[\w.~+/=-]{4,}"), rf"\1 {HIDDEN}"),
    # Whatever scheme it names, and all that it says.
    (re.compile(r"(?i)(\bauthorization\s*[:=]\s*)(?![\"'\s])[^\n]+"), rf"\1{HIDDEN}"),
    # name=value, "name": "value", X-Name: value
    (
        re.compile(
            r"(?i)([\w-]*(?:passw(?:or)?d|passwd|secret|token|api[-_]?key|signature"
            r"|credential|authorization)[\w-]*[\"']?\s*[:=]\s*)"
            r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&\"'})\]]+)"
        ),
        rf"\1{HIDDEN}",
    ),
    # Keys of OpenAI and Anthropic, Whop, AWS, GitHub, Slack, and JSON web tokens.
    (
        re.compile(
            r"\b(?:(?:sk|pk|rk|whsec|whop|xox[abp]|gh[pousr])[-_][\w-]{8,}"
            r"|(?:AKIA|ASIA)[0-9A-Z]{12,}|eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]+)?)"
        ),
        HIDDEN,
    ),
    # As it is, and as an address of a request writes it.
    (re.compile(r"[^\s@<>()\[\],;:\"'=/]+(?:@|(?i:%40))[\w-]+(?:\.[\w-]+)+"), HIDDEN),
)


def scrubbed(text: str) -> str:
    """The text without what looks like a secret, a mail address or a signed link."""
    for secret in _own_secrets():
        text = text.replace(secret, HIDDEN)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def scrubbed_value(value: object, depth: int = 0) -> object:
    """The same of all texts inside; what has a secret's name is hidden."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= MAX_DEPTH:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            scrubbed(str(name)): (
                HIDDEN
                if SECRET_NAME.search(str(name)) and kept
                else scrubbed_value(kept, depth + 1)
            )
            for name, kept in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [scrubbed_value(each, depth + 1) for each in value]
    return scrubbed(str(value))


def told(error: BaseException) -> str:
    """An error as it may be told to anybody.

    Our own with its words, which hold nothing secret by contract; a foreign one without
    them, since they may quote a row, a request or a transcript: its type and place.
    """
    if isinstance(error, MentoraError):
        return scrubbed(str(error))
    return place_of(error)


def place_of(error: BaseException) -> str:
    """The type of an error, and the last places it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-3:]]
    return f"{type(error).__name__} at {' > '.join(places)}"


def without_cause(error: MentoraError) -> MentoraError:
    """One of our errors alone: those before it, which are foreign, stay here."""
    error.__cause__ = None
    error.__suppress_context__ = True
    return error


@contextmanager
def without_foreign_words() -> Iterator[None]:
    """Whatever is raised is one of our errors, and alone."""
    try:
        yield
    except MentoraError as error:
        raise without_cause(error) from None
    except Exception as error:  # noqa: BLE001  (raised again, without its words)
        raise MentoraError(f"internal: {place_of(error)}") from None


@cache
def _own_secrets() -> tuple[str, ...]:
    """Those of this process's environment, the longest first."""
    return tuple(sorted(secret_values(), key=len, reverse=True))
