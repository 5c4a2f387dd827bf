"""Settings to hosted adapters, and the whole demo on them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest

from mentora_pipelines.domain.lessons.recognition import Transcriber
from mentora_pipelines.domain.spending.totals import Total, total_of
from mentora_pipelines.domain.spending.usage import (
    Payer,
    PlansRecognition,
    paid_by,
)
from mentora_pipelines.errors import ProviderRefused, SettingsError
from mentora_pipelines.local_stack import ensure_local_stack, stop_local_stack
from mentora_pipelines.probes import PROBES, probe
from mentora_pipelines.providers.models import make_set_embedder, make_transcriber
from mentora_pipelines.providers.quizzes import make_quiz_writer
from mentora_pipelines.providers.search import make_judge
from mentora_pipelines.providers.spending import make_price_table
from mentora_pipelines.services import DatabaseUrls
from mentora_pipelines.settings.hosted_models import AnthropicSettings, OpenAiSettings
from mentora_pipelines.settings.models import EmbedderSettings, TranscriberSettings
from mentora_pipelines.settings.quizzes import QuizSettings
from tests.fix_ai import Books
from tests.fix_commands import Mentora
from tests.fix_lessons import SAMPLES
from tests.fix_services import make_home
from tests.local_ai_server import KEY, AiServer

USAGE = """
select operation, count(*), round(sum(input_units)::numeric, 3), sum(output_units)
from ai_usage where provider in ('openai', 'anthropic')
group by operation order by operation
"""


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any setting of hosted models."""
    for settings in (
        OpenAiSettings,
        AnthropicSettings,
        EmbedderSettings,
        TranscriberSettings,
        QuizSettings,
    ):
        for field in settings.model_fields.values():
            monkeypatch.delenv(str(field.alias), raising=False)
    return monkeypatch


@pytest.fixture
def hosted_settings(
    clean: pytest.MonkeyPatch, ai_server: AiServer, urls: DatabaseUrls
) -> pytest.MonkeyPatch:
    """Settings that send everything to the local server."""
    assert urls.embedded, "so is the server that keeps the pace"
    for name, value in ai_server.environment().items():
        clean.setenv(name, value)
    return clean


def test_settings_choose_the_hosted_models(
    hosted_settings: pytest.MonkeyPatch, ai_server: AiServer
) -> None:
    """Else a platform that pays for better models does not use them."""
    assert hosted_settings
    books = Books()
    embedder = make_set_embedder(books)
    assert (embedder.model.provider, embedder.model.dimensions) == ("openai", 1536)
    embedder.embed(["a lesson"])
    assert "whisper-1" in make_transcriber(books).fingerprint
    assert "claude-sonnet-5" in make_quiz_writer(books).fingerprint
    assert books.total() == ai_server.total("/v1/embeddings")


def test_a_server_of_ones_own_never_gets_the_accounts_key(
    hosted_settings: pytest.MonkeyPatch, ai_server: AiServer
) -> None:
    """Else whoever runs the GPU machine holds the key of the account."""
    hosted_settings.setenv("MENTORA_TRANSCRIPTION_URL", f"{ai_server.url}/v1")
    transcriber = make_transcriber(Books())
    with pytest.raises(ProviderRefused):
        transcriber.check_reachable()  # type: ignore[attr-defined]  # the hosted one's
    hosted_settings.setenv("MENTORA_TRANSCRIPTION_KEY", KEY)
    make_transcriber(Books()).check_reachable()  # type: ignore[attr-defined]  # the same


def test_a_server_of_ones_own_is_not_booked_at_the_accounts_price(
    hosted_settings: pytest.MonkeyPatch, ai_server: AiServer
) -> None:
    """Else minutes on one's own machine use up dollars that nobody has paid."""
    now = datetime.now(UTC)

    def cost(transcriber: Transcriber) -> Total:
        assert isinstance(transcriber, PlansRecognition)
        return total_of(transcriber.plan(60), make_price_table(), now)

    assert cost(make_transcriber(Books())).cost_usd > 0
    hosted_settings.setenv("MENTORA_TRANSCRIPTION_URL", f"{ai_server.url}/v1")
    own = paid_by(make_transcriber(Books()), Payer())
    assert cost(own) == Total(requests=None, audio_s=60, unpriced=1)
    hosted_settings.setenv("MENTORA_AI_PRICES", '{"own/whisper-1": {"minute": 0.002}}')
    assert cost(own).cost_usd == Decimal("0.002")


