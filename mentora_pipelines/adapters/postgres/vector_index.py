"""The index of a generation's vectors, as the plans of search expect it.

Here belong its shape and the statement that builds it. Not here: when it is built or
built anew, or which search uses it (`search_plan`, migration 0016).
"""

from uuid import UUID

from psycopg import sql

NEIGHBOURS = 16
CANDIDATES = 64
"""pgvector's m and ef_construction, its defaults: with 100,000 vectors of 384
dimensions a search of 100 candidates finds more than 98 % of the true ten nearest."""

MAX_DIMENSIONS = 4_000
"""Of a halfvec in an index; longer vectors are compared one by one."""

CREATE_INDEX = """
create index {concurrently} {name} on {partition}
using hnsw ((embedding::halfvec({dimensions})) halfvec_cosine_ops)
with (m = {neighbours}, ef_construction = {candidates})
"""


def partition_name(generation_id: UUID) -> str:
    """The table that holds a generation's vectors."""
    return f"chunk_embeddings_{generation_id.hex}"


def create_index_statement(
    generation_id: UUID, dimensions: int, name: str, *, concurrently: bool = True
) -> sql.Composed:
    """Builds the index `name`: on vectors of half the bytes, ordered by whole ones.

    Search compares the nearest it yields once more by their full vectors.
    """
    return sql.SQL(CREATE_INDEX).format(
        concurrently=sql.SQL("concurrently" if concurrently else ""),
        name=sql.Identifier(name),
        partition=sql.Identifier(partition_name(generation_id)),
        dimensions=sql.Literal(dimensions),
        neighbours=sql.Literal(NEIGHBOURS),
        candidates=sql.Literal(CANDIDATES),
    )
