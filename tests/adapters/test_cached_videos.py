"""Facts of videos behind a real cache."""

from dataclasses import replace
from uuid import UUID

from mentora_pipelines.domain.caching.invalidation import on_video_update
from mentora_pipelines.domain.caching.videos import video_metadata
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import NotFound
from tests.fakes import PENDING_VIDEO
from tests.fix_cache import OpenCache
from tests.lessons import CREATOR_ID, VIDEO_ID


class CountingCatalogue:
    """Satisfies `VideoCatalogue`: the rows it is given, and how often it was asked."""

    def __init__(self, *videos: Video) -> None:
        self.rows = {video.id: video for video in videos}
        self.asked = 0

    def video(self, video_id: UUID) -> Video:
        """The row, or `NotFound`."""
        self.asked += 1
        if video_id not in self.rows:
            raise NotFound(str(video_id))
        return self.rows[video_id]


def test_a_video_is_read_once_until_it_changes(opened: OpenCache) -> None:
    """Else each page view is a query, or shows a lesson as it was."""
    catalogue, cache = CountingCatalogue(PENDING_VIDEO), opened.cache
    for _ in range(2):
        found = video_metadata(VIDEO_ID, catalogue=catalogue, cache=cache)
        assert found is not None
        assert (found.title, found.creator_id) == ("A lesson", CREATOR_ID)
        assert found.created_at == PENDING_VIDEO.created_at
    assert catalogue.asked == 1
    catalogue.rows[VIDEO_ID] = replace(
        PENDING_VIDEO, processing_status=ProcessingStatus.PROCESSING
    )
    on_video_update(cache, VIDEO_ID, CREATOR_ID)
    found = video_metadata(VIDEO_ID, catalogue=catalogue, cache=cache)
    assert found is not None
    assert found.processing_status is ProcessingStatus.PROCESSING


def test_a_video_that_does_not_exist_is_asked_for_once_until_it_appears(
    opened: OpenCache,
) -> None:
    """Else a dead link queries the database at each view, or a new video is hidden."""
    catalogue, cache = CountingCatalogue(), opened.cache
    for _ in range(2):
        assert video_metadata(VIDEO_ID, catalogue=catalogue, cache=cache) is None
    assert catalogue.asked == 1
    catalogue.rows[VIDEO_ID] = PENDING_VIDEO
    on_video_update(cache, VIDEO_ID, CREATOR_ID)
    assert video_metadata(VIDEO_ID, catalogue=catalogue, cache=cache) is not None


def test_no_mail_address_is_cached(opened: OpenCache) -> None:
    """Else whoever reads the cache reads the creators' addresses."""
    catalogue, cache = CountingCatalogue(PENDING_VIDEO), opened.cache
    video_metadata(VIDEO_ID, catalogue=catalogue, cache=cache)
    stored = opened.values.get(f"{opened.prefix}video:{VIDEO_ID}")
    assert isinstance(stored, str)
    assert "@" not in stored
