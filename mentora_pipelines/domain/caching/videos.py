"""Facts of a video that people look at often and that change seldom.

For reading only: what the pipeline decides, it decides on rows (`domain/videos`).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mentora_pipelines.domain.caching import keys
from mentora_pipelines.domain.caching.cache import Cache
from mentora_pipelines.domain.caching.codecs import JsonCodec
from mentora_pipelines.domain.videos import ProcessingStatus, VideoCatalogue
from mentora_pipelines.errors import NotFound


@dataclass(frozen=True, slots=True)
class VideoMetadata:
    """What the web application shows of a video; duration in seconds."""

    id: UUID
    creator_id: UUID
    title: str
    duration_s: float | None
    processing_status: ProcessingStatus
    created_at: datetime
    processed_at: datetime | None


CODEC = JsonCodec[VideoMetadata | None](VideoMetadata | None, schema_version=1)

REFRESH_S = 300.0
"""In its last minutes a copy is renewed beside whoever reads it."""


def video_metadata(
    video_id: UUID, *, catalogue: VideoCatalogue, cache: Cache
) -> VideoMetadata | None:
    """Facts of a video, or None when there is none; both are remembered.

    At most an hour old (a minute for None), and never older than the last change of
    the row that an invalidation has followed.
    """

    def read() -> VideoMetadata | None:
        try:
            video = catalogue.video(video_id)
        except NotFound:
            return None
        return VideoMetadata(
            video.id,
            video.creator_id,
            video.title,
            video.duration_s,
            video.processing_status,
            video.created_at,
            video.processed_at,
        )

    key = keys.video(video_id).holding(CODEC)
    return cache.get_or_compute(key, read, refresh_s=REFRESH_S)
