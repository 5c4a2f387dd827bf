"""Jobs: which assets are made together."""

from collections.abc import Mapping
from uuid import UUID

import dagster as dg

from assets.lessons.quizzes import QuizRequest
from assets.tags import CREATOR_TAG, PRIORITY_TAG, UPLOAD_TAG, VIDEO_TAG
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.videos import Video

LESSON_ASSETS = (
    "audio",
    "transcripts",
    "captions",
    "chunks",
    "embeddings",
    "published_lessons",
)
AFTER_THE_WORDS = LESSON_ASSETS[2:]
"""What follows from a transcript, which an edit has made."""

lesson_job = dg.define_asset_job(
    "lesson_job",
    selection=dg.AssetSelection.assets(*LESSON_ASSETS),
    description="One uploaded video becomes a published lesson.",
)

quiz_job = dg.define_asset_job(
    "quiz_job",
    selection=dg.AssetSelection.assets("quizzes"),
    description="A published lesson gets a draft quiz.",
)


def lesson_tags(
    video: Video, plan_weights: Mapping[str, int] | None = None
) -> dict[str, str]:
    """The tags of a run about a video's newest upload.

    The queue takes the runs of a plan of greater weight first.
    """
    weight = (plan_weights or {}).get(video.creator_plan or "", 1)
    return {
        CREATOR_TAG: str(video.creator_id),
        VIDEO_TAG: str(video.id),
        UPLOAD_TAG: str(video.upload_number),
        PRIORITY_TAG: str(weight),
    }


def edit_selection() -> list[dg.AssetKey]:
    """What a run makes of words that stand already."""
    return [dg.AssetKey(name) for name in AFTER_THE_WORDS]


def quiz_request_config(wishes: QuizWishes, requested_as: UUID) -> dg.RunConfig:
    """What to ask of the quiz's writer, and under which name it is looked for."""
    return dg.RunConfig(
        {
            "quizzes": QuizRequest(
                question_count=wishes.question_count,
                difficulty=wishes.difficulty,
                bloom_level=wishes.bloom_level,
                edition=wishes.edition,
                requested_as=str(requested_as),
            )
        }
    )
