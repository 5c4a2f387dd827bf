"""`mentora quiz regenerate`: another quiz on the same words, or on changed ones."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from mentora_pipelines.cli.arguments import VideoArgument
from mentora_pipelines.cli.output import JsonOption, print_json, print_text, say
from mentora_pipelines.domain.events.payloads import (
    MAX_QUESTIONS,
    QuizGenerationRequested,
)
from mentora_pipelines.domain.quizzes.questions import (
    BloomLevel,
    Difficulty,
    QuizWishes,
)
from mentora_pipelines.domain.quizzes.quizzes import DEFAULT_QUESTION_COUNT
from mentora_pipelines.domain.quizzes.turns import HOUR, next_edition, turn
from mentora_pipelines.errors import NotFound
from mentora_pipelines.providers.events import open_event_outbox
from mentora_pipelines.providers.lessons import open_catalogue, open_lessons
from mentora_pipelines.providers.quizzes import open_quiz_desk


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
    when. What came to nothing before is asked anew.
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
        request = desk.request(found, wishes)
        launched = outbox.launched_within(
            QuizGenerationRequested.name, HOUR, found.creator_id
        )
        waiting = desk.waiting(found.creator_id, request.requested_as)
    since = request.written_since
    starts_at = turn(launched, waiting, now) if since is None else None
    if json:
        print_json(
            {
                "requested_as": request.requested_as,
                "starts_at": starts_at,
                "written_since": since,
                "came_to_nothing": request.reason,
                "started_this_hour": len(launched),
                "waiting_before": waiting,
            }
        )
        return
    if request.reason is not None:
        say(f"the last attempt gave no quiz: {request.reason}")
    if since is not None:
        when = f"is being written since {since:%H:%M} UTC"
    elif starts_at is not None and starts_at > now:
        when = f"starts at {starts_at:%H:%M} UTC"
    else:
        when = "starts within a minute"
    print_text(
        f"asked for as {request.requested_as}; it {when} "
        f"({len(launched)} started this hour, {waiting} waiting)"
    )
