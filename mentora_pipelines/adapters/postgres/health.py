"""What the database says of itself, for `mentora doctor`."""

from dataclasses import dataclass
from time import perf_counter

from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Database

SELECT_HEALTH = """
select
    current_setting('server_version') as server_version,
    (select extversion from pg_extension where extname = 'vector') as pgvector_version,
    pg_database_size(current_database()) as database_bytes,
    (select count(*) from pg_stat_activity where backend_type = 'client backend')
        as sessions,
    current_setting('max_connections')::int as max_sessions,
    pg_is_in_recovery() as is_replica,
    -- Visible to members of pg_monitor only; NULL to others.
    (select extract(epoch from max(replay_lag))::float8 from pg_stat_replication)
        as replica_lag_s,
    coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as tls
"""


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """Figures of the server; sizes in bytes, times in seconds."""

    server_version: str
    pgvector_version: str | None
    database_bytes: int
    sessions: int
    max_sessions: int
    is_replica: bool
    replica_lag_s: float | None
    tls: bool


def ask_health(database: Database) -> tuple[DatabaseHealth, float]:
    """The figures, and the milliseconds of the answer on an open connection.

    Raises `TransientError` when the server does not answer.
    """
    with database.transaction() as connection:
        with connection.cursor(row_factory=class_row(DatabaseHealth)) as cursor:
            started = perf_counter()
            (health,) = cursor.execute(SELECT_HEALTH).fetchall()
        return health, (perf_counter() - started) * 1000
