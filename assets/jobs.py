"""Jobs: which assets are made together."""

import dagster as dg

from assets.failures import UPLOAD_TAG
from mentora_pipelines.domain.videos import Video

CREATOR_TAG = "mentora/creator"
"""The queue limits runs per value of it (see dagster.yaml)."""

VIDEO_TAG = "mentora/video"

LESSON_WITHOUT_QUIZ = (
    "audio",
    "transcripts",
    "captions",
    "chunks",
    "embeddings",
    "published_lessons",
)

lesson_job = dg.define_asset_job(
    "lesson_job",
    selection=dg.AssetSelection.groups("lessons"),
    description="One uploaded video becomes a published lesson with a draft quiz.",
)


def lesson_tags(video: Video) -> dict[str, str]:
    """The tags of a run of one video's newest upload."""
    return {
        CREATOR_TAG: str(video.creator_id),
        VIDEO_TAG: str(video.id),
        UPLOAD_TAG: str(video.upload_number),
    }


def lesson_selection(*, with_quiz: bool) -> list[dg.AssetKey] | None:
    """All of the job (None), or all but the quiz when quizzes come on request only."""
    return None if with_quiz else [dg.AssetKey(name) for name in LESSON_WITHOUT_QUIZ]
