"""The migrated schema on a real server: what it promises, read back from its catalogue.

Every test leaves the rows as it found them: what it writes, it rolls back.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import LiteralString, TypeAlias

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from mentora_pipelines import migrations
from mentora_pipelines.local_stack import (
    LocalServices,
    ensure_local_stack,
    stop_local_stack,
)

Connection: TypeAlias = psycopg.Connection[TupleRow]
AsCreator: TypeAlias = Callable[[str | None], AbstractContextManager[Connection]]

ADA = "00000000-0000-7000-8000-000000000001"
"""The creator of every row below."""

BOB = "00000000-0000-7000-8000-000000000002"
"""A creator without any row."""

VIDEO = "00000000-0000-7000-8000-000000000011"
STUDENT = "00000000-0000-7000-8000-000000000021"
MEMBERSHIP = "00000000-0000-7000-8000-000000000022"
SESSION = "00000000-0000-7000-8000-000000000023"
GENERATION = "00000000-0000-7000-8000-000000000015"

LESSON_ROWS = """
insert into creators (id, email) values ({ada}, 'ada@x.io'), ({bob}, 'bob@x.io');
insert into videos (id, creator_id, title, storage_key, upload_etag)
values ({video}, {ada}, 'Plants', 'uploads/2026-11-01/ada@x.io/plants.mp4', 'e1');
insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments)
values ('00000000-0000-7000-8000-000000000012', {video}, {ada}, 's', 'f',
    'recognised', 'en', 2, 2, 'Plants grow.', '[]');
insert into caption_tracks (
    transcript_id, video_id, creator_id, language, storage_key, cues)
values ('00000000-0000-7000-8000-000000000012', {video}, {ada}, 'en', 'c', '[]');
insert into transcript_chunks (id, transcript_id, video_id, creator_id, chunk_index,
    chunk_text, text_hash, token_count, start_timestamp, end_timestamp, tsv)
values ('00000000-0000-7000-8000-000000000013', '00000000-0000-7000-8000-000000000012',
    {video}, {ada}, 0, 'Plants grow.', 'h', 3, 0, 2, '');
insert into embedding_generations (id, provider, model, dimensions, status)
values ({generation}, 'local', 'tiny', 2, 'active');
create table chunk_embeddings_test partition of chunk_embeddings
    for values in ({generation});
insert into chunk_embeddings (
    generation_id, video_id, text_hash, creator_id, embedding)
values ({generation}, {video}, 'h', {ada}, '[1, 2]');
insert into quizzes (id, video_id, creator_id, transcript_id, writer_fingerprint,
    question_count)
values ('00000000-0000-7000-8000-000000000016', {video}, {ada},
    '00000000-0000-7000-8000-000000000012', 'w', 1);
insert into quiz_questions (id, quiz_id, creator_id, position, kind, prompt, options,
    answer, quote, chunk_id, start_s, end_s)
values ('00000000-0000-7000-8000-000000000017', '00000000-0000-7000-8000-000000000016',
    {ada}, 0, 'cloze', 'Plants ___.', '{{grow,sing}}', 'grow', 'Plants grow.',
    '00000000-0000-7000-8000-000000000013', 0, 2);
insert into events (id, name, schema_version, deduplication_key, creator_id, payload)
values
    ('00000000-0000-7000-8000-000000000018', 'video/upload.completed', 1, 'a', {ada},
     '{{}}'),
    ('00000000-0000-7000-8000-000000000019', 'analytics/daily.aggregate', 1, 'b', null,
     '{{}}');
"""
"""A row of every table of the first revision."""

PLATFORM_ROWS = """
insert into students (id, creator_id, email) values ({student}, {ada}, 'eve@x.io');
insert into memberships (
    id, creator_id, user_id, product_id, student_id, status, synced_at)
values ({membership}, {ada}, 'user_1', 'prod_1', {student}, 'active', now());
insert into chat_sessions (id, creator_id, student_id, video_id)
values ({session}, {ada}, {student}, {video});
insert into chat_messages (id, creator_id, session_id, role, content)
values ('00000000-0000-7000-8000-000000000024', {ada}, {session}, 'user', 'Why?');
insert into video_progress (id, creator_id, student_id, video_id)
values ('00000000-0000-7000-8000-000000000025', {ada}, {student}, {video});
insert into quiz_attempts (
    id, creator_id, student_id, quiz_id, answers, score, max_score, passed)
values ('00000000-0000-7000-8000-000000000026', {ada}, {student},
    '00000000-0000-7000-8000-000000000016', '{{}}', 1, 1, true);
