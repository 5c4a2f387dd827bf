"""Dagster's instance in PostgreSQL, over pooled connections.

Stock dagster-postgres opens a session per statement: some 85 for a run of five
assets, which then takes three times as long. This class also makes a bare
`dagster dev` work, since it starts the embedded server when no URL is set.
"""

from typing import Self
from urllib.parse import urlsplit, urlunsplit

from dagster._config import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from sqlalchemy.exc import InternalError

from mentora_pipelines.observability import incidents
from mentora_pipelines.observability.logs import keep_standard_error
from mentora_pipelines.services import dagster_postgres_url

STATEMENT_TIMEOUT_MS = 60_000
POOL_RECYCLE_S = 3600
MAX_OVERFLOW = 10


class PooledPostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules in the database of `DAGSTER_POSTGRES_URL`."""

    def __init__(
        self, postgres_url: str, inst_data: ConfigurableClassData | None
    ) -> None:
        super().__init__(postgres_url, inst_data=inst_data)
        self._event_log_storage = EventLogStorage(postgres_url)
        for part in (
            self._run_storage,
            self._event_log_storage,
            self._schedule_storage,
        ):
            part.optimize_for_webserver(
                statement_timeout=STATEMENT_TIMEOUT_MS,
                pool_recycle=POOL_RECYCLE_S,
                max_overflow=MAX_OVERFLOW,
            )

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """No configuration: the URL comes from the environment."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: object
    ) -> Self:
        """The storage of this process, whose lines and errors are told from now on.

        Each process of Dagster opens its instance before it does anything else: the
        daemon, the UI, the code server at its first tick, and a run's worker.
        """
        keep_standard_error()
        incidents.start(incidents.process_name())
        return cls(psycopg2_url(dagster_postgres_url()), inst_data)


class EventLogStorage(PostgresEventLogStorage):
    """The event log, without a race that fails the first runs of an instance."""

    def initialize_concurrency_limit_to_default(self, concurrency_key: str) -> bool:
        """Give a pool its default limit unless it has one.

        Dagster inserts the row of a new pool and, when another run was faster, goes
        on in the transaction that the failed insert has aborted.
        """
        if concurrency_key in self.get_concurrency_keys():
            return True
        try:
            return super().initialize_concurrency_limit_to_default(concurrency_key)
        except InternalError:
            if concurrency_key in self.get_concurrency_keys():
                return True
            raise


def psycopg2_url(url: str) -> str:
    """The URL for SQLAlchemy's psycopg2.

    SQLAlchemy 2.1 reads plain `postgresql://` as psycopg 3, with which
    dagster-postgres sends a NOTIFY that is a syntax error.
    """
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql+psycopg2"))
