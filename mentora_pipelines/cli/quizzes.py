"""`mentora quiz`: the quizzes of a lesson, read, approved, published and edited."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from mentora_pipelines.cli import quiz_files
from mentora_pipelines.cli.arguments import QuizArgument, VideoArgument
from mentora_pipelines.cli.output import (
    JsonOption,
    clock,
    print_json,
    print_table,
    print_text,
    say,
)
from mentora_pipelines.domain.events.payloads import (
    MAX_QUESTIONS,
    QuizGenerationRequested,
)
from mentora_pipelines.domain.quizzes.life import (
    EditableQuizzes,
    edit_question,
    move_quiz,
    quiz_of,
)
from mentora_pipelines.domain.quizzes.questions import (
    BloomLevel,
    Difficulty,
    Question,
    QuizWishes,
)
from mentora_pipelines.domain.quizzes.quizzes import (
    DEFAULT_QUESTION_COUNT,
    Quiz,
    QuizStatus,
)
from mentora_pipelines.domain.quizzes.turns import HOUR, next_edition, turn
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import NotFound
from mentora_pipelines.providers.events import open_event_outbox
from mentora_pipelines.providers.lessons import open_catalogue, open_lessons
from mentora_pipelines.providers.quizzes import open_quiz_desk

app = typer.Typer(
    help="The quizzes of a lesson.", no_args_is_help=True, rich_markup_mode=None
)
app.command("export")(quiz_files.export)
app.command("statistics")(quiz_files.statistics)

NumberArgument = Annotated[
    int, typer.Argument(metavar="NUMBER", help="Which question, from 1.", min=1)
]


@app.callback()
def _quiz() -> None:
    """The quizzes of a lesson."""


@app.command("list")
def list_quizzes(video: VideoArgument, json: JsonOption = False) -> None:
    """List the quizzes of a lesson, newest first."""
    with open_catalogue() as catalogue, open_lessons() as lessons:
        quizzes = lessons.quizzes(catalogue.video(video))
    if json:
        print_json(
            {
                "quizzes": [
                    {
                        "quiz_id": quiz.id,
                        "status": quiz.status,
                        "questions": len(quiz.questions),
                        "wanted": quiz.question_count,
                        "wishes": quiz.wishes,
                        "writer": quiz.writer_fingerprint,
                        "transcript_id": quiz.transcript_id,
                    }
                    for quiz in quizzes
                ]
            }
        )
        return
    print_table(
        "Quizzes",
        ["id", "status", "questions", "wanted", "wishes", "writer"],
        [
            [
                quiz.id,
                quiz.status,
                len(quiz.questions),
                quiz.question_count,
                quiz.wishes or None,
                quiz.writer_fingerprint,
            ]
            for quiz in quizzes
        ],
    )


@app.command()
def show(
    video: VideoArgument,
    *,
    quiz: Annotated[
        UUID | None, typer.Option(help="This quiz instead of the newest one.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print a quiz of a lesson with the evidence of each question."""
    found = newest_quiz(video) if quiz is None else _quiz_of(video, quiz)
    if json:
        print_json(_quiz_as_json(found))
        return
    for span in found.changed:
        say(
            f"changed at {clock(span.start_s)}–{clock(span.end_s)}: “{span.quote}” is "
            f"“{span.now}” now"
        )
    if not found.questions:
        print_text("the lesson holds too little for a question")
    else:
        print_text("\n\n".join(as_text(n, q) for n, q in enumerate(found.questions, 1)))


@app.command()
def approve(quiz: QuizArgument, json: JsonOption = False) -> None:
    """Approve a draft that you have read."""
    _move(quiz, QuizStatus.APPROVED, json=json)


@app.command()
def publish(quiz: QuizArgument, json: JsonOption = False) -> None:
    """Let students take an approved quiz."""
    _move(quiz, QuizStatus.PUBLISHED, json=json)


@app.command()
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
    with _opened(quiz) as place:
        questions = quiz_of(place.video, place.quiz_id, place.lessons).questions
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
            place.video, place.quiz_id, number - 1, changed, place.lessons
        )
    if json:
        print_json(
            {
                "question": _as_json(changed),
                "look at": [
                    {"code": fault.code, "reason": fault.reason} for fault in faults
                ],
            }
        )
        return
    print_text(as_text(number, changed))
    for fault in faults:
        say(f"please look: {fault}")


