"""Videos: one uploaded lesson each, its status and where its parts stand.

Here belong the row that every step starts from and the status a video can have.
Not here: how an upload is discovered (`uploads`) or what a step makes of it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.errors import ErrorCode


class ProcessingStatus(StrEnum):
    """`pending → processing → completed | failed`; both ends go back to `pending`."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Video:
    """A row of `videos`; sizes in bytes, durations in seconds.

    `upload_etag` names the newest bytes that were seen and `upload_number` counts
    them; `source_etag` and `source_hash` name the newest that a run has taken in.
    `staged_transcript_id` is the version being worked on, `published_transcript_id`
    the one that readers see. The cuts name how each of the two was cut into chunks and
    captions. `fencing_token` is that of the lease under which the holder of this row
    works, if it works under one.
    """

    id: UUID
    creator_id: UUID
    creator_email: str
    title: str
    storage_key: str
    upload_etag: str
    upload_number: int
    source_etag: str | None
    source_hash: str | None
    audio_key: str | None
    duration_s: float | None
    processing_status: ProcessingStatus
    error_code: ErrorCode | None
    error_message: str | None
    staged_transcript_id: UUID | None
    published_transcript_id: UUID | None
    created_at: datetime
    processed_at: datetime | None
    creator_plan: str | None = None
    auto_generate_quiz: bool = False
    requeues: int = 0
    fencing_token: int | None = None
    staged_chunk_cut: str = ""
    staged_caption_cut: str = ""
    published_chunk_cut: str = ""
    published_caption_cut: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether what is staged is also what readers see."""
        return (
            self.processing_status is ProcessingStatus.COMPLETED
            and self.staged_transcript_id is not None
            and self.staged_transcript_id == self.published_transcript_id
            and self.staged_chunk_cut == self.published_chunk_cut
            and self.staged_caption_cut == self.published_caption_cut
        )


def lesson_page(app_url: str, video_id: UUID) -> str:
    """Where the web application shows a lesson."""
    return f"{app_url}/videos/{video_id}"


@runtime_checkable
class VideoCatalogue(Protocol):
    """Looks videos up across creators; never used to change a lesson."""

    def video(self, video_id: UUID) -> Video:
        """The video; raises `NotFound`."""
        ...


@runtime_checkable
class VideoStatus(Protocol):
    """Moves one video along its states."""

    def mark_processing(self, video: Video) -> None:
        """Set `processing` and clear an earlier error.

        Writes nothing if it is set, or if other bytes were uploaded since `video` was
        read: their run decides then.
        """
        ...

    def mark_failed(self, video: Video, code: ErrorCode) -> None:
        """Set `failed` with the code and the sentence that the creator reads.

        Writes nothing if other bytes were uploaded since `video` was read.
        """
        ...