insert into project_submissions (
    id, creator_id, student_id, video_id, title, submission_url)
values ('00000000-0000-7000-8000-000000000027', {ada}, {student}, {video},
    'My plant', 'https://x.io/plant');
insert into achievements (id, creator_id, code, title, description, xp)
values ('00000000-0000-7000-8000-000000000028', {ada}, 'first', 'First', 'Begin.', 5);
insert into student_achievements (
    id, creator_id, student_id, achievement_id, xp_earned)
values ('00000000-0000-7000-8000-000000000029', {ada}, {student},
    '00000000-0000-7000-8000-000000000028', 5);
insert into leases (video_id, creator_id, owner, until, fencing_token)
values ({video}, {ada}, 'run', now(), 1);
insert into email_outbox (id, creator_id, template, subject_id, recipient,
    payload_fingerprint, message_id)
values
    ('00000000-0000-7000-8000-000000000031', {ada}, 't', 's', 'ada@x.io', 'p', 'm1'),
    ('00000000-0000-7000-8000-000000000032', null, 't', 's2', 'ops@x.io', 'p', 'm2');
insert into content_health_checks (id, creator_id, video_id, outcome)
values ('00000000-0000-7000-8000-000000000033', {ada}, {video}, 'ok');
insert into ai_usage (id, creator_id, video_id, provider, model, operation, unit)
values
    ('00000000-0000-7000-8000-000000000034', {ada}, {video}, 'p', 'm', 'o', 'tokens'),
    ('00000000-0000-7000-8000-000000000035', null, null, 'p', 'm', 'o', 'tokens');
insert into budgets (creator_id, limit_usd) values ({ada}, 5);
insert into analytics_events (id, creator_id, event_name)
values
    ('00000000-0000-7000-8000-000000000036', {ada}, 'lesson_started'),
    ('00000000-0000-7000-8000-000000000037', null, 'slow_query');
insert into daily_metrics (metric_date, creator_id)
values ('2026-11-01', {ada}), ('2026-11-01', null);
"""
"""A row of every table of the later revisions; of the platform too, where it may be."""

CATALOGUE = """
with relations as (
    select * from pg_class
    where relnamespace = 'public'::regnamespace and relname <> 'alembic_version'
),
functions as (
    select * from pg_proc
    where pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
)
select 'relation', relname, concat_ws(
    ' ', relkind, relispartition, relrowsecurity, relforcerowsecurity, relacl,
    reloptions, pg_get_expr(relpartbound, oid), obj_description(oid))
from relations where relkind in ('r', 'p', 'v')
union all
select 'column', relname || '.' || attname, concat_ws(
    ' ', format_type(atttypid, atttypmod), attnotnull, attgenerated,
    pg_get_expr(adbin, adrelid), col_description(attrelid, attnum))
from relations
join pg_attribute on attrelid = relations.oid and attnum > 0 and not attisdropped
left join pg_attrdef on adrelid = attrelid and adnum = attnum
where relkind in ('r', 'p', 'v')
union all
select 'constraint', relname || '.' || conname,
    concat_ws(' ', pg_get_constraintdef(pg_constraint.oid), convalidated)
from relations join pg_constraint on conrelid = relations.oid
union all
select 'index', relname, concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid)
from relations join pg_index on indexrelid = relations.oid
union all
select 'policy', relname || '.' || polname, concat_ws(
    ' ', polroles::regrole[], polcmd, pg_get_expr(polqual, polrelid),
    pg_get_expr(polwithcheck, polrelid))
from relations join pg_policy on polrelid = relations.oid
union all
select 'trigger', relname || '.' || tgname, pg_get_triggerdef(pg_trigger.oid)
from relations join pg_trigger on tgrelid = relations.oid and not tgisinternal
union all
select 'view', relname, pg_get_viewdef(oid) from relations where relkind = 'v'
union all
select 'function', proname, concat_ws(
    ' ', pg_get_functiondef(oid), proacl, obj_description(oid, 'pg_proc'))
from functions
order by 1, 2, 3
"""

TENANT_TABLES = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
  and not relispartition
  and (relname = 'creators' or exists (
      select from pg_attribute
      where attrelid = pg_class.oid and attname = 'creator_id' and not attisdropped))
order by relname
"""

