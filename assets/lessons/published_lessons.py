"""The version of a lesson that readers see."""

import dagster as dg

from assets.cockpit import LESSONS, table_metadata
from assets.failures import RETRY_POLICY, lesson_step
from assets.lessons.captions import captions
from assets.lessons.embeddings import embeddings
from assets.partitions import videos
from mentora_pipelines.domain.lessons.lesson_store import (
    LessonCatalogue,
    LessonStore,
)
from mentora_pipelines.domain.lessons.published_lessons import publish_lesson
from mentora_pipelines.domain.videos import Video, lesson_page
from mentora_pipelines.settings.mail import MailSettings


@dg.asset(
    group_name="lessons",
    partitions_def=videos,
    deps=[captions, embeddings],
    retry_policy=RETRY_POLICY,
    kinds={"postgres"},
    owners=[LESSONS],
    metadata=table_metadata("published_lessons"),
)
def published_lessons(
    context: dg.AssetExecutionContext,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[LessonStore],
) -> dg.MaterializeResult[None]:
    """The pointer that readers follow, moved in one transaction when all is whole."""
    with lesson_step(context, catalogue, lessons) as video:
        written = publish_lesson(video, facts=lessons, publisher=lessons)
    return dg.MaterializeResult(
        metadata={
            "title": video.title,
            "published_now": written,
            **_links(video),
        }
    )


def _links(video: Video) -> dict[str, dg.MetadataValue]:
    """Where the web application shows it, if that is known."""
    app_url = MailSettings().app_url
    if app_url is None:
        return {}
    return {"shown at": dg.MetadataValue.url(lesson_page(app_url, video.id))}
