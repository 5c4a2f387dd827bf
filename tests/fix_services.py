"""The real embedded servers, started once for the whole test run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.local_stack import stop_local_stack
from mentora_pipelines.providers.lessons import open_catalogue, open_lessons
from mentora_pipelines.services import DatabaseUrls, database_urls

PROJECT = Path(__file__).parents[1]

OURS = (
    "DATABASE_URL",
    "DATABASE_ADMIN_URL",
    "DAGSTER_POSTGRES_URL",
    "REDIS_URL",
    "MENTORA_COORDINATION_REDIS_URL",
    "MENTORA_CACHE_PREFIX",
    "MENTORA_CACHE_TIMEOUT_S",
    "MENTORA_STORAGE_URL",
    "MENTORA_STORAGE_ENCRYPTION",
    "MENTORA_STORAGE_KMS_KEY_ID",
    "MENTORA_UPLOADS_QUEUE_URL",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "MENTORA_WHISPER_MODEL",
    "MENTORA_LANGUAGE",
    "MENTORA_AUTO_GENERATE_QUIZ",
    "MENTORA_SMTP_URL",
    "MENTORA_MAIL_FROM",
    "MENTORA_APP_URL",
    "MENTORA_AI_PRICES",
    "MENTORA_EMBEDDER",
    "MENTORA_TRANSCRIBER",
    "MENTORA_QUIZ_WRITER",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "MENTORA_TRANSCRIPTION_URL",
    "WHOP_API_KEY",
    "WHOP_WEBHOOK_SECRET",
    "WHOP_BASE_URL",
    "MENTORA_ENVIRONMENT",
    "MENTORA_LOG_LEVEL",
    "MENTORA_OPERATOR_EMAIL",
    "SENTRY_DSN",
)
"""A developer's own settings must not reach the tests."""


def make_home(folder: Path) -> Path:
    """A folder as Dagster wants it: the project's two files, no state yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of this test run; its servers stop at the end."""
    folder = make_home(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as environment:
        for name in OURS:
            environment.delenv(name, raising=False)
        environment.setenv("DAGSTER_HOME", str(folder))
        environment.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
        # A busy machine is not a server that is away.
        environment.setenv("MENTORA_CACHE_TIMEOUT_S", "5")
        # Hundreds of our processes start: none compiles what another has compiled.
        environment.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        # Dagster's own files are named relative to its home (dagster.yaml).
        environment.chdir(folder)
        yield folder
        stop_local_stack(folder / ".mentora")


@pytest.fixture(scope="session")
def urls(home: Path) -> DatabaseUrls:
    """The database of this test run, at the newest schema."""
    assert home.is_dir()
    with open_catalogue():
        return database_urls()


@pytest.fixture(scope="session")
def catalogue(urls: DatabaseUrls) -> Iterator[PostgresCatalogue]:
    """The catalogue, as the admin role."""
    assert urls.embedded
    with open_catalogue() as store:
        yield store


@pytest.fixture(scope="session")
def lessons(urls: DatabaseUrls) -> Iterator[PostgresLessons]:
    """The lessons of one creator at a time, as the app role."""
    assert urls.embedded
    with open_lessons() as store:
        yield store


@pytest.fixture(scope="session")
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance on the real PostgreSQL, as the daemon would use it."""
    with dg.DagsterInstance.from_config(str(home)) as opened:
        yield opened
