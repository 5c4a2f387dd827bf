"""Paid answers: what a hosted writer has said about a quiz that is not finished.

A quiz of a long lesson takes many requests. Whoever is asked to write it again after a
fault, or a crash, asks only for what is missing.
"""

from typing import Protocol, Self, TypeVar, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.videos import Video


@runtime_checkable
class PaidAnswers(Protocol):
    """The answers about one quiz, each under the digest of what was asked."""

    def recall(self, request_hash: str) -> str | None:
        """What was answered before, or None."""
        ...

    def keep(self, request_hash: str, answer: str) -> None:
        """Remember an answer, in the place of an earlier one."""
        ...

    def forget(self) -> None:
        """The quiz is finished: another try is to get other answers."""
        ...


@runtime_checkable
class PaidAnswerStore(Protocol):
    """Keeps the answers about quizzes that are being written."""

    def paid_answers(self, video: Video, quiz_id: UUID) -> PaidAnswers:
        """Those about one quiz of a video."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A writer whose answers cost something."""

    def remembering(self, answers: PaidAnswers) -> Self:
        """The same writer, which asks for no answer that is there; this one stays."""
        ...


class NothingPaid:
    """Satisfies `PaidAnswers`: remembers nothing."""

    def recall(self, request_hash: str) -> None:  # noqa: ARG002  (the port's)
        """None."""
        return

    def keep(self, request_hash: str, answer: str) -> None:
        """Not."""

    def forget(self) -> None:
        """There is nothing."""


NOTHING_PAID = NothingPaid()

Writer = TypeVar("Writer")


def remembering(writer: Writer, answers: PaidAnswers) -> Writer:
    """`writer` with its answers kept, if they cost anything."""
    return writer.remembering(answers) if isinstance(writer, Remembers) else writer
