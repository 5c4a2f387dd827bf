"""The plan, the ledger and the bill: lessons by hosted models, over real sockets.

The server counts what it was asked for; the ledger is the real one.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import numpy as np
import psycopg
import pytest

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.lessons.recognition import Hints
from mentora_pipelines.domain.lessons.speech import SAMPLE_RATE, Span, Stretch, Window
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.spending.budgets import Budget
from mentora_pipelines.domain.spending.plans import (
    Basis,
    plan_lesson,
)
from mentora_pipelines.domain.spending.totals import Total, total_of
from mentora_pipelines.domain.spending.usage import (
    PATIENCE,
    Operation,
    PlannedCall,
    Unit,
    payer_of,
)
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import ErrorCode
from mentora_pipelines.providers.hosted_models import (
    make_claude_quiz_writer,
    make_openai_embedder,
    make_openai_transcriber,
)
from mentora_pipelines.providers.lesson_services import open_lesson_services
from mentora_pipelines.providers.search import open_generations
from mentora_pipelines.providers.spending import (
    make_price_table,
    open_spending,
    open_usage_ledgers,
)
from mentora_pipelines.services import DatabaseUrls
from mentora_pipelines.settings.environment import child_environment
from resources.models import TranscriberResource
from tests.fix_commands import Mentora
from tests.fix_lessons import SAMPLES
from tests.fix_runs import Connection, RunLesson
from tests.lessons import chunks_of
from tests.local_ai_server import AiServer, Fault
from tests.stored_lessons import SENTENCES, transcript_for
from tests.waiting import wait_until

PATHS = {
    Operation.TRANSCRIPTION: "/v1/audio/transcriptions",
    Operation.EMBEDDING: "/v1/embeddings",
    Operation.QUIZ: "/v1/messages",
}

QUESTIONS = 10

SECOND_S = 0.4

LARGE = "text-embedding-3-large"

BOOKED = """
select status, input_units, output_units, cost_usd
from ai_usage
where video_id = %(video_id)s and operation = %(operation)s
order by created_at
"""


MAILS = """
select template, variables ->> 'code' from email_outbox
where subject_id = %(video_id)s order by created_at
"""

TIME_PASSES = """
update ai_usage set created_at = created_at - %(patience)s where status = 'reserved'
"""


def said(name: str) -> list[tuple[str, float, float]]:
    """The words of a sample lesson with times, so that nobody has to listen."""
    words = (SAMPLES / f"{name}.txt").read_text(encoding="utf-8").split()
    return [
        (word, round(place * SECOND_S, 2), round(place * SECOND_S + 0.35, 2))
        for place, word in enumerate(words)
    ]


@dataclass
class Shop:
    """A video, the server that is paid for it, and the books on both sides."""

    server: AiServer
    video: Video
    catalogue: PostgresCatalogue
    lessons: PostgresLessons
    run_lesson: RunLesson
    admin: Connection

    def run(self, job: str = "lesson_job") -> bool:
        """Run a job by the hosted models; whether it succeeded."""
        done = self.run_lesson(self.video, job=job, transcriber=TranscriberResource())
        return done.success

    def plan(self) -> dict[Operation, tuple[Basis, Total]]:
        """What is planned of each stage as the video stands."""
        video = self.catalogue.video(self.video.id)
        with (
            open_usage_ledgers() as ledgers,
            open_lesson_services(ledgers) as services,
        ):
            plan = plan_lesson(video, QUESTIONS, services=services, store=self.lessons)
        now, prices = datetime.now(UTC), make_price_table()
        return {
            stage.operation: (stage.basis, total_of(stage.calls, prices, now))
            for stage in plan.stages
        }

    def booked(self, operation: Operation) -> list[tuple[str, float, float, Decimal]]:
        """The ledger's rows of the video."""
        rows = self.admin.execute(
            BOOKED, {"video_id": self.video.id, "operation": operation.value}
        ).fetchall()
        return [
            (str(status), float(str(sent)), float(str(got)), Decimal(str(cost)))
            for status, sent, got, cost in rows
        ]

    def served(self, operation: Operation) -> list[tuple[float, float]]:
        """The server's rows: units in and out."""
        return [
            (one.input_units, one.output_units)
            for one in self.server.of(PATHS[operation])
        ]

    @contextmanager
    def held(self, operation: Operation, bound: Total) -> Iterator[None]:
        """While it lasts, a run holds what Claude takes for the video at most."""
        call = PlannedCall(
            "anthropic", "claude-sonnet-5", operation, Unit.TOKENS,
            bound.input_tokens, bound.output_tokens, video_id=self.video.id,
        )  # fmt: skip
        with (
            open_usage_ledgers() as ledgers,
            ledgers.of(self.video.creator_id).hold([call]),
        ):
            yield

    def mails(self) -> list[tuple[object, ...]]:
        """Template and code of what the creator is told of the video."""
        return self.admin.execute(MAILS, {"video_id": str(self.video.id)}).fetchall()

    def limit(self, budget: Budget) -> None:
        """Set the creator's budget."""
        with open_spending() as spending:
            spending.set_budget(self.video.creator_id, budget)


