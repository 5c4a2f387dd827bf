"""Health of content: what a probe of a lesson's video saw, and what it means.

Here belong the outcomes, their rule and the ports. Not here: who is told
(`health_alerts`), what one look does (`health_looks`), sockets or SQL.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit
from uuid import UUID

from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.errors import InvalidInput


class HealthOutcome(StrEnum):
    """What became of a probe: the closed list of `content_health_checks.outcome`."""

    OK = "ok"
    GONE = "gone"
    FORBIDDEN = "forbidden"
    EXPIRED = "expired"
    TIMEOUT = "timeout"
    BLOCKED = "blocked"
    OURS = "ours"


FAILING = frozenset(
    (
        HealthOutcome.GONE,
        HealthOutcome.FORBIDDEN,
        HealthOutcome.EXPIRED,
        HealthOutcome.TIMEOUT,
    )
)
"""What counts against a lesson; `blocked` and `ours` count for nothing."""


class ProbeFault(StrEnum):
    """Why a probe ended without an answer that decides."""

    NO_SUCH_HOST = "no such host"
    NO_NAME_SERVER = "the name of the host was not looked up"
    NO_CONNECTION = "no connection"
    NO_ANSWER = "no answer in time"
    HOST_SILENT = "the host was silent before"
    CUT = "the connection broke"
    BROKEN_TLS = "no TLS"
    UNTRUSTED = "certificate not valid"
    MALFORMED = "no HTTP"
    LOST = "redirects lead nowhere"
    REFUSED = "address refused"
    THROTTLED = "asked to come later"
    OURS = "our own fault"


SILENCE = {
    ProbeFault.NO_SUCH_HOST: HealthOutcome.GONE,
    ProbeFault.NO_NAME_SERVER: HealthOutcome.TIMEOUT,
    ProbeFault.NO_CONNECTION: HealthOutcome.TIMEOUT,
    ProbeFault.NO_ANSWER: HealthOutcome.TIMEOUT,
    ProbeFault.HOST_SILENT: HealthOutcome.TIMEOUT,
    ProbeFault.CUT: HealthOutcome.TIMEOUT,
    ProbeFault.BROKEN_TLS: HealthOutcome.TIMEOUT,
    # Our own clock or list of authorities may be what is wrong.
    ProbeFault.UNTRUSTED: HealthOutcome.FORBIDDEN,
}
"""Faults that a network of ours which is down shows as well, and what each means when
ours is proved to be up."""

OTHER_FAULTS = {
    ProbeFault.MALFORMED: HealthOutcome.TIMEOUT,
    ProbeFault.LOST: HealthOutcome.GONE,
    ProbeFault.REFUSED: HealthOutcome.BLOCKED,
    ProbeFault.THROTTLED: HealthOutcome.OURS,
    ProbeFault.OURS: HealthOutcome.OURS,
}

_MEDIA = ("video/", "audio/", "application/vnd.apple.mpegurl", "application/dash+xml")
_ANY_BYTES = ("application/octet-stream", "binary/octet-stream")
_REFUSALS = frozenset((401, 402, 403, 407, 451))


@dataclass(frozen=True, slots=True)
class LessonAddress:
    """Where students play a completed lesson.

    `video_url` is a web address, the key of an object of ours, or None: then it is the
    upload under `storage_key`. `last_outcome` is that of the probe before, if any.
    `creator_email` names the creator in keys as well as the id does.
    """

    video_id: UUID
    creator_id: UUID
    video_url: str | None
    storage_key: str
    last_outcome: HealthOutcome | None
    creator_email: str = ""

    @property
    def address(self) -> str:
        """The web address or the key."""
        return (self.video_url or "").strip() or self.storage_key

    @property
    def host(self) -> str | None:
        """Whom a web address names; None for an object of our own."""
        try:
            return urlsplit(self.address).hostname
        except ValueError:
            return None

    def owns(self, key: str) -> bool:
        """Whether a key is that of this upload, or of another by the same creator.

        What an address names is the creator's choice: to look at anything else would
        tell them whether it is there.
        """
        if key == self.storage_key:
            return True
        try:
            owner = parse_upload_key(key).creator
            own = parse_upload_key(self.storage_key).creator
        except InvalidInput:
            return False
        return owner in (own, self.creator_id, self.creator_email.lower())


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a probe saw: the last answer, or the fault that left it without one.

    `has_bytes`: the answer brought, or promised as a medium, at least one byte.
    `renewed`: seen through a link that was signed anew.
    """

    status: int | None = None
    fault: ProbeFault | None = None
    content_type: str = ""
    has_bytes: bool = False
    link_expired: bool = False
    renewed: bool = False
    latency_ms: float | None = None

    @property
    def is_silent(self) -> bool:
        """Whether it may be our own network that was down."""
        return self.fault in SILENCE

    @property
    def is_media(self) -> bool:
        """Whether it says that it is one; a page around a player does not."""
        return is_media_type(self.content_type)

    @property
    def detail(self) -> str | None:
        """For an engineer: no address and no header as it came."""
        if self.fault is not None:
            return self.fault.value
        parts = [self.content_type, "renewed link" if self.renewed else ""]
        return ", ".join(part for part in parts if part) or None


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A row of the history: a lesson, and what the look made of its probe."""

    lesson: LessonAddress
    outcome: HealthOutcome
    sighting: Sighting


@runtime_checkable
class LessonProber(Protocol):
    """Asks whether videos can be played."""

    def probe(self, lessons: Sequence[LessonAddress]) -> list[Sighting]:
        """One sighting per lesson, in their order; whatever happens is a sighting."""
        ...

    def controls_answer(self) -> bool | None:
        """Whether any control address answers; None when there is none."""
        ...


@runtime_checkable
class LinkRenewer(Protocol):
    """Signs links to our own objects anew."""

    def renewed(self, url: str, owns: Callable[[str], bool]) -> str | None:
        """A fresh link to the same object, or None when it is not one of ours.

        None as well unless who asks `owns` its key.
        """
        ...


def is_media_type(content_type: str) -> bool:
    """Whether a type, as `video/mp4`, is that of sound, pictures or their index."""
    return content_type.startswith(_MEDIA) or content_type in _ANY_BYTES


def outcome_of(sighting: Sighting, *, network_is_up: bool) -> HealthOutcome:
    """What a probe means.

    Without a network of our own silence says nothing about the lesson. A status that
    is neither a success nor a client's error is the server's fault, as no answer is.
    """
    if sighting.fault in SILENCE:
        return SILENCE[sighting.fault] if network_is_up else HealthOutcome.OURS
    if sighting.fault is not None:
        return OTHER_FAULTS[sighting.fault]
    if sighting.link_expired:
        return HealthOutcome.EXPIRED
    if sighting.status is None or 200 <= sighting.status < 300:
        return HealthOutcome.OK if sighting.has_bytes else HealthOutcome.GONE
    if sighting.status in _REFUSALS:
        return HealthOutcome.FORBIDDEN
    is_refused = 400 <= sighting.status < 500 and sighting.status != 408
    return HealthOutcome.GONE if is_refused else HealthOutcome.TIMEOUT
