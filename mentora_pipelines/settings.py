"""Every environment variable the platform reads, one class per service.

Here belong names, defaults and their checks. Not here: connecting to anything. A
class reads the environment when it is made, never at import.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from mentora_pipelines.errors import SettingsError


def _postgres_url(url: SecretStr) -> SecretStr:
    if urlsplit(url.get_secret_value()).scheme not in ("postgresql", "postgres"):
        raise ValueError("must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    return url


def _redis_url(url: SecretStr) -> SecretStr:
    if urlsplit(url.get_secret_value()).scheme not in ("redis", "rediss"):
        raise ValueError("must be redis://… or rediss://… (TLS)")
    return url


def _storage_url(url: str) -> str:
    if urlsplit(url).scheme != "file" or not url.startswith("file:///"):
        raise ValueError("must be file:///ABSOLUTE/FOLDER")
    return url


def _blank_is_unset(value: object) -> object:
    return None if value == "" else value


PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]


class _Settings(BaseSettings):
    """Reads its variables when made; raises `SettingsError` that names every fault."""

    def __init__(self) -> None:
        try:
            super().__init__()
        except ValidationError as error:
            faults = "\n".join(f"  {_sentence(fault)}" for fault in error.errors())
            raise SettingsError(f"wrong settings:\n{faults}") from None

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        # A refused value may be a secret.
        hide_input_in_errors=True,
    )


class DatabaseSettings(_Settings):
    """The lessons' database; the embedded server when both URLs are unset."""

    app_url: PostgresUrl | None = Field(None, alias="DATABASE_URL")
    admin_url: PostgresUrl | None = Field(None, alias="DATABASE_ADMIN_URL")

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.app_url is None) != (self.admin_url is None):
            raise ValueError(
                "set both DATABASE_URL (role mentora_app) and DATABASE_ADMIN_URL "
                "(role mentora_admin), or neither for the embedded server"
            )
        return self


class DagsterStorageSettings(_Settings):
    """Dagster's own database; the embedded server when unset."""

    url: PostgresUrl | None = Field(None, alias="DAGSTER_POSTGRES_URL")


class RedisSettings(_Settings):
    """Cache and coordination; the embedded servers when `REDIS_URL` is unset."""

    cache_url: RedisUrl | None = Field(None, alias="REDIS_URL")
    coordination_url: RedisUrl | None = Field(
        None, alias="MENTORA_COORDINATION_REDIS_URL"
    )


class StorageSettings(_Settings):
    """Object storage; `.mentora/storage` when unset."""

    url: Annotated[str, AfterValidator(_storage_url)] | None = Field(
        None, alias="MENTORA_STORAGE_URL"
    )

    @property
    def folder(self) -> Path | None:
        """The folder that the URL names."""
        return None if self.url is None else Path(unquote(urlsplit(self.url).path))


class MediaSettings(_Settings):
    """Limits of an upload."""

    max_bytes: int = Field(8 << 30, gt=0, alias="MENTORA_MAX_UPLOAD_BYTES")
    max_duration_s: float = Field(
        6 * 3600.0, gt=0, allow_inf_nan=False, alias="MENTORA_MAX_DURATION_S"
    )


class TranscriberSettings(_Settings):
    """Who turns speech into words."""

    transcriber: Literal["faster-whisper"] = Field(
        "faster-whisper", alias="MENTORA_TRANSCRIBER"
    )
    whisper_model: str = Field("tiny.en", min_length=1, alias="MENTORA_WHISPER_MODEL")
    whisper_device: Literal["cpu", "cuda"] = Field(
        "cpu", alias="MENTORA_WHISPER_DEVICE"
    )
    language: Annotated[str | None, BeforeValidator(_blank_is_unset)] = Field(
        None, pattern="^[a-z]{2,3}$", alias="MENTORA_LANGUAGE"
    )


class EmbedderSettings(_Settings):
    """Who turns texts into vectors."""

    embedder: Literal["minilm"] = Field("minilm", alias="MENTORA_EMBEDDER")


class QuizSettings(_Settings):
    """Who writes quizzes, and whether each new lesson gets one."""

    writer: Literal["extractive"] = Field("extractive", alias="MENTORA_QUIZ_WRITER")
    auto_generate: bool = Field(True, alias="MENTORA_AUTO_GENERATE_QUIZ")


class MetricsSettings(_Settings):
    """How long a day's metrics follow late events, and how long events are kept."""

    look_back_days: int = Field(14, ge=1, le=90, alias="MENTORA_METRICS_LOOK_BACK_DAYS")
    # A month is put away when no look-back reaches it any more: three, plus this one.
    retention_months: int | None = Field(
        None, ge=4, alias="MENTORA_EVENTS_RETENTION_MONTHS"
    )


class HomeSettings(_Settings):
    """The folder that holds `dagster.yaml`, and `.mentora/` beside it."""

    dagster_home: Path | None = Field(None, alias="DAGSTER_HOME")

    @property
    def home(self) -> Path:
        """`DAGSTER_HOME`, else the nearest folder upwards with a `dagster.yaml`.

        Raises `SettingsError` when there is none.
        """
        if self.dagster_home is not None:
            home = self.dagster_home.expanduser().resolve()
            if not (home / "dagster.yaml").is_file():
                raise SettingsError(f"DAGSTER_HOME: there is no dagster.yaml in {home}")
            return home
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / "dagster.yaml").is_file():
                return folder
        raise SettingsError(
            f"there is no dagster.yaml in {here} or above it: go to the project's "
            "folder, or set DAGSTER_HOME to it"
        )

    @property
    def state_folder(self) -> Path:
        """Where the embedded servers and the local storage keep their files."""
        return self.home / ".mentora"


ALL_SETTINGS: tuple[type[_Settings], ...] = (
    HomeSettings,
    DatabaseSettings,
    DagsterStorageSettings,
    RedisSettings,
    StorageSettings,
    MediaSettings,
    TranscriberSettings,
    EmbedderSettings,
    QuizSettings,
    MetricsSettings,
)


def check_settings() -> None:
    """Read every class once; raises one `SettingsError` that names every fault."""
    faults: list[str] = []
    for settings in ALL_SETTINGS:
        try:
            settings()
        except SettingsError as error:
            faults += str(error).splitlines()[1:]
    if faults:
        raise SettingsError("wrong settings:\n" + "\n".join(faults))


def _sentence(fault: Mapping[str, object]) -> str:
    """One fault without its value, which may be a secret."""
    place = fault["loc"]
    name = ".".join(map(str, place)) if isinstance(place, tuple) else ""
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message


def child_environment(**overrides: str) -> dict[str, str]:
    """The environment of this process with `overrides`, for a process it starts."""
    return {**os.environ, **overrides}  # noqa: TID251  (the one place that reads it)
