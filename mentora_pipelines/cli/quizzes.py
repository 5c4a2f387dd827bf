"""`mentora quiz`: the questions about a lesson."""

import typer

from mentora_pipelines.cli.arguments import VideoArgument
from mentora_pipelines.cli.output import JsonOption, clock, print_json, print_text
from mentora_pipelines.domain.lessons.questions import Question
from mentora_pipelines.domain.lessons.quizzes import Quiz
from mentora_pipelines.errors import NotFound
from mentora_pipelines.providers import open_catalogue, open_lessons

app = typer.Typer(
    help="The questions about a lesson.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def _quiz() -> None:
    """The questions about a lesson."""


@app.command()
def show(video: VideoArgument, json: JsonOption = False) -> None:
    """Print the newest quiz of a lesson with the evidence of each question."""
    quiz = newest_quiz(video)
    if json:
        print_json(
            {
                "quiz_id": quiz.id,
                "status": quiz.status,
                "questions": [_as_json(question) for question in quiz.questions],
            }
        )
    elif not quiz.questions:
        print_text("the lesson holds too little for a question")
    else:
        print_text("\n\n".join(as_text(n, q) for n, q in enumerate(quiz.questions, 1)))


def newest_quiz(video: VideoArgument) -> Quiz:
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
    lines.append(f"   answer: {question.answer}")
    lines.append(
        f"   {clock(question.start_s)}–{clock(question.end_s)} “{question.quote}”"
    )
    return "\n".join(lines)


def _as_json(question: Question) -> dict[str, object]:
    return {
        "kind": question.kind,
        "prompt": question.prompt,
        "options": list(question.options),
        "answer": question.answer,
        "quote": question.quote,
        "start_s": question.start_s,
        "end_s": question.end_s,
    }
