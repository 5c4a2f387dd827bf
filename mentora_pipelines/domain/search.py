"""Search: the moments of published lessons that answer a question.

Here belong the shape of a hit, the scope and the mode of a search, and its port. Not
here: SQL, indexes, or the embedding model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.lessons.embeddings import Embedder
from mentora_pipelines.domain.videos import lesson_page
from mentora_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_HITS = 100
MAX_QUERY_CHARACTERS = 2_000


class SearchMode(StrEnum):
    """What is compared: the meaning, the words, or both joined by their ranks."""

    HYBRID = "hybrid"
    VECTOR = "vector"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Where to look: one video, one creator, or every creator when both are None."""

    creator_id: UUID | None = None
    video_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What an index is asked; a vector, words, or both.

    `generation_id` names the model that made the vector; None: the only one that makes
    vectors of that length.
    """

    vector: "NDArray[np.float32] | None"
    text: str | None
    scope: SearchScope
    limit: int
    generation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A moment of a lesson: a chunk, or neighbouring chunks that answer together.

    `score` is 1 for what is first by meaning and by words, and orders the hits of one
    question; it says nothing across questions. Its parts: `similarity` (cosine, -1 to
    1) and `vector_rank`, `text_rank` and `text_share` (of the question's words that
    stand in the text), each of the best chunk and None where that side did not find it;
    `sentence_similarity` (cosine) of the sentences that a reranker found nearest.
    `highlights` are words of the text that the question asks for.
    """

    video_id: UUID
    title: str
    start_s: float
    end_s: float
    text: str
    score: float
    similarity: float | None
    vector_rank: int | None
    text_rank: int | None
    text_share: float | None
    highlights: tuple[str, ...]
    sentence_similarity: float | None = None


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How the nearest vectors of a scope are found: its name, why, and what it reads.

    Rows of a creator are counted as far as it matters; those in all are an estimate.
    `steps` is the database's own account of it, one line each.
    """

    name: str
    reason: str
    generation_id: UUID | None
    rows_in_scope: int | None
    rows_in_all: int | None
    steps: tuple[str, ...]


@runtime_checkable
class SearchIndex(Protocol):
    """Finds published passages."""

    def search(self, request: SearchRequest) -> list[SearchHit]:
        """At most `limit` hits, best first; fewer only when there are no more."""
        ...

    def search_plan(self, request: SearchRequest) -> SearchPlan:
        """How the vectors of the request would be searched; raises `InvalidInput`."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """Looks closer at the hits that an index found."""

    @property
    def depth(self) -> int:
        """Hits that it wants to see, however few are shown."""
        ...

    def rerank(self, query: str, hits: Sequence[SearchHit]) -> list[SearchHit]:
        """The same hits, best first."""
        ...


def search_lessons(
    query: str,
    *,
    index: SearchIndex,
    embedder: Embedder,
    scope: SearchScope,
    limit: int = 5,
    mode: SearchMode = SearchMode.HYBRID,
    reranker: Reranker | None = None,
) -> list[SearchHit]:
    """The moments that answer `query` best; raises `InvalidInput`.

    A reranker has no say in a search by words alone.
    """
    request = search_request(
        query, embedder=embedder, scope=scope, limit=limit, mode=mode
    )
    if reranker is None or request.vector is None:
        return index.search(request)
    found = index.search(replace(request, limit=max(limit, reranker.depth)))
    return reranker.rerank(query, found)[:limit]


def search_request(
    query: str,
    *,
    embedder: Embedder,
    scope: SearchScope,
    limit: int = 5,
    mode: SearchMode = SearchMode.HYBRID,
) -> SearchRequest:
    """The question as an index takes it; raises `InvalidInput`."""
    query = query.strip()
    if not query or len(query) > MAX_QUERY_CHARACTERS or "\0" in query:
        raise InvalidInput(f"a query has 1 to {MAX_QUERY_CHARACTERS} characters")
    if not 1 <= limit <= MAX_HITS:
        raise InvalidInput(f"ask for 1 to {MAX_HITS} hits, not {limit}")
    return SearchRequest(
        vector=None if mode is SearchMode.TEXT else embedder.embed([query])[0],
        text=None if mode is SearchMode.VECTOR else query,
        scope=scope,
        limit=limit,
        # While models are exchanged, each is searched with its own vectors.
        generation_id=embedder.model.generation_id,
    )


def moment_url(app_url: str | None, hit: SearchHit) -> str | None:
    """Where the web application plays the moment; None when it has no address."""
    if app_url is None:
        return None
    return f"{lesson_page(app_url, hit.video_id)}?t={int(hit.start_s)}"