@pytest.fixture
def hosted_home(
    home: Path,
    own_urls: DatabaseUrls,
    ai_server: AiServer,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """Settings of hosted models, and of a database whose vectors are theirs."""
    assert home.is_dir()
    variables = {
        **ai_server.environment(),
        "DATABASE_URL": own_urls.app,
        "DATABASE_ADMIN_URL": own_urls.admin,
        "MENTORA_CACHE_PREFIX": f"bills-{uuid4()}:",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def shop(
    hosted_home: dict[str, str],
    ai_server: AiServer,
    own_urls: DatabaseUrls,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    storage: FolderStorage,
    run_lesson: RunLesson,
) -> Iterator[Shop]:
    """A new upload, and a server that hears what is said in it."""
    assert hosted_home
    ai_server.hears = said("photosynthesis")
    key = f"uploads/2026-11-01/{uuid4()}@tests.example/lesson.mp4"
    with (SAMPLES / "photosynthesis.mp4").open("rb") as content:
        stored = storage.put(key, content)
    video = own_catalogue.register_upload(stored, parse_upload_key(key))
    with psycopg.connect(own_urls.admin, autocommit=True) as admin:
        yield Shop(ai_server, video, own_catalogue, own_lessons, run_lesson, admin)


def test_the_plan_holds_the_ledger_is_the_bill_and_nothing_is_paid_twice(
    shop: Shop, hosted_home: dict[str, str], mentora: Mentora
) -> None:
    """Else nobody knows what a lesson costs, before or after."""
    hearing, embedding, quiz = Operation
    unheard = shop.plan()
    assert [basis for basis, _ in unheard.values()] == [
        Basis.UPPER_BOUND, Basis.ESTIMATE, Basis.ESTIMATE,
    ]  # fmt: skip
    assert shop.server.served == [], "a plan asks nobody"

    # Enough to hear it, and for nothing else.
    shop.limit(Budget(limit_usd=unheard[hearing][1].cost_usd))
    assert not shop.run()
    assert shop.catalogue.video(shop.video.id).error_code is ErrorCode.OVER_BUDGET
    assert shop.served(embedding) == []
    heard = shop.plan()
    assert heard[hearing][1] == Total()
    bound = heard[quiz][1]
    dollars = [unheard[hearing][1].cost_usd, heard[embedding][1].cost_usd]
    shop.limit(Budget(limit_usd=sum(dollars, bound.cost_usd + Decimal("0.001"))))
    with shop.held(quiz, bound):
        answer = mentora("plan", shop.video.id, "--json", **hosted_home).json
    assert answer["over_budget"] == {}, "what it holds is its own"
    shop.limit(Budget())
    stages = {stage["stage"]: stage for stage in answer["plans"][0]["stages"]}
    assert stages["embedding"]["input_tokens"] == heard[embedding][1].input_tokens
    assert stages["quiz"]["basis"] == "upper_bound"
    assert stages["quiz"]["models"] == ["anthropic/claude-sonnet-5"]

    assert shop.run()
    spent = unheard[hearing][1].cost_usd + heard[embedding][1].cost_usd
    assert_a_quiz_too_dear_is_told_once(shop, spent)
    asked = len(shop.server.served)
    for job in ("lesson_job", "quiz_job"):
        assert shop.run(job)
    assert len(shop.server.served) == asked, "an unchanged re-run asks for nothing"
    after = shop.catalogue.video(shop.video.id)
    assert after.processing_status is ProcessingStatus.COMPLETED
    for operation in Operation:
        bill = [("settled", *units) for units in shop.served(operation)]
        assert [row[:3] for row in shop.booked(operation)] == bill
    ((_, seconds, _, paid),) = shop.booked(hearing)
    assert seconds == pytest.approx(unheard[hearing][1].audio_s, abs=0.001)
    assert paid == unheard[hearing][1].cost_usd
    ((_, tokens, _, paid),) = shop.booked(embedding)
    assert tokens == heard[embedding][1].input_tokens
    assert paid == heard[embedding][1].cost_usd
    written = shop.booked(quiz)
    assert len(written) > 1, "some questions are repaired"
    for bound in (heard[quiz][1], unheard[quiz][1]):
        assert_within(bound, written)
    assert shop.plan() == {
        operation: (basis, Total()) for operation, (basis, _) in heard.items()
    }
    settings = hosted_home | {"MENTORA_QUIZ_MODEL": "claude-opus-4-5"}
    every = mentora("plan", "--backfill", "--json", **settings).json
    assert every["total"]["requests"] == 0, "an upload gets one quiz, whoever writes"
    again = mentora("plan", "--reembed", LARGE, "--json", **hosted_home).json
    assert again["total"]["input_tokens"] == tokens
    assert again["plans"][0]["stages"][0]["models"] == [f"openai/{LARGE}"]
    assert_planned_while_built(shop, tokens)


def assert_a_quiz_too_dear_is_told_once(shop: Shop, spent: Decimal) -> None:
    """Else its creator waits for it for ever, or takes the lesson for lost."""
    shop.limit(Budget(limit_usd=spent))
    for _ in range(2):
        assert not shop.run("quiz_job"), "the lesson has taken all of that"
    assert shop.served(Operation.QUIZ) == []
    video = shop.catalogue.video(shop.video.id)
    assert video.processing_status is ProcessingStatus.COMPLETED
    told = [
        ("video-processing-failed", "over_budget"),
        ("quiz-generation-failed", "over_budget"),
    ]
    assert shop.mails() == told
    shop.limit(Budget())
    assert shop.run("quiz_job")
    assert shop.mails() == told


def assert_planned_while_built(shop: Shop, tokens: float) -> None:
    """The creator pays for vectors that nobody searches yet, too."""
    with open_generations() as generations:
        for model in (
            EmbeddingModel("openai", LARGE, 1536),
            # Nobody here makes its vectors, and no lesson waits for them.
            EmbeddingModel("gone", "gone", 8),
        ):
            generations.begin_generation(model)
    assert shop.plan()[Operation.EMBEDDING][1].input_tokens == tokens


def assert_within(bound: Total, rows: list[tuple[str, float, float, Decimal]]) -> None:
    """The ledger's rows cost no more than was planned."""
    assert sum(row[1] for row in rows) <= bound.input_tokens
    assert sum(row[2] for row in rows) <= bound.output_tokens
    assert sum(row[3] for row in rows) <= bound.cost_usd


FAULTS: dict[Operation, list[Fault]] = {
    Operation.TRANSCRIPTION: [529, "malformed"],
    Operation.EMBEDDING: [429, "dies"],
    Operation.QUIZ: [503, "cut"],
}


def test_each_request_that_the_server_counted_is_in_the_ledger(shop: Shop) -> None:
    """Else refusals and lost answers are paid for, and nobody sees it."""
    transcript = transcript_for(shop.video, SENTENCES)
    span = Span(0.0, 2.0)
    stretch = Stretch((span,), (span,), np.zeros(2 * SAMPLE_RATE, np.float32))
    payer = payer_of(shop.video)
    with open_usage_ledgers() as ledgers:
        transcriber = make_openai_transcriber(ledgers).paid_by(payer)
        embedder = make_openai_embedder(ledgers).paid_by(payer)
        writer = make_claude_quiz_writer(ledgers).paid_by(payer)
        requests: dict[Operation, Callable[[], object]] = {
            Operation.TRANSCRIPTION: lambda: transcriber.hear(
                Window(0.0, 2.0, True, (stretch,)), Hints()
            ),
            Operation.EMBEDDING: lambda: embedder.embed(SENTENCES),
            Operation.QUIZ: lambda: writer.write(
                transcript, chunks_of(transcript), QuizWishes(2)
            ),
        }
        for operation, ask in requests.items():
            shop.server.faults.extend(FAULTS[operation])
            ask()
    for operation in Operation:
        booked, served = shop.booked(operation), shop.served(operation)
        assert [row[0] for row in booked] == ["failed", "failed", "settled"]
        for (_, sent, got, _), (counted_in, counted_out) in zip(
            booked, served, strict=True
        ):
            assert sent == counted_in
            # Of a stream that broke off the server has counted whole tokens.
            assert got == pytest.approx(counted_out, abs=1)
        assert not any(booked[0][1:]), "what was refused costs nothing"
        assert booked[1][3] > 0, "what was lost on its way was paid for"


EMBED = """
import sys
from uuid import UUID
from mentora_pipelines.domain.spending.usage import Payer
from mentora_pipelines.providers.hosted_models import make_openai_embedder
from mentora_pipelines.providers.spending import open_usage_ledgers

with open_usage_ledgers() as ledgers:
    payer = Payer(UUID(sys.argv[1]), UUID(sys.argv[2]))
    make_openai_embedder(ledgers).paid_by(payer).embed(["Starch is a chain."])
"""


def test_a_killed_process_leaves_the_call_that_the_server_has_counted(
    shop: Shop, hosted_home: dict[str, str]
) -> None:
    """Else a crash is paid for, and stands nowhere."""
    shop.server.faults.append("hang")
    shop.server.hang_s = 60.0
    video = shop.video
    killed = subprocess.Popen(
        [sys.executable, "-c", EMBED, str(video.creator_id), str(video.id)],
        env=child_environment(**hosted_home),
    )
    wait_until(lambda: shop.server.served or killed.poll() is not None)
    killed.kill()
    killed.wait()
    ((tokens, _),) = shop.served(Operation.EMBEDDING)
    ((*reserved, cost),) = shop.booked(Operation.EMBEDDING)
    assert reserved == ["reserved", tokens, 0]
    shop.admin.execute(TIME_PASSES, {"patience": PATIENCE})
    with open_spending() as spending:
        assert spending.give_up(PATIENCE) == 1
    assert shop.booked(Operation.EMBEDDING) == [("failed", tokens, 0, cost)]
