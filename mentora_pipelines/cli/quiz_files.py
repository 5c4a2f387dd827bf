"""`mentora quiz export` and `statistics`: a quiz for others, and its figures."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mentora_pipelines.cli.arguments import QuizArgument
from mentora_pipelines.cli.output import JsonOption, print_json, print_table, say
from mentora_pipelines.cli.quiz_places import opened, place_of
from mentora_pipelines.domain.quizzes.handouts import Handout, HandoutFormat
from mentora_pipelines.domain.quizzes.item_statistics import ItemReport, item_reports
from mentora_pipelines.errors import InvalidInput
from mentora_pipelines.providers.lessons import lesson_url
from mentora_pipelines.providers.quizzes import (
    make_handouts,
    make_item_analyst,
    open_quiz_desk,
)


def export(
    quiz: QuizArgument,
    *,
    format: Annotated[  # noqa: A002  (the option's own name)
        HandoutFormat, typer.Option("--format", help="What to write.")
    ] = HandoutFormat.HTML,
    output: Annotated[
        Path | None,
        typer.Option(help="The file; standard output by default.", dir_okay=False),
    ] = None,
) -> None:
    """Write a quiz as GIFT, QTI 2.1 (a ZIP package), JSON or a page to print."""
    with opened(quiz) as place:
        video, found = place.video, place.quiz
        transcript = place.lessons.transcript(video, found.transcript_id)
    handout = Handout(
        found, video.id, video.title, transcript.language, lesson_url(video.id)
    )
    content = make_handouts().print(handout, format)
    if output is not None:
        output.write_bytes(content)
        say(f"{output}: {len(content)} bytes")
    elif format is HandoutFormat.QTI and sys.stdout.isatty():
        raise InvalidInput("a package is no text: name a file with --output")
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def statistics(quiz: QuizArgument, json: JsonOption = False) -> None:
    """Show what students' first attempts say about each question."""
    quiz_id, _ = place_of(quiz)
    with open_quiz_desk() as desk:
        reports = item_reports([quiz_id], counts=desk, analyst=make_item_analyst())
    if json:
        print_json({"questions": [_as_json(report) for report in reports]})
        return
    print_table(
        "What the answers say",
        [
            "number",
            "question",
            "students",
            "difficulty",
            "discrimination",
            "options",
            "look at",
        ],
        [
            [
                report.place.number,
                report.question.prompt,
                report.figures.students,
                report.figures.difficulty,
                report.figures.discrimination,
                ", ".join(
                    f"{'*' if use.is_right else ''}{use.option} {use.students}"
                    for use in report.figures.options
                ),
                ", ".join(report.flags) or None,
            ]
            for report in reports
        ],
    )


def _as_json(report: ItemReport) -> dict[str, object]:
    figures = report.figures
    return {
        "question_id": figures.question_id,
        "number": report.place.number,
        "prompt": report.question.prompt,
        "students": figures.students,
        "difficulty": figures.difficulty,
        "discrimination": figures.discrimination,
        "options": [
            {
                "option": use.option,
                "right": use.is_right,
                "students": use.students,
                "mean_rest": use.mean_rest,
            }
            for use in figures.options
        ],
        "flags": list(report.flags),
    }
