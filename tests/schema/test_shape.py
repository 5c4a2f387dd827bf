"""The shape of the tables: foreign keys, indexes, comments and versions."""

import pytest
from psycopg import errors

from mentora_pipelines.adapters.postgres.database import Connection
from tests.schema.seed import BOB, copy_of_adas_row, filled

UNINDEXED_FOREIGN_KEYS = """
select conrelid::regclass::text, conname
from pg_constraint as foreign_key
where contype = 'f' and connamespace = 'public'::regnamespace and conparentid = 0
  and not exists (
      select from pg_index
      where indrelid = conrelid and indisvalid and indpred is null
        and (
            -- All columns of the key lead,
            (indkey::int2[])[0 : cardinality(conkey) - 1] @> conkey
            -- or the one that names the parent, which no other parent shares.
            or indkey[0] = (
                select foreign_key.conkey[place]
                from generate_subscripts(foreign_key.confkey, 1) as place
                join pg_attribute
                    on attrelid = foreign_key.confrelid
                    and attnum = foreign_key.confkey[place]
                where attname = 'id')))
"""

KEYS_WITHOUT_CREATOR = """
select conrelid::regclass || '.' || conname
from pg_constraint
where contype = 'f' and connamespace = 'public'::regnamespace and conparentid = 0
  and confrelid <> 'creators'::regclass
  and not exists (
      select from pg_attribute
      where attrelid = conrelid and attnum = any(conkey) and attname = 'creator_id')
order by 1
"""

KEYS_WITH_CREATOR = """
select distinct conrelid::regclass::text from pg_constraint
where contype = 'f' and connamespace = 'public'::regnamespace and conparentid = 0
  and confrelid <> 'creators'::regclass and cardinality(conkey) > 1
"""

WITHOUT_COMMENT = """
select relname || coalesce('.' || attname, '')
from pg_class
cross join lateral (
    select null as attname, obj_description(pg_class.oid) as comment
    union all
    select attname, col_description(attrelid, attnum) from pg_attribute
    where attrelid = pg_class.oid and attnum > 0 and not attisdropped
) as parts
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')
  and not relispartition and relname <> 'alembic_version'
  and coalesce(comment, '') = ''
order by 1
"""

TOUCHED_TABLES = """
select table_name from information_schema.columns
where table_schema = 'public' and column_name in ('updated_at', 'version')
group by table_name having count(*) = 2
order by 1
"""


def test_a_foreign_key_between_tenants_names_the_creator(admin: Connection) -> None:
    """Else a row can hang on another creator's, and is changed or deleted with it."""
    keys = [key for (key,) in admin.execute(KEYS_WITHOUT_CREATOR)]
    assert keys == []


def test_a_child_of_another_creator_is_refused(admin: Connection) -> None:
    """Else Bob's row hangs on Ada's student, and shows in neither's lists rightly."""
    children = [name for (name,) in admin.execute(KEYS_WITH_CREATOR)]
    assert {"leases", "chat_messages", "quiz_attempts"} < set(children)
    # The pointers of a video are empty in a copy; test_postgres tries them.
    children.remove("videos")
    for table in children:
        foreign = copy_of_adas_row(admin, table, BOB)
        delete = filled("delete from {table} where {owner} = {ada}", table)
        with admin.transaction(force_rollback=True):
            admin.execute(delete)
            with pytest.raises(errors.ForeignKeyViolation):
                admin.execute(foreign)


def test_every_foreign_key_is_indexed(admin: Connection) -> None:
    """Else deleting one student or video reads whole tables."""
    assert admin.execute(UNINDEXED_FOREIGN_KEYS).fetchall() == []


def test_every_table_and_column_has_a_comment(admin: Connection) -> None:
    """Else whoever meets the database has to guess."""
    assert [name for (name,) in admin.execute(WITHOUT_COMMENT)] == []


@pytest.mark.parametrize(
    ("name", "definition"),
    [
        ("idx_video_chunks_video_id", "btree (video_id"),
        ("idx_chat_sessions_student", "btree (student_id, created_at DESC)"),
        ("idx_chat_messages_session", "btree (session_id, created_at)"),
        ("idx_video_progress_student", "btree (student_id, last_watched DESC)"),
        ("idx_quiz_attempts_student", "btree (student_id, created_at DESC)"),
        ("idx_project_submissions_student", "btree (student_id, submitted_at DESC)"),
        ("idx_student_achievements_student", "btree (student_id, unlocked_at DESC)"),
        ("idx_analytics_events_time", "brin (created_at) WITH (autosummarize='on')"),
        (
            "idx_videos_creator_status",
            "btree (creator_id, processing_status, created_at DESC)",
        ),
        (
            "idx_students_creator_active",
            "btree (creator_id, last_active DESC) WHERE (onboarding_completed = true)",
        ),
    ],
)
def test_the_indexes_of_the_specification_stand(
    admin: Connection, name: str, definition: str
) -> None:
    """Else the web application's pages are slow, and nobody knows why."""
    row = admin.execute("select pg_get_indexdef(to_regclass(%s))", [name]).fetchone()
    assert row is not None
    assert f" USING {definition}" in row[0]


def test_a_change_moves_version_and_time(
    admin: Connection, tenant_tables: list[str]
) -> None:
    """Else two writers overwrite each other, and neither is told."""
    tables = [name for (name,) in admin.execute(TOUCHED_TABLES)]
    assert {"creators", "students", "budgets"} < set(tables) <= set(tenant_tables)
    for table in tables:
        state = "select version, updated_at from {table} where {owner} = {ada}"
        before = admin.execute(filled(state, table)).fetchone()
        update = "update {table} set version = 7 where {owner} = {ada}"
        admin.execute(filled(update, table))
        after = admin.execute(filled(state, table)).fetchone()
        assert before is not None
        assert after is not None
        assert after[0] == before[0] + 1, table
        assert after[1] > before[1], table


def test_a_metric_of_the_platform_is_unique_too(admin: Connection) -> None:
    """Else the platform's day is counted twice when it is counted again."""
    with pytest.raises(errors.UniqueViolation):
        admin.execute("insert into daily_metrics (metric_date) values ('2026-11-01')")
