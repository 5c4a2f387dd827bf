"""Notices of uploads: what a bucket tells by itself, the moment a file is complete.

Here belongs what follows from a notice. Not here: queues, or the listing that finds
what no notice told (`uploads`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.domain.uploads import (
    UPLOADS_PREFIX,
    UploadCatalogue,
    parse_upload_key,
)
from mentora_pipelines.errors import PermanentError, TransientError

MAX_NOTICES = 100
"""Taken in one look: seconds of work. A burst is taken in over many looks, about
twenty a second."""


@dataclass(frozen=True, slots=True)
class UploadNotice:
    """One message about objects that were stored.

    `receipt` lets it be acknowledged, `name` is the same whenever it comes again.
    `fault` says why it cannot be read; its `text` is cut to what a person needs.
    """

    name: str
    receipt: str
    keys: tuple[str, ...] = ()
    fault: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class NoticeLook:
    """What became of some notices; `deferred` come again by themselves."""

    taken: int
    registered: int
    refused: tuple[tuple[str, str], ...]
    deferred: int


@runtime_checkable
class UploadNotices(Protocol):
    """A queue of notices that holds each one until it is acknowledged."""

    def receive(self, limit: int) -> list[UploadNotice]:
        """At most `limit` notices, at once; raises `TransientError`."""
        ...

    def acknowledge(self, notices: Sequence[UploadNotice]) -> None:
        """Let the queue forget these; raises `TransientError`."""
        ...


@runtime_checkable
class NoticeCatalogue(UploadCatalogue, Protocol):
    """Registers uploads, and keeps what could not be one."""

    def refuse_notice(self, notice: UploadNotice, reason: str) -> None:
        """Keep a notice with the reason why nothing follows from it; idempotent."""
        ...


class NoNotices:
    """Satisfies `UploadNotices` where nobody tells: the listing finds everything."""

    def receive(self, limit: int) -> list[UploadNotice]:
        """None."""
        del limit
        return []

    def acknowledge(self, notices: Sequence[UploadNotice]) -> None:
        """There is nothing to forget."""


def take_notices(
    notices: UploadNotices, storage: ObjectStorage, catalogue: NoticeCatalogue
) -> NoticeLook:
    """Register what the waiting notices tell, and acknowledge them after that.

    A notice is a hint: what counts is the object that lies there. Those that are late,
    reversed or repeated change nothing. What cannot be an upload is kept with a reason.
    When a service is away the rest stays in the queue.
    """
    received = notices.receive(MAX_NOTICES)
    done: list[UploadNotice] = []
    refused: list[tuple[str, str]] = []
    registered = 0
    for notice in received:
        try:
            found, reasons = _follow(notice, storage, catalogue)
        except TransientError:
            break  # a service is away: the others would meet it too, and wait
        registered += found
        refused += reasons
        done.append(notice)
    if done:
        notices.acknowledge(done)
    return NoticeLook(len(done), registered, tuple(refused), len(received) - len(done))


def _follow(
    notice: UploadNotice, storage: ObjectStorage, catalogue: NoticeCatalogue
) -> tuple[int, list[tuple[str, str]]]:
    registered = 0
    reasons: list[tuple[str, str]] = []
    if notice.fault is not None:
        reasons.append((notice.name, notice.fault))
    for key in notice.keys:
        if not key.startswith(UPLOADS_PREFIX) or key.endswith("/"):
            continue  # what we store ourselves, or an empty folder of a console
        try:
            parsed = parse_upload_key(key)
            upload = storage.stat(key)
            if upload is None:
                continue
            known = catalogue.known_uploads([key]).get(key)
            if known is None or known.is_due(upload):
                catalogue.register_upload(upload, parsed)
                registered += 1
        except PermanentError as error:
            reasons.append((key, str(error)))
    if reasons:
        catalogue.refuse_notice(notice, "; ".join(reason for _, reason in reasons))
    return registered, reasons
