"""One bulk write by a library, in an environment of its own (`.venv-peers`).

`python benchmarks/peer_vector_writes.py LIBRARY URL ROWS DIMENSIONS` prints one line
of JSON with the seconds of the call; imports and connecting are not counted.
"""

import json
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import numpy as np

TEXT = "of a lesson about the way that plants grow " * 12


def langchain(
    url: str, texts: list[str], vectors: list[list[float]]
) -> Callable[[], Any]:
    """LangChain's PGVector."""
    from langchain_core.embeddings import FakeEmbeddings
    from langchain_postgres import PGVector

    store = PGVector(
        embeddings=FakeEmbeddings(size=len(vectors[0])),
        collection_name=uuid.uuid4().hex,
        connection=url.replace("postgresql://", "postgresql+psycopg://"),
        embedding_length=len(vectors[0]),
        create_extension=False,
    )
    metadatas = [{"chunk_index": index} for index in range(len(texts))]
    ids = [str(uuid.uuid4()) for _ in texts]
    return lambda: store.add_embeddings(
        texts=texts, embeddings=vectors, metadatas=metadatas, ids=ids
    )


def llamaindex(
    url: str, texts: list[str], vectors: list[list[float]]
) -> Callable[[], Any]:
    """LlamaIndex's PGVectorStore."""
    from llama_index.core.schema import TextNode
    from llama_index.vector_stores.postgres import PGVectorStore

    parts = urlsplit(url)
    store = PGVectorStore.from_params(
        host=parts.hostname,
        port=str(parts.port),
        user=parts.username,
        password=parts.password,
        database=parts.path.lstrip("/"),
        table_name=f"t{uuid.uuid4().hex[:12]}",
        embed_dim=len(vectors[0]),
        perform_setup=True,
    )
    store.add([TextNode(text="warm", embedding=vectors[0])])
    nodes = [
        TextNode(text=text, embedding=vector, metadata={"chunk_index": index})
        for index, (text, vector) in enumerate(zip(texts, vectors, strict=True))
    ]
    return lambda: store.add(nodes)


def vecs(url: str, texts: list[str], vectors: list[list[float]]) -> Callable[[], Any]:
    """Supabase's vecs."""
    import vecs as library

    client = library.create_client(url)
    collection = client.get_or_create_collection(
        name=uuid.uuid4().hex, dimension=len(vectors[0])
    )
    records = [
        (str(uuid.uuid4()), vector, {"text": text, "chunk_index": index})
        for index, (text, vector) in enumerate(zip(texts, vectors, strict=True))
    ]
    return lambda: collection.upsert(records)


WRITERS = {"langchain": langchain, "llamaindex": llamaindex, "vecs": vecs}


def main(name: str, url: str, rows: int, dimensions: int) -> None:
    """Write once and print the seconds."""
    vectors = np.random.default_rng(0).normal(size=(rows, dimensions)).tolist()
    texts = [f"Chunk {index} {TEXT}" for index in range(rows)]
    write = WRITERS[name](url, texts, vectors)
    started = time.perf_counter()
    write()
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
