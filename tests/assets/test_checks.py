"""The sentences that must be true of a lesson before readers see it."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.lessons.published_lessons import LessonFacts
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import CREATOR_SENTENCES, ErrorCode, TransientError
from mentora_pipelines.services import DatabaseUrls
from tests.fix_lessons import SAMPLES
from tests.fix_runs import RunLesson, retries

REVERSE_WORDS = """
update transcripts
set segments = jsonb_set(segments, '{0,words,0,1}', '9999')
where video_id = %(video_id)s
"""

OVERLAP_CUES = """
update caption_tracks
set cues = jsonb_set(cues, '{0,1}', '9999')
where video_id = %(video_id)s
"""

LOSE_CUES = """
update caption_tracks set cues = '[]' where video_id = %(video_id)s
"""

LOSE_CHUNK = """
delete from transcript_chunks
where video_id = %(video_id)s and chunk_index = 1
"""

LOSE_VECTOR = """
delete from chunk_embeddings
where (video_id, text_hash) in (
    select video_id, text_hash from transcript_chunks
    where video_id = %(video_id)s and chunk_index = 1)
"""

ZERO_VECTOR = """
update chunk_embeddings
set embedding = array_fill(0::real, array[384])::vector
where video_id = %(video_id)s
"""

BROKEN = [
    pytest.param(REVERSE_WORDS, "every_word_follows_the_one_before", id="words"),
    pytest.param(OVERLAP_CUES, "captions_pass_review", id="overlap"),
    pytest.param(LOSE_CUES, "captions_pass_review", id="no captions"),
    pytest.param(LOSE_CHUNK, "chunks_cover_the_speech", id="lost chunk"),
    pytest.param(LOSE_VECTOR, "every_chunk_has_a_vector", id="lost vector"),
    pytest.param(ZERO_VECTOR, "every_chunk_has_a_vector", id="zero vector"),
]


class DamagedLessons(PostgresLessons):
    """The real store; somebody damages its rows before each look at the facts."""

    def __init__(self, urls: DatabaseUrls, damage: str) -> None:
        super().__init__(Database(urls.app, "tests-damaged"))
        self._admin_url = urls.admin
        self._damage = damage.encode()

    def lesson_facts(self, video: Video) -> LessonFacts:
        """The facts after the damage."""
        with psycopg.connect(self._admin_url) as connection:
            connection.execute(self._damage, {"video_id": video.id})
        return super().lesson_facts(video)

    def close(self) -> None:
        """Give back the lease and close every connection."""
        super().close()
        self._database.close()


class AbsentLessons(PostgresLessons):
    """The real store; the database is away for the first `times` looks at facts."""

    def __init__(self, urls: DatabaseUrls, times: int) -> None:
        super().__init__(Database(urls.app, "tests-absent"))
        self.times = times

    def lesson_facts(self, video: Video) -> LessonFacts:
        """The facts, once the database is back."""
        if self.times > 0:
            self.times -= 1
            raise TransientError("database: away")
        return super().lesson_facts(video)

    def close(self) -> None:
        """Give back the lease and close every connection."""
        super().close()
        self._database.close()


@pytest.mark.parametrize(("damage", "check"), BROKEN)
def test_what_a_check_refuses_is_never_published(
    damage: str,
    check: str,
    run_lesson: RunLesson,
    urls: DatabaseUrls,
    catalogue: PostgresCatalogue,
    upload: Callable[[Path], Video],
    visible: Callable[[Video], list[str]],
) -> None:
    """Else students read a lesson that we know to be broken."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    store = DamagedLessons(urls, damage)
    try:
        result = run_lesson(video, lessons=store)
    finally:
        store.close()
    failed = [e for e in result.get_asset_check_evaluations() if not e.passed]
    assert [evaluation.check_name for evaluation in failed] == [check]
    assert not result.asset_materializations_for_node("published_lessons")
    after = catalogue.video(video.id)
    assert after.processing_status is ProcessingStatus.FAILED
    assert after.error_code is ErrorCode.CHECK_FAILED
    assert after.error_message == CREATOR_SENTENCES[ErrorCode.CHECK_FAILED]
    assert after.published_transcript_id is None
    assert visible(video) == []
    assert retries(result) == []


def test_a_lesson_that_a_check_refused_is_completed_once_the_cause_is_gone(
    run_lesson: RunLesson,
    urls: DatabaseUrls,
    catalogue: PostgresCatalogue,
    upload: Callable[[Path], Video],
) -> None:
    """Else one damaged row locks a creator's lesson out for ever."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    store = DamagedLessons(urls, LOSE_CHUNK)
    try:
        assert not run_lesson(video, lessons=store).success
    finally:
        store.close()
    assert run_lesson(video).success
    assert catalogue.video(video.id).is_settled


def test_a_check_that_cannot_read_is_asked_again(
    run_lesson: RunLesson,
    urls: DatabaseUrls,
    catalogue: PostgresCatalogue,
    upload: Callable[[Path], Video],
) -> None:
    """Else a restart of the database leaves a lesson `processing` for ever."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    store = AbsentLessons(urls, times=1)
    try:
        result = run_lesson(video, lessons=store)
    finally:
        store.close()
    assert retries(result) == ["transcripts_every_word_follows_the_one_before"]
    assert result.success
    assert catalogue.video(video.id).is_settled


def test_every_check_of_a_lesson_but_doubt_blocks_and_says_what_it_prevents() -> None:
    """Else a check only warns while readers see what it found, or looks at all rows."""
    job = defs.resolve_job_def("lesson_job")
    of_a_lesson = job.asset_layer.asset_graph.asset_check_keys
    specs = [
        spec
        for check in defs.asset_checks or []
        if isinstance(check, dg.AssetsDefinition)
        for spec in check.check_specs
        if spec.key in of_a_lesson
    ]
    assert len(specs) == len(of_a_lesson) == 5
    for spec in specs:
        assert spec.blocking == (spec.name != "nothing_heard_is_doubtful"), spec.name
        assert (spec.description or "").startswith("Else "), spec.name
        assert spec.partitions_def is not None, spec.name
