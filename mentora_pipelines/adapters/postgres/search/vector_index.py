"""The index of a generation's vectors, as the plans of search expect it.

Here belong its shape, the statement that builds it and the memory that this takes. Not
here: when it is built or built anew, or which search uses it and with how many
candidates (`search_plan`, `search_candidates`, migration 0016).
"""

from uuid import UUID

from psycopg import sql

NEIGHBOURS = 16
CANDIDATES = 64
"""pgvector's m and ef_construction, its defaults: of vectors of 384 dimensions a search
finds 98 % of the true ten nearest and more, among 100,000 with 100 candidates, among a
million with 250 (`benchmarks/vector_search.py`)."""

MAX_DIMENSIONS = 4_000
"""Of a halfvec in an index; longer vectors are compared one by one."""

BYTES_BESIDE_A_VECTOR = 1_000
"""Of a vector's place in the graph while it is built: 2 * m neighbours of 16 bytes,
their upper layers, and what memory contexts round up to (measured: 1.6 GB for a million
vectors of 384 dimensions, of two bytes each)."""

GRAPH_BLOCK_BYTES = 1024 * 1024
"""pgvector takes memory for a graph in blocks of this size and counts whole ones."""

GIVE_BUILD_MEMORY = """
select set_config(
    'maintenance_work_mem',
    greatest(
        pg_size_bytes(current_setting('maintenance_work_mem')),
        least(%(graph_bytes)s, pg_size_bytes(current_setting('shared_buffers')))
    ) / 1024 || 'kB',
    false)
"""
"""A graph that does not fit is written page by page, which takes many times as long.

Not above what the server has for its buffers, by convention a quarter of its memory.
"""

CREATE_INDEX = """
create index {concurrently} {name} on {partition}
using hnsw ((embedding::halfvec({dimensions})) halfvec_cosine_ops)
with (m = {neighbours}, ef_construction = {candidates})
"""


def graph_bytes(vectors: int, dimensions: int) -> int:
    """Memory that an index of so many vectors takes while it is built."""
    return vectors * (2 * dimensions + BYTES_BESIDE_A_VECTOR) + 2 * GRAPH_BLOCK_BYTES


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
