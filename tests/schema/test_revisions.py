"""The revisions: each is reached and left from every other, and rows survive."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from mentora_pipelines import migrations
from mentora_pipelines.errors import TransientError
from tests.fix_databases import NewDatabase
from tests.fix_services import PROJECT
from tests.schema.catalog import snapshot
from tests.schema.seed import (
    BOB,
    GENERATION_ROWS,
    LESSON_ROWS,
    PLATFORM_ROWS,
    count,
    fill,
    rows,
)

UPGRADE = "import sys; from mentora_pipelines import migrations as m; "
UPGRADE += "m.upgrade(sys.argv[1])"

INVALID_INDEXES = """
select indexrelid::regclass::text from pg_index where not indisvalid
"""


@pytest.fixture
def owner(new_database: NewDatabase) -> Iterator[str]:
    """The owner's URL of a database without our schema."""
    with new_database() as made:
        yield made.admin


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


def test_no_concurrent_build_is_inside_a_transaction() -> None:
    """Else the upgrade is refused, or an index build stops every writer."""
    folder = Path(migrations.__file__).parent / "sql"
    for file in folder.glob("*.sql"):
        text = file.read_text(encoding="utf-8")
        apart = file.name.endswith(".concurrent.sql")
        assert (" concurrently " in text) == apart, file.name


def test_the_index_of_all_vectors_is_built_when_nothing_else_is_left() -> None:
    """Else nobody writes a vector while the words of every chunk are read anew."""
    *before, last = migrations.read_sql("0016_search.up").rstrip("; \n").split(";")
    assert "create index idx_chunk_embeddings_creator" in last
    assert any("update transcript_chunks" in statement for statement in before)


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
        connection.execute(rows(GENERATION_ROWS))
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


def test_a_used_database_can_be_emptied_and_made_again(owner: str) -> None:
    """Else a deployment that is taken back cannot be tried again."""
    before = snapshot(owner)
    migrations.upgrade(owner)
    made = snapshot(owner)
    fill(owner)
    migrations.downgrade(owner, "base")
    assert migrations.current_revision(owner) is None
    assert snapshot(owner) == before
    migrations.upgrade(owner)
    assert snapshot(owner) == made


def test_a_second_upgrade_does_nothing(owner: str) -> None:
    """Else every deployment risks the data."""
    migrations.upgrade(owner)
    made = snapshot(owner)
    assert migrations.current_revision(owner) == migrations.head_revision()
    migrations.upgrade(owner)
    assert snapshot(owner) == made != []


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
