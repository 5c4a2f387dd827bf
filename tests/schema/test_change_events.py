"""The rows about what changed, which the cache follows."""

from typing import LiteralString

import pytest

from mentora_pipelines.adapters.postgres.database import Connection
from tests.schema.conftest import AsCreator
from tests.schema.seed import ADA, MEMBERSHIP, SESSION, STUDENT, VIDEO, count, filled

CHANGES = """
select name, payload from events
where name like 'change/%' and xmin = pg_current_xact_id()::xid
order by name, payload::text
"""
"""The change rows of this transaction, which no other one sees."""


def changes(connection: Connection) -> list[tuple[str, dict[str, object]]]:
    """The change rows that the running transaction wrote."""
    return [(name, payload) for name, payload in connection.execute(CHANGES)]


@pytest.mark.parametrize(
    ("table", "row_id", "update", "column", "extra"),
    [
        (
            "creators",
            ADA,
            "update creators set settings = '{\"a\": 1}'",
            "settings",
            {},
        ),
        ("students", STUDENT, "update students set xp = 3", "xp", {}),
        (
            "videos",
            VIDEO,
            "update videos set full_transcript = 'secret'",
            "full_transcript",
            {},
        ),
        (
            "memberships",
            MEMBERSHIP,
            "update memberships set status = 'expired'",
            "status",
            {"userId": "user_1", "studentId": STUDENT},
        ),
        (
            "chat_sessions",
            SESSION,
            "update chat_sessions set ended_at = now()",
            "ended_at",
            {"studentId": STUDENT, "ended": True},
        ),
    ],
)
def test_a_change_is_written_with_its_cause(
    as_creator: AsCreator,
    table: str,
    row_id: str,
    update: LiteralString,
    column: str,
    extra: dict[str, object],
) -> None:
    """Else the cache shows the old row for ever, or learns what nobody may see."""
    with as_creator(ADA) as app:
        app.execute(update + " where id = %(id)s", {"id": row_id})
        payload = {"id": row_id, "creatorId": ADA, "operation": "update"}
        assert changes(app) == [
            (f"change/{table}", payload | {"changed": [column]} | extra)
        ]
    with as_creator(ADA) as app:
        stored = app.execute("select from events where name like 'change/%' limit 1")
        updates = "select from events where payload ->> 'operation' = 'update'"
        assert stored.rowcount == 1
        assert app.execute(updates).rowcount == 0, "it was rolled back with its cause"


def test_what_changes_nothing_writes_no_change(
    admin: Connection, as_creator: AsCreator
) -> None:
    """Else a caller that saves the same again empties the cache each time."""
    with as_creator(ADA) as app:
        app.execute("update students set xp = xp, email = email")
        app.execute("update videos set title = title")
        app.execute("update memberships set status = status")
        app.execute("update chat_sessions set title = title")
        app.execute("update creators set settings = settings")
        assert changes(app) == []
    admin.execute("update students set updated_at = now(), version = version")
    assert changes(admin) == []


def test_what_appears_and_goes_is_written(as_creator: AsCreator) -> None:
    """Else a list in the cache lacks a new student, or shows one who left."""
    with as_creator(ADA) as app:
        app.execute("delete from students where id = %s", [STUDENT])
        gone = {"creatorId": ADA, "operation": "delete", "changed": []}
        left = {
            "id": MEMBERSHIP,
            "creatorId": ADA,
            "userId": "user_1",
            "operation": "update",
            "changed": ["student_id"],
        }
        told = changes(app)
        assert len(told) == 4
        for change in [
            ("change/students", {"id": STUDENT} | gone),
            (
                "change/chat_sessions",
                {"id": SESSION, "studentId": STUDENT, "ended": False} | gone,
            ),
            # The membership stays, and was the student's: told with and without.
            ("change/memberships", left),
            ("change/memberships", left | {"studentId": STUDENT}),
        ]:
            assert change in told
    new_id = "00000000-0000-7000-8000-0000000000ff"
    inserts = {
        "students": "(id, creator_id, email) values (%(id)s, %(ada)s, 'new@x.io')",
        "videos": "(id, creator_id, title, storage_key, upload_etag) "
        "values (%(id)s, %(ada)s, 't', 'k', 'e')",
        "memberships": "(id, creator_id, user_id, product_id, status, synced_at) "
        "values (%(id)s, %(ada)s, 'user_2', 'p', 'active', now())",
        "chat_sessions": "(id, creator_id, student_id) "
        f"values (%(id)s, %(ada)s, '{STUDENT}')",
    }
    extras: dict[str, dict[str, object]] = {
        "memberships": {"userId": "user_2"},
        "chat_sessions": {"studentId": STUDENT, "ended": False},
    }
    for table, values in inserts.items():
        with as_creator(ADA) as app:
            app.execute(
                filled(f"insert into {{table}} {values}", table),
                {"id": new_id, "ada": ADA},
            )
            payload = {"id": new_id, "creatorId": ADA, "operation": "insert"}
            extra = {"changed": []} | extras.get(table, {})
            assert changes(app) == [(f"change/{table}", payload | extra)]


def test_the_end_of_a_creator_is_told_and_leaves_no_other_event(
    admin: Connection,
) -> None:
    """Else their pages stay in the cache, or their mail address in the outbox."""
    admin.execute("insert into creators (id, email) values (gen_random_uuid(), 'c@x')")
    ((_, born),) = changes(admin)
    assert (born["operation"], born["id"]) == ("insert", born["creatorId"])
    admin.execute("delete from creators where id = %s", [ADA])
    told = [(name, payload["operation"]) for name, payload in changes(admin)]
    assert ("change/creators", "delete") in told
    assert ("change/students", "delete") in told
    assert ("change/videos", "delete") in told
    left = admin.execute("select name from events where creator_id = %s", [ADA])
    assert {name.split("/")[0] for (name,) in left} == {"change"}
    facts = "select from {table} where {owner} = {ada}"
    assert count(admin, facts, "analytics_events") == 1


def test_a_row_that_changes_hands_is_told_to_both(admin: Connection) -> None:
    """Else the former owner's cache keeps it."""
    admin.execute("update memberships set user_id = 'user_9'")
    assert {payload["userId"] for _, payload in changes(admin)} == {"user_1", "user_9"}
