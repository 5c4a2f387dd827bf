"""An edit in the real database: one swap, only what changed, and its way back."""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.search.generation_builds import (
    GenerationBuildRows,
)
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.edits import Edit, LineChange, PhraseChange
from mentora_pipelines.domain.lessons.transcripts import Origin, Transcript
from mentora_pipelines.domain.lessons.versions import (
    PublishedEdit,
    publish_edit,
    restore_version,
    store_edit,
)
from mentora_pipelines.domain.quizzes.questions import Question, QuestionKind
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import Conflict, InvalidInput, NotFound
from mentora_pipelines.services import DatabaseUrls
from tests.hash_models import HashModel, OneModel
from tests.stored_lessons import MODEL, register, take_in, transcript_for

SENTENCES = [
    f"In part {n} the teacher shows how number {n} follows from the last one again."
    for n in range(300)
]
"""Half an hour: fifteen words and a pause take six seconds and a half."""

# One statement is one snapshot: what a reader sees who asks once.
READ_ALL = """
select
    video.published_transcript_id,
    video.full_transcript,
    (
        select string_agg(chunk_text, ' ' order by chunk_index)
        from video_chunks as chunk where chunk.video_id = video.id
    ),
    (
        select string_agg(cue.value ->> 2, ' ' order by cue.ordinality)
        from video_captions as captions,
            jsonb_array_elements(captions.cues) with ordinality as cue
        where captions.video_id = video.id
    )
from videos as video
where video.id = %(video_id)s
"""


class CountingEmbedder:
    """Satisfies `Embedder` and `TokenCounter`; `paid` are the texts sent."""

    model = MODEL
    max_tokens = 254

    def __init__(self) -> None:
        self.paid: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector per text."""
        self.paid += texts
        return np.full((len(texts), 384), 384**-0.5, np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words of each text."""
        return [len(text.split()) for text in texts]


