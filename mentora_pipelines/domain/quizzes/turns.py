"""Turns: which quiz is written next, and when, at so many an hour for each creator.

The launches of the last hour are counted, which the database knows: so the limit holds
without any other server, and a run that is tried again counts once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus
from mentora_pipelines.domain.rate_limits.limits import QUIZ_GENERATION

HOUR = timedelta(hours=1)

QUIZZES_AN_HOUR = QUIZ_GENERATION.limit
"""Quizzes that one creator gets in any hour; the next one waits."""

WRITING_LIMIT = timedelta(hours=1)
"""A quiz that is not there so long after its launch has failed. Fifty questions that
are all repaired take nine minutes of an account of 30,000 tokens a minute, when nobody
else uses it; each request may wait ten for its turn."""


@dataclass(frozen=True, slots=True)
class RequestedQuiz:
    """A quiz that was asked for under a name of its own.

    `written_since` is when a run was started that may still write it, None while it
    waits for its turn. `reason` says why the last attempt gave none.
    """

    requested_as: UUID
    written_since: datetime | None = None
    reason: str | None = None


def turn(launched: Sequence[timedelta], waiting: int, now: datetime) -> datetime:
    """When a request's turn comes, with `waiting` of the same creator before it.

    `launched` says how long ago quizzes were started within the last hour. Each start
    makes room again an hour later.
    """
    free_at = sorted(now + HOUR - age for age in launched)
    free_at = [now] * (QUIZZES_AN_HOUR - len(free_at)) + free_at
    rounds, place = divmod(waiting, QUIZZES_AN_HOUR)
    return free_at[-QUIZZES_AN_HOUR:][place] + rounds * HOUR


def next_edition(
    wishes: QuizWishes, quizzes: Sequence[Quiz], transcript_id: UUID
) -> QuizWishes:
    """The wishes for a quiz that is not there yet.

    Whatever is stored is not written over, a discarded one neither: what is wanted
    then is another edition about the same words. Whoever asks again before it is there
    asks for the same one.
    """
    there = {
        (quiz.question_count, quiz.wishes)
        for quiz in quizzes
        if quiz.transcript_id == transcript_id and quiz.status is not QuizStatus.STALE
    }
    wanted = wishes
    while (wanted.question_count, wanted.key) in there:
        wanted = replace(wanted, edition=wanted.edition + 1)
    return wanted