OPEN_TABLES = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
  -- Partitions of vectors are made by the pipeline; the app role has no right to them.
  and relname not like 'chunk_embeddings\\_%'
  and (relname = 'creators' or exists (
      select from pg_attribute
      where attrelid = pg_class.oid and attname = 'creator_id' and not attisdropped))
  and not (
      relrowsecurity and relforcerowsecurity
      and (
          select array_agg((polname, polroles, polcmd, polpermissive)::text
              order by polname)
          from pg_policy where polrelid = pg_class.oid
      ) = array[
          format('(creator,{%s},*,t)', 'mentora_app'::regrole::oid),
          format('(platform,{%s},*,t)', 'mentora_admin'::regrole::oid)])
"""

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

INSERTABLE_COLUMNS = """
select attname from pg_attribute
where attrelid = %(table)s::regclass and attnum > 0 and not attisdropped
  and attgenerated = ''
"""

TOUCHED_TABLES = """
select table_name from information_schema.columns
where table_schema = 'public' and column_name in ('updated_at', 'version')
group by table_name having count(*) = 2
order by 1
"""

INVALID_INDEXES = """
select indexrelid::regclass::text from pg_index where not indisvalid
"""

PARTITIONS = """
select tableoid::regclass::text, count(*) from analytics_events
where event_name = 'test' group by 1 order by 1
"""

CHANGES = """
select name, payload from events
where name like 'change/%' and xmin = pg_current_xact_id()::xid
order by name, payload::text
"""
"""The change rows of this transaction, which no other one sees."""


@contextmanager
def new_server() -> Iterator[LocalServices]:
    """Empty servers in a folder of their own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mentora-schema-") as folder:
        state = Path(folder) / "servers"
        try:
            yield ensure_local_stack(state)
        finally:
            stop_local_stack(state)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServices]:
    """A server at the newest schema, with a row of Ada's in every table."""
    with new_server() as services:
        migrations.upgrade(services.database_admin_url)
        with psycopg.connect(services.database_admin_url) as connection:
            connection.execute(rows(LESSON_ROWS))
            connection.execute(rows(PLATFORM_ROWS))
        yield services


@pytest.fixture(scope="module")
def empty_server() -> Iterator[LocalServices]:
    """A server for the tests that move between revisions."""
    with new_server() as services:
        yield services


@pytest.fixture
def owner(empty_server: LocalServices) -> str:
    """The owner's URL of a database without our schema."""
    url = empty_server.database_admin_url
    if migrations.current_revision(url) is not None:
        migrations.downgrade(url, "base")
    return url


@pytest.fixture
def admin(server: LocalServices) -> Iterator[Connection]:
    """A transaction of the admin role, rolled back at the end."""
    with psycopg.connect(server.database_admin_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def as_creator(server: LocalServices) -> AsCreator:
    """A transaction of the app role for a creator or for none, rolled back."""

    @contextmanager
    def open_transaction(creator_id: str | None) -> Iterator[Connection]:
        with psycopg.connect(server.database_url) as connection:
            connection.execute(
                "select set_config('app.creator_id', %s, true)", [creator_id or ""]
            )
            yield connection
            connection.rollback()

    return open_transaction


@pytest.fixture(scope="module")
def tenant_tables(server: LocalServices) -> list[str]:
    """Every table that holds rows of creators."""
    with psycopg.connect(server.database_admin_url) as connection:
        return [name for (name,) in connection.execute(TENANT_TABLES)]


def rows(statements: LiteralString) -> sql.Composed:
    """The statements with the ids in their places."""
    return sql.SQL(statements).format(
        ada=ADA,
        bob=BOB,
        video=VIDEO,
        generation=GENERATION,
        student=STUDENT,
        membership=MEMBERSHIP,
        session=SESSION,
    )


def owner_column(table: str) -> sql.Identifier:
    """The column that names the creator of a row."""
    return sql.Identifier("id" if table == "creators" else "creator_id")


def count(connection: Connection, query: LiteralString, table: str) -> int:
    """How many rows a query on `{table}` finds, where `{owner}` is its creator."""
    row = connection.execute(
        sql.SQL("select count(*) from ({}) as found").format(filled(query, table))
    ).fetchone()
    assert row is not None
    return int(row[0])


def filled(query: LiteralString, table: str) -> sql.Composed:
    """A query on `{table}`, where `{owner}` is its creator's column."""
    return sql.SQL(query).format(
        table=sql.Identifier(table),
        owner=owner_column(table),
        ada=sql.Literal(ADA),
        bob=sql.Literal(BOB),
    )


def copy_of_adas_row(connection: Connection, table: str, creator: str) -> sql.Composed:
    """An insert of what Ada's row of a table holds, in the name of `creator`."""
    columns = [
        name for (name,) in connection.execute(INSERTABLE_COLUMNS, {"table": table})
    ]
    row = connection.execute(
        filled("select to_jsonb(t) from {table} as t where {owner} = {ada}", table)
    ).fetchone()
    assert row is not None
    owner = "id" if table == "creators" else "creator_id"
    return sql.SQL(
        "insert into {table} ({columns}) select {columns} "
        "from jsonb_populate_record(null::{table}, {row})"
    ).format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        row=sql.Literal(Jsonb(row[0] | {owner: creator})),
    )


