"""Notices: what somebody is told who waits for a quiz that will not come.

Here belong the ports. Not here: the words of a notice (`operations/mail_variables`).
"""

from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode


@runtime_checkable
class QuizNotices(Protocol):
    """Tells creators what became of the quizzes that were asked for."""

    def quiz_failed(
        self,
        video: Video,
        code: ErrorCode,
        *,
        requested_as: UUID | None,
        run_id: UUID,
    ) -> None:
        """Tell that a quiz could not be written: once for each run and code.

        Whoever looks for `requested_as` finds why; it is None where nobody has named
        the quiz, which is told once for each upload and code.
        """
        ...


@runtime_checkable
class QuizRequests(Protocol):
    """Knows what became of the quizzes that were asked for."""

    def quiz_came_to_nothing(self, video: Video) -> bool:
        """Whether the quiz of this upload was asked for, and could not be written."""
        ...
