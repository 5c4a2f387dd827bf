from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from mentora_pipelines.domain.lessons.transcripts import (
    Origin,
    Recognition,
    Segment,
    staged_transcript,
)
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode, LessonRefused, NotFound
from tests.fakes import (
    FakeTranscriber,
)
from tests.lessons import transcript_of
from tests.spoken_lesson import VIDEO, SpokenLesson

HEARD = Recognition("en", 3.0, transcript_of(["Light feeds plants."]).segments)
Lesson = SpokenLesson[FakeTranscriber]


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    """A lesson that nobody has listened to."""
    return SpokenLesson(tmp_path, FakeTranscriber(HEARD))


def test_a_second_run_listens_no_more(lesson: Lesson) -> None:
    """Else every re-run costs minutes of recognition."""
    first, second = lesson.transcribe(), lesson.transcribe()
    assert (first.recognised, second.recognised) == (True, False)
    assert first.transcript == second.transcript
    assert lesson.transcriber.calls == 1


def test_what_was_heard_is_stored_and_staged(lesson: Lesson) -> None:
    """Else the steps that follow work on nothing."""
    made = lesson.transcribe().transcript
    assert lesson.store.versions == {made.id: made}
    assert lesson.store.staged == made.id
    assert (made.segments, made.origin) == (HEARD.segments, Origin.RECOGNISED)
    assert made.source_hash == VIDEO.source_hash
    assert lesson.store.marked == [f"processing {VIDEO.id}"]


def test_an_edited_transcript_of_the_same_bytes_stays(lesson: Lesson) -> None:
    """Else a re-run throws away what the creator has corrected."""
    made = lesson.transcribe().transcript
    edited = replace(made, id=UUID(int=7), origin=Origin.EDITED)
    lesson.store.add_transcript(VIDEO, edited)
    lesson.transcriber.fingerprint = "test/v2"
    after = lesson.transcribe()
    assert (after.transcript, after.recognised) == (edited, False)
    assert lesson.store.staged == edited.id
    assert lesson.transcriber.calls == 1


def test_other_bytes_make_a_new_version(lesson: Lesson) -> None:
    """Else a replaced video keeps the words of the old one."""
    made = lesson.transcribe().transcript
    edited = replace(made, id=UUID(int=7), origin=Origin.EDITED)
    lesson.store.add_transcript(VIDEO, edited)
    after = lesson.transcribe(replace(VIDEO, source_hash="b" * 64))
    assert after.recognised
    assert after.transcript.id not in {made.id, edited.id}
    assert lesson.store.staged == after.transcript.id
    assert len(lesson.store.versions) == 3


def test_another_transcriber_makes_a_new_version(lesson: Lesson) -> None:
    """Else a better model never replaces what a worse one heard."""
    made = lesson.transcribe().transcript
    lesson.transcriber.fingerprint = "test/v2"
    assert lesson.transcribe().transcript.id != made.id
    assert lesson.transcriber.calls == 2


def test_bytes_that_come_back_are_not_listened_to_again(lesson: Lesson) -> None:
    """Else undoing an upload pays for its recognition again."""
    made = lesson.transcribe().transcript
    lesson.transcribe(replace(VIDEO, source_hash="b" * 64))
    back = lesson.transcribe()
    assert (back.transcript, back.recognised) == (made, False)
    assert lesson.store.staged == made.id
    assert lesson.transcriber.calls == 2


@pytest.mark.parametrize("segments", [(), (Segment("...", 0.0, 1.0, ()),)])
def test_a_lesson_without_a_word_is_refused(
    lesson: Lesson, segments: tuple[Segment, ...]
) -> None:
    """Else a silent video is published as an empty lesson."""
    lesson.transcriber.heard = Recognition("en", 60.0, segments)
    with pytest.raises(LessonRefused, match=r"60\.0 s") as refused:
        lesson.transcribe()
    assert refused.value.code is ErrorCode.NO_SPEECH
    assert (lesson.store.versions, lesson.store.staged) == ({}, None)


@pytest.mark.parametrize(
    "video",
    [replace(VIDEO, audio_key=None), replace(VIDEO, source_hash=None)],
    ids=["no audio", "no hash"],
)
def test_a_video_without_audio_names_the_step_to_run(
    lesson: Lesson, video: Video
) -> None:
    """Else a step that was run alone fails with a riddle."""
    with pytest.raises(NotFound, match="run `audio`"):
        lesson.transcribe(video)
    with pytest.raises(NotFound, match="run `transcripts`"):
        staged_transcript(VIDEO, lesson.store)
