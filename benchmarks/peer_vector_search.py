"""Searches by a library, in an environment of its own (`.venv-peers`).

`python benchmarks/peer_vector_search.py LIBRARY URL DIMENSIONS fill|attach`: with
`fill` it copies the rows of `plain` into the library's table and has its HNSW index
built (m 16, ef_construction 64). It prints `{"build_s", "index_bytes"}`. Then it
answers each line of JSON `{"vectors", "filter", "k"}` with `{"ids", "ms"}`, one of each
for every vector.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import psycopg

EF_SEARCH = 100
OPTIONS = f"options=-c%20hnsw.ef_search%3D{EF_SEARCH}"

FILL_LANGCHAIN = """
insert into langchain_pg_embedding (id, collection_id, embedding, document, cmetadata)
select n::text, (select uuid from langchain_pg_collection), embedding,
    repeat('word ', 90) || n,
    jsonb_build_object('video_id', video_id, 'creator_id', creator_id)
from plain
"""
INDEX_LANGCHAIN = """
create index langchain_hnsw on langchain_pg_embedding
using hnsw (embedding vector_cosine_ops) with (m = 16, ef_construction = 64)
"""
FILL_LLAMAINDEX = """
insert into data_bench (text, metadata_, node_id, embedding)
select repeat('word ', 90) || n,
    json_build_object(
        '_node_content', %s::text, '_node_type', 'TextNode', 'document_id', 'None',
        'doc_id', 'None', 'ref_doc_id', 'None', 'video_id', video_id,
        'creator_id', creator_id),
    n::text, embedding
from plain
"""

Search = Callable[[list[float], dict[str, str], int], list[int]]


def execute(url: str, *statements: tuple[str, tuple[Any, ...]]) -> float:
    """Run statements; returns the seconds of the last."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement, parameters in statements:
            started = time.perf_counter()
            connection.execute(statement.encode(), parameters or None)
        return time.perf_counter() - started


def langchain(url: str, dimensions: int, *, fill: bool) -> tuple[Search, float, str]:
    """LangChain's PGVector, with the index that its users are told to make."""
    from langchain_core.embeddings import FakeEmbeddings
    from langchain_postgres import PGVector

    store = PGVector(
        embeddings=FakeEmbeddings(size=dimensions),
        collection_name="bench",
        connection=url.replace("postgresql://", "postgresql+psycopg://")
        + f"?{OPTIONS}",
        embedding_length=dimensions,
        create_extension=False,
    )
    seconds = 0.0
    if fill:
        seconds = execute(url, (FILL_LANGCHAIN, ()), (INDEX_LANGCHAIN, ()))
        execute(url, ("vacuum analyze langchain_pg_embedding", ()))

    def search(vector: list[float], where: dict[str, str], k: int) -> list[int]:
        conditions = {key: {"$eq": value} for key, value in where.items()}
        found = store.similarity_search_by_vector(vector, k, filter=conditions or None)
        return [int(document.id) for document in found]

    return search, seconds, "langchain_hnsw"


def llamaindex(url: str, dimensions: int, *, fill: bool) -> tuple[Search, float, str]:
    """LlamaIndex's PGVectorStore with its own HNSW index."""
    from llama_index.core.schema import TextNode
    from llama_index.core.vector_stores.types import (
        MetadataFilter,
        MetadataFilters,
        VectorStoreQuery,
    )
    from llama_index.vector_stores.postgres import PGVectorStore

    parts = urlsplit(url)

    def store(**more: dict[str, Any]) -> PGVectorStore:
        opened = PGVectorStore.from_params(
            host=parts.hostname,
            port=str(parts.port),
            user=parts.username,
            password=parts.password,
            database=parts.path.lstrip("/"),
            table_name="bench",
            embed_dim=dimensions,
            perform_setup=True,
            **more,
        )
        opened.add([TextNode(id_="-1", text="first", embedding=[1.0] * dimensions)])
        opened.delete_nodes(node_ids=["-1"])
        return opened

    if fill:
        store()
        content = TextNode(text="").model_dump_json()
        execute(url, (FILL_LLAMAINDEX, (content,)), ("vacuum analyze data_bench", ()))
    started = time.perf_counter()
    indexed = store(
        hnsw_kwargs={
            "hnsw_m": 16,
            "hnsw_ef_construction": 64,
            "hnsw_ef_search": EF_SEARCH,
            "hnsw_dist_method": "vector_cosine_ops",
        }
    )
    seconds = time.perf_counter() - started

    def search(vector: list[float], where: dict[str, str], k: int) -> list[int]:
        filters = [MetadataFilter(key=key, value=value) for key, value in where.items()]
        query = VectorStoreQuery(
            query_embedding=vector,
            similarity_top_k=k,
            filters=MetadataFilters(filters=filters) if filters else None,
        )
        return [int(name) for name in indexed.query(query).ids or []]

    return search, seconds, "data_bench_embedding_idx"


LIBRARIES = {"langchain": langchain, "llamaindex": llamaindex}


def main(name: str, url: str, dimensions: int, mode: str) -> None:
    """Build, then answer until the input ends."""
    search, seconds, index = LIBRARIES[name](url, dimensions, fill=mode == "fill")
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select coalesce(sum(pg_relation_size(oid)), 0) from pg_class "
            "where relname = %s",
            (index,),
        ).fetchone()
    print(json.dumps({"build_s": seconds, "index_bytes": int(row[0]) if row else 0}))
    sys.stdout.flush()
    for line in sys.stdin:
        asked = json.loads(line)
        ids, milliseconds = [], []
        for vector in asked["vectors"]:
            started = time.perf_counter()
            ids.append(search(vector, asked["filter"], asked["k"]))
            milliseconds.append((time.perf_counter() - started) * 1000)
        print(json.dumps({"ids": ids, "ms": milliseconds}))
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
