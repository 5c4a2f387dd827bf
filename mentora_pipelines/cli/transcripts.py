"""`mentora transcript`: the words of a lesson."""

from typing import Annotated
from uuid import UUID

import typer

from mentora_pipelines.cli import transcript_edits
from mentora_pipelines.cli.arguments import VideoArgument
from mentora_pipelines.cli.output import JsonOption, print_json, print_text
from mentora_pipelines.domain.lessons.times import clock
from mentora_pipelines.errors import NotFound
from mentora_pipelines.providers.lessons import open_catalogue, open_lessons

app = typer.Typer(
    help="The words of a lesson.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def _transcript() -> None:
    """The words of a lesson."""


app.command("edit")(transcript_edits.edit)
app.command("history")(transcript_edits.history)
app.command("restore")(transcript_edits.restore)


@app.command()
def show(
    video: VideoArgument,
    version: Annotated[
        UUID | None, typer.Option(help="An earlier version, as `history` shows it.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print the published transcript, a sentence a line with its time."""
    with open_catalogue() as catalogue, open_lessons() as lessons:
        found = catalogue.video(video)
        chosen = version or found.published_transcript_id
        if chosen is None:
            raise NotFound(f"video {video} has no published transcript")
        transcript = lessons.transcript(found, chosen)
    if json:
        print_json(
            {
                "video_id": video,
                "transcript_id": transcript.id,
                "language": transcript.language,
                "duration_s": transcript.duration_s,
                "segments": [
                    {
                        "start_s": segment.start_s,
                        "end_s": segment.end_s,
                        "text": segment.text,
                    }
                    for segment in transcript.segments
                ],
            }
        )
    else:
        print_text(
            "\n".join(
                f"{clock(segment.start_s):>7}  {segment.text}"
                for segment in transcript.segments
            )
        )