@dataclass
class Shelf:
    """One published lesson of half an hour, and what a reader sees of it."""

    video_id: UUID
    first: Transcript
    catalogue: PostgresCatalogue
    lessons: PostgresLessons
    storage: FolderStorage
    embedder: CountingEmbedder
    embedders: OneModel
    url: str

    @property
    def video(self) -> Video:
        """The row as it is."""
        return self.catalogue.video(self.video_id)

    def edit(self, change: LineChange | PhraseChange, base: UUID | None = None) -> UUID:
        """Store an edit."""
        return store_edit(self.video, Edit(change, base), self.lessons).id

    def publish(self) -> PublishedEdit:
        """Publish what is staged."""
        self.embedder.paid.clear()
        return publish_edit(
            self.video,
            catalogue=self.catalogue,
            storage=self.storage,
            counter=self.embedder,
            embedder=self.embedder,
            embedders=self.embedders,
            store=self.lessons,
        )

    def read(self) -> tuple[UUID, list[str]]:
        """The published version; the words of its text, its chunks and its captions."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute(READ_ALL, {"video_id": self.video_id}).fetchone()
        assert row is not None
        return row[0], [" ".join(str(text).split()) for text in row[1:]]


@pytest.fixture
def shelf(
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    urls: DatabaseUrls,
    tmp_path: Path,
) -> Shelf:
    """A lesson of half an hour, published."""
    video = register(catalogue, f"{uuid4()}@tests.example")
    take_in(lessons, video)
    first = transcript_for(video, SENTENCES)
    assert first.duration_s > 30 * 60
    lessons.add_transcript(video, first)
    made = Shelf(
        video.id, first, catalogue, lessons, FolderStorage(tmp_path),
        CountingEmbedder(), OneModel(None), urls.admin,
    )  # fmt: skip
    made.publish()
    assert made.video.is_settled
    return made


MIDDLE = SENTENCES[150]
EDITED = MIDDLE.replace("teacher", "lecturer")
CHANGE = PhraseChange(MIDDLE, EDITED)


def test_an_edit_of_one_line_embeds_at_most_two_chunks(shelf: Shelf) -> None:
    """Else every corrected word pays for the vectors of the whole lesson again."""
    chunks = len(shelf.lessons.chunks(shelf.video, shelf.first.id))
    assert chunks > 40
    for change in (
        CHANGE,
        LineChange(shelf.first.segments[3].start_s, ""),
        LineChange(shelf.first.segments[-1].start_s, "So it ends here. " * 5),
    ):
        shelf.edit(change)
        done = shelf.publish()
        assert done.published
        assert 1 <= done.embedded == len(shelf.embedder.paid) <= 2
        assert abs(done.chunks - chunks) <= 1


def test_everything_follows_an_edit(shelf: Shelf) -> None:
    """Else students read the corrected words and find the wrong ones."""
    version = shelf.edit(CHANGE)
    assert shelf.read()[0] == shelf.first.id, "nobody sees it before it is published"
    assert shelf.video.processing_status is ProcessingStatus.PENDING
    shelf.publish()
    assert shelf.video.is_settled
    shown, texts = shelf.read()
    assert shown == version
    assert texts == [" ".join([*SENTENCES[:150], EDITED, *SENTENCES[151:]])] * 3
    stored = shelf.lessons.transcript(shelf.video, version)
    assert stored.origin is Origin.EDITED
    assert stored.segments[:150] == shelf.first.segments[:150]
    assert stored.segments[151:] == shelf.first.segments[151:]


def test_an_edit_is_embedded_for_the_model_to_come_and_does_not_wait_for_it(
    shelf: Shelf, urls: DatabaseUrls
) -> None:
    """Else a swap waits for every lesson that was corrected during the build."""
    to_come = HashModel("to come", 12)
    with closing(Database(urls.admin, "tests-edits")) as database:
        store = GenerationBuildRows(database)
        building = store.begin_generation(to_come.model)
        try:
            shelf.edit(CHANGE)
            shelf.embedders = OneModel(None)
            (sentence,) = shelf.publish().put_off
            assert "by to come yet: no key" in sentence
            shelf.edit(PhraseChange(EDITED, MIDDLE))
            shelf.embedders = OneModel(to_come)
            done = shelf.publish()
        finally:
            store.drop_generation(building)
    assert done.put_off == ()
    assert len(to_come.paid) == done.chunks


def test_a_reader_never_sees_a_mix(shelf: Shelf) -> None:
    """Else a student finds a moment whose words are not in the transcript."""
    stop = threading.Event()
    seen: list[tuple[UUID, list[str]]] = []
    faults: list[BaseException] = []

    def poll() -> None:
        try:
            while not stop.is_set():
                seen.append(shelf.read())
        except BaseException as fault:  # noqa: BLE001  (told by the test)
            faults.append(fault)

    reader = threading.Thread(target=poll)
    reader.start()
    versions = {shelf.first.id}
    try:
        while not (seen or faults):
            stop.wait(0.01)
        for old, new in (("teacher", "lecturer"), ("lecturer", "professor")):
            versions.add(shelf.edit(PhraseChange(f"150 the {old}", f"150 the {new}")))
            shelf.publish()
    finally:
        stop.set()
        reader.join()
    seen.append(shelf.read())
    assert faults == []
    assert all(len(set(texts)) == 1 for _, texts in seen)
    assert len({texts[0] for _, texts in seen}) == len({shown for shown, _ in seen})
    assert {shown for shown, _ in seen} <= versions
    assert len({shown for shown, _ in seen}) > 1


def test_an_edit_of_a_version_that_is_not_the_newest_is_refused(shelf: Shelf) -> None:
    """Else of two people who correct at once one loses the work, unseen."""
    mine = shelf.edit(CHANGE, shelf.first.id)
    with pytest.raises(Conflict, match="not the current one"):
        shelf.edit(PhraseChange(SENTENCES[7], "Other words."), shelf.first.id)
    assert shelf.video.staged_transcript_id == mine
    stale = replace(shelf.video, staged_transcript_id=shelf.first.id)
    with pytest.raises(Conflict, match="at the same time"):
        store_edit(stale, Edit(LineChange(0.0, "Late.")), shelf.lessons)
    assert len(shelf.lessons.transcript_history(shelf.video)) == 2
    onto_mine = shelf.edit(PhraseChange(SENTENCES[7], "Other words."), mine)
    assert shelf.video.staged_transcript_id == onto_mine


def test_the_same_edit_again_changes_nothing(shelf: Shelf) -> None:
    """Else an event that is delivered twice makes two versions, or fails."""
    once = shelf.edit(CHANGE, shelf.first.id)
    shelf.publish()
    before = shelf.video
    assert shelf.edit(CHANGE, shelf.first.id) == once
    assert shelf.video == before
    later = shelf.edit(LineChange(0.0, "Another beginning."), once)
    assert shelf.edit(CHANGE, shelf.first.id) == once, "it is told what it made"
    assert shelf.video.staged_transcript_id == later


def test_no_edit_while_other_bytes_are_on_their_way(shelf: Shelf) -> None:
    """Else the edit is lost without a word when the new bytes are heard."""
    register(shelf.catalogue, shelf.video.creator_email, etag="2")
    with pytest.raises(Conflict, match="uploaded anew"):
        shelf.edit(CHANGE)
    assert shelf.video.staged_transcript_id == shelf.first.id


def test_a_version_can_be_restored_and_its_quiz_with_it(shelf: Shelf) -> None:
    """Else a wrong edit is for ever, and its quiz stays stale."""
    quiz = _quiz(shelf.first.id, MIDDLE, shelf.first.segments[150].start_s)
    kept = _quiz(shelf.first.id, SENTENCES[9], shelf.first.segments[9].start_s)
    for one in (quiz, kept):
        shelf.lessons.add_quiz(shelf.video, one)
    chunk = shelf.lessons.quizzes(shelf.video)[0].questions[0].chunk_index
    assert chunk == 3
    edited = shelf.edit(CHANGE)
    shelf.publish()
    assert _states(shelf) == {quiz.id: QuizStatus.STALE, kept.id: QuizStatus.DRAFT}

    restore_version(shelf.video, shelf.first.id, shelf.lessons)
    done = shelf.publish()
    assert (done.transcript_id, done.embedded) == (shelf.first.id, 0)
    assert shelf.read()[1] == [" ".join(SENTENCES)] * 3
    assert _states(shelf)[quiz.id] is QuizStatus.DRAFT
    versions = shelf.lessons.transcript_history(shelf.video)
    assert {(one.id, one.edited_from) for one in versions} == {
        (shelf.first.id, None), (edited, shelf.first.id),
    }  # fmt: skip
    with pytest.raises(NotFound):
        restore_version(shelf.video, uuid4(), shelf.lessons)


def test_each_showing_of_a_version_is_told(
    shelf: Shelf, rows_of: Callable[[UUID], dict[str, list[tuple[str, ...]]]]
) -> None:
    """Else the web application keeps the edited lesson in its cache after a restore."""

    def told() -> int:
        rows = rows_of(shelf.video.creator_id)["events"]
        return sum("video/transcription.completed" in str(row) for row in rows)

    assert told() == 1
    shelf.edit(CHANGE)
    shelf.publish()
    restore_version(shelf.video, shelf.first.id, shelf.lessons)
    shelf.publish()
    assert told() == 3
    shelf.publish()
    assert told() == 3


def test_what_readers_see_is_never_rewritten(
    shelf: Shelf, rows_of: Callable[[UUID], dict[str, list[tuple[str, ...]]]]
) -> None:
    """Else a change of the rules in the code shows half of a lesson cut anew."""
    owner = shelf.video.creator_id
    before = rows_of(owner)
    version = shelf.first.id
    chunks = shelf.lessons.chunks(shelf.video, version)
    other = _joined_in_pairs(chunks)
    assert shelf.lessons.replace_chunks(shelf.video, version, other) == len(other)
    assert shelf.lessons.chunks(shelf.video, version) == chunks
    assert shelf.lessons.staged_chunks(shelf.video) == other
    assert not shelf.video.is_settled
    after = rows_of(owner)
    assert set(before["transcript_chunks"]) < set(after["transcript_chunks"])
    assert shelf.read()[1] == [" ".join(SENTENCES)] * 3

    done = shelf.publish()
    assert (done.published, done.embedded) == (False, 0), "the code's own cut is back"
    assert rows_of(owner)["transcript_chunks"] == after["transcript_chunks"]


def test_an_edit_must_fit_and_an_error_tells_no_words(shelf: Shelf) -> None:
    """Else an edit goes to the wrong place, or a log tells what a teacher said."""
    with pytest.raises(InvalidInput, match="300 places") as refused:
        shelf.edit(PhraseChange("the teacher", "a teacher"))
    assert "teacher" not in str(refused.value)
    assert len(shelf.lessons.transcript_history(shelf.video)) == 1


def _joined_in_pairs(chunks: Sequence[Chunk]) -> list[Chunk]:
    """The lesson as other rules might cut it."""
    pairs = [chunks[place : place + 2] for place in range(0, len(chunks), 2)]
    return [
        replace(
            pair[0],
            index=index,
            text=" ".join(chunk.text for chunk in pair),
            end_s=pair[-1].end_s,
        )
        for index, pair in enumerate(pairs)
    ]


def _quiz(version: UUID, quote: str, start_s: float) -> Quiz:
    question = Question(
        QuestionKind.FILL_IN, "Who shows it?", (), "the teacher", quote, 3, start_s,
        start_s + 5,
    )  # fmt: skip
    return Quiz(uuid4(), version, QuizStatus.DRAFT, f"test/{quote}", (question,), 1)


def _states(shelf: Shelf) -> dict[UUID, QuizStatus]:
    return {quiz.id: quiz.status for quiz in shelf.lessons.quizzes(shelf.video)}
