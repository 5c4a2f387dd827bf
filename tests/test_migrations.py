import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from mentora_pipelines import migrations
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
from mentora_pipelines.errors import TransientError
from mentora_pipelines.local_stack import ensure_local_stack, stop_local_stack
from tests.fix_services import PROJECT
from tests.stored_lessons import stored_lesson

UPGRADE = "import sys; from mentora_pipelines import migrations as m; "
UPGRADE += "m.upgrade(sys.argv[1])"

SCHEMA = """
select 'column', table_name || '.' || column_name, data_type || is_nullable
from information_schema.columns where table_schema = 'public'
union all
select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
union all
select 'constraint', conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'public'::regnamespace
union all
select 'policy', concat(tablename, ' ', policyname), concat(roles, qual, with_check)
from pg_policies where schemaname = 'public'
union all
select 'grant', table_name, grantee || ' ' || privilege_type
from information_schema.role_table_grants where table_schema = 'public'
union all
select 'function', proname, pg_get_functiondef(oid)
from pg_proc where pronamespace = 'public'::regnamespace and not exists (
    select from pg_depend where objid = pg_proc.oid and deptype = 'e')
order by 1, 2, 3
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """An empty database of its own: the URLs of its app role and its owner."""
    folder = tmp_path_factory.mktemp("migrations") / "servers"
    services = ensure_local_stack(folder)
    yield services.database_url, services.database_admin_url
    stop_local_stack(folder)


@pytest.fixture
def owner(stack: tuple[str, str]) -> Iterator[str]:
    """The owner's URL of a database without our schema; empty again afterwards."""
    yield stack[1]
    if migrations.current_revision(stack[1]) is not None:
        migrations.downgrade(stack[1], "base")


def schema(url: str) -> list[tuple[object, ...]]:
    """Everything that stands in our schema, but for alembic's own table."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(SCHEMA).fetchall()
    return [row for row in rows if "alembic_version" not in str(row)]


def test_the_head_is_the_one_alembic_knows() -> None:
    """Else every run believes that the schema is old, or that an old one is new."""
    scripts = ScriptDirectory(str(PROJECT / "mentora_pipelines" / "migrations"))
    assert scripts.get_heads() == [migrations.head_revision()]


def test_every_revision_has_its_sql() -> None:
    """Else an upgrade stops half-way, or cannot be taken back."""
    versions = Path(migrations.__file__).parent / "versions"
    for revision in versions.glob("[0-9]*.py"):
        assert migrations.read_sql(f"{revision.stem}.up")
        assert migrations.read_sql(f"{revision.stem}.down")


def test_a_second_upgrade_does_nothing(owner: str) -> None:
    """Else every deployment risks the data."""
    migrations.upgrade(owner)
    made = schema(owner)
    assert migrations.current_revision(owner) == migrations.head_revision()
    migrations.upgrade(owner)
    assert schema(owner) == made != []


def test_a_downgrade_is_complete_and_the_way_back_is_the_same(
    stack: tuple[str, str], owner: str
) -> None:
    """Else a deployment that is taken back cannot be tried again."""
    before = schema(owner)
    migrations.upgrade(owner)
    made = schema(owner)
    app, admin = Database(stack[0], "test"), Database(owner, "test")
    stored_lesson(PostgresCatalogue(admin), PostgresLessons(app))
    app.close()
    admin.close()
    migrations.downgrade(owner, "base")
    assert migrations.current_revision(owner) is None
    assert schema(owner) == before
    migrations.upgrade(owner)
    assert schema(owner) == made


def test_two_upgrades_at_once_do_not_clash(owner: str) -> None:
    """Else of two workers that start together one dies, or the schema is torn."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, owner],
            cwd=PROJECT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    errors = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], errors
    assert migrations.current_revision(owner) == migrations.head_revision()


def test_a_database_that_is_away_is_tried_again() -> None:
    """Else a restart of the database fails every lesson for good."""
    with pytest.raises(TransientError) as away:
        migrations.current_revision("postgresql://ada:hunter2@127.0.0.1:1/mentora")
    assert "hunter2" not in str(away.value)
