"""Published lessons: the one step after which readers see a version.

Here belong the rule when a version may be shown and the facts that the checks of
each step read back. Not here: the steps themselves.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode, LessonRefused, NotFound


@dataclass(frozen=True, slots=True)
class LessonFacts:
    """What stands in the store for the staged version; times in seconds."""

    word_count: int
    speech_end_s: float
    duration_s: float
    words_out_of_order: int
    segments_outside_chunks: int
    chunks: int
    chunks_without_vector: int
    cues: int
    cues_that_overlap: int


@runtime_checkable
class LessonFactsReader(Protocol):
    """Reads back what the steps have written."""

    def lesson_facts(self, video: Video) -> LessonFacts:
        """The facts of the staged version; raises `NotFound` when there is none."""
        ...


@runtime_checkable
class LessonPublisher(Protocol):
    """Moves the pointer that readers follow."""

    def publish(self, video: Video) -> bool:
        """Show the staged version and set `completed`, in one transaction.

        False, and nothing written, when another version was staged or other bytes
        were uploaded meanwhile.
        """
        ...


def faults(facts: LessonFacts) -> list[str]:
    """Why this version must not be shown, in words for an engineer; empty if it may."""
    rules = (
        (facts.word_count == 0, "the transcript has no word"),
        (
            facts.words_out_of_order > 0,
            f"{facts.words_out_of_order} words start before the one in front of them",
        ),
        (facts.chunks == 0, "there is no chunk"),
        (
            facts.segments_outside_chunks > 0,
            f"{facts.segments_outside_chunks} sentences are in no chunk",
        ),
        (
            facts.chunks_without_vector > 0,
            f"{facts.chunks_without_vector} chunks have no vector",
        ),
        (facts.cues == 0, "there is no caption"),
        (facts.cues_that_overlap > 0, f"{facts.cues_that_overlap} captions overlap"),
    )
    return [sentence for broken, sentence in rules if broken]


def publish_lesson(
    video: Video, *, facts: LessonFactsReader, publisher: LessonPublisher
) -> bool:
    """Show the staged version to readers; returns whether anything was written.

    Raises `LessonRefused` when the version is not whole.
    """
    if video.is_settled:
        return False
    if video.staged_transcript_id is None:
        raise NotFound(f"video {video.id} has no transcript yet: run `transcripts`")
    found = faults(facts.lesson_facts(video))
    if found:
        raise LessonRefused(ErrorCode.CHECK_FAILED, "; ".join(found))
    return publisher.publish(video)
