"""`mentora captions`: the caption file of a lesson."""

from typing import Annotated

import typer

from mentora_pipelines.cli.arguments import VideoArgument
from mentora_pipelines.cli.output import JsonOption, print_json, print_text
from mentora_pipelines.domain.lessons.captions import CaptionFormat, render_captions
from mentora_pipelines.errors import NotFound
from mentora_pipelines.providers.lessons import open_catalogue, open_lessons


def captions(
    video: VideoArgument,
    file_format: Annotated[
        CaptionFormat, typer.Option("--format", help="WebVTT or SubRip.")
    ] = CaptionFormat.VTT,
    json: JsonOption = False,
) -> None:
    """Print the captions of a published lesson."""
    with open_catalogue() as catalogue, open_lessons() as lessons:
        found = catalogue.video(video)
        track = (
            lessons.caption_track(found, found.published_transcript_id)
            if found.published_transcript_id
            else None
        )
    if track is None:
        raise NotFound(f"video {video} has no published captions")
    if json:
        print_json(
            {
                "language": track.language,
                "cues": [
                    {"start_s": cue.start_s, "end_s": cue.end_s, "text": cue.text}
                    for cue in track.cues
                ],
            }
        )
    else:
        print_text(render_captions(track.cues, file_format))
