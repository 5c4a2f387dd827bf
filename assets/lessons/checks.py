"""Sentences that must be true of a lesson before readers see it.

Here belong blocking checks, read back from the store. Not here: tables as a whole.
"""

import warnings
from collections.abc import Callable
from dataclasses import asdict

import dagster as dg

from assets.failures import RETRY_POLICY, lesson_step
from assets.lessons.captions import captions
from assets.lessons.chunks import chunks
from assets.lessons.embeddings import embeddings
from assets.lessons.transcripts import transcripts
from assets.observation import tell_failed_check
from assets.partitions import videos
from mentora_pipelines.domain.lessons.captions import review_lesson
from mentora_pipelines.domain.lessons.doubts import doubtful_s, doubts_as_table
from mentora_pipelines.domain.lessons.lesson_store import (
    LessonCatalogue,
    LessonStore,
)
from mentora_pipelines.domain.lessons.published_lessons import LessonFacts
from mentora_pipelines.domain.lessons.transcripts import staged_transcript
from mentora_pipelines.errors import ErrorCode

# `partitions_def` of a check is in preview, and without it a check of one video
# would read the materializations of all of them.
warnings.filterwarnings(
    "ignore", message=".*partitions_def.*", category=dg.PreviewWarning
)


def _fact_check(
    context: dg.AssetCheckExecutionContext,
    catalogue: LessonCatalogue,
    lessons: LessonStore,
    holds: Callable[[LessonFacts], bool],
) -> dg.AssetCheckResult:
    """Read the facts of the staged version; a broken one fails the video."""
    with lesson_step(context, catalogue, lessons) as video:
        facts = lessons.lesson_facts(video)
        passed = holds(facts)
        if not passed:
            lessons.mark_failed(video, ErrorCode.CHECK_FAILED)
            tell_failed_check(context, video)
    return dg.AssetCheckResult(passed=passed, metadata=asdict(facts))


@dg.asset_check(
    asset=transcripts, blocking=True, partitions_def=videos, retry_policy=RETRY_POLICY
)
def every_word_follows_the_one_before(
    context: dg.AssetCheckExecutionContext,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[LessonStore],
) -> dg.AssetCheckResult:
    """Else captions jump back and a citation points to the wrong moment."""
    return _fact_check(
        context, catalogue, lessons, lambda facts: facts.words_out_of_order == 0
    )


@dg.asset_check(
    asset=transcripts, blocking=False, partitions_def=videos, retry_policy=RETRY_POLICY
)
def nothing_heard_is_doubtful(
    context: dg.AssetCheckExecutionContext,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[LessonStore],
) -> dg.AssetCheckResult:
    """Else a creator should read these places again; the lesson is published."""
    with lesson_step(context, catalogue, progress=None) as video:
        doubts = staged_transcript(video, lessons).doubts
    return dg.AssetCheckResult(
        passed=not doubts,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "doubtful_s": doubtful_s(doubts),
            "places": dg.MetadataValue.md(doubts_as_table(doubts)),
        },
    )


@dg.asset_check(
    asset=captions, blocking=True, partitions_def=videos, retry_policy=RETRY_POLICY
)
def captions_pass_review(
    context: dg.AssetCheckExecutionContext,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[LessonStore],
) -> dg.AssetCheckResult:
    """Else captions overlap, flash by, or leave a word alone, and a player shows it."""
    with lesson_step(context, catalogue, lessons) as video:
        facts = lessons.lesson_facts(video)
        review = review_lesson(video, lessons)
        passed = facts.cues > 0 and not facts.cues_that_overlap and not review.faults
        if not passed:
            lessons.mark_failed(video, ErrorCode.CHECK_FAILED)
            tell_failed_check(context, video)
    return dg.AssetCheckResult(passed=passed, metadata=review.as_plain())


@dg.asset_check(
    asset=chunks, blocking=True, partitions_def=videos, retry_policy=RETRY_POLICY
)
def chunks_cover_the_speech(
    context: dg.AssetCheckExecutionContext,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[LessonStore],
) -> dg.AssetCheckResult:
    """Else a part of the lesson can never be found."""
    return _fact_check(
        context,
        catalogue,
        lessons,
        lambda facts: facts.chunks > 0 and facts.segments_outside_chunks == 0,
    )


@dg.asset_check(
    asset=embeddings, blocking=True, partitions_def=videos, retry_policy=RETRY_POLICY
)
def every_chunk_has_a_vector(
    context: dg.AssetCheckExecutionContext,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[LessonStore],
) -> dg.AssetCheckResult:
    """Else search answers as if a part of the lesson did not exist."""
    return _fact_check(
        context, catalogue, lessons, lambda facts: facts.chunks_without_vector == 0
    )
