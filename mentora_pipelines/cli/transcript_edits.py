"""`mentora transcript edit`, `history` and `restore`: versions of a lesson's words."""

import re
from pathlib import Path
from typing import Annotated, Protocol
from uuid import UUID

import typer

from mentora_pipelines.cli.arguments import VideoArgument
from mentora_pipelines.cli.output import (
    JsonOption,
    print_json,
    print_table,
    print_text,
    say,
)
from mentora_pipelines.domain.lessons.edits import Edit, WholeChange, parse_edit
from mentora_pipelines.domain.lessons.lesson_store import LessonStore
from mentora_pipelines.domain.lessons.versions import (
    EditCatalogue,
    PublishedEdit,
    publish_edit,
    restore_version,
    store_edit,
)
from mentora_pipelines.domain.quizzes.quizzes import QuizReader, QuizStatus
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import InvalidInput, MentoraError
from mentora_pipelines.providers.lessons import open_catalogue, open_lessons
from mentora_pipelines.providers.models import make_embedder, make_embedders
from mentora_pipelines.providers.spending import open_usage_ledgers
from mentora_pipelines.providers.storage import make_storage

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,4}):(\d{1,2}(?:\.\d+)?)|(\d+(?:\.\d+)?)")


def edit(  # noqa: PLR0917  (typer calls it by name)
    video: VideoArgument,
    file: Annotated[
        Path | None, typer.Option(help="A corrected WebVTT or SubRip file.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="A line: 83, 83.4 or 1:23, as `show` tells."),
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="What the line at --at says; '' removes it.")
    ] = None,
    replace: Annotated[
        str | None, typer.Option(metavar="OLD", help="Words to replace, as they stand.")
    ] = None,
    new: Annotated[
        str | None, typer.Option("--with", metavar="NEW", help="What they become.")
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Replace them wherever they stand.")
    ] = False,
    base: Annotated[
        UUID | None,
        typer.Option(metavar="VERSION", help="Only if this is the newest version."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Correct a transcript; captions, chunks, vectors and quizzes follow."""
    plain: dict[str, object] = {}
    if at is not None:
        plain["at"] = _seconds(at)
    if text is not None:
        plain["text"] = text
    if replace is not None:
        plain["replace"] = replace
    if new is not None:
        plain["with"] = new
    if everywhere:
        plain["everywhere"] = True
    if bool(plain) == (file is not None):
        raise InvalidInput(
            "give --file, or --at with --text, or --replace with --with "
            "(and --at for one place of several, or --everywhere)"
        )
    if file is not None:
        from mentora_pipelines.adapters.caption_files import read_caption_file

        wanted = Edit(WholeChange(read_caption_file(file)), base)
    else:
        wanted = parse_edit({**plain, "baseVersion": base})
    with open_catalogue() as catalogue, open_lessons() as lessons:
        found = catalogue.video(video)
        before = found.staged_transcript_id
        version = store_edit(found, wanted, lessons)
        changed = version.id != before
        if not changed and found.is_settled:
            say("the transcript says this already")
        _publish(found, catalogue, lessons, changed=changed, json=json)


def restore(
    video: VideoArgument,
    version: Annotated[
        UUID, typer.Argument(metavar="VERSION", help="As `history` shows it.")
    ],
    json: JsonOption = False,
) -> None:
    """Make an earlier version the one that students see."""
    with open_catalogue() as catalogue, open_lessons() as lessons:
        found = catalogue.video(video)
        changed = version != found.staged_transcript_id
        restore_version(found, version, lessons)
        _publish(found, catalogue, lessons, changed=changed, json=json)


def history(video: VideoArgument, json: JsonOption = False) -> None:
    """List every version of a transcript, newest first."""
    with open_catalogue() as catalogue, open_lessons() as lessons:
        found = catalogue.video(video)
        versions = lessons.transcript_history(found)
    if json:
        print_json(
            {
                "video_id": found.id,
                "versions": [
                    {
                        "transcript_id": one.id,
                        "created_at": one.created_at,
                        "origin": one.origin,
                        "words": one.word_count,
                        "edited_from": one.edited_from,
                        "transcriber": one.fingerprint,
                        "published": one.id == found.published_transcript_id,
                        "of_newest_upload": one.source_hash == found.source_hash,
                    }
                    for one in versions
                ],
            }
        )
        return
    print_table(
        "Versions",
        ["id", "made", "origin", "words", "state"],
        [
            [
                one.id,
                f"{one.created_at:%Y-%m-%d %H:%M}",
                one.origin,
                one.word_count,
                _state(found, one.id),
            ]
            for one in versions
        ],
    )


class PublishedLessons(LessonStore, QuizReader, Protocol):
    """What publishing an edit reads and writes, and the quizzes it may make stale."""


def _publish(
    video: Video,
    catalogue: EditCatalogue,
    lessons: PublishedLessons,
    *,
    changed: bool,
    json: bool,
) -> None:
    """Show the staged version to readers and tell what that took."""
    try:
        with open_usage_ledgers() as ledgers:
            embedder = make_embedder(ledgers)
            done = publish_edit(
                video,
                catalogue=catalogue,
                storage=make_storage(),
                counter=embedder,
                embedder=embedder,
                embedders=make_embedders(ledgers),
                store=lessons,
            )
    except MentoraError:
        say(f"the version is stored; `mentora process {video.id}` publishes it")
        raise
    for sentence in done.put_off:
        say(sentence)
    stale = sum(quiz.status is QuizStatus.STALE for quiz in lessons.quizzes(video))
    if json:
        print_json(_as_json(video, done, changed=changed, stale=stale))
        return
    print_text(
        f"version {done.transcript_id}: {done.cues} captions, {done.chunks} chunks, "
        f"{done.embedded} of them embedded anew"
        + (f"; {stale} stale quiz{'zes' * (stale > 1)}" if stale else "")
    )


def _as_json(
    video: Video, done: PublishedEdit, *, changed: bool, stale: int
) -> dict[str, object]:
    return {
        "video_id": video.id,
        "transcript_id": done.transcript_id,
        "changed": changed,
        "cues": done.cues,
        "chunks": done.chunks,
        "embedded": done.embedded,
        "stale_quizzes": stale,
    }


def _state(video: Video, version: UUID) -> str:
    if version == video.published_transcript_id:
        return "published"
    return "staged" if version == video.staged_transcript_id else ""


def _seconds(clock: str) -> float:
    """`83`, `83.4`, `1:23` or `1:01:23.4` in seconds."""
    found = _CLOCK.fullmatch(clock.strip())
    if found is None:
        raise InvalidInput("--at is a time as 83, 83.4 or 1:23")
    hours, minutes, seconds, plain = found.groups()
    if plain is not None:
        return float(plain)
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