def changes(connection: Connection) -> list[tuple[str, dict[str, object]]]:
    """The change rows that the running transaction wrote."""
    return [(name, payload) for name, payload in connection.execute(CHANGES)]


def snapshot(url: str) -> list[tuple[object, ...]]:
    """Everything that the catalogue knows of our schema."""
    with psycopg.connect(url) as connection:
        return connection.execute(CATALOGUE).fetchall()


def test_every_revision_is_reached_and_left_from_every_other(owner: str) -> None:
    """Else a deployment from an old release, or its way back, ends somewhere else."""
    versions = Path(migrations.__file__).parent / "versions"
    revisions = sorted(path.stem for path in versions.glob("[0-9]*.py"))
    schemas = []
    for revision in revisions:
        migrations.upgrade(owner, revision)
        schemas.append(snapshot(owner))
    earlier = list(zip(revisions, schemas, strict=True))[:-1]
    for revision, schema in reversed(earlier):
        # A step that leaves something behind shows at the revision before it.
        migrations.downgrade(owner, revision)
        assert snapshot(owner) == schema, f"back at {revision}"
        migrations.upgrade(owner)
        assert snapshot(owner) == schemas[-1], f"from {revision} to the newest"


def test_an_upgrade_and_its_way_back_keep_the_rows(owner: str) -> None:
    """Else a deployment loses lessons, or cannot be taken back once it was used."""
    lessons = ("creators", "videos", "transcript_chunks", "chunk_embeddings", "quizzes")
    migrations.upgrade(owner, "0001_lessons")
    with psycopg.connect(owner) as connection:
        # What a build leaves that was killed, or broken off by a deadlock.
        connection.execute("create index idx_videos_creator on videos (title)")
        connection.execute(rows(LESSON_ROWS))
        before = {table: count(connection, "table {table}", table) for table in lessons}
    migrations.upgrade(owner)
    with psycopg.connect(owner) as connection:
        assert connection.execute(INVALID_INDEXES).fetchall() == []
        rebuilt = connection.execute(
            "select pg_get_indexdef('idx_videos_creator'::regclass)"
        ).fetchone()
        assert rebuilt is not None
        assert "created_at DESC, id" in rebuilt[0]
        waiting = connection.execute(
            "select count(*) from events where status = 'pending'"
        ).fetchone()
        assert waiting == (2,)
        connection.execute(rows(PLATFORM_ROWS))
        connection.execute("delete from creators where id = %s", [BOB])
    migrations.downgrade(owner, "0001_lessons")
    with psycopg.connect(owner) as connection:
        after = {table: count(connection, "table {table}", table) for table in lessons}
        assert after == before | {"creators": 1}
        assert count(connection, "table {table}", "events") == 2


def test_no_concurrent_build_is_inside_a_transaction() -> None:
    """Else the upgrade is refused, or an index build stops every writer."""
    folder = Path(migrations.__file__).parent / "sql"
    for file in folder.glob("*.sql"):
        text = file.read_text(encoding="utf-8")
        apart = file.name.endswith(".concurrent.sql")
        assert (" concurrently " in text) == apart, file.name


def test_every_tenant_table_forces_both_policies(admin: Connection) -> None:
    """Else the app role reads every creator's rows of it."""
    assert admin.execute(OPEN_TABLES).fetchall() == []


def test_every_tenant_table_has_a_row_to_try(
    admin: Connection, as_creator: AsCreator, tenant_tables: list[str]
) -> None:
    """Else the tests below prove nothing about a new table."""
    own = "select from {table} where {owner} = {ada}"
    assert [t for t in tenant_tables if not count(admin, own, t)] == []
    with as_creator(ADA) as app:
        assert [t for t in tenant_tables if not count(app, "table {table}", t)] == []


