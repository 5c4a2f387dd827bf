"""Gaps: what is missing or out of date in lessons that students see.

Here belong the kinds of gap and the port. Not here: whether a video can be played
(`content_health`), which its creator is told; a gap is for the operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

EXAMPLES = 5
"""Lessons that an operator is given for each kind."""


class GapKind(StrEnum):
    """What can be missing."""

    STALE_EMBEDDINGS = "stale embeddings"
    MISSING_CAPTIONS = "missing captions"
    UNCOVERED_SPEECH = "uncovered speech"
    STALE_QUIZZES = "stale quizzes"


@dataclass(frozen=True, slots=True)
class Gap:
    """How many completed lessons have a gap, and a few of them.

    Stale embeddings: a published chunk without a vector of the active generation.
    Missing captions: the published version has no track. Uncovered speech: a segment
    that no chunk holds. Stale quizzes: one whose quotations left the lesson.
    """

    lessons: int = 0
    examples: tuple[UUID, ...] = ()


@runtime_checkable
class GapFinder(Protocol):
    """Looks for gaps, across creators."""

    def gaps(self) -> Mapping[GapKind, Gap]:
        """Every kind, those without a lesson too."""
        ...
