"""What a plan says of lessons in every state, by the adapters that would be asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import BinaryIO

import pytest

from mentora_pipelines.adapters.openai.tokens import count_tokens
from mentora_pipelines.adapters.price_table import GenaiPrices
from mentora_pipelines.domain.identity import transcript_id_of
from mentora_pipelines.domain.lessons.audio import Source, audio_key_of
from mentora_pipelines.domain.lessons.chunks import cut_chunks
from mentora_pipelines.domain.lessons.recognition import RecognisedWindow
from mentora_pipelines.domain.lessons.transcripts import Origin
from mentora_pipelines.domain.quizzes.questions import Question, QuestionKind
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus
from mentora_pipelines.domain.spending.metering import MeteredTranscriber
from mentora_pipelines.domain.spending.plans import (
    Basis,
    LessonPlan,
    LessonServices,
    Stage,
    plan_lesson,
    plan_reembedding,
)
from mentora_pipelines.domain.spending.prices import LocalPrices, PriceBook
from mentora_pipelines.domain.spending.stand_ins import (
    FAST_AND_LEARNED,
    ORDINARY,
    stand_in,
)
from mentora_pipelines.domain.spending.totals import Total, total_of
from mentora_pipelines.domain.spending.usage import Operation
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode
from mentora_pipelines.providers.hosted_models import (
    make_claude_quiz_writer,
    make_openai_embedder,
    make_openai_transcriber,
)
from tests.domain.test_metering import FakeLedger
from tests.domain.test_recognition import FakeListener
from tests.fakes import PENDING_VIDEO, FakeLessonStore, FakeStorage
from tests.fix_lessons import SAMPLES
from tests.lessons import transcript_of

LENGTH_S = 600.0
SOURCE_HASH = "a" * 64

QUESTIONS = 10


class UnusedDecoder:
    """Satisfies `MediaDecoder`; what was taken in before is not decoded again."""

    fingerprint = "test"

    @contextmanager
    def take_in(self, content: BinaryIO, expected_bytes: int = 0) -> Iterator[Source]:
        """Fail."""
        raise AssertionError(content, expected_bytes)
        yield


VIDEO = replace(
    PENDING_VIDEO,
    source_etag="1",
    source_hash=SOURCE_HASH,
    audio_key=audio_key_of(SOURCE_HASH, UnusedDecoder.fingerprint),
    duration_s=LENGTH_S,
    auto_generate_quiz=True,
)


NEW_BYTES = replace(
    VIDEO,
    source_hash="b" * 64,
    audio_key=audio_key_of("b" * 64, UnusedDecoder.fingerprint),
)


class Planner:
    """A store and services that know one video."""

    def __init__(self) -> None:
        self.store = FakeLessonStore()
        self.ledger = FakeLedger()
        storage = FakeStorage()
        storage.add(VIDEO.storage_key)
        self.services = LessonServices(
            storage=storage,
            decoder=UnusedDecoder(),
            transcriber=MeteredTranscriber(FakeListener([]), "tiny.en", self.ledger),
            embedder=make_openai_embedder(self.ledger),
            quiz_writer=make_claude_quiz_writer(self.ledger),
        )

    def plan(self, video: Video = VIDEO) -> LessonPlan:
        """The plan of a video as it stands."""
        return plan_lesson(video, QUESTIONS, services=self.services, store=self.store)

    def hear(self) -> Video:
        """Let the lesson be heard; returns the video as it is then."""
        sentences = [f"Sentence {number} is about sugar." for number in range(200)]
        transcript = replace(transcript_of(sentences), source_hash=SOURCE_HASH)
        fingerprint = self.services.transcriber.fingerprint
        wanted = transcript_id_of(VIDEO.id, SOURCE_HASH, fingerprint)
        self.store.add_transcript(VIDEO, replace(transcript, id=wanted))
        return replace(VIDEO, staged_transcript_id=wanted)


@pytest.fixture
def planner() -> Planner:
    """A video that is taken in, and not heard."""
    return Planner()


def units(stage: Stage) -> Total:
    """What a stage takes."""
    return total_of(stage.calls, PriceBook(()), datetime.now(UTC))


def test_a_lesson_that_nobody_has_heard_is_estimated_and_says_so(
    planner: Planner,
) -> None:
    """Else a guess is taken for a count, or there is no figure before the spending."""
    hearing, embedding, quiz = planner.plan().stages
    assert (hearing.basis, units(hearing).audio_s) == (Basis.EXACT, LENGTH_S)
    assert [embedding.basis, quiz.basis] == [Basis.ESTIMATE] * 2
    assert units(embedding).input_tokens > 1000
    assert units(quiz).input_tokens > 2 * units(embedding).input_tokens
    assert planner.ledger.open == {}, "a plan spends nothing"


def test_the_length_of_a_lesson_is_a_bound_for_who_is_sent_no_silence(
    planner: Planner,
) -> None:
    """Else a plan is called exact, and says one request where the bill has twelve."""
    hosted = make_openai_transcriber(planner.ledger)
    planner.services = replace(planner.services, transcriber=hosted)
    hearing, _, _ = planner.plan().stages
    assert (hearing.basis, units(hearing).audio_s) == (Basis.UPPER_BOUND, LENGTH_S)
    assert units(hearing).requests is None


@pytest.mark.parametrize(
    "name", ["photosynthesis", "binary-search", "compound-interest"]
)
def test_a_stand_in_has_about_the_tokens_of_a_real_lesson_and_a_bound_has_more(
    name: str,
) -> None:
    """Else the estimate misleads, or the bound does not hold."""
    said = (SAMPLES / f"{name}.txt").read_text(encoding="utf-8")
    guess, bound, real = count_tokens(
        [
            stand_in(VIDEO, 99.0, ORDINARY).text,
            stand_in(VIDEO, 99.0, FAST_AND_LEARNED).text,
            said,
        ]
    )
    assert guess == pytest.approx(real, rel=0.3)
    assert bound > 2 * real


def test_a_heard_lesson_is_counted_and_what_is_stored_is_not_asked_for(
    planner: Planner,
) -> None:
    """Else the plan of a finished lesson frightens people, or its bill surprises."""
    video = planner.hear()
    hearing, embedding, quiz = planner.plan(video).stages
    assert hearing.calls == ()
    transcript = next(iter(planner.store.versions.values()))
    chunks = cut_chunks(transcript, planner.services.embedder)
    texts = [chunk.text for chunk in chunks]
    assert embedding.basis is Basis.EXACT
    assert units(embedding).input_tokens == sum(count_tokens(texts))
    assert quiz.basis is Basis.UPPER_BOUND
    assert len(quiz.calls) == 1 + QUESTIONS, "each question may be repaired once"

    import numpy as np

    half = len(chunks) // 2
    hashes = [chunk.text_hash for chunk in chunks[:half]]
    planner.store.add_embeddings(video, video.id, hashes, np.ones((half, 1), "f4"))
    _, embedding, quiz = planner.plan(replace(video, auto_generate_quiz=False)).stages
    assert units(embedding).input_tokens == sum(count_tokens(texts[half:]))
    assert quiz.calls == (), "nobody has asked for one"


def test_what_was_heard_before_a_crash_is_not_planned_again(planner: Planner) -> None:
    """Else a lesson that was heard by half is refused for want of minutes."""
    wanted = transcript_id_of(
        VIDEO.id, SOURCE_HASH, planner.services.transcriber.fingerprint
    )
    window = RecognisedWindow(0, 240.5, False, "en", 1.0, (), (), 0.0, 0)
    planner.store.add_recognised_window(VIDEO, wanted, window)
    hearing, _, _ = planner.plan().stages
    assert units(hearing).audio_s == LENGTH_S - 240.5


def test_an_upload_that_is_gone_has_a_reason_and_no_plan(planner: Planner) -> None:
    """Else one lost file ends the plan of all the others."""
    lost = planner.plan(replace(VIDEO, storage_key="uploads/2026-11-01/a@b.c/x.mp4"))
    assert (lost.refused, lost.calls) == (ErrorCode.UPLOAD_MISSING, ())


def test_a_model_whose_vectors_are_being_made_is_counted_too(planner: Planner) -> None:
    """Else every lesson of the time of a build costs twice what was planned."""
    video = planner.hear()
    _, alone, _ = planner.plan(video).stages
    large = make_openai_embedder(planner.ledger, "text-embedding-3-large")
    planner.services = replace(planner.services, next_embedders=[large])
    _, both, _ = planner.plan(video).stages
    assert both.calls[: len(alone.calls)] == alone.calls
    assert {call.model for call in both.calls[len(alone.calls) :]} == {
        large.model.model
    }
    assert units(both).input_tokens == 2 * units(alone).input_tokens


@pytest.mark.parametrize("status", [QuizStatus.PUBLISHED, QuizStatus.STALE])
def test_an_upload_that_has_had_its_quiz_is_planned_none(
    planner: Planner, status: QuizStatus
) -> None:
    """Else another writer, or an edit, makes the plan invent a quiz for each lesson."""
    video = planner.hear()
    assert video.staged_transcript_id is not None
    question = Question(
        QuestionKind.SHORT_ANSWER, "What is sugar? " * 9, (), "x", "x", 0, 0, 1
    )
    transcript_id = video.staged_transcript_id
    quiz = Quiz(VIDEO.id, transcript_id, status, "another writer", (question,))
    unasked = units(planner.plan(NEW_BYTES).stages[2])
    planner.store.add_quiz(video, quiz)
    heard = planner.store.versions[video.staged_transcript_id]
    edited = replace(heard, id=VIDEO.creator_id, origin=Origin.EDITED)
    planner.store.add_transcript(video, edited)
    for lesson in (video, replace(video, staged_transcript_id=edited.id)):
        _, _, none = planner.plan(lesson).stages
        assert none.calls == ()
    new = units(planner.plan(NEW_BYTES).stages[2])
    assert new.requests == unasked.requests, "other bytes are another lesson"
    assert unasked.requests
    told = new.input_tokens > unasked.input_tokens
    assert told is (status is QuizStatus.PUBLISHED), "with what is asked already"


def test_a_quiz_that_came_to_nothing_is_not_planned_again(planner: Planner) -> None:
    """Else each backfill promises a bill for quizzes that nobody will ask for."""
    video = planner.hear()
    assert planner.plan(video).stages[2].calls
    planner.store.quiz_failed = True
    assert planner.plan(video).stages[2].calls == ()


def test_another_models_vectors_are_counted_from_what_is_stored_for_readers(
    planner: Planner,
) -> None:
    """Else a change of model is decided without its price."""
    video = planner.hear()
    transcript = next(iter(planner.store.versions.values()))
    chunks = cut_chunks(transcript, planner.services.embedder)
    planner.store.replace_chunks(video, transcript.id, chunks)
    published = replace(video, published_transcript_id=transcript.id)
    large = make_openai_embedder(planner.ledger, "text-embedding-3-large")
    plan = plan_reembedding(published, embedder=large, store=planner.store)
    staged = plan_reembedding(video, embedder=large, store=planner.store)
    assert staged.calls == plan.calls, "what is about to be shown is embedded as well"
    book = PriceBook((LocalPrices(), GenaiPrices()))
    total = total_of(plan.calls, book, datetime.now(UTC))
    assert total.input_tokens == sum(count_tokens([chunk.text for chunk in chunks]))
    assert [call.operation for call in plan.calls] == [Operation.EMBEDDING]
    # $0.13 a million, rounded up to a millionth of a dollar.
    exact = Decimal(total.input_tokens) * Decimal("0.13") / 1_000_000
    assert 0 <= total.cost_usd - exact < Decimal("0.000001")
