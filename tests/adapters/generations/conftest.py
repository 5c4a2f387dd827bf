"""A database whose generations are one module's alone."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.search.generation_builds import (
    GenerationBuildRows,
)
from mentora_pipelines.domain.generations.generations import (
    Generation,
    GenerationStatus,
)
from mentora_pipelines.services import DatabaseUrls
from tests.adapters.generations.rows import FEW, OLD, fill, swapped_in


@pytest.fixture(scope="module")
def filled(own_urls: DatabaseUrls) -> DatabaseUrls:
    """A database with 1,000 published chunks, each creator's the same number."""
    with psycopg.connect(own_urls.admin, autocommit=True) as connection:
        connection.execute(
            "insert into creators (id, email) select gen_random_uuid(), "
            "number || '@generations.example' from generate_series(1, 5) as number"
        )
    fill(own_urls, 1, FEW)
    return own_urls


@pytest.fixture
def store(filled: DatabaseUrls) -> Iterator[GenerationBuildRows]:
    """The generations of that database; each test begins without any."""
    with closing(Database(filled.admin, "tests-generations")) as database:
        rows = GenerationBuildRows(database)
        yield rows
        for generation in rows.generations():
            with database.transaction() as connection:
                connection.execute(
                    "update embedding_generations set status = 'retired' "
                    "where id = %(id)s",
                    {"id": generation.id},
                )
            rows.drop_generation(replace(generation, status=GenerationStatus.RETIRED))


@pytest.fixture
def searched(store: GenerationBuildRows) -> Generation:
    """The old model's vectors of everything, searched."""
    return swapped_in(OLD, store)
