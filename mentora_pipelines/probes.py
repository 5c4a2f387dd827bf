"""Probes: one question to each part that a lesson needs.

Here belongs the frame and a probe per part. Not here: printing, or alarms.
"""

import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mentora_pipelines import migrations, services
from mentora_pipelines.domain.operations.platform_health import Reading
from mentora_pipelines.domain.upload_notices import NoNotices
from mentora_pipelines.errors import MentoraError
from mentora_pipelines.observability.scrubbing import scrubbed, told
from mentora_pipelines.providers.content_health import open_lesson_prober
from mentora_pipelines.providers.mail import open_mailer
from mentora_pipelines.providers.memberships import open_whop
from mentora_pipelines.providers.models import make_embedder, make_transcriber
from mentora_pipelines.providers.quizzes import make_quiz_writer
from mentora_pipelines.providers.spending import open_usage_ledgers
from mentora_pipelines.providers.storage import make_storage, make_upload_notices
from mentora_pipelines.settings.content_health import HealthSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.valkey.health import ValkeyHealth

PROBE_TIMEOUT_S = 5

HAS_ROLE = "select pg_has_role(current_user, %(role)s, 'usage')"


@runtime_checkable
class Reachable(Protocol):
    """An adapter of a service over the network."""

    def check_reachable(self) -> None:
        """Raise `MentoraError` unless the service answers and knows our model."""
        ...


def probe(part: str, ask: Callable[[], str]) -> Reading:
    """Ask one part; whatever it raises becomes a reading, not an error."""
    started = time.perf_counter()
    try:
        detail, healthy = scrubbed(ask()), True
    except MentoraError as error:
        detail, healthy = told(error), False
    except Exception as error:  # noqa: BLE001  (any fault of a driver is a reading)
        # The text of a driver's error may hold a host, a user or a password.
        detail, healthy = type(error).__name__, False
    elapsed_ms = (time.perf_counter() - started) * 1000
    return Reading(part, detail, healthy=healthy, latency_ms=round(elapsed_ms, 1))


def _ask_database(url: str, role: str) -> str:
    import psycopg

    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.health import ask_health

    # A pool would wait for a server that refuses, and not say why.
    psycopg.connect(url, connect_timeout=PROBE_TIMEOUT_S).close()
    with closing(Database(url, "mentora-doctor")) as database:
        health, latency_ms = ask_health(database)
        with database.transaction() as connection:
            row = connection.execute(HAS_ROLE, {"role": role}).fetchone()
        pool = database.pool_figures
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

    url = services.database_urls().app
    with closing(Database(url, "mentora-doctor")) as database:
        return f"{check_tenancy(database)} tables closed to strangers"


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


def _ask_valkey(
    url: str, fault_of: "Callable[[ValkeyHealth], str | None]", kept: str
) -> str:
    from mentora_pipelines.adapters.valkey.connection import ValkeyServer
    from mentora_pipelines.adapters.valkey.health import ask_health

    with closing(
        ValkeyServer(url, "mentora-doctor", answer_timeout_s=PROBE_TIMEOUT_S)
    ) as server:
        health = ask_health(server)
    fault = fault_of(health)
    limit = f"{health.max_bytes / 1e6:.0f} MB" if health.max_bytes else "no limit"
    sentence = ", ".join(
        (
            f"{health.name} {health.version}",
            f"answers in {health.latency_ms:.1f} ms",
            f"{health.used_bytes / 1e6:.0f} MB of {limit}",
            f"{health.clients} clients",
            health.eviction_policy or "eviction policy not told",
        )
    )
    if fault is not None:
        raise MentoraError(f"{sentence}: {fault}")
    return f"{sentence} suits {kept}"


def _ask_cache() -> str:
    from mentora_pipelines.adapters.valkey.health import cache_fault

    urls = services.redis_urls()
    shared = urls.cache == urls.coordination
    return _ask_valkey(
        urls.cache,
        lambda health: cache_fault(health, shared=shared),
        "what may be forgotten",
    )


def _ask_coordination() -> str:
    from mentora_pipelines.adapters.valkey.health import coordination_fault

    urls = services.redis_urls()
    shared = urls.cache == urls.coordination
    return _ask_valkey(
        urls.coordination,
        lambda health: coordination_fault(health, shared=shared),
        "limits and indexes",
    )


def _ask_storage() -> str:
    return make_storage().check()


def _ask_upload_notices() -> str:
    notices = make_upload_notices()
    if isinstance(notices, NoNotices):
        return "no MENTORA_UPLOADS_QUEUE_URL: uploads are found by listing"
    with closing(notices):
        return notices.check()


def _ask_transcriber() -> str:
    with open_usage_ledgers() as ledgers:
        return _asked(transcriber := make_transcriber(ledgers), transcriber.fingerprint)


def _ask_embedder() -> str:
    with open_usage_ledgers() as ledgers:
        embedder = make_embedder(ledgers)
        if isinstance(embedder, Reachable):
            embedder.check_reachable()
        else:
            embedder.embed(["a lesson"])
    model = embedder.model
    return f"{model.provider}/{model.model}, {model.dimensions} dimensions"


def _ask_quiz_writer() -> str:
    with open_usage_ledgers() as ledgers:
        return _asked(writer := make_quiz_writer(ledgers), writer.fingerprint)


def _asked(adapter: object, fingerprint: str) -> str:
    """What is set, and that it is there: asking a provider for its model is free."""
    if isinstance(adapter, Reachable):
        adapter.check_reachable()
    return fingerprint


def _ask_mail() -> str:
    with open_mailer() as mailer:
        return mailer.check()


def _ask_memberships() -> str:
    with open_whop() as whop:
        return whop.check()


def _ask_health_controls() -> str:
    controls = len(HealthSettings().control_urls)
    if not controls:
        return (
            "no MENTORA_HEALTH_CONTROL_URLS: a host that is silent is told from an "
            "outage of ours only while other hosts answer"
        )
    with open_lesson_prober() as prober:
        if not prober.controls_answer():
            raise MentoraError("no control address answers: no lesson will be blamed")
    return f"{controls} asked, at least one answers"


PROBES: dict[str, Callable[[], str]] = {
    "database, app role": _ask_app_role,
    "database, admin role": _ask_admin_role,
    "database schema": _ask_schema,
    "tenancy": _ask_tenancy,
    "dagster storage": _ask_dagster_storage,
    "cache": _ask_cache,
    "coordination": _ask_coordination,
    "storage": _ask_storage,
    "upload notices": _ask_upload_notices,
    "transcriber": _ask_transcriber,
    "embedder": _ask_embedder,
    "quiz writer": _ask_quiz_writer,
    "mail": _ask_mail,
    "memberships": _ask_memberships,
    "health controls": _ask_health_controls,
}


class Probes:
    """Asks each part of the platform, as `PROBES` has them."""

    def readings(self) -> list[Reading]:
        """What each part answers, in that order; raises nothing."""
        return [probe(part, ask) for part, ask in PROBES.items()]