@app.command()
def history(
    quiz: QuizArgument, number: NumberArgument, json: JsonOption = False
) -> None:
    """Show what a question was before each of its edits, the latest first."""
    with _opened(quiz) as place:
        edits = place.lessons.question_history(place.video, place.quiz_id, number - 1)
    if json:
        print_json(
            {
                "edits": [
                    {
                        "number": entry.number,
                        "edited_at": entry.edited_at,
                        "before": _as_json(entry.before),
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


@app.command()
def regenerate(
    video: VideoArgument,
    *,
    questions: Annotated[
        int, typer.Option(help="How many.", min=1, max=MAX_QUESTIONS)
    ] = DEFAULT_QUESTION_COUNT,
    difficulty: Annotated[Difficulty | None, typer.Option(help="How hard.")] = None,
    bloom: Annotated[
        BloomLevel | None, typer.Option(help="What it asks of the mind.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Ask for another quiz on the same words, or for one after they were changed.

    Five an hour are written for each creator; a later one waits, and this says until
    when.
    """
    now = datetime.now(UTC)
    with (
        open_catalogue() as catalogue,
        open_lessons() as lessons,
        open_quiz_desk() as desk,
        open_event_outbox() as outbox,
    ):
        found = catalogue.video(video)
        if found.published_transcript_id is None:
            raise NotFound(f"video {video} is not published yet")
        wishes = QuizWishes(questions, difficulty, bloom)
        wishes = next_edition(
            wishes, lessons.quizzes(found), found.published_transcript_id
        )
        requested_as = desk.request(found, wishes)
        launched = outbox.launched_within(
            QuizGenerationRequested.name, HOUR, found.creator_id
        )
        waiting = desk.waiting(found.creator_id, requested_as)
    starts_at = turn(launched, waiting, now)
    if json:
        print_json(
            {
                "requested_as": requested_as,
                "starts_at": starts_at,
                "started_this_hour": len(launched),
                "waiting_before": waiting,
            }
        )
        return
    when = f"at {starts_at:%H:%M} UTC" if starts_at > now else "within a minute"
    print_text(
        f"asked for as {requested_as}; it starts {when} "
        f"({len(launched)} started this hour, {waiting} waiting)"
    )


def newest_quiz(video: UUID) -> Quiz:
    """The newest quiz of a video; raises `NotFound`."""
    with open_catalogue() as catalogue, open_lessons() as lessons:
        quizzes = lessons.quizzes(catalogue.video(video))
    if not quizzes:
        raise NotFound(f"video {video} has no quiz")
    return quizzes[0]


def as_text(number: int, question: Question) -> str:
    """A question as people read it: options, answer, quotation and its time."""
    lines = [f"{number}. {question.prompt}"]
    lines += [
        f"   {letter}) {option}"
        for letter, option in zip("abcdefgh", question.options, strict=False)
    ]
    lines.append(f"   answer: {', '.join(question.answers)}")
    lines.append(
        f"   {clock(question.start_s)}–{clock(question.end_s)} “{question.quote}”"
    )
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Place:
    quiz_id: UUID
    video: Video
    lessons: EditableQuizzes


@contextmanager
def _opened(name: UUID) -> Iterator[_Place]:
    """The quiz behind an id or a request, and the store of its creator."""
    with open_quiz_desk() as desk:
        place = desk.place(name)
    if place is None:
        raise NotFound(f"there is no quiz {name}")
    quiz_id, video_id = place
    with open_catalogue() as catalogue, open_lessons() as lessons:
        yield _Place(quiz_id, catalogue.video(video_id), lessons)


def _quiz_of(video: UUID, quiz_id: UUID) -> Quiz:
    with open_catalogue() as catalogue, open_lessons() as lessons:
        return quiz_of(catalogue.video(video), quiz_id, lessons)


def _move(name: UUID, status: QuizStatus, *, json: bool) -> None:
    with _opened(name) as place:
        moved = move_quiz(place.video, place.quiz_id, status, place.lessons)
    if json:
        print_json({"quiz_id": moved.id, "status": moved.status})
    else:
        print_text(f"quiz {moved.id} is {moved.status}")


def _quiz_as_json(quiz: Quiz) -> dict[str, object]:
    return {
        "quiz_id": quiz.id,
        "status": quiz.status,
        "changed": [
            {
                "question_id": span.question_id,
                "quote": span.quote,
                "start_s": span.start_s,
                "end_s": span.end_s,
                "now": span.now,
            }
            for span in quiz.changed
        ],
        "questions": [_as_json(question) for question in quiz.questions],
    }


def _as_json(question: Question) -> dict[str, object]:
    return {
        "kind": question.kind,
        "prompt": question.prompt,
        "options": list(question.options),
        "answer": question.answer,
        "answers": list(question.answers),
        "difficulty": question.difficulty,
        "bloom_level": question.bloom_level,
        "quote": question.quote,
        "start_s": question.start_s,
        "end_s": question.end_s,
    }
