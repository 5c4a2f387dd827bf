"""The index on vectors: how it is built, and whether it finds what it should."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg
import pytest

from mentora_pipelines.adapters.postgres.database import Connection, Database
from mentora_pipelines.adapters.postgres.search.generation_builds import (
    GenerationBuildRows,
)
from mentora_pipelines.adapters.postgres.search.vector_index import MAX_DIMENSIONS
from mentora_pipelines.domain.generations.building import build_generation
from mentora_pipelines.domain.generations.generations import (
    Generation,
    GenerationStatus,
    generation_now,
)
from mentora_pipelines.domain.generations.swapping import GateClosed, swap_generation
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.errors import SettingsError
from mentora_pipelines.services import DatabaseUrls
from mentora_pipelines.settings.hosted_models import OpenAiSettings
from tests.adapters.generations.rows import NEW, count_of, swapped_in, unjudged
from tests.fix_databases import superuser_url
from tests.hash_models import HashModel
from tests.waiting import wait_until

LOSE_THE_NEAREST = """
alter function search_statement(text, uuid, integer) rename to whole_statement;
create function search_statement(plan text, generation uuid, dimensions integer)
    returns text language sql immutable
    return whole_statement(
            case when plan like '%_index' then 'platform_exact' else plan end,
            generation, dimensions)
        || case when plan like '%_index' then ' offset 1' else '' end
"""
"""A search by index that finds all but the nearest."""

FIND_IT_AGAIN = """
drop function search_statement(text, uuid, integer);
alter function whole_statement(text, uuid, integer) rename to search_statement
"""

REFUSE_WORKERS = (
    """
    create function refuse_workers() returns event_trigger language plpgsql as $$
    begin
        if current_setting('max_parallel_maintenance_workers') <> '0' then
            raise 'could not resize shared memory segment' using errcode = '53100';
        end if;
    end
    $$
    """,
    """
    create event trigger cramped on ddl_command_start when tag in ('CREATE INDEX')
    execute function refuse_workers()
    """,
)
"""A server in a container, whose memory for workers to share is too small."""


def test_an_index_that_loses_too_much_is_not_searched(
    filled: DatabaseUrls, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else an index that was built on too little is searched by everybody."""
    building = store.begin_generation(NEW.model)
    build_generation(building.id, embedder=NEW, store=store)
    store.build_index(building)
    with psycopg.connect(filled.admin) as connection:
        connection.execute(LOSE_THE_NEAREST)
    try:
        with pytest.raises(GateClosed, match=r"the index finds 0\.9"):
            swap_generation(
                generation_now(building.id, store),
                embedder=NEW,
                store=store,
                judge=unjudged,
            )
    finally:
        with psycopg.connect(filled.admin) as connection:
            connection.execute(FIND_IT_AGAIN)
    assert generation_now(building.id, store).recall == pytest.approx(0.9, abs=0.05)
    assert generation_now(searched.id, store).status is GenerationStatus.ACTIVE


def test_a_nearest_text_that_the_index_loses_is_a_tenth_of_recall(
    filled: DatabaseUrls, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else an index that loses one of ten passes the gate as if it lost one of 30."""
    store.build_index(searched)
    with psycopg.connect(filled.admin) as connection:
        recall = "select search_recall(%s, 5)"
        whole = connection.execute(recall, [searched.id]).fetchone()
        assert whole is not None
        connection.execute(LOSE_THE_NEAREST)
        measured = connection.execute(recall, [searched.id]).fetchone()
        assert measured == (pytest.approx(whole[0] - 0.1),)
        connection.rollback()


def test_what_a_broken_off_build_of_the_index_has_left_is_dropped(
    filled: DatabaseUrls, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else each one costs its size for ever, and every write keeps it up to date."""
    store.build_index(searched)
    part = f"chunk_embeddings_{searched.id.hex}"
    left = (
        "select count(*) from pg_index where indrelid = %(part)s::regclass "
        "and not indisvalid"
    )
    with (
        ThreadPoolExecutor(1) as thread,
        psycopg.connect(filled.admin) as writer,
        psycopg.connect(filled.admin, autocommit=True) as builder,
    ):
        # Somebody writes all the while, for whom a build waits in vain.
        writer.execute(f"lock table {part} in row exclusive mode")
        building = thread.submit(
            builder.execute, f"reindex index concurrently {part}_hnsw"
        )
        wait_until(lambda: count_of(filled, left, part=part) or building.done())
        builder.cancel()
        with pytest.raises(psycopg.errors.QueryCanceled):
            building.result()
    assert count_of(filled, left, part=part) == 1
    store.build_index(searched)
    assert count_of(filled, left, part=part) == 0
    assert generation_now(searched.id, store).is_indexed


class NoticingDatabase(Database):
    """Keeps what the server remarks about statements outside transactions."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "tests-noticing")
        self.notices: list[str | None] = []

    @contextmanager
    def without_transaction(self) -> Iterator[Connection]:
        """Its notices are kept."""
        with super().without_transaction() as connection:
            connection.add_notice_handler(
                lambda notice: self.notices.append(notice.message_primary)
            )
            yield connection


def test_an_index_is_built_with_the_memory_that_its_graph_needs(
    filled: DatabaseUrls, store: GenerationBuildRows
) -> None:
    """Else a million vectors take hours, page by page, with the server's default."""
    wide = swapped_in(HashModel("wide", 500), store)
    with psycopg.connect(filled.admin, autocommit=True) as connection:
        connection.execute("alter role current_user set maintenance_work_mem = '1MB'")
        try:
            with closing(NoticingDatabase(filled.admin)) as database:
                GenerationBuildRows(database).build_index(wide)
        finally:
            connection.execute("alter role current_user reset maintenance_work_mem")
    assert database.notices == []


def test_a_server_without_shared_memory_builds_an_index_alone(
    filled: DatabaseUrls, store: GenerationBuildRows, searched: Generation
) -> None:
    """Else in a container no model of many vectors can ever be searched."""
    with psycopg.connect(superuser_url(filled.admin), autocommit=True) as superuser:
        for statement in REFUSE_WORKERS:
            superuser.execute(statement)
        try:
            store.build_index(searched)
        finally:
            superuser.execute("drop event trigger cramped")
    assert generation_now(searched.id, store).is_indexed


def test_vectors_of_the_largest_setting_have_an_index(
    store: GenerationBuildRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever sets it searches millions of vectors one by one."""
    monkeypatch.setenv("MENTORA_EMBEDDING_DIMENSIONS", str(MAX_DIMENSIONS + 1))
    with pytest.raises(SettingsError):
        OpenAiSettings()
    monkeypatch.setenv("MENTORA_EMBEDDING_DIMENSIONS", str(MAX_DIMENSIONS))
    dimensions = OpenAiSettings().embedding_dimensions
    largest = store.begin_generation(EmbeddingModel("test", "large", dimensions))
    store.build_index(largest)
    assert generation_now(largest.id, store).is_indexed
