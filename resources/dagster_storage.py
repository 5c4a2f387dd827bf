"""Dagster's instance in PostgreSQL, over pooled connections.

Stock dagster-postgres opens a session per statement: some 190 for a run of five
assets, which then takes three times as long. This class also makes a bare
`dagster dev` work, since it starts the embedded server when no URL is set.
"""

from typing import Self
from urllib.parse import urlsplit, urlunsplit

from dagster._config import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from mentora_pipelines.services import dagster_postgres_url

STATEMENT_TIMEOUT_MS = 60_000
POOL_RECYCLE_S = 3600
MAX_OVERFLOW = 10


class PooledPostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules in the database of `DAGSTER_POSTGRES_URL`."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """No configuration: the URL comes from the environment."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: object
    ) -> Self:
        """The storage, with a pool of connections in each of its three parts."""
        storage = cls(psycopg2_url(dagster_postgres_url()), inst_data=inst_data)
        for part in (
            storage.run_storage,
            storage.event_log_storage,
            storage.schedule_storage,
        ):
            part.optimize_for_webserver(
                statement_timeout=STATEMENT_TIMEOUT_MS,
                pool_recycle=POOL_RECYCLE_S,
                max_overflow=MAX_OVERFLOW,
            )
        return storage


def psycopg2_url(url: str) -> str:
    """The URL for SQLAlchemy's psycopg2.

    SQLAlchemy 2.1 reads plain `postgresql://` as psycopg 3, with which
    dagster-postgres sends a NOTIFY that is a syntax error.
    """
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql+psycopg2"))
