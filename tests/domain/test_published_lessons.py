from dataclasses import replace

import pytest

from mentora_pipelines.domain.lessons.published_lessons import (
    LessonFacts,
    faults,
    publish_lesson,
)
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import ErrorCode, LessonRefused, NotFound
from tests.fakes import PENDING_VIDEO
from tests.lessons import VIDEO_ID

WHOLE = LessonFacts(
    word_count=100,
    speech_end_s=58.0,
    duration_s=60.0,
    words_out_of_order=0,
    segments_outside_chunks=0,
    chunks=2,
    chunks_without_vector=0,
    cues=12,
    cues_that_overlap=0,
)
STAGED = replace(
    PENDING_VIDEO,
    staged_transcript_id=VIDEO_ID,
    processing_status=ProcessingStatus.PROCESSING,
)


class FakeShelf:
    """Satisfies `LessonFactsReader` and `LessonPublisher`; counts what was shown."""

    def __init__(self, facts: LessonFacts, *, moved: bool = True) -> None:
        self.shown = 0
        self._facts = facts
        self._moved = moved

    def lesson_facts(self, video: Video) -> LessonFacts:
        """The facts it was made with."""
        assert video.staged_transcript_id is not None
        return self._facts

    def publish(self, video: Video) -> bool:
        """Count; False when it was made so."""
        assert video.staged_transcript_id is not None
        self.shown += 1
        return self._moved


def test_a_whole_lesson_is_shown() -> None:
    """Else no lesson is ever shown."""
    assert faults(WHOLE) == []
    shelf = FakeShelf(WHOLE)
    assert publish_lesson(STAGED, facts=shelf, publisher=shelf)
    assert shelf.shown == 1


@pytest.mark.parametrize(
    ("fact", "value", "told"),
    [
        ("word_count", 0, "no word"),
        ("words_out_of_order", 3, "3 words start before"),
        ("chunks", 0, "no chunk"),
        ("segments_outside_chunks", 4, "4 sentences are in no chunk"),
        ("chunks_without_vector", 5, "5 chunks have no vector"),
        ("cues", 0, "no caption"),
        ("cues_that_overlap", 6, "6 captions overlap"),
    ],
)
def test_a_lesson_that_is_not_whole_is_not_shown(
    fact: str, value: int, told: str
) -> None:
    """Else readers see a lesson with a part missing."""
    shelf = FakeShelf(replace(WHOLE, **{fact: value}))
    with pytest.raises(LessonRefused, match=told) as refused:
        publish_lesson(STAGED, facts=shelf, publisher=shelf)
    assert refused.value.code is ErrorCode.CHECK_FAILED
    assert shelf.shown == 0


def test_every_fault_is_named_at_once() -> None:
    """Else an engineer mends one fault a day."""
    assert len(faults(replace(WHOLE, chunks=0, cues=0, word_count=0))) == 3


def test_what_is_shown_already_is_not_written_again() -> None:
    """Else every re-run changes the row and tells the outbox."""
    settled = replace(
        STAGED,
        processing_status=ProcessingStatus.COMPLETED,
        published_transcript_id=VIDEO_ID,
    )
    shelf = FakeShelf(WHOLE)
    assert not publish_lesson(settled, facts=shelf, publisher=shelf)
    assert shelf.shown == 0


@pytest.mark.parametrize(
    "status", [s for s in ProcessingStatus if s is not ProcessingStatus.COMPLETED]
)
def test_the_same_version_ends_completed_whatever_came_before(
    status: ProcessingStatus,
) -> None:
    """Else a repaired lesson stays failed, or processing, for ever."""
    video = replace(STAGED, processing_status=status, published_transcript_id=VIDEO_ID)
    shelf = FakeShelf(WHOLE)
    assert publish_lesson(video, facts=shelf, publisher=shelf)


def test_a_version_that_was_overtaken_is_not_reported_as_shown() -> None:
    """Else a run tells that it published what nobody sees."""
    shelf = FakeShelf(WHOLE, moved=False)
    assert not publish_lesson(STAGED, facts=shelf, publisher=shelf)


def test_a_video_without_transcript_cannot_be_shown() -> None:
    """Else a step that was run alone shows an empty lesson."""
    shelf = FakeShelf(WHOLE)
    with pytest.raises(NotFound, match="run `transcripts`"):
        publish_lesson(PENDING_VIDEO, facts=shelf, publisher=shelf)
