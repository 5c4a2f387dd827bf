"""Versions: which transcript of a video is the current one, and which were before.

Here belong storing an edit, taking it back, and showing what was stored. Not here: what
an edit changes (`edited_text`), or how each step makes its part.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.lessons.captions import CaptionStore, caption_lesson
from mentora_pipelines.domain.lessons.chunks import (
    ChunkStore,
    TokenCounter,
    chunk_lesson,
)
from mentora_pipelines.domain.lessons.edited_text import edit_transcript
from mentora_pipelines.domain.lessons.edits import Edit
from mentora_pipelines.domain.lessons.embeddings import (
    Embedder,
    Embedders,
    EmbeddingStore,
    GenerationRegistry,
    embed_lesson,
)
from mentora_pipelines.domain.lessons.published_lessons import (
    LessonFactsReader,
    LessonPublisher,
    publish_lesson,
)
from mentora_pipelines.domain.lessons.transcripts import (
    Origin,
    Transcript,
    TranscriptStore,
    staged_transcript,
)
from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.domain.videos import ProcessingStatus, Video, VideoCatalogue
from mentora_pipelines.errors import Conflict, ErrorCode, LessonRefused, NotFound


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version as the history shows it; `edited_from` is what a person corrected."""

    id: UUID
    origin: Origin
    fingerprint: str
    source_hash: str
    word_count: int
    edited_from: UUID | None
    created_at: datetime


@runtime_checkable
class VersionStore(TranscriptStore, Protocol):
    """Keeps every version; one is staged, which is the current one."""

    def add_edited_transcript(
        self, video: Video, transcript: Transcript, base_id: UUID
    ) -> bool:
        """Store a version and stage it in place of `base_id`, in one transaction.

        The video is `pending` then. False, and nothing written, when `base_id` is not
        the staged one, or other bytes were uploaded.
        """
        ...

    def stage_instead(self, video: Video, transcript_id: UUID, current: UUID) -> bool:
        """Stage a stored version in place of `current`; as `add_edited_transcript`."""
        ...

    def transcript_history(self, video: Video) -> list[StoredVersion]:
        """Every version of a video, newest first."""
        ...


class EditedLessons(
    VersionStore,
    CaptionStore,
    ChunkStore,
    EmbeddingStore,
    LessonFactsReader,
    LessonPublisher,
    Protocol,
):
    """What publishing an edit reads and writes."""


class EditCatalogue(VideoCatalogue, GenerationRegistry, Protocol):
    """What publishing an edit looks up across creators."""


def store_edit(video: Video, edit: Edit, store: VersionStore) -> Transcript:
    """The version that `edit` makes, stored and staged; no reader sees it yet.

    The video is `pending` until it is published. The same edit of the same version
    again returns the version that it made and writes nothing. Raises `Conflict` when
    the edited version is not the current one any more or other bytes were uploaded,
    `InvalidInput` when the edit does not fit the text, `NotFound` without transcript.
    """
    current = video.staged_transcript_id
    if current is None:
        raise NotFound(f"video {video.id} has no transcript yet")
    base_id = edit.base_version or current
    base = store.transcript(video, base_id)
    edited = edit_transcript(base, edit.change)
    if edited.id == current:
        return store.transcript(video, current)
    if base_id != current:
        if store.transcript_version(video, edited.id) is not None:
            # A later edit stands on this one.
            return store.transcript(video, edited.id)
        raise Conflict(
            f"the transcript was changed since: version {base_id} is not the current "
            f"one, {current} is; look at it and edit again"
        )
    _check_at_rest(video)
    if not store.add_edited_transcript(video, edited, base_id):
        raise _overtaken(video)
    return store.transcript(video, edited.id)


def restore_version(video: Video, version: UUID, store: VersionStore) -> Transcript:
    """An earlier version, staged again; no reader sees it yet.

    Raises `NotFound` when there is none, `Conflict` when it was made of other bytes
    than the newest ones, or another version came between.
    """
    transcript = store.transcript(video, version)
    if version == video.staged_transcript_id:
        return transcript
    if transcript.source_hash != video.source_hash:
        raise Conflict(
            f"version {version} is of an earlier upload of the video: its words do not "
            "belong to what students hear"
        )
    _check_at_rest(video)
    if video.staged_transcript_id is None or not store.stage_instead(
        video, version, video.staged_transcript_id
    ):
        raise _overtaken(video)
    return transcript


@dataclass(frozen=True, slots=True)
class PublishedEdit:
    """What `publish_edit` did; `embedded` counts the chunks that were paid for.

    `put_off` says which models to come have no vectors of the edit, and why.
    """

    transcript_id: UUID
    cues: int
    chunks: int
    embedded: int
    published: bool
    put_off: tuple[str, ...] = ()


def publish_edit(
    video: Video,
    *,
    catalogue: EditCatalogue,
    storage: ObjectStorage,
    counter: TokenCounter,
    embedder: Embedder,
    embedders: Embedders,
    store: EditedLessons,
) -> PublishedEdit:
    """Make captions, chunks and vectors of the staged version, and show it to readers.

    The same steps as a run of the assets; readers see the old lesson until the last
    statement and the new one from then on. Raises `LessonRefused` when the version is
    not whole, `Conflict` when another one was staged meanwhile.
    """
    transcript = staged_transcript(video := catalogue.video(video.id), store)
    captions = caption_lesson(transcript, video, storage=storage, store=store)
    if captions.review.faults:
        first = captions.review.faults[0]
        raise LessonRefused(
            ErrorCode.CHECK_FAILED, f"captions: {first.breach} at {first.at_s:.1f} s"
        )
    chunks = chunk_lesson(transcript, video, counter=counter, store=store).chunks
    embeddings = embed_lesson(
        video,
        chunks,
        embedder=embedder,
        embedders=embedders,
        generations=catalogue,
        store=store,
    )
    video = catalogue.video(video.id)
    published = video.staged_transcript_id == transcript.id and publish_lesson(
        video, facts=store, publisher=store
    )
    video = catalogue.video(video.id)
    if video.published_transcript_id != transcript.id or not video.is_settled:
        raise _overtaken(video)
    return PublishedEdit(
        transcript_id=transcript.id,
        cues=len(captions.track.cues),
        chunks=len(chunks),
        embedded=embeddings.embedded,
        published=published,
        put_off=embeddings.put_off,
    )


def _check_at_rest(video: Video) -> None:
    """Raise `Conflict` while other bytes or other words are on their way."""
    if video.source_etag is not None and video.source_etag != video.upload_etag:
        raise Conflict(
            "the video was uploaded anew: its words are still to be heard, and would "
            "take the place of the edit"
        )
    if video.processing_status is ProcessingStatus.PROCESSING:
        raise Conflict("the lesson is being processed: edit it when it is done")


def _overtaken(video: Video) -> Conflict:
    return Conflict(f"the transcript of video {video.id} was changed at the same time")
