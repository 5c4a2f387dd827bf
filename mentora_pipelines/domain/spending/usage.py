"""The ledger of calls to providers, as the adapters that make them see it.

Here belong what a call is expected to use up, and the port that books it. Not here:
prices (`prices`), limits (`budgets`), or any provider.

How an adapter learns who pays: it is made with `UsageLedgers` and, until it is told
otherwise, books what it asks to the platform. A step of a lesson says whose lesson it
is (`paid_by(embedder, payer_of(video))`) and works with the adapter that it gets back.
Adapters that run on this machine have no `paid_by` and stay as they are. The payer is
said at each step and lies in no global, context variable or thread: adapters are
shared between threads.

How a call is booked: each HTTP request that goes out, a repeat too, is reserved before
it, then settled with what the answer says that it used, or failed with what is known to
have been used (nothing, when the provider refused). What was never settled, since its
process died, keeps its bound.

How the plan and the bill agree: an adapter says by `plan` which requests it would send,
out of the code that sends them. Where one result takes several requests, what all of
them take is set aside before the first (`UsageLedger.hold`), so that a budget that is
too small for the whole costs nothing, also when two lessons ask for it at once. The
batches of an embedding, each of which is stored for itself, are only checked before the
first: the second of two lessons may be refused after some of its own.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, Self, TypeVar, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.videos import Video


class Unit(StrEnum):
    """What is counted."""

    TOKENS = "tokens"
    SECONDS = "seconds"


class Operation(StrEnum):
    """What a provider is asked for."""

    TRANSCRIPTION = "transcription"
    EMBEDDING = "embedding"
    QUIZ = "quiz"


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, and for which video; no creator means the platform."""

    creator_id: UUID | None = None
    video_id: UUID | None = None


PLATFORM = Payer()


def payer_of(video: Video) -> Payer:
    """Who pays for what is made of a video: its creator."""
    return Payer(video.creator_id, video.id)


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A request that is about to go out, and the most that it can use up.

    `input_units` are what it sends and `output_units` an upper bound of what comes
    back, in `unit`. `video_id` may name only a video of the creator who pays.
    """

    provider: str
    model: str
    operation: Operation
    unit: Unit
    input_units: float
    output_units: float = 0.0
    video_id: UUID | None = None


PATIENCE = timedelta(hours=1)
"""No call and its repeats last this long; one that does is booked again by its
answer."""


@runtime_checkable
class UsageLedger(Protocol):
    """Books the calls that one creator, or the platform, pays for."""

    def reserve(self, call: PlannedCall) -> UUID:
        """Book a call before it is made, at its bound; the id of its row.

        Raises `OverBudget` when it does not fit into what is left of this month's
        budget, and books nothing then; `SetAside` when it would fit if others took
        less than they asked for; `TransientError` when it cannot be booked.
        """
        ...

    def settle(self, usage_id: UUID, input_units: float, output_units: float) -> None:
        """Book what an answered call has used up, in place of its bound."""
        ...

    def fail(
        self, usage_id: UUID, input_units: float = 0.0, output_units: float = 0.0
    ) -> None:
        """Book that a call came to nothing, with what it has cost all the same."""
        ...

    def check(self, calls: Sequence[PlannedCall]) -> None:
        """Raise as `reserve` when these do not fit together; books nothing.

        What is held for their video and operation is theirs.
        """
        ...

    def hold(self, calls: Sequence[PlannedCall]) -> AbstractContextManager[None]:
        """While it lasts, what these take is set aside for their video and operation.

        Raises as `reserve` when they do not fit together. A hold takes the place of an
        earlier one; that of a process that died counts no more after `PATIENCE`.
        """
        ...


@runtime_checkable
class UsageLedgers(Protocol):
    """The ledgers of all who pay."""

    def of(self, creator_id: UUID | None) -> UsageLedger:
        """The ledger of a creator; that of the platform for None."""
        ...


@runtime_checkable
class UnansweredCalls(Protocol):
    """Calls whose process died between asking and booking the answer."""

    def give_up(self, patience: timedelta) -> int:
        """Book those reserved longer ago than that as failed, at their bound.

        Nobody knows whether the provider has counted them, so they keep what they
        could have cost. Returns how many. Old holds, and old answers about quizzes that
        were never finished, go with them.
        """
        ...


@runtime_checkable
class Billed(Protocol):
    """An adapter whose calls somebody pays for."""

    def paid_by(self, payer: Payer) -> Self:
        """The same adapter, its calls booked to `payer`; this one stays as it is."""
        ...


@runtime_checkable
class PlansRecognition(Protocol):
    """A transcriber that can say what hearing so much sound takes."""

    @property
    def hears_silence(self) -> bool:
        """Whether windows in which nobody speaks are counted, too."""
        ...

    def plan(self, duration_s: float) -> Sequence[PlannedCall]:
        """So much sound, as one call; in how many windows it is cut is not known."""
        ...

    def within_budget(self, duration_s: float) -> AbstractContextManager[None]:
        """While it lasts, so much sound is set aside of the payer's budget.

        Raises `OverBudget` when the payer cannot afford it.
        """
        ...


@runtime_checkable
class PlansEmbedding(Protocol):
    """An embedder that can say what embedding these texts takes."""

    def plan(self, texts: Sequence[str]) -> Sequence[PlannedCall]:
        """Its requests, in order, their tokens counted exactly."""
        ...


Adapter = TypeVar("Adapter")


def paid_by(adapter: Adapter, payer: Payer) -> Adapter:
    """`adapter` with its calls booked to `payer`, if anybody pays for them."""
    return adapter.paid_by(payer) if isinstance(adapter, Billed) else adapter
