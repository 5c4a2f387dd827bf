"""The PostgreSQL servers: the lessons' database and Dagster's own."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from mentora_pipelines.settings.base import Settings


def _postgres_url(url: SecretStr) -> SecretStr:
    if not _is_postgres_url(url.get_secret_value()):
        raise ValueError(
            "must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            "each part percent-encoded"
        )
    return url


def _is_postgres_url(url: str) -> bool:
    """Whether libpq reads it, and finds no part of a password in host or port."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    if urlsplit(url).scheme not in ("postgresql", "postgres"):
        return False
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        return False
    ports = str(parts.get("port", "")).split(",")
    return "@" not in str(parts.get("host", "")) and all(
        not port or port.isdecimal() for port in ports
    )


PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]


class DatabaseSettings(Settings):
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


class DagsterStorageSettings(Settings):
    """Dagster's own database; the embedded server when unset."""

    url: PostgresUrl | None = Field(None, alias="DAGSTER_POSTGRES_URL")
