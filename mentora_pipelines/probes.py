"""Probes: one question to each part that a lesson needs.

Here belongs the frame and a probe per part. Not here: printing, or alarms.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from mentora_pipelines import migrations, services
from mentora_pipelines.errors import MentoraError
from mentora_pipelines.providers import (
    make_embedder,
    make_quiz_writer,
    make_storage,
    make_transcriber,
    open_mailer,
)

PROBE_TIMEOUT_S = 5

HAS_ROLE = "select pg_has_role(current_user, %(role)s, 'usage')"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found; `latency_ms` in milliseconds."""

    name: str
    healthy: bool
    latency_ms: float
    detail: str


def probe(name: str, ask: Callable[[], str]) -> Finding:
    """Ask one part; whatever it raises becomes a finding, not an error."""
    started = time.perf_counter()
    try:
        detail, healthy = ask(), True
    except MentoraError as error:
        detail, healthy = str(error), False
    except Exception as error:  # noqa: BLE001  (any fault of a driver is a finding)
        # The text of a driver's error may hold a host, a user or a password.
        detail, healthy = type(error).__name__, False
    elapsed_ms = (time.perf_counter() - started) * 1000
    return Finding(name, healthy, round(elapsed_ms, 1), detail)


def _ask_database(url: str, role: str) -> str:
    import psycopg

    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.health import ask_health

    # A pool would wait for a server that refuses, and not say why.
    psycopg.connect(url, connect_timeout=PROBE_TIMEOUT_S).close()
    database = Database(url, "mentora-doctor")
    try:
        health, latency_ms = ask_health(database)
        with database.transaction() as connection:
            row = connection.execute(HAS_ROLE, {"role": role}).fetchone()
        pool = database.pool_figures
    finally:
        database.close()
    if health.pgvector_version is None:
        raise MentoraError("the extension vector is missing: run `mentora migrate`")
    if row is None or not row[0]:
        raise MentoraError(f"this user is not a member of the role {role}")
    return ", ".join(
        (
            f"PostgreSQL {health.server_version}",
            f"pgvector {health.pgvector_version}",
            f"answers in {latency_ms:.1f} ms",
            f"{health.database_bytes / 1e6:.0f} MB",
            f"{health.sessions} of {health.max_sessions} sessions",
            f"pool of {pool['pool_max']}",
            "TLS" if health.tls else "no TLS",
            *(["replica"] if health.is_replica else []),
            *(
                [f"replicas lag {health.replica_lag_s:.1f} s"]
                if health.replica_lag_s is not None
                else []
            ),
        )
    )


def _ask_app_role() -> str:
    return _ask_database(services.database_urls().app, "mentora_app")


def _ask_admin_role() -> str:
    return _ask_database(services.database_urls().admin, "mentora_admin")


def _ask_tenancy() -> str:
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.tenancy import check_tenancy

    database = Database(services.database_urls().app, "mentora-doctor")
    try:
        return f"{check_tenancy(database)} tables closed to strangers"
    finally:
        database.close()


def _ask_schema() -> str:
    current = migrations.current_revision(services.database_urls().admin)
    if migrations.is_behind(current):
        head = migrations.head_revision()
        raise MentoraError(f"at {current}, needed {head}: run `mentora migrate`")
    return str(current)


def _ask_dagster_storage() -> str:
    import psycopg

    url = services.dagster_postgres_url()
    with psycopg.connect(url, connect_timeout=PROBE_TIMEOUT_S) as connection:
        version = connection.execute("show server_version").fetchone()
    return f"PostgreSQL {version[0]}" if version else ""


def _ask_redis(url: str) -> str:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    with redis.Redis.from_url(
        url,
        socket_timeout=PROBE_TIMEOUT_S,
        socket_connect_timeout=PROBE_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    ) as client:
        client.ping()
        facts = client.info("server")
        policy = client.info("memory").get("maxmemory_policy", "unknown policy")
    name = facts.get("server_name", "redis")
    version = facts.get(f"{name}_version", facts.get("redis_version"))
    return f"{name} {version}, {policy}"


def _ask_cache() -> str:
    return _ask_redis(services.redis_urls().cache)


def _ask_coordination() -> str:
    return _ask_redis(services.redis_urls().coordination)


def _ask_storage() -> str:
    newest = make_storage().list("uploads/", limit=1)
    return f"{services.storage_folder()}, {'has' if newest else 'no'} uploads"


def _ask_transcriber() -> str:
    return make_transcriber().fingerprint


def _ask_embedder() -> str:
    embedder = make_embedder()
    embedder.embed(["a lesson"])
    model = embedder.model
    return f"{model.provider}/{model.model}, {model.dimensions} dimensions"


def _ask_quiz_writer() -> str:
    return make_quiz_writer().fingerprint


def _ask_mail() -> str:
    with open_mailer() as mailer:
        return mailer.check()


PROBES: dict[str, Callable[[], str]] = {
    "database, app role": _ask_app_role,
    "database, admin role": _ask_admin_role,
    "database schema": _ask_schema,
    "tenancy": _ask_tenancy,
    "dagster storage": _ask_dagster_storage,
    "cache": _ask_cache,
    "coordination": _ask_coordination,
    "storage": _ask_storage,
    "transcriber": _ask_transcriber,
    "embedder": _ask_embedder,
    "quiz writer": _ask_quiz_writer,
    "mail": _ask_mail,
}
