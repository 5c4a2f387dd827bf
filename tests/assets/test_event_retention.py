"""What the outbox forgets, over a real one."""

from collections.abc import Iterator

import dagster as dg
import psycopg
import pytest

from assets.operations.drains import MAX_RUNTIME_S
from assets.operations.event_retention import event_retention_job
from assets.tags import MAX_RUNTIME_TAG
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.events.event_outbox import PostgresEventOutbox
from mentora_pipelines.services import DatabaseUrls
from tests.fix_runs import Connection, retries

AGED = """
insert into events (
    id, name, schema_version, deduplication_key, payload, status, outcome, dead_reason,
    handled_at, created_at)
select
    gen_random_uuid(), name, 1, age || status, '{}', status,
    case status when 'done' then 'handled' end,
    case status when 'dead' then 'for a test' end,
    case when status <> 'pending' then now() - age * interval '1 day' end,
    now() - age * interval '1 day'
from unnest(array['change/videos', 'email/send']) as name,
    unnest(array['pending', 'done', 'dead']) as status,
    unnest(array[0, 2, 31]) as age
"""


@pytest.fixture
def admin(own_urls: DatabaseUrls) -> Iterator[Connection]:
    """A database with events of all ages."""
    with psycopg.connect(own_urls.admin, autocommit=True) as connection:
        connection.execute(AGED)
        yield connection


def test_a_retention_that_hangs_is_ended() -> None:
    """Else it keeps its place in the queue, and no later one is noticed to be gone."""
    assert event_retention_job.tags[MAX_RUNTIME_TAG] == str(MAX_RUNTIME_S)


def test_only_what_is_handled_and_old_is_forgotten(
    own_urls: DatabaseUrls, own_database: Database, admin: Connection
) -> None:
    """Else the outbox slows its consumers down, or an event is lost unhandled."""
    outbox = PostgresEventOutbox(own_database, {}, own_urls.admin)
    assert event_retention_job.execute_in_process(resources={"outbox": outbox}).success
    left = admin.execute(
        "select name, deduplication_key from events where status = 'done' order by 1, 2"
    ).fetchall()
    assert left == [
        ("change/videos", "0done"),
        ("email/send", "0done"),
        ("email/send", "2done"),
    ]
    kept = admin.execute(
        "select name, count(*) from events where status <> 'done' group by 1 order by 1"
    )
    # A change that no cache has followed for days is forgotten as well.
    assert kept.fetchall() == [("change/videos", 2), ("email/send", 6)]


class Interrupted:
    """An outbox at work when somebody ends the run."""

    def forget(self) -> int:
        """Meet the signal, as Dagster raises it."""
        raise dg.DagsterExecutionInterruptedError


def test_a_drain_that_somebody_ends_is_not_tried_again(
    instance: dg.DagsterInstance,
) -> None:
    """Else Ctrl-C begins the same work anew, twice."""
    result = event_retention_job.execute_in_process(
        instance=instance, resources={"outbox": Interrupted()}, raise_on_error=False
    )
    assert not result.success
    assert retries(result) == []
