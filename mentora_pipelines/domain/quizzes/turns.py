"""Turns: which quiz is written next, and when, at five an hour for each creator."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus

HOUR = timedelta(hours=1)

QUIZZES_AN_HOUR = 5
"""Quizzes that one creator gets in any hour; the next one waits."""


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

    A quiz that somebody has approved, or a draft, is not written over: what is wanted
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
