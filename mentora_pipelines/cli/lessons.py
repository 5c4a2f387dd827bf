"""`mentora upload`, `process` and `status`: lessons on their way."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.cli.output import (
    JsonOption,
    print_json,
    print_table,
    print_text,
    say,
)
from mentora_pipelines.cli.timings import show_prometheus, show_timings
from mentora_pipelines.domain.lessons.times import clock
from mentora_pipelines.domain.paging import DEFAULT_LIMIT
from mentora_pipelines.domain.uploads import (
    parse_creator,
    parse_upload_key,
    upload_key,
)
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import InvalidInput
from mentora_pipelines.providers.lessons import open_catalogue
from mentora_pipelines.providers.storage import make_storage


def upload(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Lesson videos.")
    ],
    creator: Annotated[str, typer.Option(help="The creator's mail address or id.")],
    title: Annotated[
        str | None, typer.Option(help="Title of the lesson; from the file by default.")
    ] = None,
    process: Annotated[
        bool, typer.Option("--process", help="Process here and now, without a daemon.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Put lesson videos into storage, where the sensor finds them."""
    if title is not None and (len(files) > 1 or not title.strip()):
        raise InvalidInput("--title names one lesson: give one file and some text")
    owner = parse_creator(creator)
    today = datetime.now(UTC).date()
    keys = {}
    for file in files:
        if not file.is_file():
            raise InvalidInput(f"{file} is not a file")
        key = upload_key(today, owner, file.name)
        if key in keys:
            raise InvalidInput(
                f"two files are called {file.name}: upload one at a time"
            )
        keys[key] = file

    storage = make_storage()
    with open_catalogue() as catalogue:
        # Before a byte is stored: a creator who does not exist is no upload.
        if isinstance(owner, UUID):
            catalogue.creator_id(owner)
        videos = []
        for key, file in keys.items():
            with file.open("rb") as content:
                stored = storage.put(key, content)
            videos.append(
                catalogue.register_upload(stored, parse_upload_key(key), title)
            )
    if process:
        _process(videos, json=json)
    else:
        print_videos(videos, json=json)


def process(
    videos: Annotated[
        list[UUID] | None, typer.Argument(metavar="[VIDEO…]", help="Ids of videos.")
    ] = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="Every video that waits.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Process videos here and now; what is finished is not done again."""
    if bool(videos) == pending:
        raise InvalidInput("name videos, or say --pending")
    with open_catalogue() as catalogue:
        chosen = (
            [catalogue.video(video_id) for video_id in videos]
            if videos
            else catalogue.videos([ProcessingStatus.PENDING])
        )
    _process(chosen, json=json)


def status(
    video: Annotated[
        UUID | None, typer.Argument(metavar="[VIDEO]", help="Id of a video.")
    ] = None,
    *,
    creator: Annotated[
        str | None, typer.Option(help="Only this creator's videos: mail or id.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Videos on a page.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, typer.Option(help="Go on where another page ended.")
    ] = None,
    timings: Annotated[
        bool, typer.Option("--timings", help="Seconds per stage instead.")
    ] = False,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="The figures as Prometheus reads them.")
    ] = False,
    days: Annotated[
        int, typer.Option(min=1, max=90, help="Days of --timings and --prometheus.")
    ] = 7,
    json: JsonOption = False,
) -> None:
    """Show how far videos have come, newest first, or what their stages took."""
    if timings and prometheus:
        raise InvalidInput("--timings and --prometheus are two answers: ask for one")
    if timings or prometheus:
        if video is not None or creator is not None or cursor is not None:
            raise InvalidInput("--timings and --prometheus tell of all lessons")
        if timings:
            show_timings(days, json=json)
        else:
            show_prometheus(days)
        return
    with open_catalogue() as catalogue:
        if video is not None:
            print_videos([catalogue.video(video)], json=json)
            return
        page = catalogue.video_page(
            creator_id=(
                None
                if creator is None
                else catalogue.creator_id(parse_creator(creator))
            ),
            limit=limit,
            cursor=cursor,
        )
    print_videos(page.rows, json=json, next_cursor=page.next_cursor)
    if page.next_cursor is not None and not json:
        narrowed = "" if creator is None else f" --creator {creator}"
        token = f" --limit {limit} --cursor {page.next_cursor}"
        say(f"more: mentora status{narrowed}{token}")


def print_videos(
    videos: Sequence[Video], *, json: bool, next_cursor: str | None = None
) -> None:
    """Videos as `{"videos": […]}` or as a table, and how to see more of them."""
    if json:
        more = {} if next_cursor is None else {"next_cursor": next_cursor}
        print_json({"videos": [_as_json(video) for video in videos], **more})
        return
    print_table(
        "Videos",
        ["id", "title", "creator", "length", "status", "error"],
        [
            [
                video.id,
                video.title,
                video.creator_email,
                None if video.duration_s is None else clock(video.duration_s),
                video.processing_status,
                video.error_code or "",
            ]
            for video in videos
        ],
    )
    for video in videos:
        if video.error_message:
            print_text(f"{video.title}: {video.error_message}")


def _process(videos: Sequence[Video], *, json: bool) -> None:
    from mentora_pipelines.cli.lesson_runs import run_lessons

    if not videos:
        say("nothing to process")
        print_videos([], json=json)
        return
    with open_catalogue() as catalogue:
        succeeded = run_lessons([_with_newest_bytes(catalogue, v) for v in videos])
        ended = [catalogue.video(video.id) for video in videos]
    print_videos(ended, json=json)
    if not succeeded or any(
        video.processing_status is not ProcessingStatus.COMPLETED for video in ended
    ):
        raise typer.Exit(1)


def _with_newest_bytes(catalogue: PostgresCatalogue, video: Video) -> Video:
    """The video, after its upload was looked at as the sensor would."""
    stored = make_storage().stat(video.storage_key)
    if stored is None or stored.etag == video.upload_etag:
        return video
    return catalogue.register_upload(stored, parse_upload_key(video.storage_key))


def _as_json(video: Video) -> dict[str, object]:
    return {
        "id": video.id,
        "title": video.title,
        "creator": video.creator_email,
        "status": video.processing_status,
        "error_code": video.error_code,
        "error_message": video.error_message,
        "duration_s": video.duration_s,
        "storage_key": video.storage_key,
        "created_at": video.created_at,
        "processed_at": video.processed_at,
    }
