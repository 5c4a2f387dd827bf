"""`mentora quiz approve`, `publish`, `discard`, `edit` and `history`."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

import typer

from mentora_pipelines.cli.arguments import QuizArgument
from mentora_pipelines.cli.output import (
    JsonOption,
    print_json,
    print_table,
    print_text,
    say,
)
from mentora_pipelines.cli.quiz_places import opened
from mentora_pipelines.cli.quiz_texts import as_text
from mentora_pipelines.domain.quizzes.life import edit_question, move_quiz
from mentora_pipelines.domain.quizzes.questions import Difficulty
from mentora_pipelines.domain.quizzes.quizzes import QuizStatus
from mentora_pipelines.errors import NotFound
from mentora_pipelines.providers.models import make_local_embedder

NumberArgument = Annotated[
    int, typer.Argument(metavar="NUMBER", help="Which question, from 1.", min=1)
]


def approve(quiz: QuizArgument, json: JsonOption = False) -> None:
    """Approve a draft that you have read."""
    _move(quiz, QuizStatus.APPROVED, json=json)


def publish(quiz: QuizArgument, json: JsonOption = False) -> None:
    """Let students take an approved quiz."""
    _move(quiz, QuizStatus.PUBLISHED, json=json)


def discard(quiz: QuizArgument, json: JsonOption = False) -> None:
    """Throw a quiz away that students do not take: another one may ask its points."""
    _move(quiz, QuizStatus.DISCARDED, json=json)


def edit(
    quiz: QuizArgument,
    number: NumberArgument,
    *,
    prompt: Annotated[str | None, typer.Option(help="The question.")] = None,
    answer: Annotated[
        list[str] | None, typer.Option(help="What is right; repeat for several.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="What can be chosen, all of it.")
    ] = None,
    difficulty: Annotated[
        Difficulty | None, typer.Option(help="How hard it is.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Change a question; what it was before is kept."""
    with opened(quiz) as place:
        questions = place.quiz.questions
        if number > len(questions):
            raise NotFound(f"the quiz has {len(questions)} questions")
        old = questions[number - 1]
        right = tuple(answer) if answer else old.answers
        changed = replace(
            old,
            prompt=prompt or old.prompt,
            options=tuple(option) if option else old.options,
            answer=right[0],
            further_answers=right[1:],
            difficulty=difficulty or old.difficulty,
        )
        faults = edit_question(
            place.video,
            place.quiz_id,
            number - 1,
            changed,
            place.lessons,
            embedder=make_local_embedder(),
        )
    if json:
        print_json(
            {
                "question": changed.as_plain(),
                "look at": [
                    {"code": fault.code, "reason": fault.reason} for fault in faults
                ],
            }
        )
        return
    print_text(as_text(number, changed))
    for fault in faults:
        say(f"please look: {fault}")


def history(
    quiz: QuizArgument, number: NumberArgument, json: JsonOption = False
) -> None:
    """Show what a question was before each of its edits, the latest first."""
    with opened(quiz) as place:
        edits = place.lessons.question_history(place.video, place.quiz_id, number - 1)
    if json:
        print_json(
            {
                "edits": [
                    {
                        "number": entry.number,
                        "edited_at": entry.edited_at,
                        "before": entry.before.as_plain(),
                    }
                    for entry in edits
                ]
            }
        )
        return
    print_table(
        f"Question {number}",
        ["edit", "at", "prompt before", "answer before"],
        [
            [
                entry.number,
                entry.edited_at.isoformat(timespec="seconds"),
                entry.before.prompt,
                ", ".join(entry.before.answers),
            ]
            for entry in edits
        ],
    )


def _move(name: UUID, status: QuizStatus, *, json: bool) -> None:
    with opened(name) as place:
        moved = move_quiz(place.video, place.quiz_id, status, place.lessons)
    if json:
        print_json({"quiz_id": moved.id, "status": moved.status})
    else:
        print_text(f"quiz {moved.id} is {moved.status}")
