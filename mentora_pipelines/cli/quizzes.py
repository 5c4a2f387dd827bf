"""`mentora quiz`: the quizzes of a lesson, listed and read; what else can be done."""

from typing import Annotated
from uuid import UUID

import typer

from mentora_pipelines.cli import quiz_files, quiz_life, quiz_requests
from mentora_pipelines.cli.arguments import VideoArgument
from mentora_pipelines.cli.output import (
    JsonOption,
    print_json,
    print_table,
    print_text,
    say,
)
from mentora_pipelines.cli.quiz_places import opened
from mentora_pipelines.cli.quiz_texts import as_text, quiz_as_json, wishes_as_text
from mentora_pipelines.domain.lessons.times import clock
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus
from mentora_pipelines.errors import NotFound
from mentora_pipelines.providers.lessons import open_catalogue, open_lessons

app = typer.Typer(
    help="The quizzes of a lesson.", no_args_is_help=True, rich_markup_mode=None
)
for command in (
    quiz_life.approve,
    quiz_life.publish,
    quiz_life.discard,
    quiz_life.edit,
    quiz_life.history,
    quiz_requests.regenerate,
    quiz_files.export,
    quiz_files.statistics,
):
    app.command()(command)


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
    if quiz is None:
        found = newest_quiz(video)
    else:
        with opened(quiz) as place:
            found = place.quiz
    if json:
        print_json(quiz_as_json(found))
        return
    say(wishes_as_text(found))
    for span in found.changed:
        say(
            f"changed at {clock(span.start_s)}–{clock(span.end_s)}: “{span.quote}” is "
            f"“{span.now}” now"
        )
    print_text("\n\n".join(as_text(n, q) for n, q in enumerate(found.questions, 1)))


def newest_quiz(video: UUID) -> Quiz:
    """The newest quiz of a video that is not discarded; raises `NotFound`."""
    with open_catalogue() as catalogue, open_lessons() as lessons:
        quizzes = lessons.quizzes(catalogue.video(video))
    for quiz in quizzes:
        if quiz.status is not QuizStatus.DISCARDED:
            return quiz
    raise NotFound(f"video {video} has no quiz")