@pytest.mark.parametrize("creator", [BOB, None])
def test_a_stranger_sees_and_writes_nothing(
    admin: Connection,
    as_creator: AsCreator,
    tenant_tables: list[str],
    creator: str | None,
) -> None:
    """Else one creator reads, changes or forges what is another's."""
    seen, written = [], []
    with as_creator(creator) as app:
        for table in tenant_tables:
            ours = "select from {table} where {owner} is distinct from {bob}"
            if count(app, ours, table):
                seen.append(table)
            attempts = [
                filled(
                    "update {table} set {owner} = {owner} "
                    "where {owner} is distinct from {bob}",
                    table,
                ),
                filled(
                    "delete from {table} where {owner} is distinct from {bob}", table
                ),
                copy_of_adas_row(admin, table, ADA),
            ]
            for attempt in attempts:
                try:
                    with app.transaction(force_rollback=True):
                        rows = app.execute(attempt).rowcount
                except errors.InsufficientPrivilege:
                    continue
                if rows:
                    written.append((table, attempt.as_string()))
    assert (seen, written) == ([], [])


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
        "memberships": "isu",
        "quiz_attempts": "dis",
        "student_achievements": "dis",
        "video_chunks": "s",
    }


def test_a_foreign_key_between_tenants_names_the_creator(admin: Connection) -> None:
    """Else a row can hang on another creator's, and is changed or deleted with it."""
    keys = [key for (key,) in admin.execute(KEYS_WITHOUT_CREATOR)]
    # Pointers of the first revision: what they show is read under a policy again.
    assert keys == [
        "quiz_questions.quiz_questions_chunk_id_fkey",
        "videos.videos_published_transcript_id_fkey",
        "videos.videos_staged_transcript_id_fkey",
    ]


def test_a_child_of_another_creator_is_refused(admin: Connection) -> None:
    """Else Bob's row hangs on Ada's student, and shows in neither's lists rightly."""
    children = [name for (name,) in admin.execute(KEYS_WITH_CREATOR)]
    assert {"leases", "chat_messages", "quiz_attempts"} < set(children)
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


def test_a_fact_of_any_month_is_kept(admin: Connection) -> None:
    """Else a late mail or a wrong clock loses what students did."""
    admin.execute(
        """
        insert into analytics_events (id, creator_id, event_name, created_at)
        select gen_random_uuid(), null, 'test', moment::timestamptz
        from (values ('1999-12-31T23:59:59Z'), ('2031-05-01T00:00:00Z'),
            ('2031-05-01T01:00:00Z'),
            ('2031-04-30T23:59:59.999Z'), ('2031-05-31T23:59:59.999Z'),
            ('2031-06-01T00:00:00Z')) as moments (moment)
        """
    )
    default = "analytics_events_default"
    assert admin.execute(PARTITIONS).fetchall() == [(default, 6)]


def test_a_new_partition_takes_its_month_from_the_default_one(
    admin: Connection,
) -> None:
    """Else a month that began before its partition can never get one."""
    test_a_fact_of_any_month_is_kept(admin)
    # The session's time zone must not move the edges of a month.
    admin.execute("set local timezone to 'America/New_York'")
    make = "select create_analytics_partitions('2031-05-31', 1)"
    assert admin.execute(make).fetchone() == (1,)
    assert admin.execute(PARTITIONS).fetchall() == [
        ("analytics_events_2031_05", 3),
        ("analytics_events_default", 3),
    ]
    assert admin.execute(OPEN_TABLES).fetchall() == []


def test_partitions_are_made_once(admin: Connection) -> None:
    """Else the job that makes them ahead fails in its second month."""
    make = "select create_analytics_partitions('2031-11-15', 3)"
    assert admin.execute(make).fetchone() == (3,)
    assert admin.execute(make).fetchone() == (0,)
    later = "select create_analytics_partitions('2031-11-01', 4)"
    assert admin.execute(later).fetchone() == (1,)
    made = admin.execute(
        "select relname from pg_class where relname ~ '^analytics_events_203._..$'"
    ).fetchall()
    assert {name for (name,) in made} == {
        "analytics_events_2031_11",
        "analytics_events_2031_12",
        "analytics_events_2032_01",
        "analytics_events_2032_02",
    }


def test_the_months_around_now_have_partitions(admin: Connection) -> None:
    """Else every fact of the first months is in one table without an end."""
    (row,) = admin.execute(
        "select tableoid::regclass::text, created_at from analytics_events "
        "where creator_id is null"
    ).fetchall()
    name, created_at = row
    assert isinstance(created_at, datetime)
    assert name == f"analytics_events_{created_at:%Y_%m}"


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
