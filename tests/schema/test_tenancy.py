"""Every row is its creator's: no other one, and nobody, reads or writes it."""

from contextlib import suppress
from typing import LiteralString

import pytest
from psycopg import errors, sql

from mentora_pipelines.adapters.postgres.database import Connection
from tests.schema.catalog import open_tables
from tests.schema.conftest import AsCreator
from tests.schema.seed import ADA, BOB, copy_of_adas_row, count, filled

STRANGERS = pytest.mark.parametrize("creator", [BOB, None], ids=["Bob", "nobody"])

MAY_INSERT = "select has_table_privilege('mentora_app', %s, 'insert')"

PARTITIONS = """
select oid::regclass::text, inhparent::regclass::text
from pg_class join pg_inherits on inhrelid = oid
where relispartition and relkind in ('r', 'p')
  and relnamespace = 'public'::regnamespace
"""


def test_every_tenant_table_forces_both_policies(admin: Connection) -> None:
    """Else the app role reads every creator's rows of it."""
    assert open_tables(admin) == []


def test_every_tenant_table_has_a_row_to_try(
    admin: Connection, as_creator: AsCreator, tenant_tables: list[str]
) -> None:
    """Else the tests below prove nothing about a new table."""
    assert {"creators", "videos", "chunk_embeddings", "events"} < set(tenant_tables)
    own = "select from {table} where {owner} = {ada}"
    assert [t for t in tenant_tables if not count(admin, own, t)] == []
    with as_creator(ADA) as app:
        assert [t for t in tenant_tables if not count(app, "table {table}", t)] == []


@STRANGERS
def test_a_stranger_sees_nothing(
    as_creator: AsCreator, tenant_tables: list[str], creator: str | None
) -> None:
    """Else a creator, or a forgotten one, reads what is another's."""
    theirs = "select from {table} where {owner} is distinct from {bob}"
    with as_creator(creator) as app:
        assert [table for table in tenant_tables if count(app, theirs, table)] == []


@STRANGERS
@pytest.mark.parametrize(
    "change",
    ["update {table} set {owner} = {owner}", "delete from {table}"],
    ids=["update", "delete"],
)
def test_a_stranger_changes_nothing(
    as_creator: AsCreator,
    tenant_tables: list[str],
    creator: str | None,
    change: LiteralString,
) -> None:
    """Else a creator, or a forgotten one, spoils what is another's."""
    changed = []
    with as_creator(creator) as app:
        for table in tenant_tables:
            attempt = filled(change + " where {owner} is distinct from {bob}", table)
            with (
                suppress(errors.InsufficientPrivilege),
                app.transaction(force_rollback=True),
            ):
                if app.execute(attempt).rowcount:
                    changed.append(table)
    assert changed == []


@STRANGERS
def test_a_stranger_forges_nothing(
    admin: Connection,
    as_creator: AsCreator,
    tenant_tables: list[str],
    creator: str | None,
) -> None:
    """Else a creator, or a forgotten one, puts words into another's lesson."""
    refusals, expected = {}, {}
    with as_creator(creator) as app:
        for table in tenant_tables:
            forged = copy_of_adas_row(admin, table, ADA)
            with (
                pytest.raises(errors.InsufficientPrivilege) as refused,
                app.transaction(),
            ):
                app.execute(forged)
            refusals[table] = "row-level security policy" in str(refused.value)
            # Where the role has the right, only the policy stands in the way.
            expected[table] = admin.execute(MAY_INSERT, [table]).fetchone() == (True,)
    assert refusals == expected
    assert any(expected.values())


def test_a_partition_is_not_reached_by_its_own_name(
    admin: Connection, as_creator: AsCreator
) -> None:
    """Else a creator goes past the policies of the table that it is a part of."""
    parts = admin.execute(PARTITIONS).fetchall()
    assert {parent for _, parent in parts} == {"analytics_events", "chunk_embeddings"}
    with as_creator(ADA) as app:
        for part, _ in parts:
            for attempt in (
                "select from {table}",
                "update {table} set {owner} = {owner}",
                "delete from {table}",
                "insert into {table} default values",
            ):
                with (
                    pytest.raises(errors.InsufficientPrivilege, match=part),
                    app.transaction(),
                ):
                    app.execute(filled(attempt, part))


def test_the_rows_of_the_platform_are_hidden_from_creators(
    admin: Connection, as_creator: AsCreator
) -> None:
    """Else every creator reads what the whole platform earns and costs."""
    nobodys = "select from {table} where {owner} is null"
    tables = ("events", "email_outbox", "ai_usage", "analytics_events", "daily_metrics")
    with as_creator(ADA) as app:
        for table in tables:
            assert count(admin, nobodys, table) == 1
            assert count(app, nobodys, table) == 0


def test_the_app_role_has_the_rights_it_needs_and_no_more(admin: Connection) -> None:
    """Else a run cannot book its costs, or an intruder lifts a limit or a lease."""
    rights: dict[str, str] = dict(
        admin.execute(
            """
            select table_name::text, string_agg(lower(left(privilege_type, 1)), ''
                order by privilege_type)
            from information_schema.role_table_grants
            where grantee = 'mentora_app' and table_schema = 'public' group by 1
            """
        ).fetchall()
    )
    everything = "disu"
    assert {t: r for t, r in rights.items() if r != everything} == {
        "ai_usage": "isu",
        "analytics_events": "is",
        "budgets": "s",
        "chat_messages": "dis",
        "content_health_checks": "s",
        "creators": "su",
        "daily_metrics": "s",
        "email_outbox": "is",
        "embedding_generations": "s",
        "events": "is",
        "leases": "isu",
        "membership_answers": "isu",
        "memberships": "isu",
        "orphaned_blobs": "s",
        "quiz_attempts": "dis",
        "quiz_question_edits": "is",
        "stage_timings": "s",
        "student_achievements": "dis",
        "video_captions": "s",
        "video_chunks": "s",
    }


def test_an_event_belongs_to_its_creator_alone(as_creator: AsCreator) -> None:
    """Else one creator starts, or silences, the work of another."""
    event = """
    insert into events (
        id, name, schema_version, deduplication_key, creator_id, payload)
    values (gen_random_uuid(), 'video/deleted', 1, 'x', %(owner)s, '{}')
    """
    with as_creator(BOB) as app:
        app.execute(event, {"owner": BOB})
        assert count(app, "table {table}", "events") == 2, "his own, and his birth"
        for owner in (ADA, None):
            with (
                pytest.raises(errors.InsufficientPrivilege),
                app.transaction(force_rollback=True),
            ):
                app.execute(event, {"owner": owner})
        for write in ("update events set status = status", "delete from events"):
            with (
                pytest.raises(errors.InsufficientPrivilege),
                app.transaction(force_rollback=True),
            ):
                app.execute(sql.SQL(write))