@pytest.mark.parametrize("part", ["transcriber", "embedder", "quiz writer"])
def test_the_doctor_asks_each_hosted_model(
    hosted_settings: pytest.MonkeyPatch, own_urls: DatabaseUrls, part: str
) -> None:
    """Else a wrong key is found by the first lesson that fails."""
    # Where no other model is searched already.
    hosted_settings.setenv("DATABASE_URL", own_urls.app)
    hosted_settings.setenv("DATABASE_ADMIN_URL", own_urls.admin)
    assert probe(part, PROBES[part]).healthy
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        hosted_settings.setenv(name, "sk-hunter2-wrong")
    finding = probe(part, PROBES[part])
    assert not finding.healthy
    assert "key" in finding.detail
    assert "hunter2" not in finding.detail


def test_a_missing_key_is_told_by_its_name(
    clean: pytest.MonkeyPatch, urls: DatabaseUrls
) -> None:
    """Else somebody who forgot it reads a library's riddle."""
    assert urls.embedded
    clean.setenv("MENTORA_EMBEDDER", "openai")
    clean.setenv("MENTORA_QUIZ_WRITER", "claude")
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        make_set_embedder(Books()).embed(["a lesson"])
    writer = make_quiz_writer(Books())
    with pytest.raises(SettingsError, match="ANTHROPIC_API_KEY"):
        writer.check_reachable()  # type: ignore[attr-defined]  # the hosted one's


def test_the_golden_set_is_asked_for_in_a_few_requests_and_only_once(
    hosted_settings: pytest.MonkeyPatch, ai_server: AiServer
) -> None:
    """Else each night pays for a hundred requests, and a swap waits for them."""
    # A name of this test alone: vectors are kept by it.
    hosted_settings.setenv("MENTORA_EMBEDDING_MODEL", f"judged-{uuid4()}")
    ai_server.by_meaning = False
    judge = make_judge(Books())
    model = make_set_embedder(Books()).model
    figures = judge(model)
    assert figures is not None
    assert len(figures.judged) >= 60
    # The questions and the texts of the lessons.
    assert 2 <= len(ai_server.of("/v1/embeddings")) <= 6
    asked = len(ai_server.of("/v1/embeddings"))
    assert judge(model) == figures
    assert len(ai_server.of("/v1/embeddings")) == asked


@pytest.fixture
def hosted_home(
    home: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mentora]:
    """A home of its own with a sample lesson."""
    assert home, "it has cleared the developer's own settings"
    folder = make_home(tmp_path_factory.mktemp("hosted home"))
    (folder / "samples").mkdir()
    # One lesson is asked about like three, in a third of the time.
    for suffix in ("mp4", "txt"):
        (folder / f"samples/photosynthesis.{suffix}").symlink_to(
            SAMPLES / f"photosynthesis.{suffix}"
        )
    yield Mentora(folder)
    stop_local_stack(folder / ".mentora")


def test_the_demo_runs_on_hosted_models_alone(
    hosted_home: Mentora, ai_server: AiServer
) -> None:
    """Else what is tested here is not what runs in production."""
    settings = ai_server.environment()
    demo = hosted_home("demo", **settings)
    assert demo.code == 0, demo.progress
    assert "photosynthesis" in demo.output
    assert "Draft quiz of" in demo.output
    hits = hosted_home("search", "splitting water", "--json", **settings).json["hits"]
    assert hits[0]["title"] == "photosynthesis"
    services = ensure_local_stack(hosted_home.home / ".mentora")
    with psycopg.connect(services.database_admin_url) as connection:
        generation = connection.execute(
            "select provider, dimensions, status from embedding_generations"
        ).fetchall()
        booked = {
            operation: (count, float(units_in), float(units_out))
            for operation, count, units_in, units_out in connection.execute(USAGE)
        }
    assert generation == [("openai", 1536, "active")]
    counted = {
        operation: (len(ai_server.of(path)), *ai_server.total(path))
        for operation, path in (
            ("transcription", "/v1/audio/transcriptions"),
            ("embedding", "/v1/embeddings"),
            ("quiz", "/v1/messages"),
        )
    }
    assert booked == counted
